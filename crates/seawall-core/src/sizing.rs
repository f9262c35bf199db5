//! How large a compartment should be: Little's law and the Erlang B formula.
//!
//! Pure arithmetic for documents and for checks of a configuration; what a bulkhead does with its
//! permits is in `bulkhead`.

use crate::time::Duration;

/// How many permits are busy on average when `rate` calls a second are served in `time` each
/// (Little, *A Proof for the Queuing Formula L = λW*, 1961). Negative and absent numbers are none.
#[must_use]
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
pub fn busy(rate: f64, time: Duration) -> f64 {
    if rate.is_nan() || rate < 0.0 { 0.0 } else { rate * time.as_secs_f64() }
}

/// The share of calls that find all `permits` busy, at an offered load of `busy` permits and
/// without a queue (Erlang, 1917: B(n) = a·B(n−1) / (n + a·B(n−1)), B(0) = 1). It holds for any
/// distribution of service times, as long as calls arrive at random.
#[must_use]
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
pub fn blocked(permits: u32, busy: f64) -> f64 {
    if busy.is_nan() || busy <= 0.0 {
        return if permits == 0 { 1.0 } else { 0.0 };
    }
    (1..=permits).fold(1.0, |blocked, permit| {
        let refused = busy * blocked;
        refused / (f64::from(permit) + refused)
    })
}

#[cfg(test)]
#[expect(clippy::float_arithmetic, reason = "the examples are given in percent")]
mod tests {
    use super::*;

    fn percent(permits: u32, load: f64) -> f64 {
        (blocked(permits, load) * 10_000.0).round() / 100.0
    }

    #[test]
    fn bh_1_permits_follow_from_rate_and_time() {
        assert!((busy(200.0, Duration::from_millis(50)) - 10.0).abs() < 1e-9);
        let expected = [(10, 21.46), (16, 2.23), (20, 0.19)];
        for (permits, share) in expected {
            assert!((percent(permits, 10.0) - share).abs() < 0.02, "{permits}");
        }
        assert!((percent(16, 12.8) - 8.1).abs() < 0.05, "{}", percent(16, 12.8));
    }

    #[test]
    fn without_permits_everything_is_refused_and_without_load_nothing() {
        assert!((blocked(0, 3.0) - 1.0).abs() < 1e-9);
        assert!((blocked(0, 0.0) - 1.0).abs() < 1e-9);
        for load in [0.0, -1.0, f64::NAN] {
            assert!(blocked(4, load).abs() < 1e-9, "{load}");
        }
        assert!(busy(f64::NAN, Duration::from_secs(1)).abs() < 1e-9);
    }
}
