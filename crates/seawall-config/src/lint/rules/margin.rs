//! L23: how far a service is from a state that retries keep bad after its cause has gone.

use crate::lint::finding::{Finding, Severity};
use crate::lint::hop::Hop;
use crate::lint::paths::{Paths, attempts, budgeted};
use crate::lint::rule::Rule;
use crate::lint::text::{number, rate};
use crate::lint::view::{Hour, Judged, Notes, View};
use crate::upstream::UpstreamConfig;
use seawall_core::Mode;

/// Above this share of what it can do in time a service works only just, trigger or not.
const BUSY_ERROR: f64 = 0.8;

/// What a service can do while its answers still come in time.
struct InTime {
    /// Calls a second over all replicas.
    rate: f64,
    /// Calls in progress over all replicas that it still answers in time (Little: rate × patience).
    at_once: f64,
    /// How the rate was found.
    how: String,
}

/// Load that retries can multiply beyond what is answered in time.
pub(super) fn l23_metastable(view: &View<'_>, notes: &mut Notes) {
    let paths = Paths::up(view);
    let factor = |route| budgeted(view, route, Hour::Peak).unwrap_or_else(|_| attempts(route));
    let weights: Vec<f64> = view.config.routes.iter().map(factor).collect();
    let heaviest = paths.heaviest(&weights);
    for upstream in &view.config.upstreams {
        let routes = view.config.routes.iter().enumerate();
        let leading = routes.filter(|(_, route)| route.upstream == upstream.name);
        let most = leading.map(|(at, _)| heaviest.product(at)).fold(1.0, f64::max);
        let about = format!("upstream {}", upstream.name);
        notes.keep(Rule::numbered::<23>(), &about, metastable(view, upstream, most));
    }
}

fn metastable(view: &View<'_>, upstream: &UpstreamConfig, factor: f64) -> Judged {
    let name = &upstream.name;
    let per_second = view.rate_to(name, Hour::Peak)?;
    let in_time = in_time(view, upstream)?;
    let busy = per_second > BUSY_ERROR * in_time.rate;
    let vulnerable = per_second * factor > in_time.rate && !is_bounded(view, upstream, &in_time);
    if !busy && !vulnerable {
        return Ok(None);
    }
    let (severity, sign) =
        if busy { (Severity::Error, BUSY_ERROR) } else { (Severity::Warning, 1.0) };
    let formula = match vulnerable {
        true => format!(
            "{} × {} = {} > {} in time ({})",
            rate(per_second),
            number(factor),
            rate(per_second * factor),
            rate(in_time.rate),
            in_time.how
        ),
        false => format!(
            "{} > {sign} × {} in time ({})",
            rate(per_second),
            rate(in_time.rate),
            in_time.how
        ),
    };
    let threshold = in_time.rate / factor;
    let consequence = format!(
        "after a trigger that makes calls time out, retries keep it down until the load falls \
         below {}",
        rate(threshold)
    );
    let fix = format!(
        "budget = {{ ratio = \"10%\", floor = \"1/s\" }} or bulkhead = {{ permits = … }} in \
         [upstreams.{name}]"
    );
    let used =
        [view.on_upstream(upstream, "budget.ratio"), view.on_upstream(upstream, "budget.floor")];
    let attempts = view.routes_to(name).map(|route| view.on_route(route, "retry.max_attempts"));
    let finding = Finding::new(Rule::numbered::<23>(), severity).on_upstream(name);
    let finding = finding.uses(used).uses(attempts).uses(view.rates_to(name)).mend(fix);
    let numbers = [
        ("rate", per_second),
        ("amplification", factor),
        ("in_time", in_time.rate),
        ("threshold", threshold),
    ];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

/// The rate at which answers still come in time: by what slows the service down, or else by its
/// capacity.
fn in_time(view: &View<'_>, upstream: &UpstreamConfig) -> Judged<InTime> {
    let (name, replicas) = (&upstream.name, f64::from(view.replicas(upstream)));
    let attempts = view.routes_to(name).map(|route| Hop::of(&route.policy).attempt);
    let patience = attempts.max().unwrap_or_default().saturating_sub(view.facts.round_trip);
    let Some(slowdown) = view.of_upstream(name).slowdown else {
        let capacity = view.capacity(name)?;
        let how = format!("{} replicas × {}", number(replicas), rate(capacity));
        let rate = replicas * capacity;
        return Ok(InTime { rate, at_once: rate * patience.as_secs_f64(), how });
    };
    let spare = patience.saturating_sub(slowdown.alone).as_secs_f64();
    let (patience, each) = (patience.as_secs_f64(), slowdown.each.as_secs_f64().max(1e-9));
    let at_once = replicas * spare / each;
    let rate = if patience > 0.0 { at_once / patience } else { 0.0 };
    let how = format!("{} at once ÷ {} s", number(at_once), number(patience));
    Ok(InTime { rate, at_once, how })
}

/// Whether a limit refuses what would not be answered in time.
fn is_bounded(view: &View<'_>, upstream: &UpstreamConfig, in_time: &InTime) -> bool {
    let adaptive = upstream.adaptive_limit.is_some_and(|limit| limit.mode == Mode::Enforce);
    let permits = upstream.bulkhead.and_then(|bulkhead| bulkhead.permits);
    let held =
        permits.is_some_and(|permits| f64::from(permits) * view.gateways() <= in_time.at_once);
    adaptive || held
}
