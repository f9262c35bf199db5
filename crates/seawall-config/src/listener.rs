//! The sections `[listeners.NAME]`: where traffic comes in, whom to trust, and what to refuse.

use crate::network::Network;
use crate::reader::{Reading, TableReader, or};
use seawall_core::time::Duration;
use seawall_core::timeout::UploadSettings;
use std::net::{Ipv4Addr, SocketAddr};

/// How much a local answer tells about its why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expose {
    /// Status and text only.
    None,
    /// Also the reason code. The default: enough to act on, and nothing about the inside.
    #[default]
    Reason,
    /// Also upstream, endpoint and attempts.
    Full,
}

impl Expose {
    /// The words of the config file, each with its meaning.
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("reason", Self::Reason), ("none", Self::None), ("full", Self::Full)];
}

/// `[listeners.NAME]`: one address that accepts HTTP/1.1 and cleartext HTTP/2.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerConfig {
    /// The name in the file; `default` when the file has no listener.
    pub name: String,
    /// Where it listens. Default 127.0.0.1:8080: reachable from outside only when asked for.
    pub address: SocketAddr,
    /// Peers whose deadline, priority, forwarding and id headers count. Default nobody.
    pub trust: Vec<Network>,
    /// How much local answers tell. Default the reason code.
    pub expose: Expose,
    /// The whole request head, from its first byte. Default 10 s: enough for a head over a bad
    /// mobile link, short enough that slow heads cannot fill the connections.
    pub header_timeout: Duration,
    /// A connection without a request. Default 75 s, above the 60 s that balancers in front
    /// commonly keep connections for, so that they close first and never meet a reset.
    pub idle_timeout: Duration,
    /// Bytes of a request head, request line included. Default 32 KiB: room for large cookies.
    pub header_bytes: u64,
    /// Bytes of a request target. Default 8 KiB.
    pub uri_bytes: u64,
    /// Bytes of a request body; `None`, the default, means no limit, for bodies are streamed.
    pub body_max: Option<u64>,
    /// The longest silence of a client in the middle of its body. Default 5 s.
    pub body_idle: Duration,
    /// The longest time without progress in writing a response. Default 30 s: a client that stops
    /// reading holds memory and an answer of a service.
    pub write_stall: Duration,
    /// Connections at once; `None`, the default, derives it from the limit of open files.
    pub connections: Option<u32>,
    /// Concurrent streams of one HTTP/2 connection. Default 100, the least that RFC 9113 section
    /// 6.5.2 advises.
    pub h2_streams: u32,
}

impl ListenerConfig {
    /// A listener with the defaults at `address`.
    pub(crate) fn at(name: &str, address: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            address,
            trust: Vec::new(),
            expose: Expose::default(),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            header_bytes: 32 << 10,
            uri_bytes: 8 << 10,
            body_max: None,
            body_idle: UploadSettings::default().idle,
            write_stall: Duration::from_secs(30),
            connections: None,
            h2_streams: 100,
        }
    }
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self::at("default", SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))
    }
}

/// The longest target that the HTTP parser holds; beyond it the limit could not be kept.
const URI_BYTES_MAX: u64 = 65_534;

/// Heads are held in memory whole, one for each connection; a megabyte of them is no longer HTTP.
const HEADER_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn read(name: &str, table: &mut TableReader<'_>) -> ListenerConfig {
    let default = ListenerConfig::default();
    let address = or(table.address("address", "\"127.0.0.1:8080\""), default.address);
    ListenerConfig {
        name: name.to_owned(),
        address,
        trust: read_trust(table),
        expose: or(table.choice("expose", &Expose::WORDS), default.expose),
        header_timeout: or(table.duration("header_timeout", "\"10s\""), default.header_timeout),
        idle_timeout: or(table.duration("idle_timeout", "\"75s\""), default.idle_timeout),
        header_bytes: bytes(table, "header_bytes", "\"32KiB\"", HEADER_BYTES_MAX)
            .unwrap_or(default.header_bytes),
        uri_bytes: bytes(table, "uri_bytes", "\"8KiB\"", URI_BYTES_MAX)
            .unwrap_or(default.uri_bytes),
        body_max: or(table.size_or_off("body_max", "\"10MiB\""), default.body_max),
        body_idle: or(table.duration("body_idle", "\"5s\""), default.body_idle),
        write_stall: or(table.duration("write_stall", "\"30s\""), default.write_stall),
        connections: table.count("connections", 1..=u32::MAX, "10000").map(|given| given.value),
        h2_streams: or(table.count("h2_streams", 1..=10_000, "100"), default.h2_streams),
    }
}

fn bytes(table: &mut TableReader<'_>, key: &'static str, example: &str, most: u64) -> Option<u64> {
    let given = table.size(key, example)?;
    if given.value > most {
        let what = format!("{} is above {most} bytes", table.path_of(key));
        table.wrong(given.place, what, format!("write {key} = {example}"));
    }
    Some(given.value)
}

fn read_trust(table: &mut TableReader<'_>) -> Vec<Network> {
    let example = "[\"10.0.0.0/8\"]";
    let path = table.path_of("trust");
    let list = table.list("trust", example, |element| {
        let text = element.as_str().ok_or_else(|| "an entry is no text".to_owned());
        text.and_then(str::parse::<Network>)
            .map_err(|why| element.wrong(format!("{path}: {why}"), format!("write {example}")))
            .ok()
    });
    or(list, Vec::new())
}

/// Notes listeners that would bind the same address.
pub(crate) fn check(listeners: &[ListenerConfig], reading: &Reading<'_>) {
    for (index, listener) in listeners.iter().enumerate() {
        let earlier = listeners.iter().take(index).find(|other| clash(other, listener));
        if let Some(other) = earlier {
            let what = format!(
                "listeners.{} and listeners.{} both listen at {}",
                other.name, listener.name, listener.address
            );
            let place = reading.place_of(&format!("listeners.{}.address", listener.name));
            reading.wrong(place, what, "give each listener an address of its own");
        }
    }
}

/// Port 0 asks the system for a free port, so two of them never clash.
fn clash(one: &ListenerConfig, other: &ListenerConfig) -> bool {
    one.address == other.address && one.address.port() != 0
}
