//! Latencies of a run: the exact mean, and quantiles to three digits.

use hdrhistogram::Histogram;
use seawall_core::time::{Duration, nanos};

/// Latencies from 100 ns to about three hours are told apart to 0.1 %; others count as those.
const SHORTEST: u64 = 100;
const LONGEST: u64 = 10_000_000_000_000;

/// A distribution of latencies, in memory of fixed size.
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Histogram<u64>,
    sum: u128,
}

impl Default for Latency {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "the three constants are valid bounds")]
        let histogram = Histogram::new_with_bounds(SHORTEST, LONGEST, 3).expect("valid bounds");
        Self { histogram, sum: 0 }
    }
}

impl Latency {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        let nanos = nanos(latency);
        self.sum += u128::from(nanos);
        self.histogram.saturating_record(nanos);
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Their mean in seconds; 0 without any.
    #[must_use]
    pub fn mean(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "sixteen digits of a mean are enough")]
        let sum = self.sum as f64;
        if self.count() == 0 { 0.0 } else { sum / float(self.count()) / 1e9 }
    }

    /// A quantile in seconds, `share` in 0 to 1; 0 without any. Within the 0.1 % that are not told
    /// apart it is read off a straight line, or every quantile would be half of that too long.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let value = self.histogram.value_at_quantile(share);
        let (low, high) =
            (self.histogram.lowest_equivalent(value), self.histogram.highest_equivalent(value));
        let below = if low == 0 { 0 } else { self.histogram.count_between(0, low - 1) };
        let inside = self.histogram.count_between(low, high);
        if inside == 0 {
            return 0.0;
        }
        let wanted = share * float(self.count()) - float(below);
        let part = (wanted / float(inside)).clamp(0.0, 1.0);
        (float(low) + part * float(high - low)) / 1e9
    }

    /// The share that took longer than `limit`, as far as 0.1 % of it are told apart; 0 without
    /// any.
    #[must_use]
    pub fn above(&self, limit: Duration) -> f64 {
        let within = self.histogram.count_between(0, nanos(limit));
        if self.count() == 0 { 0.0 } else { 1.0 - float(within) / float(self.count()) }
    }

    /// The counts between bounds that grow by `factor` from `from` on, up to the longest: each
    /// with its upper bound in seconds. For plots.
    #[must_use]
    pub fn buckets(&self, from: Duration, factor: f64) -> Vec<(f64, u64)> {
        let all = self.histogram.iter_log(nanos(from).max(1), factor.max(1.01));
        all.map(|step| {
            let upper = Duration::from_nanos(step.value_iterated_to()).as_secs_f64();
            (upper, step.count_since_last_iteration())
        })
        .collect()
    }

    /// Adds what another run saw.
    pub fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        // Both have the same bounds, so that nothing is out of range.
        let added = self.histogram.add(&other.histogram);
        debug_assert!(added.is_ok(), "histograms of the same bounds add up");
    }
}

/// A count or a number of nanoseconds, as real numbers have them.
fn float(number: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sixteen digits are enough of what is observed")]
    let number = number as f64;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_within_what_is_not_told_apart_lies_on_a_line() {
        let mut latency = Latency::default();
        // One bucket of the histogram is about a millisecond wide here.
        for micros in 0..1_000_000 {
            latency.record(Duration::from_micros(1_000_000 + micros));
        }
        for share in [0.1, 0.5, 0.9, 0.99, 0.999] {
            let error = latency.quantile(share) - (1.0 + share);
            assert!(error.abs() < 2e-5, "{share}: {error}");
        }
        assert!((latency.above(Duration::from_millis(1_250)) - 0.75).abs() < 0.001);
    }

    #[test]
    fn nothing_has_no_latency() {
        let latency = Latency::default();
        let seen = [latency.mean(), latency.quantile(0.99), latency.above(Duration::ZERO)];
        assert_eq!(seen.map(|value| value.to_string()), ["0", "0", "0"]);
    }
}
