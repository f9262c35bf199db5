//! L19: hedges that cost more than the budget, that start too late, or that do harm.
//!
//! What the gateway itself hedges is bounded by a share and by the budget, and changes nothing; it
//! can only be too late. The rest is about callers and programs with the library, as the facts
//! describe them.

use super::retries::admits_unsafe;
use crate::lint::facts::HedgeFacts;
use crate::lint::finding::{Finding, Severity};
use crate::lint::hop::Hop;
use crate::lint::rule::Rule;
use crate::lint::text::{percent, time};
use crate::lint::view::{Judged, Notes, View};
use crate::route::RouteConfig;
use crate::upstream::UpstreamConfig;
use seawall_core::Mode;
use seawall_core::hedge::HedgeDelay;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

/// Hedges outside of the budget, too late to help, of unsafe methods, or without cancel.
pub(super) fn l19_unbudgeted(view: &View<'_>, notes: &mut Notes) {
    let rule = Rule::numbered::<19>();
    for (route, upstream) in view.routes() {
        if let Some(hedge) = of_gateway(upstream) {
            let by = By::Gateway;
            notes.findings.extend(Hedged { view, route, upstream, hedge, by }.too_late());
        }
        let Some(hedge) = view.of_route(route).hedge else { continue };
        let subject = Hedged { view, route, upstream, hedge, by: By::Others };
        notes.findings.extend(subject.harmful());
        notes.findings.extend(subject.too_late());
        notes.keep(rule, &format!("route {}", route.name), subject.dear());
    }
}

/// The hedges of the gateway itself.
fn of_gateway(upstream: &UpstreamConfig) -> Option<HedgeFacts> {
    let on = upstream.hedge.mode != Mode::Off;
    on.then_some(HedgeFacts { after: upstream.hedge.delay, cancels: true })
}

/// Who hedges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Gateway,
    Others,
}

struct Hedged<'a> {
    view: &'a View<'a>,
    route: &'a RouteConfig,
    upstream: &'a UpstreamConfig,
    hedge: HedgeFacts,
    by: By,
}

impl Hedged<'_> {
    fn found(&self, severity: Severity) -> Finding {
        let after = match self.hedge.after {
            HedgeDelay::Fixed(delay) => time(delay),
            HedgeDelay::Quantile { share, .. } => crate::units::print_quantile(share),
        };
        let after = match self.by {
            By::Gateway => self.view.on_upstream(self.upstream, "hedge.after"),
            By::Others => self.view.fact_of_route(self.route, "hedge.after", after),
        };
        let finding = Finding::new(Rule::numbered::<19>(), severity);
        finding.on_route(&self.route.name, &self.upstream.name).uses([after])
    }

    /// Sent twice, and not undone.
    fn harmful(&self) -> Option<Finding> {
        let (method, keyed) = (admits_unsafe(self.route), self.view.of_route(self.route).keyed);
        if let Some(method) = method.filter(|_| !keyed) {
            let formula = format!("{method} is hedged, and {method} is not idempotent");
            let finding = self.found(Severity::Error);
            let finding = finding.uses([self.view.on_route(self.route, "methods")]);
            let fix = "hedge GET and HEAD alone, or require an Idempotency-Key".to_owned();
            return Some(finding.mend(fix).says(formula, "slow calls are executed twice"));
        }
        if self.hedge.cancels {
            return None;
        }
        let formula = "the slower of the two attempts is not cancelled".to_owned();
        let consequence = "the service finishes both, and the load of slow calls doubles";
        let finding = self.found(Severity::Warning);
        Some(finding.mend("cancel the loser as soon as one answers").says(formula, consequence))
    }

    /// The extra attempt begins when the first is over.
    fn too_late(&self) -> Option<Finding> {
        let HedgeDelay::Fixed(delay) = self.hedge.after else { return None };
        let attempt = Hop::of(&self.route.policy).attempt;
        if delay < attempt {
            return None;
        }
        let formula = format!("hedge after {} ≥ attempt timeout {}", time(delay), time(attempt));
        let finding = self.found(Severity::Warning);
        let finding = finding.uses([self.view.on_route(self.route, "timeouts.attempt")]);
        let fix = "a delay at the 95th percentile, well below the attempt timeout".to_owned();
        Some(finding.mend(fix).says(formula, "a hedge is never sent: the attempt is over first"))
    }

    /// More hedges and retries than the budget has room for.
    fn dear(&self) -> Judged {
        let (view, name) = (self.view, &self.upstream.name);
        let (now, slower) = match self.hedge.after {
            HedgeDelay::Quantile { share, .. } => (1.0 - parts(share), None),
            HedgeDelay::Fixed(delay) => {
                let spread = view.of_upstream(name).latency.spread();
                let spread = spread.ok_or_else(|| view.needs_of_upstream(name, "latency.p99"))?;
                (spread.beyond(delay), Some(spread.beyond(delay / 2)))
            }
        };
        let usual = view.of_upstream(name).usual_failures;
        let retries = Hop::of(&self.route.policy).attempts > 1;
        let retried = usual.filter(|_| retries).map_or(0.0, parts);
        let (budget, extra) = (parts(self.upstream.budget.ratio), now + retried);
        if extra <= budget {
            return Ok(None);
        }
        let formula = format!(
            "{} slower than the delay + {} retried = {} > budget {}",
            percent(now),
            percent(retried),
            percent(extra),
            percent(budget)
        );
        let worse = slower.map_or_else(String::new, |share| {
            format!("; were all latency to double, {} would be hedged", percent(share))
        });
        let consequence = format!("hedges alone use up what retries need in a failure{worse}");
        let finding = self.found(Severity::Warning);
        let finding = finding.uses([view.on_upstream(self.upstream, "budget.ratio")]);
        let fix = "hedge after p95 or later, under the budget of the upstream".to_owned();
        let numbers = [
            ("hedged", now),
            ("hedged_if_doubled", slower.unwrap_or(now)),
            ("retried", retried),
            ("budget", budget),
            ("after_s", fixed(self.hedge.after).as_secs_f64()),
        ];
        Ok(Some(finding.mend(fix).says(formula, consequence).numbers(&numbers)))
    }
}

fn fixed(after: HedgeDelay) -> Duration {
    match after {
        HedgeDelay::Fixed(delay) => delay,
        HedgeDelay::Quantile { floor, .. } => floor,
    }
}

fn parts(share: Ratio) -> f64 {
    f64::from(share.ppm()) / 1e6
}
