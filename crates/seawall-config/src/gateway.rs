//! The sections `[gateway]` and `[admin]`: the process as a whole and its own address.

use crate::reader::{TableReader, or};
use seawall_core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr};

/// `[gateway]`: what holds for the whole process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewayConfig {
    /// The name in `Via`, `Proxy-Status` and `Cache-Status`. Default `seawall`.
    pub name: String,
    /// Workers, each with its own runtime; `None` means one for each core.
    pub workers: Option<u32>,
    /// How long readiness says no while listeners still accept, so that a balancer in front takes
    /// notice. Default 0 s: without a balancer it only delays the stop.
    pub announce: Duration,
    /// How long running calls may take to end once listeners are closed. Default 30 s, three
    /// times the total timeout of the default class; 0 s cuts them at once.
    pub drain: Duration,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            name: "seawall".to_owned(),
            workers: None,
            announce: Duration::ZERO,
            drain: Duration::from_secs(30),
        }
    }
}

/// `[admin]`: the address of health, metrics, status and dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminConfig {
    /// Always a loopback address. Default 127.0.0.1:9900.
    pub address: SocketAddr,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 9900)) }
    }
}

pub(crate) fn read_gateway(table: &mut TableReader<'_>) -> GatewayConfig {
    let default = GatewayConfig::default();
    GatewayConfig {
        name: read_name(table).unwrap_or(default.name),
        workers: table.count("workers", 1..=1024, "4").map(|given| given.value),
        announce: or(table.duration_or_zero("announce", "\"5s\""), default.announce),
        drain: or(table.duration_or_zero("drain", "\"30s\""), default.drain),
    }
}

/// The name stands in headers, where only the characters of a token may (RFC 9110 section 5.6.2).
fn read_name(table: &mut TableReader<'_>) -> Option<String> {
    let given = table.text("name", "\"seawall\"")?;
    let token = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if !(1..=64).contains(&given.value.len()) || !given.value.chars().all(token) {
        let what = format!("gateway.name: \"{}\" cannot stand in a header", given.value);
        table.wrong(given.place, what, "use 1 to 64 letters, digits, \"-\", \".\" and \"_\"");
    }
    Some(given.value.to_owned())
}

/// `None` for `address = "off"`.
pub(crate) fn read_admin(table: &mut TableReader<'_>) -> Option<AdminConfig> {
    let default = AdminConfig::default();
    let example = "\"127.0.0.1:9900\"";
    let Some(given) = table.address_or_off("address", example) else { return Some(default) };
    let address = given.value?;
    if !address.ip().is_loopback() {
        let what = format!("admin.address: {address} is not a loopback address");
        let remedy = format!(
            "admin listens on loopback only in this version; write address = {example}, or \"off\""
        );
        table.wrong(given.place, what, remedy);
    }
    Some(AdminConfig { address })
}
