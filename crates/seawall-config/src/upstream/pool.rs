//! What the endpoints of an upstream speak, and the table `pool`: the connections to each of them.

use crate::reader::{TableReader, or, set};
use seawall_core::time::Duration;
use std::ops::RangeInclusive;

/// `protocol`: what the endpoints of an upstream speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/1.1 in clear text: one attempt at a time on a connection. The default, since every
    /// service speaks it.
    #[default]
    Http1,
    /// HTTP/2 in clear text with prior knowledge (RFC 9113 section 3.3): many attempts at once on
    /// a connection. What gRPC needs. A service that does not speak it cannot be reached.
    H2c,
}

/// Streams of one connection. 10 000 may hold 2.5 GiB for callers that read slowly.
const STREAMS: RangeInclusive<u32> = 1..=10_000;

/// The words of `protocol`.
pub(crate) const PROTOCOLS: [(&str, Protocol); 2] =
    [("http/1.1", Protocol::Http1), ("h2c", Protocol::H2c)];

/// `pool`: the connections to each endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// Connections to one endpoint at once. Default 1024 with HTTP/1.1, where each carries one
    /// attempt, and 8 with HTTP/2, where each carries up to `streams`.
    pub connections: u32,
    /// Connections to one endpoint kept idle; never above `connections`. Default 100. With HTTP/2
    /// that is `connections`.
    pub idle_max: u32,
    /// Attempts at once on one HTTP/2 connection; fewer if the endpoint allows fewer. Default 100,
    /// what RFC 9113 asks of endpoints to allow at least.
    pub streams: u32,
    /// How long a connection is kept idle. Default 4 s: below the 5 s after which many
    /// application servers close, so that a request seldom meets a closing connection.
    pub idle: Duration,
    /// How long a dial may take; the attempt timeout bounds it too. Default 1 s.
    pub connect: Duration,
}

impl PoolConfig {
    /// What a pool is unless the file says otherwise.
    pub(crate) fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Http1 => Self::default(),
            Protocol::H2c => Self { connections: 8, idle_max: 8, ..Self::default() },
        }
    }

    /// Attempts at once that connections to one endpoint can carry.
    pub(crate) fn attempts(&self, protocol: Protocol) -> u64 {
        let each = match protocol {
            Protocol::Http1 => 1,
            Protocol::H2c => self.streams,
        };
        u64::from(self.connections) * u64::from(each)
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            connections: 1024,
            idle_max: 100,
            streams: 100,
            idle: Duration::from_secs(4),
            connect: Duration::from_secs(1),
        }
    }
}

pub(super) fn read_protocol(table: &mut TableReader<'_>) -> Protocol {
    or(table.choice("protocol", &PROTOCOLS), Protocol::default())
}

pub(super) fn read(table: &mut TableReader<'_>, protocol: Protocol) -> PoolConfig {
    let mut pool = PoolConfig::of(protocol);
    match protocol {
        Protocol::Http1 => read_http1(table, &mut pool),
        Protocol::H2c => read_h2c(table, &mut pool),
    }
    set(&mut pool.idle, table.duration("idle", "\"4s\""));
    set(&mut pool.connect, table.duration("connect", "\"1s\""));
    pool
}

fn read_http1(table: &mut TableReader<'_>, pool: &mut PoolConfig) {
    set(&mut pool.connections, table.count("connections", 1..=1_000_000, "1024"));
    let idle_max = table.count("idle_max", 0..=1_000_000, "100");
    if let Some(given) = idle_max.filter(|given| given.value > pool.connections) {
        let what = format!("{} is above connections", table.path_of("idle_max"));
        table.wrong(given.place, what, "keep at most as many idle as there may be");
    }
    pool.idle_max = or(idle_max, pool.idle_max).min(pool.connections);
    if let Some(given) = table.count("streams", STREAMS, "100") {
        let what = format!("{} does nothing with HTTP/1.1", table.path_of("streams"));
        let remedy = "remove it, or write protocol = \"h2c\" if the endpoints speak HTTP/2";
        table.wrong(given.place, what, remedy);
    }
}

fn read_h2c(table: &mut TableReader<'_>, pool: &mut PoolConfig) {
    set(&mut pool.connections, table.count("connections", 1..=1_000, "8"));
    set(&mut pool.streams, table.count("streams", STREAMS, "100"));
    if let Some(given) = table.count("idle_max", 0..=1_000_000, "100") {
        let what = format!("{} does nothing with HTTP/2", table.path_of("idle_max"));
        table.wrong(given.place, what, "remove it; connections bounds them all");
    }
    pool.idle_max = pool.connections;
}
