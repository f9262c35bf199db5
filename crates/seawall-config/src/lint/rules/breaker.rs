//! L9 to L11: breakers that never trip, that trip by chance, and that trip for too much.

use crate::lint::facts::Failing;
use crate::lint::finding::{Finding, Severity, Used};
use crate::lint::rule::Rule;
use crate::lint::text::{number, percent, rate, seconds, time};
use crate::lint::view::{Hour, Judged, Notes, View};
use crate::upstream::UpstreamConfig;
use seawall_core::Mode;
use seawall_core::breaker::{BreakerSettings, WindowKind};
use seawall_core::odds;
use seawall_core::outcome::{Class, Observation, OptIns, classify_with};
use seawall_core::ratio::Ratio;

/// The chance of a false trip in one window that is still none worth speaking of.
const NOISE_MAX: f64 = 1e-3;

/// No window that goes by calls holds more.
const CALLS_MAX: u32 = 65_536;

/// What a failing service answers unless the facts say otherwise.
const FAILURES: [Failing; 4] =
    [Failing::Status(500), Failing::Status(502), Failing::Status(503), Failing::Status(504)];

/// One of the two breakers of an upstream.
struct Breaker<'a> {
    key: &'static str,
    settings: &'a BreakerSettings,
    /// The share of the upstream's calls that it sees: all, or those of one endpoint.
    parts: f64,
}

fn breakers(upstream: &UpstreamConfig) -> impl Iterator<Item = Breaker<'_>> {
    let endpoints = u32::try_from(upstream.endpoints.len()).map_or(f64::INFINITY, f64::from);
    let whole = Breaker { key: "breaker", settings: &upstream.breaker, parts: 1.0 };
    let each = Breaker {
        key: "endpoint_breaker",
        settings: &upstream.endpoint_breaker,
        parts: endpoints.max(1.0),
    };
    [whole, each].into_iter().filter(|breaker| breaker.settings.mode == Mode::Enforce)
}

impl Breaker<'_> {
    /// Calls a second that it sees in one gateway.
    fn rate(&self, view: &View<'_>, upstream: &str, hour: Hour) -> Judged<f64> {
        Ok(view.rate_to(upstream, hour)? / view.gateways() / self.parts)
    }

    fn used(&self, view: &View<'_>, upstream: &UpstreamConfig, keys: &[&str]) -> Vec<Used> {
        let used = |key| view.on_upstream(upstream, &format!("{}.{key}", self.key));
        keys.iter().map(used).collect()
    }

    /// Whether its rates are ever judged: the window holds enough calls.
    fn judges(&self, rate: f64) -> bool {
        match self.settings.window {
            WindowKind::Time(window) => {
                rate * window.as_secs_f64() >= f64::from(self.settings.min_calls)
            }
            WindowKind::Calls(_) => true,
        }
    }

    /// Seconds until it trips when a share of the calls fails; infinite for never.
    fn trips_after(&self, rate: f64, failing: Ratio) -> f64 {
        let each = f64::from(failing.ppm()) / 1e6;
        let row = self.settings.consecutive.map(|row| odds::until_row(row, each) / rate);
        let window = match self.settings.window {
            WindowKind::Time(window) => window.as_secs_f64(),
            WindowKind::Calls(calls) => f64::from(calls) / rate,
        };
        let limit = self.settings.failure_rate.filter(|limit| *limit <= failing);
        let share = limit.filter(|_| self.judges(rate)).map(|limit| {
            // The window is full of good calls at first, and failures have to displace them.
            window * f64::from(limit.ppm()) / f64::from(failing.ppm().max(1))
        });
        row.into_iter().chain(share).fold(f64::INFINITY, f64::min)
    }
}

/// A breaker that can never trip, or not in the time and by the failures that are meant.
pub(super) fn l9_never_trips(view: &View<'_>, notes: &mut Notes) {
    let rule = Rule::numbered::<9>();
    for upstream in &view.config.upstreams {
        let about = format!("upstream {}", upstream.name);
        notes.findings.extend(uncounted(view, upstream));
        let before = notes.findings.len();
        for breaker in breakers(upstream) {
            notes.keep(rule, &about, too_few_calls(view, upstream, &breaker));
        }
        if notes.findings.len() == before {
            notes.keep(rule, &about, too_late(view, upstream));
        }
    }
}

/// Nothing that a failing service answers counts as a failure.
fn uncounted(view: &View<'_>, upstream: &UpstreamConfig) -> Option<Finding> {
    breakers(upstream).next()?;
    let said = &view.of_upstream(&upstream.name).fails_with;
    let failures = if said.is_empty() { &FAILURES[..] } else { said };
    let counts = |failing: &Failing| match *failing {
        Failing::Silence => true,
        Failing::Status(code) => {
            let seen = Observation::Status { code, retry_after: None, exhausted: false };
            classify_with(seen, OptIns::default(), &upstream.overrides).class == Class::Failure
        }
    };
    if failures.iter().any(counts) {
        return None;
    }
    let list: Vec<_> = failures.iter().map(|failing| word(*failing)).collect();
    let list = list.join(", ");
    let formula = format!("the service fails with {list}, and none of them counts as a failure");
    let fix =
        format!("overrides with class = \"failure\" for {list} in [upstreams.{}]", upstream.name);
    let used = [view.on_upstream(upstream, "overrides")].into_iter().chain(
        (!said.is_empty()).then(|| view.fact_of_upstream(&upstream.name, "fails_with", list)),
    );
    let finding = Finding::new(Rule::numbered::<9>(), Severity::Error);
    let finding = finding.on_upstream(&upstream.name).uses(used).mend(fix);
    Some(finding.says(formula, "the breakers stay closed in the failure that they are there for"))
}

fn word(failing: Failing) -> String {
    match failing {
        Failing::Status(code) => code.to_string(),
        Failing::Silence => "no answer".to_owned(),
    }
}

/// The window never holds as many calls as the rates are judged with, and nothing else trips.
fn too_few_calls(view: &View<'_>, upstream: &UpstreamConfig, breaker: &Breaker<'_>) -> Judged {
    let (key, settings) = (breaker.key, breaker.settings);
    let (WindowKind::Time(window), None) = (settings.window, settings.consecutive) else {
        return Ok(None);
    };
    let per_second = breaker.rate(view, &upstream.name, Hour::Peak)?;
    if breaker.judges(per_second) {
        return Ok(None);
    }
    let (least, held) = (settings.min_calls, per_second * window.as_secs_f64());
    let formula = format!(
        "{key}.min_calls {least} > {} × {} = {}",
        rate(per_second),
        time(window),
        number(held)
    );
    let consequence = "the window never holds enough calls to be judged: it never trips";
    let longer = seconds((f64::from(least) / per_second).ceil());
    let fix = format!(
        "{key} = {{ min_calls = {} }} or window = \"{longer}\" in [upstreams.{}]",
        number(held.floor().max(1.0)),
        upstream.name
    );
    let used = breaker.used(view, upstream, &["min_calls", "window"]);
    let finding = Finding::new(Rule::numbered::<9>(), Severity::Error);
    let finding = finding.on_upstream(&upstream.name).uses(used).mend(fix);
    let finding = finding.uses(view.rates_to(&upstream.name)).says(formula, consequence);
    let numbers =
        [("min_calls", f64::from(least)), ("rate", per_second), ("window_s", window.as_secs_f64())];
    Ok(Some(finding.numbers(&numbers)))
}

/// No breaker trips within the target when the share fails that is to be noticed.
fn too_late(view: &View<'_>, upstream: &UpstreamConfig) -> Judged {
    let routes = || view.routes_to(&upstream.name).map(|route| (route, view.of_route(route)));
    let target = routes().filter_map(|(_, facts)| facts.detect_within).min();
    let Some((route, said)) = routes()
        .filter(|(_, facts)| facts.failure_rate.is_some() || facts.detect_within.is_some())
        .min_by_key(|(_, facts)| facts.failure_rate.unwrap_or(Ratio::ONE))
    else {
        let first = view.routes_to(&upstream.name).next();
        return first.map_or(Ok(None), |route| Err(view.needs_of_route(route, "detect_within")));
    };
    let failing = said.failure_rate.unwrap_or(Ratio::ONE);
    let mut best: Option<(f64, Breaker<'_>, f64)> = None;
    for breaker in breakers(upstream) {
        let per_second = breaker.rate(view, &upstream.name, Hour::Peak)?;
        let after = breaker.trips_after(per_second, failing);
        if best.as_ref().is_none_or(|(known, ..)| after < *known) {
            best = Some((after, breaker, per_second));
        }
    }
    let Some((after, breaker, per_second)) = best else { return Ok(None) };
    let aim = target.map_or(f64::INFINITY, |target| target.as_secs_f64());
    if after <= aim && after.is_finite() {
        return Ok(None);
    }
    let formula = late_formula(&breaker, (per_second, failing), (after, target.map(time)));
    let fix = format!(
        "{} = {{ failure_rate = \"{}\", window = \"5s\" }} in [upstreams.{}]",
        breaker.key,
        half(failing),
        upstream.name
    );
    let used = breaker.used(view, upstream, &["failure_rate", "consecutive", "window"]);
    let facts = [
        view.fact_of_route(route, "failure_rate", failing.to_string()),
        view.fact_of_route(route, "detect_within", target.map(time).unwrap_or_default()),
    ];
    let finding = Finding::new(Rule::numbered::<9>(), Severity::Error);
    let finding = finding.on_route(&route.name, &upstream.name).uses(used).uses(facts).mend(fix);
    let consequence = "the failure goes on, unnoticed by the breaker that is there for it";
    let numbers = [
        ("failure_rate", f64::from(failing.ppm()) / 1e6),
        ("rate", per_second),
        ("trips_s", after),
        ("target_s", aim),
    ];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

/// Half of a share, as a limit that the share is sure to reach.
fn half(share: Ratio) -> Ratio {
    Ratio::from_ppm((share.ppm() / 2).max(1))
}

fn late_formula(
    breaker: &Breaker<'_>,
    (per_second, failing): (f64, Ratio),
    (after, target): (f64, Option<String>),
) -> String {
    let settings = breaker.settings;
    let target = target.map_or_else(String::new, |target| format!(" > {target}"));
    match (settings.consecutive, settings.failure_rate) {
        _ if after.is_finite() && settings.failure_rate.is_some_and(|limit| limit <= failing) => {
            format!("{} trips after {} at {failing} failures{target}", breaker.key, seconds(after))
        }
        (Some(row), _) => {
            let calls = odds::until_row(row, f64::from(failing.ppm()) / 1e6);
            let (calls, per_second) = (number(calls), rate(per_second));
            let after = seconds(after);
            format!(
                "{row} failures in a row at {failing} take {calls} calls ÷ {per_second} = \
                 {after}{target}"
            )
        }
        (None, Some(limit)) => {
            format!("{}.failure_rate {limit} > {failing}, the share that fails", breaker.key)
        }
        (None, None) => format!("{} does not look at failures", breaker.key),
    }
}

/// A breaker that trips on the failures of an ordinary day.
pub(super) fn l10_noise(view: &View<'_>, notes: &mut Notes) {
    for upstream in &view.config.upstreams {
        let about = format!("upstream {}", upstream.name);
        for breaker in breakers(upstream) {
            notes.keep(Rule::numbered::<10>(), &about, noise(view, upstream, &breaker));
        }
    }
}

fn noise(view: &View<'_>, upstream: &UpstreamConfig, breaker: &Breaker<'_>) -> Judged {
    let settings = breaker.settings;
    let Some(limit) = settings.failure_rate else { return Ok(None) };
    let usual = view.of_upstream(&upstream.name).usual_failures;
    let usual = usual.ok_or_else(|| view.needs_of_upstream(&upstream.name, "usual_failures"))?;
    let calls = calls_judged(breaker, breaker.rate(view, &upstream.name, Hour::Quiet).ok());
    let failures = failures_needed(limit, calls);
    let chance = odds::at_least(failures, calls, f64::from(usual.ppm()) / 1e6);
    if chance <= NOISE_MAX {
        return Ok(None);
    }
    let formula = format!(
        "P(at least {failures} of {calls} fail at {usual}) = {} > {}",
        number(chance),
        number(NOISE_MAX)
    );
    let a_day = match settings.window {
        WindowKind::Time(window) => chance * 86_400.0 / window.as_secs_f64(),
        WindowKind::Calls(_) => f64::INFINITY,
    };
    let often = match a_day.is_finite() {
        true => format!("about {} false trips a day", number(a_day)),
        false => "false trips".to_owned(),
    };
    let consequence = format!("{often} of a service that does as well as ever, for each gateway");
    let fix = match enough_calls(calls, (limit, usual)) {
        Some(more) => format!("{{ min_calls = {more} }}"),
        None => format!("{{ failure_rate = \"{}\" }}", twice(usual)),
    };
    let fix = format!("{} = {fix} in [upstreams.{}]", breaker.key, upstream.name);
    let used = breaker.used(view, upstream, &["min_calls", "failure_rate", "window"]);
    let fact = view.fact_of_upstream(&upstream.name, "usual_failures", usual.to_string());
    let finding = Finding::new(Rule::numbered::<10>(), Severity::Warning);
    let finding = finding.on_upstream(&upstream.name).uses(used).uses([fact]).mend(fix);
    let numbers = [
        ("calls", f64::from(calls)),
        ("failures", f64::from(failures)),
        ("usual_failures", f64::from(usual.ppm()) / 1e6),
        ("chance", chance),
    ];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

/// ⌈θn⌉: so many failures reach the limit.
fn failures_needed(limit: Ratio, calls: u32) -> u32 {
    let failures = u64::from(limit.ppm()) * u64::from(calls);
    u32::try_from(failures.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

/// So many calls make a false trip unlikely enough, if a window can hold as many.
fn enough_calls(calls: u32, (limit, usual): (Ratio, Ratio)) -> Option<u32> {
    let steps = std::iter::successors(Some(calls.max(5)), |calls| calls.checked_mul(2));
    let each = f64::from(usual.ppm()) / 1e6;
    let quiet =
        |calls: &u32| odds::at_least(failures_needed(limit, *calls), *calls, each) <= NOISE_MAX;
    steps.take_while(|calls| *calls <= CALLS_MAX).find(quiet)
}

/// Twice a share, as a limit that it seldom reaches.
fn twice(share: Ratio) -> Ratio {
    Ratio::from_ppm(share.ppm().saturating_mul(2)).min(Ratio::ONE)
}

/// The calls in the window that is judged: the fewest that are, or what usually comes.
fn calls_judged(breaker: &Breaker<'_>, rate: Option<f64>) -> u32 {
    let least = breaker.settings.min_calls;
    match (breaker.settings.window, rate) {
        (WindowKind::Time(window), Some(rate)) => {
            let held = seawall_core::time::Duration::try_from_secs_f64(
                (rate * window.as_secs_f64()).min(1e9),
            );
            let held = held.map_or(0, |held| u32::try_from(held.as_secs()).unwrap_or(u32::MAX));
            least.max(held)
        }
        _ => least,
    }
}

/// One breaker over parts that fail independently.
pub(super) fn l11_too_wide(view: &View<'_>, notes: &mut Notes) {
    notes.findings.extend(view.config.upstreams.iter().filter_map(|one| too_wide(view, one)));
}

fn too_wide(view: &View<'_>, upstream: &UpstreamConfig) -> Option<Finding> {
    let shards = view.of_upstream(&upstream.name).shards.filter(|shards| *shards > 1)?;
    let breaker = breakers(upstream).find(|breaker| breaker.key == "breaker")?;
    let limit = breaker.settings.failure_rate?;
    let (lost, name) = (1.0 / f64::from(shards), &upstream.name);
    let trips = f64::from(limit.ppm()) / 1e6 <= lost;
    let sign = if trips { "≤" } else { ">" };
    let formula = format!("breaker.failure_rate {limit} {sign} 1/{shards} = {}", percent(lost));
    let consequence = if trips {
        format!(
            "one lost shard of {shards} opens it, and stops the good {} too",
            percent(1.0 - lost)
        )
    } else {
        format!("one lost shard of {shards} never opens it, and nothing stops calls to that shard")
    };
    let fix = format!("breaker = \"off\" in [upstreams.{name}], or an upstream for each shard");
    let used = breaker.used(view, upstream, &["failure_rate"]);
    let fact = view.fact_of_upstream(name, "shards", shards.to_string());
    let finding = Finding::new(Rule::numbered::<11>(), Severity::Warning).on_upstream(name);
    let finding = finding.uses(used).uses([fact]).mend(fix).says(formula, consequence);
    Some(finding.numbers(&[("shards", f64::from(shards))]))
}
