//! The whole of a scenario: its sections put together, once for each point of the sweep.

use seawall_config::reader::{Document, Given, TableReader, or};
use seawall_config::{Config, ConfigError, Place};
use seawall_core::time::Duration;

use super::expect::{Expect, Frame};
use super::place::{Gateways, Ways};
use super::service::Section;
use super::source::{PolicyError, Source, Sources};
use super::sweep::{self, Axis};
use super::target::Known;
use super::{RUNS_MAX, Scenario, Setup, event, expect, gateway, load, service};
use crate::outcome;
use crate::plan::{
    CROWD_MAX, Dependency, Ending, Gateway, GatewayId, Load, Plan, Service, ServiceId, Target,
};

/// The longest world: a day.
const HORIZON_MAX: Duration = Duration::from_secs(24 * 3600);

/// Runs of one point.
const SEEDS_MAX: u32 = 100_000;

/// `[scenario]`.
struct Head {
    title: String,
    horizon: Duration,
    warmup: Duration,
    seeds: u32,
    seed: Option<u64>,
    ending: Ending,
    crowd_max: usize,
}

/// What one reading gives.
struct Built {
    head: Head,
    plan: Plan,
    axes: Vec<Axis>,
    expectations: Vec<Expect>,
}

/// Reads a scenario with all points of its sweep.
pub(super) fn scenario(sources: &Sources) -> Result<Scenario, ConfigError> {
    let base = built(sources)?;
    let axes = &base.axes;
    let mut points = Vec::new();
    for values in sweep::points(axes) {
        let mut varied = sources.clone();
        for (axis, value) in axes.iter().zip(&values) {
            let Some(value) = axis.values.get(*value) else { continue };
            if let Err(why) = varied.set(&axis.name, value) {
                return Err(refuse(
                    &sources.own,
                    axis.place,
                    (format!("\"{}\": {why}", axis.name), PATHS),
                ));
            }
        }
        let plan = match built(&varied) {
            _ if axes.is_empty() => base.plan.clone(),
            Ok(built) => built.plan,
            Err(error) => return Err(blame(sources, (axes, &values), &error)),
        };
        points.push(Setup { values, plan });
    }
    let Built { head, axes, expectations, .. } = base;
    let runs = points.len().saturating_mul(head.seeds as usize);
    if runs > RUNS_MAX {
        let what = format!("{} points under {} seeds are {runs} runs", points.len(), head.seeds);
        let place = axes.first().and_then(|axis| axis.place);
        return Err(refuse(
            &sources.own,
            place,
            (what, "keep at most 100000: fewer values or seeds"),
        ));
    }
    let config = match &sources.config {
        Some(Ok(source)) => Some(source.config()?.hash()),
        Some(Err(_)) | None => None,
    };
    let written = |axis: Axis| outcome::Axis {
        name: axis.name,
        values: axis.values.iter().map(|value| value.written().to_owned()).collect(),
    };
    Ok(Scenario {
        title: head.title,
        file: sources.own.file.clone(),
        seed: head.seed,
        seeds: head.seeds,
        config,
        axes: axes.into_iter().map(written).collect(),
        points,
        expectations,
    })
}

/// What to write for the path of an axis.
const PATHS: &str = "write a path such as \"load.shop.scale\" or \"config.defaults.retry\"";

/// One mistake, where everything else is in order.
fn refuse(source: &Source, place: Option<Place>, (what, remedy): (String, &str)) -> ConfigError {
    let files = |name: &str| source.read_file(name);
    let read = source.document.read((&source.file, &files), |t| {
        drop(t.entries());
        t.wrong(place, what, remedy);
        None::<()>
    });
    match read {
        Err(error) => error,
        Ok(()) => ConfigError::Unreadable {
            path: source.file.clone().into(),
            source: std::io::ErrorKind::InvalidData.into(),
        },
    }
}

/// What a value of the sweep spoils, at the place of its axis.
fn blame(
    sources: &Sources,
    (axes, values): (&[Axis], &[usize]),
    error: &ConfigError,
) -> ConfigError {
    let pairs = axes.iter().zip(values).filter_map(|(axis, value)| {
        Some(format!("{} = {}", axis.name, axis.values.get(*value)?.written()))
    });
    let at = pairs.collect::<Vec<_>>().join(", ");
    let (what, remedy) = match error {
        ConfigError::Mistakes(mistakes) => match mistakes.list().first() {
            Some(first) => (first.what.clone(), first.remedy.clone()),
            None => (error.to_string(), String::new()),
        },
        _ => (error.to_string(), String::new()),
    };
    let place = axes.first().and_then(|axis| axis.place);
    refuse(&sources.own, place, (format!("with {at}: {what}"), &remedy))
}

/// Reads the documents as they are now.
fn built(sources: &Sources) -> Result<Built, ConfigError> {
    let config = match &sources.config {
        Some(Ok(source)) => Some(source.config()?),
        Some(Err(_)) | None => None,
    };
    let own = &sources.own;
    let files = |name: &str| own.read_file(name);
    let mut inner = None;
    let read = Document::read(&own.document, (&own.file, &files), |t| {
        let (built, error) = assemble(t, sources, config.as_ref());
        inner = error;
        Some(built)
    });
    match inner {
        Some(error) => Err(error),
        None => read,
    }
}

/// Puts the sections together. What is wrong with a policy file comes back by itself, since its
/// places are those of another file.
fn assemble(
    t: &mut TableReader<'_>,
    sources: &Sources,
    config: Option<&Config>,
) -> (Built, Option<ConfigError>) {
    let head = head(t, sources);
    // It is read as a document of its own.
    drop(t.element("config"));
    let ways = Ways::read(t);
    let shared = Gateways::read(t);
    let sections = service::read_all(t, config, &ways);
    let mut services: Vec<Service> = sections.iter().map(|s| s.service.clone()).collect();
    let gateway = config.map(|config| gateway::build(config, &sections, shared));
    let has_gateway = gateway.as_ref().map(|_| GatewayId(0));
    let mut gateways: Vec<Gateway> = gateway.into_iter().collect();
    let mut inner = None;
    gateways.extend(policies(t, (sources, &services, &ways), &mut inner));
    let paths = paths(config, &gateways);
    let known = Known { services: &services, gateways: &gateways, has_gateway, paths: &paths };
    let calls = calls(&sections, &known, t);
    circles(&sections, (&calls, &gateways), t);
    let loads = loads(t, (&ways, head.horizon), &known);
    let reload = |file: &str| reloaded(file, (sources, &sections, shared), gateways.first());
    let world =
        event::World { known: &known, loads: &loads, horizon: head.horizon, reload: &reload };
    let disturbances = event::read_all(t, &world);
    for (service, calls) in services.iter_mut().zip(calls) {
        service.calls = calls;
    }
    let plan = Plan {
        warmup: head.warmup,
        ending: head.ending,
        crowd_max: head.crowd_max,
        loads,
        gateways,
        services,
        disturbances,
        ..Plan::lasting(head.horizon)
    };
    let axes = sweep::read_all(t);
    let frame =
        Frame { axes: &axes, loads: &plan.loads, horizon: head.horizon, quiet: plan.quiet() };
    let expectations = expect::read_all(t, &frame);
    (Built { head, plan, axes, expectations }, inner)
}

fn head(root: &mut TableReader<'_>, sources: &Sources) -> Head {
    let read = root.table("scenario", |t| {
        let title = t.text("title", "\"a replica freezes\"").map(|g| g.value.to_owned());
        if let (Some(name), Some(Err(why))) =
            (t.text("config", "\"gateway.toml\""), &sources.config)
        {
            let what = format!("cannot read \"{}\": {why}", name.value);
            t.wrong(name.place, what, "name a config beside the scenario");
        }
        let horizon = t.duration("horizon", "\"120s\"");
        if horizon.is_none() && !t.has("horizon") {
            t.wrong(t.place(), "scenario says not how long it lasts", "write horizon = \"120s\"");
        }
        let horizon = horizon.map(|given| check_horizon(t, given));
        let horizon = horizon.unwrap_or(HORIZON_MAX);
        let warmup = t.duration_or_zero("warmup", "\"20s\"");
        if let Some(long) = warmup.filter(|warmup| warmup.value >= horizon) {
            t.wrong(long.place, "warmup leaves nothing to be looked at", "shorten it");
        }
        let endings = [("cut", Ending::Cut), ("finish", Ending::Finish)];
        Head {
            title: title.unwrap_or_else(|| sources.own.file.clone()),
            horizon,
            warmup: or(warmup, Duration::ZERO),
            seeds: or(t.count("seeds", 1..=SEEDS_MAX, "20"), 1),
            seed: t.count("seed", 0..=u32::MAX, "7").map(|given| given.value.into()),
            ending: or(t.choice("ending", &endings), Ending::Cut),
            crowd_max: crowd(t),
        }
    });
    if read.is_none() && !root.has("scenario") {
        let remedy = "write [scenario] with title and horizon = \"120s\"";
        root.wrong(None, "there is no section [scenario]", remedy);
    }
    read.unwrap_or_else(|| Head {
        title: String::new(),
        horizon: HORIZON_MAX,
        warmup: Duration::ZERO,
        seeds: 1,
        seed: None,
        ending: Ending::Cut,
        crowd_max: CROWD_MAX,
    })
}

fn crowd(t: &mut TableReader<'_>) -> usize {
    let most = u32::try_from(CROWD_MAX).unwrap_or(u32::MAX);
    or(t.count("crowd_max", 1..=most, "100000"), most) as usize
}

fn check_horizon(t: &TableReader<'_>, given: Given<Duration>) -> Duration {
    if given.value > HORIZON_MAX {
        t.wrong(given.place, "horizon is longer than a day", "write at most \"24h\"");
    }
    given.value.min(HORIZON_MAX)
}

/// The stand-ins of `[policies.NAME]`.
fn policies(
    root: &mut TableReader<'_>,
    (sources, services, ways): (&Sources, &[Service], &Ways),
    inner: &mut Option<ConfigError>,
) -> Vec<Gateway> {
    let read = root.named("policies", |name, t| {
        drop(t.element("config"));
        let instances = or(t.count("instances", 1..=10_000, "10"), 1);
        let service = t.text("service", "\"db\"")?;
        let place = services.iter().position(|known| known.name == service.value);
        let Some(place) = place else {
            let names: Vec<&str> = services.iter().map(|s| s.name.as_str()).collect();
            let remedy = seawall_config::nearest::remedy(service.value, &names, "known names");
            t.wrong(service.place, format!("unknown service \"{}\"", service.value), remedy);
            return None;
        };
        let settings = match sources.policy(name.value)? {
            Ok(policy) => policy.into_settings(),
            Err(PolicyError::Wrong(error)) => {
                *inner = Some(error);
                return None;
            }
            Err(PolicyError::Missing(why)) => {
                let what = match why.as_str() {
                    "" => format!("{} has no config", t.path()),
                    why => format!("cannot read {}.config: {why}", t.path()),
                };
                t.wrong(t.place(), what, "write config = \"library.toml\", or a table");
                return None;
            }
        };
        let service = (services.get(place)?, ServiceId(place));
        Some(gateway::policy((name.value, instances), settings, service, ways))
    });
    read.into_iter().flatten().collect()
}

/// The routes that a load may call, by name and path.
fn paths(config: Option<&Config>, gateways: &[Gateway]) -> Vec<(String, String)> {
    let (Some(config), Some(gateway)) = (config, gateways.first()) else { return Vec::new() };
    let there = |name: &str| gateway.routes.iter().any(|route| route.name == name);
    let routes = config.routes.iter().filter(|route| there(&route.name));
    routes.map(|route| (route.name.clone(), route.path.clone())).collect()
}

/// Whom each service calls.
fn calls(sections: &[Section], known: &Known<'_>, root: &TableReader<'_>) -> Vec<Vec<Dependency>> {
    let of = |section: &Section| {
        let linked = section.calls.iter().filter_map(|call| {
            let target = known.find(call.target.as_ref()?, root)?;
            let caller = crate::plan::Caller { target, ..call.caller.clone() };
            Some(Dependency { caller, fan_out: call.fan_out, need: call.need })
        });
        linked.collect()
    };
    sections.iter().map(of).collect()
}

/// Notes services that call each other in a circle: no answer would ever come.
fn circles(
    sections: &[Section],
    (calls, gateways): (&[Vec<Dependency>], &[Gateway]),
    root: &TableReader<'_>,
) {
    let called = |target: Target| match target {
        Target::Service(service) => Some(service.0),
        Target::Route(gateway, route) => {
            let gateway = gateways.get(gateway.0)?;
            let upstream = gateway.upstreams.get(gateway.routes.get(route.0)?.upstream)?;
            Some(upstream.service.0)
        }
    };
    let next = |from: usize| {
        let calls = calls.get(from).map_or(&[][..], Vec::as_slice);
        calls.iter().filter_map(|call| called(call.caller.target)).collect::<Vec<_>>()
    };
    for start in 0..sections.len() {
        let Some(way) = way_back(start, &next) else { continue };
        // Told once for each circle, at the first of its services.
        if way.iter().any(|place| *place < start) {
            continue;
        }
        let names: Vec<&str> = (way.iter().chain([&start]))
            .filter_map(|place| sections.get(*place))
            .map(|section| section.service.name.as_str())
            .collect();
        let place = sections.get(start).and_then(|section| {
            section.calls.first().and_then(|call| call.place).or(section.place)
        });
        let what = format!("services call each other in a circle: {}", names.join(" → "));
        root.wrong(place, what, "remove one of these calls");
    }
}

/// The way from a place back to itself, itself first, if there is one.
fn way_back(start: usize, next: &impl Fn(usize) -> Vec<usize>) -> Option<Vec<usize>> {
    let mut seen = vec![start];
    let mut ways = vec![vec![start]];
    while let Some(way) = ways.pop() {
        for place in next(*way.last()?) {
            if place == start {
                return Some(way);
            }
            if !seen.contains(&place) {
                seen.push(place);
                let mut longer = way.clone();
                longer.push(place);
                ways.push(longer);
            }
        }
    }
    None
}

fn loads(
    root: &mut TableReader<'_>,
    (ways, horizon): (&Ways, Duration),
    known: &Known<'_>,
) -> Vec<Load> {
    let sections = load::read_all(root, (ways, horizon));
    let linked = sections.into_iter().filter_map(|section| {
        let target = known.find(section.target.as_ref()?, root)?;
        let mut load = section.load;
        load.caller.target = target;
        Some(load)
    });
    linked.collect()
}

/// Another config in the places of the gateway.
fn reloaded(
    file: &str,
    (sources, sections, shared): (&Sources, &[Section], Gateways),
    gateway: Option<&Gateway>,
) -> event::Reloaded {
    let source = sources.own.beside(file).map_err(|error| error.to_string())?;
    let source = source.map_err(|why| format!("cannot read \"{file}\": {why}"))?;
    let config = source.config().map_err(|error| error.to_string())?;
    let gateway = gateway.ok_or("there is no gateway")?;
    gateway::reload((gateway, shared), &config, sections)
}
