//! The list `endpoints` of an upstream: where each is, or what a program calls it, with its
//! weight, zone and priority level.

use super::place::Places;
use crate::reader::{Element, TableReader, or};
use seawall_core::balance::{EndpointInfo, LEVELS_MAX, WEIGHT_MAX};
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
    /// What the balancer is told: weight (default 1), zone by number, and level (default 0).
    pub info: EndpointInfo,
}

/// An endpoint before it is known whether its name is an address.
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) zone: Option<String>,
    pub(crate) info: EndpointInfo,
}

const EXAMPLE: &str = "[\"127.0.0.1:9001\"]";

/// Reads `endpoints` of a gateway's upstream. One without any could never answer, and twice the
/// same address would count one failure as two.
pub(super) fn read(table: &mut TableReader<'_>, places: &mut Places) -> Vec<EndpointConfig> {
    let mut found: Vec<EndpointConfig> = Vec::new();
    let mut seen = 0_usize;
    let given = table.list("endpoints", EXAMPLE, |element| {
        seen += 1;
        let endpoint = read_address(element, places)?;
        let twice = found.iter().any(|other| other.address == endpoint.address);
        note_twice(element, &endpoint.name, twice);
        found.extend((!twice).then_some(endpoint));
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
    check(table, found.iter().map(|endpoint| endpoint.info).collect());
    found
}

/// Reads `endpoints` of a policy file, by names of the program's own; `None` where the file is
/// silent, and the program says which there are.
pub(crate) fn read_names(
    table: &mut TableReader<'_>,
    places: &mut Places,
) -> Option<Vec<Described>> {
    let mut found: Vec<Described> = Vec::new();
    table.list("endpoints", EXAMPLE, |element| {
        let endpoint = describe(element, places)?;
        let twice = found.iter().any(|other| other.name == endpoint.name);
        note_twice(element, &endpoint.name, twice);
        if endpoint.name.is_empty() {
            element.wrong("an endpoint has an empty name", format!("write {EXAMPLE}"));
        }
        found.push(endpoint);
        Some(())
    })?;
    if found.is_empty() && table.is_empty_list("endpoints") {
        let place = table.reading().place_of("endpoints");
        table.wrong(place, "endpoints is empty", "remove it, and the program says which there are");
    }
    check(table, found.iter().map(|endpoint| endpoint.info).collect());
    Some(found)
}

/// Where nothing has weight nothing is ever chosen.
fn check(table: &TableReader<'_>, infos: Vec<EndpointInfo>) {
    if !infos.is_empty() && infos.iter().all(|info| info.weight == 0) {
        let path = table.path_of("endpoints");
        let place = table.reading().place_of(&path);
        table.wrong(place, format!("{path} all have weight 0"), "give one of them a weight");
    }
}

fn note_twice(element: &Element<'_>, name: &str, twice: bool) {
    if twice {
        let what = format!("endpoint \"{name}\" is listed twice");
        element.wrong(what, "remove one of the two");
    }
}

fn read_address(element: &Element<'_>, places: &mut Places) -> Option<EndpointConfig> {
    let Described { name, zone, info } = describe(element, places)?;
    match parse(&name) {
        Ok(address) => Some(EndpointConfig { name, address, zone, info }),
        Err((why, remedy)) => {
            element.wrong(format!("endpoint \"{name}\" {why}"), remedy);
            None
        }
    }
}

/// Text, or a table of `address`, `weight`, `zone` and `level`.
fn describe(element: &Element<'_>, places: &mut Places) -> Option<Described> {
    if let Some(text) = element.as_str() {
        return Some(Described {
            name: text.to_owned(),
            zone: None,
            info: EndpointInfo::default(),
        });
    }
    let read = element.table(|t| read_table(t, places));
    if read.is_none() {
        element.wrong("an endpoint is neither text nor a table", "write \"127.0.0.1:9001\"");
    }
    read.flatten()
}

fn read_table(table: &mut TableReader<'_>, places: &mut Places) -> Option<Described> {
    let address = table.text("address", "\"127.0.0.1:9001\"").map(|given| given.value.to_owned());
    let zone = table.text("zone", "\"a\"").map(|given| given.value.to_owned());
    let weight = or(table.count("weight", 0..=WEIGHT_MAX, "1"), 1);
    let last = u32::try_from(LEVELS_MAX - 1).unwrap_or(u32::MAX);
    let level = or(table.count("level", 0..=last, "0"), 0);
    if !table.has("address") {
        let remedy = "write address = \"127.0.0.1:9001\"";
        table.wrong(table.place(), "an endpoint has no address", remedy);
    }
    let info = EndpointInfo {
        weight,
        zone: zone.as_deref().and_then(|zone| places.zone(zone)),
        level: u8::try_from(level).unwrap_or(u8::MAX),
    };
    Some(Described { name: address?, zone, info })
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
