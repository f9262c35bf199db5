//! The list `endpoints` of an upstream: addresses, each with its zone.

use crate::reader::{Element, TableReader};
use std::net::{Ipv4Addr, SocketAddr};

/// One address of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointConfig {
    /// The address as it was written, which names the endpoint in status, metrics and logs.
    pub name: String,
    /// Where to connect. `localhost` means 127.0.0.1.
    pub address: SocketAddr,
    /// The zone, where one is given: endpoints that tend to fail together.
    pub zone: Option<String>,
}

const EXAMPLE: &str = "[\"127.0.0.1:9001\"]";

/// Reads `endpoints`. An upstream without any could never answer, and twice the same address
/// would count one failure as two.
pub(super) fn read(table: &mut TableReader<'_>) -> Vec<EndpointConfig> {
    let mut found: Vec<EndpointConfig> = Vec::new();
    let mut seen = 0_usize;
    let given = table.list("endpoints", EXAMPLE, |element| {
        seen += 1;
        found.extend(read_one(element).filter(|endpoint| is_new(element, endpoint, &found)));
        Some(())
    });
    let nothing = match given {
        None => !table.has("endpoints"),
        Some(_) => seen == 0,
    };
    if nothing {
        let place = given.and_then(|given| given.place).or_else(|| table.place());
        let what = format!("{} has no endpoints", table.path());
        table.wrong(place, what, format!("write endpoints = {EXAMPLE}"));
    }
    found
}

fn is_new(element: &Element<'_>, endpoint: &EndpointConfig, found: &[EndpointConfig]) -> bool {
    let twice = found.iter().any(|other| other.address == endpoint.address);
    if twice {
        let what = format!("endpoint \"{}\" is listed twice", endpoint.name);
        element.wrong(what, "remove one of the two");
    }
    !twice
}

/// Text, or a table of `address` and `zone`.
fn read_one(element: &Element<'_>) -> Option<EndpointConfig> {
    if let Some(text) = element.as_str() {
        return checked(element, text, None);
    }
    let read = element.table(|t| {
        let address = t.text("address", "\"127.0.0.1:9001\"").map(|given| given.value.to_owned());
        let zone = t.text("zone", "\"a\"").map(|given| given.value.to_owned());
        if address.is_none() && !t.has("address") {
            t.wrong(t.place(), "an endpoint has no address", "write address = \"127.0.0.1:9001\"");
        }
        (address, zone)
    });
    let Some((address, zone)) = read else {
        element.wrong("an endpoint is neither text nor a table", "write \"127.0.0.1:9001\"");
        return None;
    };
    checked(element, &address?, zone)
}

fn checked(element: &Element<'_>, text: &str, zone: Option<String>) -> Option<EndpointConfig> {
    match parse(text) {
        Ok(address) => Some(EndpointConfig { name: text.to_owned(), address, zone }),
        Err((why, remedy)) => {
            element.wrong(format!("endpoint \"{text}\" {why}"), remedy);
            None
        }
    }
}

/// What is wrong with an address, and the mend.
type Wrong = (&'static str, &'static str);

fn parse(text: &str) -> Result<SocketAddr, Wrong> {
    let no_port = ("has no port", "write host and port, such as \"127.0.0.1:9001\"");
    if text.contains("://") {
        return Err(("has a scheme", "write host and port alone, such as \"127.0.0.1:9001\""));
    }
    let (host, port) = text.rsplit_once(':').ok_or(no_port)?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or((
        "has no port from 1 to 65535",
        "write host and port, such as \"127.0.0.1:9001\"",
    ))?;
    if host.contains(':') && !host.starts_with('[') {
        return Err(("is an IPv6 address without brackets", "write it as \"[::1]:9001\""));
    }
    if host == "localhost" {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse().map_err(|_| {
        ("is a name, and names are not looked up in this version", "write an IP address and a port")
    })
}
