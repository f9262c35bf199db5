//! `[upstreams.NAME]` and `[services.NAME]`: how what is outside Seawall behaves.

use seawall_config::reader::{Given, TableReader, or};
use seawall_config::{Config, EndpointConfig, Place};
use seawall_core::rate::{LimiterSettings, Quota, Rate};
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

use super::place::Ways;
use super::{client, place, slowdown, target, time};
use crate::dist::Distribution;
use crate::plan::{
    Abandoned, Cache, Caller, Discipline, Eviction, Expired, Holding, Need, Network, Server,
    Service,
};

/// A service as its section says it, before those whom it calls are known.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) place: Option<Place>,
    /// What is known of it but its calls.
    pub(super) service: Service,
    /// The way from gateways to it.
    pub(super) network: Network,
    pub(super) calls: Vec<CallSection>,
}

/// An entry of `calls`.
#[derive(Debug)]
pub(super) struct CallSection {
    pub(super) target: Option<target::Wish>,
    pub(super) place: Option<Place>,
    pub(super) caller: Caller,
    pub(super) fan_out: u32,
    pub(super) need: Need,
}

/// Replicas of one service; each has a queue and a stream of chance of its own.
const REPLICAS_MAX: u32 = 10_000;

/// Branches of one job; a job with more is a batch.
const FAN_OUT_MAX: u32 = 10_000;

const ORDERS: [(&str, Order); 5] = [
    ("fifo", Order::Fifo),
    ("lifo", Order::Lifo),
    ("adaptive_lifo", Order::AdaptiveLifo),
    ("priority", Order::Priority),
    ("codel", Order::CoDel),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Fifo,
    Lifo,
    AdaptiveLifo,
    CoDel,
    Priority,
}

const ABANDONED: [(&str, Abandoned); 2] =
    [("continues", Abandoned::Continues), ("stops", Abandoned::Stops)];

const EXPIRED: [(&str, Expired); 2] = [("served", Expired::Served), ("dropped", Expired::Dropped)];

const HOLDING: [(&str, Holding); 2] = [("worker", Holding::Worker), ("nothing", Holding::Nothing)];

/// Reads all sections, those of the upstreams of the config first.
pub(super) fn read_all(
    root: &mut TableReader<'_>,
    config: Option<&Config>,
    ways: &Ways,
) -> Vec<Section> {
    let mut sections = root.named("upstreams", |name, t| {
        let known = config.and_then(|config| config.upstream(name.value));
        if known.is_none() {
            unknown_upstream(t, name, config);
        }
        read(name, t, (known.map_or(&[], |upstream| &upstream.endpoints), ways))
    });
    sections.extend(root.named("services", |name, t| read(name, t, (&[], ways))));
    for (index, section) in sections.iter().enumerate() {
        let name = &section.service.name;
        let mut earlier = sections.iter().take(index);
        if earlier.any(|other| other.service.name == *name) {
            let what = format!("\"{name}\" is an upstream and a service");
            root.wrong(section.place, what, "give one of them another name");
        }
    }
    sections
}

fn unknown_upstream(t: &TableReader<'_>, name: Given<&str>, config: Option<&Config>) {
    let what = match config {
        Some(_) => format!("the config has no upstream \"{}\"", name.value),
        None => "there is no config that has upstreams".to_owned(),
    };
    let names: Vec<&str> =
        config.iter().flat_map(|c| &c.upstreams).map(|upstream| upstream.name.as_str()).collect();
    let near = seawall_config::nearest::nearest(name.value, &names);
    let remedy = near.map_or_else(
        || format!("write [services.{}] for what the config does not know", name.value),
        |near| format!("did you mean \"{near}\"?"),
    );
    t.wrong(name.place, what, remedy);
}

fn read(
    name: Given<&str>,
    t: &mut TableReader<'_>,
    (endpoints, ways): (&[EndpointConfig], &Ways),
) -> Section {
    let count = u32::try_from(endpoints.len()).unwrap_or(u32::MAX);
    let mut service = Service::new(name.value, read_server(t));
    service.replicas = or(t.count("replicas", 1..=REPLICAS_MAX, "3"), count.max(1));
    service.zones = read_zones(t, endpoints);
    service.errors = or(t.any_share("errors", "\"1%\""), Ratio::ZERO).min(Ratio::ONE);
    let status = or(t.count("error_status", 400..=599, "503"), 503);
    service.error_status = u16::try_from(status).unwrap_or(503);
    service.weather = slowdown::read_weather(t);
    service.cache = t.table("cache", read_cache);
    let network = place::read_way(t, "network").unwrap_or_else(|| ways.upstream.clone());
    let calls = read_calls(t, ways);
    Section { place: name.place, service, network, calls }
}

fn read_zones(t: &mut TableReader<'_>, endpoints: &[EndpointConfig]) -> Vec<String> {
    let listed = t.list("zones", "[\"a\", \"b\"]", |element| {
        if element.as_str().is_none() {
            element.wrong("a zone is no text", "write \"a\"");
        }
        element.as_str().map(str::to_owned)
    });
    let known = endpoints.iter().map(|endpoint| endpoint.zone.clone().unwrap_or_default());
    let known: Vec<String> = known.collect();
    let any = known.iter().any(|zone| !zone.is_empty());
    listed.map_or_else(|| if any { known } else { Vec::new() }, |listed| listed.value)
}

fn read_server(t: &mut TableReader<'_>) -> Server {
    let time = time::read(t, "service");
    if time.is_none() && !t.has("service") {
        let remedy = "write service = { dist = \"exponential\", mean = \"20ms\" }";
        t.wrong(t.place(), format!("{} says not how long its work takes", t.path()), remedy);
    }
    let time = time.unwrap_or(Distribution::NONE);
    let mut server = Server::new(1, time);
    server.workers = match t.is_text("workers") && t.text_is("workers", "unlimited") {
        true => None,
        false => Some(or(t.count("workers", 1..=1_000_000, "20"), 1)),
    };
    server.discipline = read_order(t);
    let places = |given: Option<Given<u32>>| given.map(|given| given.value as usize);
    server.queue = places(t.count("queue", 0..=u32::MAX, "100"));
    server.crowd = places(t.count("crowd", 1..=u32::MAX, "200"));
    server.limit = t.quota("limit", "\"100/s\"").and_then(|given| limit(t, given));
    server.slowdown = slowdown::read(t);
    server.holding = or(t.choice("holding", &HOLDING), server.holding);
    server.abandoned = or(t.choice("abandoned_work", &ABANDONED), server.abandoned);
    server.expired = or(t.choice("expired", &EXPIRED), server.expired);
    server
}

fn read_order(t: &mut TableReader<'_>) -> Discipline {
    let order = or(t.choice("order", &ORDERS), Order::Fifo);
    let patience = t.duration("patience", "\"100ms\"");
    if order != Order::AdaptiveLifo {
        let needed = ("order = \"adaptive_lifo\"", "write that");
        t.pointless("patience", patience, needed);
    }
    let (target, interval) = (t.duration("target", "\"5ms\""), t.duration("interval", "\"100ms\""));
    if order != Order::CoDel {
        let needed = ("order = \"codel\"", "write that");
        t.pointless("target", target, needed);
        t.pointless("interval", interval, needed);
    }
    match order {
        // The defaults of RFC 8289.
        Order::CoDel => Discipline::CoDel {
            target: or(target, Duration::from_millis(5)),
            interval: or(interval, Duration::from_millis(100)),
        },
        Order::Fifo => Discipline::Fifo,
        Order::Lifo => Discipline::Lifo,
        Order::Priority => Discipline::Priority,
        Order::AdaptiveLifo => Discipline::AdaptiveLifo(or(patience, Duration::from_millis(100))),
    }
}

fn limit(t: &TableReader<'_>, given: Given<(u32, Duration)>) -> Option<LimiterSettings> {
    let (count, period) = given.value;
    match Rate::new(u64::from(count), period) {
        Ok(rate) => Some(LimiterSettings::of(Quota::of(rate))),
        Err(invalid) => {
            t.reading().check(&t.path_of("limit"), Err(invalid), &[]);
            None
        }
    }
}

/// Keys of one cache; each takes about a hundred bytes of this process.
const KEYS_MAX: u32 = 10_000_000;

fn read_cache(t: &mut TableReader<'_>) -> Cache {
    let ttl = t.duration("ttl", "\"60s\"");
    let jitter = t.share("ttl_jitter", "\"10%\"");
    if ttl.is_none() {
        t.pointless("ttl_jitter", jitter, ("ttl", "write ttl = \"60s\""));
    }
    let forgets = |ttl: Given<Duration>| Eviction::After(ttl.value, or(jitter, Ratio::ZERO));
    Cache {
        capacity: or(t.count("capacity", 1..=KEYS_MAX, "1000"), KEYS_MAX) as usize,
        eviction: ttl.map_or(Eviction::Never, forgets),
        hit: time::read(t, "hit").unwrap_or(Distribution::NONE),
        single_flight: or(t.flag("single_flight", "true"), false),
        shared: or(t.flag("shared", "true"), true),
        warm: or(t.flag("warm", "true"), false),
    }
}

fn read_calls(t: &mut TableReader<'_>, ways: &Ways) -> Vec<CallSection> {
    let example = "[{ service = \"db\" }]";
    let calls = t.list("calls", example, |element| {
        let call = element.table(|t| read_call(t, ways));
        if call.is_none() {
            element.wrong("a call is no table", format!("write calls = {example}"));
        }
        call
    });
    calls.map(|given| given.value).unwrap_or_default()
}

fn read_call(t: &mut TableReader<'_>, ways: &Ways) -> CallSection {
    let target = target::Wish::read(t);
    let fan_out = or(t.count("fan_out", 1..=FAN_OUT_MAX, "1"), 1);
    let mut caller = client::nobody(ways.service.clone());
    if let Some(network) = place::read_way(t, "network") {
        caller.network = network;
    }
    client::read(t, &mut caller);
    let place = t.place();
    CallSection { target, place, caller, fan_out, need: read_need(t, fan_out) }
}

/// `"all"`, `"none"`, or how many answers suffice.
fn read_need(t: &mut TableReader<'_>, fan_out: u32) -> Need {
    if t.is_text("need") {
        return or(t.choice("need", &[("all", Need::All), ("none", Need::None)]), Need::All);
    }
    match t.count("need", 1..=fan_out, "2") {
        Some(given) => Need::First(given.value),
        None => Need::All,
    }
}
