//! The lock-free form: drift, bounds, changes of the quota.

use super::*;

/// Takes calls of `cost` as soon as they pass, for a virtual year. The k-th must pass at the
/// instant that the fraction says, or within `slack` nanoseconds after it.
fn year(quota: Quota, cost: u32, slack: u64, mut ask: impl FnMut(Instant) -> Result<(), Instant>) {
    let start = ns(1_234_567);
    let end = start.after(Duration::from_secs(365 * 86_400));
    let (count, period) = (u128::from(quota.rate.count()), u128::from(quota.rate.period()));
    let (mut now, mut taken) = (start, 0_u128);
    while now < end {
        taken += u128::from(cost);
        if let Err(retry_at) = ask(now) {
            now = retry_at;
            assert_eq!(ask(now), Ok(()), "what was told");
        }
        let beyond = taken.saturating_sub(quota.burst.into());
        let exact = start.as_nanos() + u64::try_from((beyond * period).div_ceil(count)).unwrap();
        let late = now.as_nanos().checked_sub(exact).expect("passed too early");
        assert!(late <= slack, "{taken} calls: late by {late} ns");
    }
    let emitted = now.since(start).as_nanos() * count / period;
    assert!(taken > emitted - u128::from(cost), "fewer than the rate");
}

fn told<T>(decision: Result<T, Refused>) -> Result<T, Instant> {
    decision.map_err(|refused| match refused {
        Refused::Limited { retry_at, .. } => retry_at,
        Refused::Impossible { .. } => panic!("{refused:?}"),
    })
}

/// Rates of all kinds, each with a cost that makes about 20 000 steps of a year.
fn rates() -> Vec<(Rate, u32)> {
    let rates = [
        rate(1, 3_600 * SECOND),
        rate(1, 86_400 * SECOND),
        rate(7, 60 * SECOND),
        rate(3, SECOND),
        rate(333, SECOND),
        rate(12_345, SECOND),
        rate(999_983, SECOND),
        rate(700_000_000, SECOND),
        rate(999_999_937, SECOND),
        rate(1_000_000_000, SECOND),
        rate(3_000_000_001, SECOND),
    ];
    let cost = |rate: &Rate| {
        let calls = rate.calls_in(Duration::from_secs(365 * 86_400)) / 20_000;
        u32::try_from(calls.clamp(1, u64::from(u32::MAX) / 2)).unwrap()
    };
    rates.into_iter().map(|rate| (rate, cost(&rate))).collect()
}

/// As long as the calls of a year fit into steps; the fastest rates take a slice of it.
#[test]
fn t121_no_form_drifts_over_a_virtual_year() {
    for (rate, cost) in rates().into_iter().filter(|(_, cost)| *cost < u32::MAX / 2) {
        let quota = quota(rate, cost.saturating_mul(2).saturating_sub(1).max(1));
        let mut gcra = Gcra::new(quota);
        year(quota, cost, 0, |now| told(gcra.decide(now, cost)).map(|_| ()));
        let mut bucket = TokenBucket::new(quota);
        year(quota, cost, 0, |now| told(bucket.decide(now, cost)).map(|_| ()));
        let (pace, mut word) = (Pace::new(quota), 0);
        let slack = u64::from(rate.count() > 32);
        year(quota, cost, slack, |now| told(pace.decide(word, now, cost)).map(|new| word = new));
    }
}

#[test]
fn t121_the_fastest_rates_are_met_over_a_virtual_hour() {
    for (count, cost) in [(999_999_937, 700_000_000), (10_000_000_000, 3_000_000_000_u32)] {
        let quota = quota(rate(count, SECOND), u32::MAX);
        let (pace, mut word, mut taken) = (Pace::new(quota), 0, 0_u64);
        let (start, mut now) = (at(1), at(1));
        while now.since(start) < Duration::from_secs(3_600) {
            match told(pace.decide(word, now, cost)) {
                Ok(new) => (word, taken) = (new, taken + u64::from(cost)),
                Err(retry_at) => now = retry_at,
            }
        }
        let emitted = quota.rate.calls_in(now.since(start));
        assert!(taken <= emitted + u64::from(u32::MAX), "never more");
        assert!(taken + u64::from(cost) > emitted, "and nothing is lost");
    }
}

#[test]
fn t121_seven_hundred_million_a_second_are_not_a_thousand_million() {
    let pace = Pace::new(quota(Rate::per_second(700_000_000), 1));
    let (mut word, mut passed) = (0, 0);
    for nanos in 0..1_000_000 {
        if let Ok(new) = pace.decide(word, ns(nanos), 1) {
            (word, passed) = (new, passed + 1);
        }
    }
    // With a burst of 1, a call waits for the next whole nanosecond; over-admission is what counts.
    assert!(passed <= 700_001, "{passed}");
    let pace = Pace::new(quota(Rate::per_second(700_000_000), 7));
    let (mut word, mut passed) = (0, 0);
    for nanos in 0..1_000_000 {
        while let Ok(new) = pace.decide(word, ns(nanos), 1) {
            (word, passed) = (new, passed + 1);
        }
    }
    assert_eq!(passed, 700_000 + 6);
}

#[test]
fn t112_no_interleaving_of_two_threads_passes_more_than_the_quota() {
    // Each thread loads, decides, and swaps if nobody else did: every order of those steps.
    let pace = Pace::new(quota(Rate::per_second(10), 3));
    for order in 0_u32..1 << 12 {
        let (mut word, mut passed) = (0, 0);
        let mut seen: [Option<u64>; 2] = [None, None];
        for step in 0..12 {
            let thread = (order >> step & 1) as usize;
            match seen[thread].take() {
                None => seen[thread] = Some(word),
                Some(loaded) => {
                    let decided = pace.decide(loaded, at(0), 1);
                    if let Some(new) = decided.ok().filter(|_| loaded == word) {
                        (word, passed) = (new, passed + 1);
                    }
                }
            }
        }
        assert!(passed <= 3, "{passed} passed in order {order:b}");
    }
}

#[test]
fn a_charge_that_is_undone_at_once_leaves_no_trace() {
    for rate in [Rate::per_second(10), Rate::per_second(12_345)] {
        let pace = Pace::new(quota(rate, 5));
        let first = pace.decide(0, at(7), 2).unwrap();
        let second = pace.decide(first, at(7), 2).unwrap();
        assert_eq!(pace.refund(second, second, 2, at(7)), first);
        let later = at(3_600_000);
        assert_eq!(pace.refund(second, second, 2, later), second, "time has forgiven it");
    }
}

#[test]
fn t128_a_word_keeps_its_debt_in_calls_under_another_quota() {
    let (slow, fast) =
        (Pace::new(quota(Rate::per_second(10), 5)), Pace::new(quota(Rate::per_second(333), 5)));
    let word = slow.decide(0, at(0), 4).unwrap();
    let carried = fast.carry(word, at(0), &slow);
    assert_eq!(fast.remaining(carried, at(0)), 1);
    let back = slow.carry(carried, at(0), &fast);
    assert_eq!(slow.remaining(back, at(0)), 1);
}

#[test]
fn beyond_the_life_of_a_word_everything_is_refused() {
    let pace = Pace::new(quota(Rate::per_second(10), 5));
    let refused = pace.decide(1, ns(u64::MAX / 2), 1).unwrap_err();
    assert_eq!(refused, Refused::Limited { retry_at: Instant::NEVER, remaining: 0 });
}
