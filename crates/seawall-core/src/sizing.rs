//! How large a compartment should be: Little's law, and the formulas of Erlang.
//!
//! Pure arithmetic for documents and for checks of a configuration; what a bulkhead does with its
//! permits is in `bulkhead`. How likely rare events are is in `odds`, how latency spreads in
//! `tail`.

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

/// As [`blocked`], with `queue` places to wait in: the share of calls that find those full as well
/// (M/M/c/K: each place takes B to ρB / (1 + ρB), where ρ is the load of one permit). Service times
/// are taken for exponential.
#[must_use]
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
pub fn refused(permits: u32, queue: u32, busy: f64) -> f64 {
    let blocked = blocked(permits, busy);
    if permits == 0 || blocked <= 0.0 {
        return blocked;
    }
    let each = busy / f64::from(permits);
    (0..queue).fold(blocked, |refused, _| each * refused / (1.0 + each * refused))
}

/// The share of calls that have to wait for one of `servers`, with a queue without end (Erlang C).
/// 1 where the load is above what they can serve.
#[must_use]
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
pub fn waiting(servers: u32, busy: f64) -> f64 {
    let each = busy / f64::from(servers.max(1));
    if each.is_nan() || each >= 1.0 || servers == 0 {
        return 1.0;
    }
    let blocked = blocked(servers, busy);
    blocked / (1.0 - each * (1.0 - blocked))
}

/// The mean wait in the queue of [`waiting`], in service times: C / (c · (1 − ρ)). Infinite where
/// the load is above what they can serve.
#[must_use]
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
pub fn wait(servers: u32, busy: f64) -> f64 {
    let spare = f64::from(servers) - busy;
    if spare.is_nan() || spare <= 0.0 { f64::INFINITY } else { waiting(servers, busy) / spare }
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
    fn e3_blocked_shares_are_those_of_the_tables() {
        for (permits, load, share) in
            [(4, 3.2, 0.22814), (16, 12.8, 0.08065), (20, 20.0, 0.15889), (30, 20.0, 0.00846)]
        {
            assert!((blocked(permits, load) - share).abs() < 1e-5, "{permits}, {load}");
        }
    }

    #[test]
    fn e4_places_to_wait_in_lower_what_is_refused() {
        assert!((refused(1, 9, 0.8) - 0.023_493).abs() < 1e-6, "{}", refused(1, 9, 0.8));
        assert!((refused(1, 49, 1.2) - 0.166_682).abs() < 1e-6, "{}", refused(1, 49, 1.2));
        assert!((refused(20, 0, 20.0) - blocked(20, 20.0)).abs() < 1e-12);
        assert!((refused(0, 5, 1.0) - 1.0).abs() < 1e-12);
        assert!(refused(3, 5, 0.0).abs() < 1e-12);
    }

    #[test]
    fn e2_waits_are_those_of_the_tables() {
        let rows = [
            (1, 0.8, 0.8, 4.0),
            (2, 0.8, 0.71111, 1.7778),
            (4, 0.8, 0.59643, 0.7455),
            (8, 0.9, 0.70153, 0.8769),
            (32, 0.9, 0.45820, 0.1432),
        ];
        for (servers, each, share, mean) in rows {
            let busy = each * f64::from(servers);
            assert!((waiting(servers, busy) - share).abs() < 1e-4, "{servers}, {each}");
            assert!((wait(servers, busy) - mean).abs() < 1e-3, "{servers}, {each}");
        }
        assert!((waiting(8, 8.0) - 1.0).abs() < 1e-12);
        assert!(wait(8, 8.0).is_infinite() && wait(8, f64::NAN).is_infinite());
        assert!((waiting(0, 0.0) - 1.0).abs() < 1e-12);
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
