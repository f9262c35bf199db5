//! L9 to L11 and L30: breakers that never trip, that trip by chance, and that trip for too much.

use seawall_config::UpstreamConfig;
use seawall_core::breaker::{BreakerSettings, WindowKind};
use seawall_core::fault::Fault;
use seawall_core::outcome::Overrides;
use seawall_core::ratio::Ratio;

use super::Shown;
use super::fix::whole;
use super::look::{Look, Seen, Trial};
use super::patience::share;
use super::scene::{Scene, place, route_place};
use super::subject::{Edited, Subject};
use crate::plan::{Plan, Replicas};

/// The failure that retries do not hide, and that every breaker counts unless it is told not to.
const ERROR: u16 = 500;

/// Runs where chance decides when a breaker trips, as long as they have no more calls than this.
const RUNS: f64 = 10.0;
const CALLS: f64 = 30_000.0;

fn runs((rate, lasting): (f64, f64)) -> u32 {
    whole((CALLS / (rate * lasting)).clamp(1.0, RUNS))
}

/// One of the two breakers of an upstream.
#[derive(Clone, Copy, PartialEq)]
enum Which {
    Whole,
    Endpoint,
}

impl Which {
    /// The one that the fix is about.
    fn of(subject: &Subject<'_>) -> Self {
        match subject.finding.fix.starts_with("endpoint_breaker") {
            true => Self::Endpoint,
            false => Self::Whole,
        }
    }

    fn settings(self, upstream: &mut UpstreamConfig) -> &mut BreakerSettings {
        match self {
            Self::Whole => &mut upstream.breaker,
            Self::Endpoint => &mut upstream.endpoint_breaker,
        }
    }

    const fn seen(self, place: usize) -> Seen {
        match self {
            Self::Whole => Seen::opened(place),
            Self::Endpoint => Seen::endpoint_opened(place),
        }
    }

    /// Calls a second of all endpoints, from those that the breaker sees.
    fn all(self, subject: &Subject<'_>, rate: f64) -> f64 {
        match self {
            Self::Whole => rate,
            Self::Endpoint => rate * f64::from(subject.replicas()),
        }
    }

    /// Only this breaker is at work, and no call is tried again.
    fn alone<'s>(self, subject: &'s Subject<'s>) -> Edited<'s> {
        let mode = match self {
            Self::Whole => subject.upstream.breaker.mode,
            Self::Endpoint => subject.upstream.endpoint_breaker.mode,
        };
        let edited = subject.edited().unbroken().once();
        edited.upstream(|upstream| self.settings(upstream).mode = mode)
    }
}

/// L9: the failure that the breaker is there for, and whether it opens.
pub(super) fn never(subject: &Subject<'_>) -> Shown {
    match (subject.number("min_calls"), subject.number("failure_rate")) {
        (Some(_), _) => too_few_calls(subject),
        (None, Some(failing)) => too_late(subject, failing),
        (None, None) => uncounted(subject),
    }
}

/// Calls of one gateway, of which a share fails from a time on.
fn failing(
    subject: &Subject<'_>,
    edited: &Edited<'_>,
    (rate, lasting): (f64, f64),
    (failing, at): (Ratio, f64),
) -> Result<Plan, String> {
    let service = place(subject.config, &subject.upstream.name);
    let scene = Scene::of(&edited.config, lasting).alone();
    let scene = scene.service(service, |service| service.error_status = ERROR);
    let scene = scene.load(route_place(subject.config, &subject.route.name), rate);
    scene.befall((service, Replicas::All), Fault::Errors(failing), (at, None)).plan()
}

fn too_few_calls(subject: &Subject<'_>) -> Shown {
    let (which, rate) = (Which::of(subject), subject.need("rate")?);
    let (least, window) = (subject.fixed_count("min_calls")?, subject.need("window_s")?);
    let now = which.alone(subject);
    let fixed = now.clone().upstream(|upstream| which.settings(upstream).min_calls = least);
    let (rate, lasting) = (which.all(subject, rate), window * 12.0);
    let world = |edited| failing(subject, edited, (rate, lasting), (Ratio::ONE, 0.0));
    let seen = which.seen(place(subject.config, &subject.upstream.name));
    let trial = Trial {
        scene: format!(
            "{} is dead for {lasting} s, at {rate:.3} calls/s; nothing but this breaker on",
            subject.upstream.name
        ),
        fix: format!("min_calls = {least}"),
        runs: runs((rate, lasting)),
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![
            Look::reaches("opens", seen, (0.0, lasting)),
            Look::reached("opens after", seen, 0.0),
            Look::failed(),
        ],
    };
    Ok(trial.run())
}

fn too_late(subject: &Subject<'_>, share_failing: f64) -> Shown {
    let (which, rate) = (Which::of(subject), subject.need("rate")?);
    let (limit, window) = (subject.fixed_share("failure_rate")?, subject.fixed_time("window")?);
    let least = subject.fixed_count("min_calls")?;
    let now = which.alone(subject);
    let fixed = now.clone().upstream(|upstream| {
        let settings = which.settings(upstream);
        settings.failure_rate = Some(limit);
        settings.window = WindowKind::Time(window);
        settings.min_calls = least;
    });
    let rate = which.all(subject, rate);
    let target = subject.number("target_s").unwrap_or(60.0);
    // A window of good calls comes first, which failures have to displace.
    let from = window.as_secs_f64().max(10.0);
    let timing = (rate, from + 3.0 * target);
    let world = |edited| failing(subject, edited, timing, (share(share_failing), from));
    let seen = which.seen(place(subject.config, &subject.upstream.name));
    let percent = share_failing * 100.0;
    let trial = Trial {
        scene: format!("{percent:.1}% of {rate:.3} calls/s fail; nothing but this breaker on"),
        fix: format!("failure_rate = {limit}, min_calls = {least} and a window of the target"),
        runs: runs(timing),
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![
            Look::reaches("opens within the target", seen, (from, from + target)),
            Look::reached("opens after", seen, from),
        ],
    };
    Ok(trial.run())
}

/// The answers of the failing service count as something else.
fn uncounted(subject: &Subject<'_>) -> Shown {
    let statuses = subject.of_upstream().fails_with;
    let status = statuses.iter().find_map(|failing| match failing {
        seawall_config::lint::Failing::Status(code) => Some(*code),
        _ => None,
    });
    let status = status.unwrap_or(ERROR);
    let now = subject.edited().once();
    let fixed = now.clone().upstream(|upstream| upstream.overrides = Overrides::default());
    let service = place(subject.config, &subject.upstream.name);
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, 60.0).alone();
        let scene = scene.service(service, |service| service.error_status = status);
        let scene = scene.load(route_place(subject.config, &subject.route.name), 20.0);
        let dead = Fault::Errors(Ratio::ONE);
        scene.befall((service, Replicas::All), dead, (20.0, None)).plan()
    };
    let seen = Seen::opened(service);
    let trial = Trial {
        scene: format!("everything is answered with {status} after 20 s, at 20 calls/s"),
        fix: "no overrides".to_owned(),
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![
            Look::reaches("opens", seen, (20.0, 60.0)),
            Look::reached("opens after", seen, 20.0),
        ],
    };
    Ok(trial.run())
}

/// L10: an ordinary day.
pub(super) fn noise(subject: &Subject<'_>) -> Shown {
    const DAY: f64 = 86_400.0;
    const CALLS_OF_DAY: f64 = 40_000.0;
    let (which, usual) = (Which::of(subject), subject.need("usual_failures")?);
    let now = which.alone(subject);
    let (fixed, fix) = match (subject.fixed_count("min_calls"), subject.fixed_share("failure_rate"))
    {
        (Ok(least), _) => {
            let edit = |upstream: &mut UpstreamConfig| which.settings(upstream).min_calls = least;
            (now.clone().upstream(edit), format!("min_calls = {least}"))
        }
        (_, Ok(limit)) => {
            let edit =
                |upstream: &mut UpstreamConfig| which.settings(upstream).failure_rate = Some(limit);
            (now.clone().upstream(edit), format!("failure_rate = {limit}"))
        }
        (Err(why), Err(_)) => return Err(why),
    };
    let window = match which.settings(&mut subject.upstream.clone()).window {
        WindowKind::Time(window) => window.as_secs_f64(),
        WindowKind::Calls(_) => 10.0,
    };
    let routes = subject.config.routes.iter().filter(|r| r.upstream == subject.upstream.name);
    let known: f64 = routes
        .filter_map(|route| {
            let facts = subject.of_route(route);
            facts.quiet_rate.or(facts.rate)
        })
        .sum();
    let rate = match known > 0.0 {
        true => known / f64::from(subject.facts().gateways.max(1)),
        false => which.all(subject, subject.need("calls")? / window),
    };
    let lasting = DAY.min(CALLS_OF_DAY / rate);
    let world = |edited| failing(subject, edited, (rate, lasting), (share(usual), 0.0));
    let seen = which.seen(place(subject.config, &subject.upstream.name));
    let scale = DAY / lasting;
    let trial = Trial {
        scene: format!(
            "an ordinary day: {}% of {rate:.3} calls/s fail, and are not tried again",
            usual * 100.0
        ),
        fix,
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![Look::times("trips a day", seen).scaled(scale), Look::refused()],
    };
    Ok(trial.run())
}

/// L11: one of several shards is dead.
pub(super) fn wide(subject: &Subject<'_>) -> Shown {
    const FROM: f64 = 20.0;
    const LASTING: f64 = 80.0;
    let shards = subject.need("shards")?.max(2.0);
    let (lost, rate) = (1.0 / shards, subject.rate_of_one().min(500.0));
    let now = Which::Whole.alone(subject);
    let trips = subject.upstream.breaker.failure_rate.is_some_and(|limit| limit <= share(lost));
    let opens = || {
        Look::reached(
            "opens after",
            Seen::opened(place(subject.config, &subject.upstream.name)),
            FROM,
        )
    };
    let first = failing(subject, &now, (rate, LASTING), (share(lost), FROM))?;
    let (fix, second, looks) = if trips {
        let off = now.clone().unbroken();
        let plan = failing(subject, &off, (rate, LASTING), (share(lost), FROM))?;
        ("breaker = \"off\"", plan, vec![Look::failed(), opens()])
    } else {
        // The dead shard alone, with the share of the calls that are meant for it.
        let plan = failing(subject, &now, (rate * lost, LASTING), (Ratio::ONE, FROM))?;
        ("an upstream for each shard, of which one is seen", plan, vec![opens()])
    };
    let warmup = crate::dist::seconds(FROM);
    let plans = [first, second].map(|plan| Plan { warmup, ..plan });
    let scene = format!("one of {shards} shards is dead, at {rate:.1} calls/s; nothing else on");
    Ok(Trial { scene, fix: fix.to_owned(), runs: 1, plans, looks }.run())
}

/// L30: refusals of a service that protects itself.
pub(super) fn refusals(subject: &Subject<'_>) -> Shown {
    const FROM: f64 = 20.0;
    let now = subject.edited().once();
    let fixed = now.clone().upstream(|upstream| upstream.overrides = Overrides::default());
    let service = place(subject.config, &subject.upstream.name);
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, 80.0).alone().warm_up(FROM);
        let scene = scene.service(service, |service| service.error_status = 429);
        let scene = scene.load(route_place(subject.config, &subject.route.name), 50.0);
        let refuses = Fault::Errors(share(0.6));
        scene.befall((service, Replicas::All), refuses, (FROM, None)).plan()
    };
    let trial = Trial {
        scene: "the limiter of the service refuses 60% of 50 calls/s with 429".to_owned(),
        fix: "no override of 429".to_owned(),
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![Look::failed(), Look::reached("opens after", Seen::opened(service), FROM)],
    };
    Ok(trial.run())
}
