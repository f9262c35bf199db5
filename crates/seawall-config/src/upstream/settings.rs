//! From the sections of a file to the settings of the core: what the machine of an upstream takes.
//!
//! Here too is what the two kinds of section owe each other: numbers of an upstream that follow
//! from the timeouts of those who call it.

use super::UpstreamConfig;
use crate::reader::Reading;
use crate::units::print_duration;
use seawall_core::Mode;
use seawall_core::bulkhead::BulkheadSettings;
use seawall_core::time::Duration;
use seawall_core::upstream::UpstreamSettings;

impl UpstreamConfig {
    /// The settings of the machine. `derived` is the number of permits where the file has a
    /// bulkhead and no number; without a bulkhead nothing is bounded but what is held.
    ///
    /// Overrides are set on the machine apart from them, and endpoints are placed one by one.
    #[must_use]
    pub fn settings(&self, derived: u32) -> UpstreamSettings {
        let permits = self.bulkhead.and_then(|bulkhead| bulkhead.permits).unwrap_or(derived);
        let unlimited = BulkheadSettings { permits: u32::MAX, queue: 0, ..Default::default() };
        UpstreamSettings {
            rate: self.rate_limit,
            shed: self.shed,
            throttle: self.throttle,
            concurrency: self.adaptive_limit,
            endpoint_limit: self.endpoint_limit,
            breaker: self.breaker,
            endpoint_breaker: self.endpoint_breaker,
            bulkhead: self.bulkhead.map_or(unlimited, |bulkhead| bulkhead.settings(derived)),
            budget: self.budget,
            timeout: self.adaptive_timeout,
            hedge: self.hedge,
            hold: self.hold.map(|hold| hold.settings(permits)).unwrap_or_default(),
            outlier: self.ejection,
            balance: self.balance,
            health: self.health_check.as_ref().map(|check| check.verdict),
            when_all_down: self.when_all_down,
        }
    }
}

/// What follows from the longest attempt timeout of those who call the upstream at `path`.
///
/// Where no slow limit is set a breaker takes half of it: the longest, so that the impatient
/// cannot open the breaker for the patient. An adaptive timeout begins at it, and a hedge must
/// start before it.
pub(crate) fn fit(
    upstream: &mut UpstreamConfig,
    longest: Duration,
    (path, reading): (&str, &Reading<'_>),
) {
    upstream.breaker.attempt_timeout = longest;
    upstream.endpoint_breaker.attempt_timeout = longest;
    let key = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    fit_adaptive(upstream, longest, (&key("adaptive_timeout"), reading));
    // What nobody has written down is not wrong where it cannot act.
    if upstream.hedge.mode != Mode::Off && reading.is_given(&key("hedge")) {
        let names = [("delay", "after"), ("delay.quantile", "after"), ("delay.floor", "floor")];
        reading.check(&key("hedge"), upstream.hedge.validate_beside(longest), &names);
    }
}

/// The ceiling, where the file gives none, is the fixed timeout.
fn fit_adaptive(
    upstream: &mut UpstreamConfig,
    longest: Duration,
    (path, reading): (&str, &Reading<'_>),
) {
    let settings = &mut upstream.adaptive_timeout;
    let ceiling_given = reading.is_given(&format!("{path}.ceiling"));
    if !ceiling_given {
        settings.ceiling = longest;
    }
    if settings.mode == Mode::Off {
        return;
    }
    if !ceiling_given && settings.floor > longest {
        let (floor, longest) = (print_duration(settings.floor), print_duration(longest));
        let what =
            format!("{path}.floor ({floor}) is above the longest attempt timeout ({longest})");
        let place = reading.place_of(&format!("{path}.floor"));
        let place = place.or_else(|| reading.place_of(path));
        return reading.wrong(place, what, "lower floor, or lengthen timeouts.attempt");
    }
    reading.check(path, settings.validate(), &[]);
}
