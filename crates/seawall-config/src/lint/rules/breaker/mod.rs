//! L9 to L11: breakers that never trip (`never.rs`), that trip by chance (`noise.rs`), and that
//! trip for too much.

mod never;
mod noise;

use crate::lint::finding::{Finding, Severity, Used};
use crate::lint::rule::Rule;
use crate::lint::text::percent;
use crate::lint::view::{Hour, Judged, Notes, View};
use crate::upstream::UpstreamConfig;
use seawall_core::Mode;
use seawall_core::breaker::{BreakerSettings, WindowKind};
use seawall_core::odds;
use seawall_core::ratio::Ratio;

pub(super) use never::l9_never_trips;
pub(super) use noise::l10_noise;

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
