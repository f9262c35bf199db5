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
        let (sum, count) = (self.sum as f64, self.count() as f64);
        if self.count() == 0 { 0.0 } else { sum / count / 1e9 }
    }

    /// A quantile in seconds, `share` in 0 to 1; 0 without any.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        Duration::from_nanos(self.histogram.value_at_quantile(share)).as_secs_f64()
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
