//! `[[events]]`: what befalls the world. The words are those of fault injection.

use seawall_config::reader::{Given, TableReader, or};
use seawall_config::{Place, nearest};
use seawall_core::fault::{Direction, Fault, Shape, Target, Which};
use seawall_core::ratio::Ratio;
use seawall_core::time::{Duration, Instant};

use super::target::Known;
use crate::plan::{
    Disturbance, GatewayId, Load, Protected, Replicas, Route, ServiceId, Side, Starts, Trigger,
    Victims, Watched,
};

/// The word for a restart of one replica after the other.
const ROLLING: &str = "rolling_deploy";

const DIRECTIONS: [(&str, Direction); 3] =
    [("both", Direction::Both), ("there", Direction::There), ("back", Direction::Back)];

/// What events refer to.
pub(super) struct World<'a> {
    pub(super) known: &'a Known<'a>,
    pub(super) loads: &'a [Load],
    pub(super) horizon: Duration,
    /// Reads another config into the places of the gateway.
    pub(super) reload: &'a dyn Fn(&str) -> Reloaded,
}

/// Upstreams and routes in the places of the gateway; why there are none otherwise.
pub(super) type Reloaded = Result<(Vec<Protected>, Vec<Route>), String>;

/// An event that may take place after another.
struct Read {
    name: Option<Given<String>>,
    place: Option<Place>,
    /// The event that it follows, by name.
    after: Option<(Given<String>, Duration)>,
    disturbances: Vec<Disturbance>,
}

/// Reads all events.
pub(super) fn read_all(root: &mut TableReader<'_>, world: &World<'_>) -> Vec<Disturbance> {
    let example = "[[events]] with at, do and target";
    let events = root.list("events", example, |element| {
        let event = element.table(|t| read(t, world));
        if event.is_none() {
            element.wrong("an event is no table", "write [[events]] on a line of its own");
        }
        event
    });
    let events = events.map(|given| given.value).unwrap_or_default();
    link(events, root)
}

/// Gives each event that follows another the place of that one.
fn link(events: Vec<Read>, root: &TableReader<'_>) -> Vec<Disturbance> {
    let mut places: Vec<(String, usize)> = Vec::new();
    let mut all: Vec<Disturbance> = Vec::new();
    for mut event in events {
        if let Some((before, wait)) = &event.after {
            let found = places.iter().find(|(name, _)| *name == before.value);
            match (found, event.disturbances.first_mut()) {
                (Some((_, place)), Some(first)) => first.starts = Starts::After(*place, *wait),
                (None, _) => {
                    let names: Vec<&str> = places.iter().map(|(name, _)| name.as_str()).collect();
                    let what = format!("no earlier event is named \"{}\"", before.value);
                    let remedy = nearest::remedy(&before.value, &names, "known names");
                    root.wrong(before.place, what, remedy);
                }
                (Some(_), None) => {}
            }
        }
        all.append(&mut event.disturbances);
        if let (Some(name), Some(last)) = (event.name, all.len().checked_sub(1)) {
            if places.iter().any(|(other, _)| *other == name.value) {
                let what = format!("two events are named \"{}\"", name.value);
                root.wrong(event.place, what, "give each a name of its own");
            }
            places.push((name.value, last));
        }
    }
    all
}

fn read(t: &mut TableReader<'_>, world: &World<'_>) -> Read {
    let own = |given: Given<&str>| Given { value: given.value.to_owned(), place: given.place };
    let name = t.text("name", "\"deploy\"").map(own);
    let at = t.duration_or_zero("at", "\"40s\"");
    let after = t.text("after", "\"deploy\"").map(own);
    let wait = t.duration_or_zero("wait", "\"5s\"");
    let when = read_trigger(t);
    if after.is_none() {
        t.pointless("wait", wait, ("after", "write after = \"NAME\""));
    }
    let begins = [at.is_some(), after.is_some(), when.is_some()];
    if begins.iter().filter(|given| **given).count() != 1 && !(t.has("when") && when.is_none()) {
        let what = format!("{} needs one of at, after and when", t.path());
        t.wrong(t.place(), what, "write at = \"40s\"");
    }
    if let Some(late) = at.filter(|at| at.value >= world.horizon) {
        let what = format!("{} begins when the scenario is over", t.path());
        t.wrong(late.place, what, "let it begin before the horizon");
    }
    let starts = match when {
        Some(trigger) => Starts::When(trigger),
        None => Starts::At(Instant::EPOCH.after(or(at, Duration::ZERO))),
    };
    let disturbances = if t.text_is("do", ROLLING) {
        rolling(t, world, &starts)
    } else {
        single(t, world, starts).into_iter().collect()
    };
    let disturbances = named(disturbances, name.as_ref());
    let after = after.map(|after| (after, or(wait, Duration::ZERO)));
    Read { name, place: t.place(), after, disturbances }
}

fn named(disturbances: Vec<Disturbance>, name: Option<&Given<String>>) -> Vec<Disturbance> {
    let Some(name) = name else { return disturbances };
    let name = |d: Disturbance| Disturbance { name: name.value.clone(), ..d };
    disturbances.into_iter().map(name).collect()
}

/// `when = "goodput < 90%"`, looked at over `window`.
fn read_trigger(t: &mut TableReader<'_>) -> Option<Trigger> {
    let when = t.text("when", "\"goodput < 90%\"");
    let window = t.duration("window", "\"1s\"");
    if when.is_none() {
        t.pointless("window", window, ("when", "write when = \"goodput < 90%\""));
    }
    let when = when?;
    let trigger = parse_trigger(when.value, or(window, Duration::from_secs(1)));
    if trigger.is_none() {
        let what = format!("\"{}\" is nothing that an event can wait for", when.value);
        t.wrong(when.place, what, "write \"goodput < 90%\" or \"latency > 500ms\"");
    }
    trigger
}

fn parse_trigger(text: &str, window: Duration) -> Option<Trigger> {
    let mut words = text.split_whitespace();
    let (measure, side, bound) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let side = match side {
        "<" => Side::Below,
        ">" => Side::Above,
        _ => return None,
    };
    let (measure, bound) = match measure {
        "goodput" => {
            let share = seawall_config::units::parse_share(bound).ok()?;
            let share = Some(share).filter(|share| *share <= Ratio::ONE)?;
            (Watched::Goodput, f64::from(share.ppm()) / 1e6)
        }
        "latency" => {
            let time = seawall_config::units::parse_duration(bound).ok()?;
            (Watched::Latency, time.as_secs_f64())
        }
        _ => return None,
    };
    Some(Trigger { measure, side, bound, window })
}

fn single(t: &mut TableReader<'_>, world: &World<'_>, starts: Starts) -> Option<Disturbance> {
    let kind = read_kind(t)?;
    let fault = read_fault(t, kind)?;
    let victims = match fault {
        Fault::Reload => read_reload(t, world),
        _ => read_victims(t, world, fault),
    };
    let lasts = read_length(t, fault);
    let shape = read_shape(t, fault);
    let name = kind.to_owned();
    Some(Disturbance { name, starts, lasts, victims: victims?, fault, shape })
}

fn read_kind(t: &mut TableReader<'_>) -> Option<&'static str> {
    let mut words: Vec<(&'static str, &'static str)> =
        Fault::NAMES.iter().map(|name| (*name, *name)).collect();
    words.push((ROLLING, ROLLING));
    words.push(("partition", "black_hole"));
    let kind = t.choice("do", &words);
    if kind.is_none() && !t.has("do") {
        t.wrong(t.place(), format!("{} does nothing", t.path()), "write do = \"crash\"");
    }
    kind.map(|kind| kind.value)
}

fn read_length(t: &mut TableReader<'_>, fault: Fault) -> Option<Duration> {
    let lasts = t.duration("for", "\"20s\"");
    if let Some(given) = lasts.filter(|_| fault.is_instant() || is_restart(fault)) {
        let what = format!("{}: a {} has no length", t.path_of("for"), fault.name());
        let remedy = if is_restart(fault) { "write down and warm_up" } else { "remove for" };
        t.wrong(given.place, what, remedy);
    }
    lasts.map(|given| given.value)
}

const fn is_restart(fault: Fault) -> bool {
    matches!(fault, Fault::Restart { .. })
}

/// Reads the parameters of a kind.
fn read_fault(t: &mut TableReader<'_>, kind: &str) -> Option<Fault> {
    let fault = match kind {
        "crash" => Fault::Crash,
        "freeze" => Fault::Freeze,
        "black_hole" => Fault::BlackHole(or(t.choice("direction", &DIRECTIONS), Direction::Both)),
        "refuse" => Fault::Refuse,
        "reset" => Fault::Reset(share(t)?),
        "errors" => Fault::Errors(share(t)?),
        "capacity" => Fault::Capacity(share(t)?),
        "latency" => Fault::Latency {
            added: need(t, "added", "\"200ms\"", |t| t.duration("added", "\"200ms\""))?,
            jitter: or(t.duration_or_zero("jitter", "\"50ms\""), Duration::ZERO),
        },
        "slower" => Fault::Slower(need(t, "factor", "3", |t| t.number("factor", "3"))?),
        "surge" => Fault::Surge(need(t, "factor", "2", |t| t.number("factor", "2"))?),
        "restart" => read_restart(t)?,
        "drain" => Fault::Drain,
        "flush" => Fault::Flush,
        _ => Fault::Reload,
    };
    let keys = [("share", "share"), ("factor", "factor")];
    t.reading().check(t.path(), fault.validate(), &keys);
    Some(fault)
}

fn read_restart(t: &mut TableReader<'_>) -> Option<Fault> {
    Some(Fault::Restart {
        down: need(t, "down", "\"2s\"", |t| t.duration("down", "\"2s\""))?,
        warm_up: or(t.duration_or_zero("warm_up", "\"10s\""), Duration::ZERO),
        cold: or(t.number("cold", "4"), Ratio::from_percent(100)),
    })
}

fn share(t: &mut TableReader<'_>) -> Option<Ratio> {
    need(t, "share", "\"20%\"", |t| t.any_share("share", "\"20%\""))
}

fn need<T>(
    t: &mut TableReader<'_>,
    key: &str,
    example: &str,
    read: impl FnOnce(&mut TableReader<'_>) -> Option<Given<T>>,
) -> Option<T> {
    let given = read(t);
    if given.is_none() && !t.has(key) {
        let what = format!("{} says no {key}", t.path());
        t.wrong(t.place(), what, format!("write {key} = {example}"));
    }
    given.map(|given| given.value)
}

fn read_shape(t: &mut TableReader<'_>, fault: Fault) -> Shape {
    let duty = Ratio::from_percent(50);
    let given = t.table("shape", |t| {
        let ramp = t.duration("ramp", "\"30s\"").map(|g| Shape::Ramp(g.value));
        let saw = t.duration("saw", "\"10s\"").map(|g| Shape::Saw(g.value));
        let sine = t.duration("sine", "\"10s\"").map(|g| Shape::Sine(g.value));
        let spike = t.duration("spike", "\"10s\"").map(|g| Shape::Spike(g.value));
        let duty = or(t.share("duty", "\"50%\""), duty);
        let square = t.duration("square", "\"10s\"");
        let square = square.map(|g| Shape::Square { period: g.value, duty });
        let mut shapes = [ramp, saw, sine, spike, square].into_iter().flatten();
        let shape = shapes.next().unwrap_or_default();
        if shape == Shape::Constant || shapes.next().is_some() {
            let what = format!("{} needs one of ramp, square, saw, sine and spike", t.path());
            t.wrong(t.place(), what, "write shape = { ramp = \"30s\" }");
        }
        t.reading().check(t.path(), shape.validate(), &[("period", "square")]);
        shape
    });
    if given.is_some() && (fault.is_instant() || is_restart(fault) || fault == Fault::Reload) {
        let what = format!("{}: a {} has no degrees", t.path_of("shape"), fault.name());
        t.wrong(t.reading().place_of(&t.path_of("shape")), what, "remove shape");
    }
    given.unwrap_or_default()
}

fn read_target(t: &mut TableReader<'_>) -> Option<Given<Target>> {
    let example = "\"upstream:NAME#2\"";
    let Some(given) = t.text("target", example) else {
        if !t.has("target") {
            let what = format!("{} has no target", t.path());
            t.wrong(t.place(), what, format!("write target = {example}"));
        }
        return None;
    };
    match given.value.parse() {
        Ok(value) => Some(Given { value, place: given.place }),
        Err(why) => {
            let (what, remedy) = why.split_once("; ").unwrap_or((&why, "see the grammar"));
            t.wrong(given.place, what, remedy);
            None
        }
    }
}

fn read_victims(t: &mut TableReader<'_>, world: &World<'_>, fault: Fault) -> Option<Victims> {
    let Given { value: target, place } = read_target(t)?;
    let surge = matches!(fault, Fault::Surge(_));
    let fits = match target {
        Target::Load(_) => surge,
        Target::Gateway => false,
        Target::Upstream(..) | Target::Service(..) | Target::Zone(_) => !surge,
    };
    if !fits {
        let what = format!("a {} cannot befall {target}", fault.name());
        let remedy = if surge { "name a load" } else { "name an upstream, a service or a zone" };
        t.wrong(place, what, remedy);
        return None;
    }
    let found = match &target {
        Target::Upstream(name, which) | Target::Service(name, which) => {
            service(name, *which, world).map(|(id, which)| Victims::Replicas(id, which))
        }
        Target::Zone(zone) => zone_of(zone, world).map(|()| Victims::Zone(zone.clone())),
        Target::Load(name) => load(name, world).map(Victims::Load),
        Target::Gateway => Err(("there is none".to_owned(), String::new())),
    };
    match found {
        Ok(victims) => Some(victims),
        Err((what, remedy)) => {
            t.wrong(place, format!("\"{target}\": {what}"), remedy);
            None
        }
    }
}

/// What is wrong, and the mend.
type Wrong = (String, String);

fn service(name: &str, which: Which, world: &World<'_>) -> Result<(ServiceId, Replicas), Wrong> {
    let Some(id) = world.known.service(name) else {
        let names: Vec<&str> = world.known.services.iter().map(|s| s.name.as_str()).collect();
        let remedy = nearest::remedy(name, &names, "known names");
        return Err((format!("nothing is called \"{name}\""), remedy));
    };
    let replicas = world.known.services.get(id.0).map_or(0, |service| service.replicas);
    match which {
        Which::All => Ok((id, Replicas::All)),
        Which::Number(number) if number <= replicas => Ok((id, Replicas::One(number - 1))),
        Which::Number(_) => {
            let remedy = format!("write a number from 1 to {replicas}");
            Err((format!("\"{name}\" has {replicas} replicas"), remedy))
        }
    }
}

fn zone_of(zone: &str, world: &World<'_>) -> Result<(), Wrong> {
    let services = world.known.services.iter();
    let mut zones: Vec<&str> = services.flat_map(|s| &s.zones).map(String::as_str).collect();
    zones.sort_unstable();
    zones.dedup();
    if zones.contains(&zone) {
        return Ok(());
    }
    let remedy = match zones.as_slice() {
        [] => "write zones = [\"a\", \"b\"] in the upstreams".to_owned(),
        zones => nearest::remedy(zone, zones, "known zones"),
    };
    Err((format!("nothing is in zone \"{zone}\""), remedy))
}

fn load(name: &str, world: &World<'_>) -> Result<usize, Wrong> {
    use crate::plan::Arrivals::{Closed, Hybrid, Open, Replay};
    let Some(place) = world.loads.iter().position(|load| load.name == name) else {
        let names: Vec<&str> = world.loads.iter().map(|load| load.name.as_str()).collect();
        let remedy = nearest::remedy(name, &names, "known loads");
        return Err((format!("no load is called \"{name}\""), remedy));
    };
    match world.loads.get(place).map(|load| &load.arrivals) {
        Some(Closed { .. } | Replay(_)) => {
            let what = format!("\"{name}\" has no rate that could surge");
            Err((what, "give the load a rate".to_owned()))
        }
        Some(Open { .. } | Hybrid { .. }) | None => Ok(place),
    }
}

fn read_reload(t: &mut TableReader<'_>, world: &World<'_>) -> Option<Victims> {
    let config = need(t, "config", "\"new.toml\"", |t| {
        let given = t.text("config", "\"new.toml\"")?;
        Some(Given { value: given.value.to_owned(), place: given.place })
    });
    let target = t.text("target", "\"gateway\"");
    if let Some(target) = target.filter(|target| target.value != "gateway") {
        t.wrong(target.place, "a reload befalls the gateway", "write target = \"gateway\"");
    }
    let place = t.reading().place_of(&t.path_of("config"));
    let Some(GatewayId(gateway)) = world.known.has_gateway else {
        let remedy = "write config = \"gateway.toml\" in [scenario]";
        t.wrong(t.place(), "there is no gateway that could reload", remedy);
        return None;
    };
    match (world.reload)(&config?) {
        Ok((upstreams, routes)) => Some(Victims::Gateway(GatewayId(gateway), upstreams, routes)),
        Err(why) => {
            t.wrong(place, why, "mend that config, or name another");
            None
        }
    }
}

/// One replica after the other: out of choice, away, back and cold.
fn rolling(t: &mut TableReader<'_>, world: &World<'_>, starts: &Starts) -> Vec<Disturbance> {
    let restart = read_restart(t);
    let drain = or(t.duration_or_zero("drain", "\"2s\""), Duration::ZERO);
    let pause = or(t.duration_or_zero("pause", "\"5s\""), Duration::ZERO);
    if let Some(restart) = restart {
        t.reading().check(t.path(), restart.validate(), &[]);
    }
    let Starts::At(begin) = *starts else {
        let what = format!("{}: a rolling deploy begins at a time", t.path());
        t.wrong(t.place(), what, "write at = \"40s\"");
        return Vec::new();
    };
    let Some(restart) = restart else { return Vec::new() };
    let Some(Victims::Replicas(service, Replicas::All)) = read_victims(t, world, restart) else {
        let what = format!("{}: a rolling deploy concerns all of one upstream", t.path());
        t.wrong(t.place(), what, "write target = \"upstream:NAME\"");
        return Vec::new();
    };
    let replicas = world.known.services.get(service.0).map_or(0, |service| service.replicas);
    let Fault::Restart { down, .. } = restart else { return Vec::new() };
    let each = drain + down + pause;
    let mut all = Vec::new();
    for replica in 0..replicas {
        let at = begin.after(each.saturating_mul(replica));
        let victim = || Victims::Replicas(service, Replicas::One(replica));
        if !drain.is_zero() {
            all.push(Disturbance::new(at, victim(), Fault::Drain).lasting(drain + down));
        }
        all.push(Disturbance::new(at.after(drain), victim(), restart));
    }
    all
}
