//! L10: breakers that trip on the failures of an ordinary day.

use super::{Breaker, breakers};
use crate::lint::finding::{Finding, Severity};
use crate::lint::rule::Rule;
use crate::lint::text::number;
use crate::lint::view::{Hour, Judged, Notes, View};
use crate::upstream::UpstreamConfig;
use seawall_core::breaker::WindowKind;
use seawall_core::odds;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

/// The chance of a false trip in one window that is still none worth speaking of.
const NOISE_MAX: f64 = 1e-3;

/// No window that goes by calls holds more.
const CALLS_MAX: u32 = 65_536;

/// A breaker that trips on the failures of an ordinary day.
pub(in crate::lint::rules) fn l10_noise(view: &View<'_>, notes: &mut Notes) {
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
            let held = Duration::try_from_secs_f64((rate * window.as_secs_f64()).min(1e9));
            let held = held.map_or(0, |held| u32::try_from(held.as_secs()).unwrap_or(u32::MAX));
            least.max(held)
        }
        _ => least,
    }
}
