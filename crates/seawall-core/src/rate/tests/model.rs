//! Every limiter against a log of all that ever passed, recounted for every question.

use super::*;
use proptest::prelude::*;

/// All that passed, with what it cost.
#[derive(Default)]
struct Log(Vec<(Instant, u64)>);

impl Log {
    /// Whether one more call keeps `admitted ≤ B + rate · t` in every interval that ends now, in
    /// whole numbers.
    fn fits(&self, quota: Quota, now: Instant, cost: u32) -> bool {
        let (count, period) = (quota.rate.count(), quota.rate.period());
        let (mut sum, wide) = (u128::from(cost), |number: u64| u128::from(number));
        let ends_now = core::iter::once((now, 0)).chain(self.0.iter().rev().copied());
        ends_now.into_iter().all(|(then, cost)| {
            sum += wide(cost);
            let emitted = wide(count) * now.since(then).as_nanos();
            sum * wide(period) <= wide(quota.burst.into()) * wide(period) + emitted
        })
    }

    /// Calls that passed since just after a window ago.
    fn in_window(&self, now: Instant, window: Duration) -> u64 {
        let live = self.0.iter().filter(|(then, _)| now.since(*then) < window);
        live.map(|(_, cost)| cost).sum()
    }
}

fn any_rate() -> impl Strategy<Value = Rate> {
    let count = prop_oneof![
        1_u64..40,
        Just(999_999_937),
        Just(700_000_000),
        Just(1_000_000_000),
        Just(8_999_999_999),
        1_u64..2_000_000,
    ];
    let period = prop_oneof![
        6 => Just(SECOND),
        2 => Just(60 * SECOND),
        2 => Just(3_600 * SECOND),
        1 => 1_u64..5_000,
        1 => 1_u64..SECOND,
    ];
    (count, period).prop_filter_map("beyond the bound", |(count, period)| {
        Rate::new(count, Duration::from_nanos(period)).ok()
    })
}

fn any_quota() -> impl Strategy<Value = Quota> {
    let burst = prop_oneof![Just(1_u32), 1_u32..12, 1_u32..100_000];
    (any_rate(), burst).prop_map(|(rate, burst)| Quota { rate, burst })
}

/// Waits in millionths of an emission interval (or nanoseconds where that is shorter), and costs.
type Steps = Vec<(u64, u32)>;

fn steps() -> impl Strategy<Value = Steps> {
    let wait = prop_oneof![
        4 => Just(0_u64), 2 => 0_u64..2_000_000, 1 => Just(1_000_000), 1 => 0_u64..20_000_000,
    ];
    let cost = prop_oneof![6 => Just(1_u32), 2 => 0_u32..6, 1 => 0_u32..100_000];
    prop::collection::vec((wait, cost), 1..80)
}

/// A wait of so many millionths of the interval, and of a nanosecond at times where that is less.
fn wait(quota: Quota, millionths: u64) -> Duration {
    let interval = u64::try_from(quota.rate.time_of(1).as_nanos()).unwrap();
    let nanos = u128::from(interval) * u128::from(millionths) / 1_000_000;
    Duration::from_nanos(u64::try_from(nanos).unwrap())
}

/// Asks `ask` at each step; it must agree with the log, and when it refuses, tell the first
/// nanosecond at which the log agrees.
fn agrees(quota: Quota, steps: &Steps, mut ask: impl FnMut(Instant, u32) -> Decision) {
    let mut log = Log::default();
    let mut now = ns(12_345_678);
    for (millionths, cost) in steps {
        now = now.after(wait(quota, *millionths));
        let fits = log.fits(quota, now, *cost);
        match ask(now, *cost) {
            Ok(admitted) => {
                assert!(fits, "more than the quota at {now:?}");
                log.0.push((now, u64::from(*cost)));
                let fits = |more: u64| {
                    let cost = u32::try_from(more).unwrap();
                    log.fits(quota, now, cost)
                };
                assert!(fits(admitted.remaining) && !fits(admitted.remaining + 1), "remaining");
            }
            Err(Refused::Impossible { capacity }) => {
                assert!(*cost > quota.burst && capacity == u64::from(quota.burst));
            }
            Err(Refused::Limited { retry_at, .. }) => {
                assert!(!fits, "refused what the quota allows at {now:?}");
                assert!(log.fits(quota, retry_at, *cost), "told too early");
                let before = ns(retry_at.as_nanos() - 1);
                assert!(before < now || !log.fits(quota, before, *cost), "told too late");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn t121_gcra_agrees_with_a_full_log(quota in any_quota(), steps in steps()) {
        let mut gcra = Gcra::new(quota);
        agrees(quota, &steps, |now, cost| gcra.decide(now, cost));
    }

    #[test]
    fn t121_a_token_bucket_agrees_with_a_full_log(quota in any_quota(), steps in steps()) {
        let mut bucket = TokenBucket::new(quota);
        agrees(quota, &steps, |now, cost| bucket.decide(now, cost));
    }

    #[test]
    fn t121_a_key_agrees_with_a_full_log(quota in any_quota(), steps in steps(), key: u64) {
        let settings = KeyedSettings { capacity: Capacity::Keys(8), ..Default::default() };
        let mut keyed = Keyed::new(settings, &[quota]);
        let caller = Caller { key, tier: 0 };
        agrees(quota, &steps, |now, cost| keyed.decide(caller, now, cost, &mut Vec::new()));
        keyed.invariants();
    }

    /// The lock-free form: exact for few calls in a period, else late by a nanosecond at most.
    #[test]
    fn t121_a_word_never_passes_more_than_a_full_log(quota in any_quota(), steps in steps()) {
        let (pace, mut word, mut log) = (Pace::new(quota), 0, Log::default());
        let mut now = ns(12_345_678);
        let exact = quota.rate.count() <= 32;
        for (millionths, cost) in steps {
            now = now.after(wait(quota, millionths));
            let fits = log.fits(quota, now, cost);
            match pace.decide(word, now, cost) {
                Ok(new) => {
                    prop_assert!(fits, "more than the quota at {:?}", now);
                    log.0.push((now, u64::from(cost)));
                    word = new;
                }
                Err(Refused::Impossible { .. }) => prop_assert!(cost > quota.burst),
                Err(Refused::Limited { retry_at, .. }) => {
                    prop_assert!(!fits || !exact, "refused what the quota allows");
                    prop_assert!(retry_at > now && log.fits(quota, retry_at, cost));
                    prop_assert!(pace.decide(word, retry_at, cost).is_ok(), "told too early");
                    let before = ns(retry_at.as_nanos() - 2);
                    let late = before >= now && log.fits(quota, before, cost);
                    prop_assert!(!late, "later than by a nanosecond");
                }
            }
        }
    }

    /// Returned costs never make more pass than if they had not been charged.
    #[test]
    fn settled_costs_never_pass_more_than_was_used(
        quota in any_quota(),
        steps in prop::collection::vec(
            (0_u64..3_000_000, 1_u32..9, any::<Option<(usize, u32)>>()), 1..60,
        ),
    ) {
        let (mut gcra, mut log) = (Gcra::new(quota), Log::default());
        let mut open: Vec<(Charge, usize)> = Vec::new();
        let mut now = ns(77);
        for (millionths, cost, settle) in steps {
            now = now.after(wait(quota, millionths));
            if let Some((pick, actual)) = settle.filter(|_| !open.is_empty()) {
                let (charge, index) = open.swap_remove(pick % open.len());
                let actual = actual % (u32::try_from(log.0[index].1).unwrap() + 1);
                gcra.settle(charge, actual, now);
                log.0[index].1 = actual.into();
            }
            if let Ok(charge) = gcra.charge(now, cost) {
                prop_assert!(log.fits(quota, now, cost), "a refund counted twice");
                log.0.push((now, cost.into()));
                open.push((charge, log.0.len() - 1));
            }
        }
    }

    #[test]
    fn a_sliding_log_agrees_with_a_full_log(
        limit in 0_u32..20, window in prop_oneof![Just(1_u64), 2_u64..50, Just(1_000_000)],
        steps in prop::collection::vec((0_u64..60, 0_u32..6), 1..100),
    ) {
        let window = Duration::from_nanos(window);
        let settings = WindowLimit { limit, window };
        let (mut machine, mut log) = (SlidingLog::new(settings), Log::default());
        let mut now = ns(5);
        for (wait, cost) in steps {
            let unit = u32::try_from(window.as_nanos() / 40).unwrap().max(1);
            now = now.after(Duration::from_nanos(wait) * unit);
            let used = log.in_window(now, window);
            let fits = limit > 0 && used + u64::from(cost) <= limit.into();
            match machine.decide(now, cost) {
                Ok(admitted) => {
                    prop_assert!(fits);
                    prop_assert_eq!(admitted.remaining, u64::from(limit) - used - u64::from(cost));
                    log.0.push((now, cost.into()));
                }
                Err(Refused::Impossible { .. }) => prop_assert!(cost > limit && limit > 0),
                Err(Refused::Limited { retry_at, .. }) => {
                    prop_assert!(!fits);
                    let later = |then| log.in_window(then, window) + u64::from(cost);
                    prop_assert!(limit == 0 || later(retry_at) <= limit.into());
                    let before = ns(retry_at.as_nanos() - 1);
                    prop_assert!(limit == 0 || before < now || later(before) > limit.into());
                }
            }
        }
    }

    #[test]
    fn a_fixed_window_agrees_with_a_full_log(
        limit in 0_u32..20, width in prop_oneof![Just(1_u64), 2_u64..50], origin in 0_u64..200,
        steps in prop::collection::vec((0_u64..60, 0_u32..6), 1..100),
    ) {
        let settings = WindowLimit { limit, window: Duration::from_nanos(width) };
        let (mut machine, mut log) = (FixedWindow::new(settings, ns(origin)), Log::default());
        let window = |then: Instant| (then.as_nanos() + 1_000 * width - origin) / width;
        let mut now = ns(500);
        for (wait, cost) in steps {
            now = now.after(Duration::from_nanos(wait));
            let same = log.0.iter().filter(|(then, _)| window(*then) == window(now));
            let used: u64 = same.map(|(_, cost)| cost).sum();
            let fits = limit > 0 && used + u64::from(cost) <= limit.into();
            let decision = machine.decide(now, cost);
            prop_assert_eq!(decision.is_ok(), fits);
            prop_assert_eq!(machine.snapshot(now).remaining, match decision {
                Ok(admitted) => admitted.remaining,
                Err(_) => u64::from(limit) - used,
            });
            match decision {
                Ok(_) => log.0.push((now, cost.into())),
                Err(Refused::Limited { retry_at, .. }) if limit > 0 => {
                    prop_assert_eq!(window(retry_at), window(now) + 1);
                    prop_assert_eq!(window(ns(retry_at.as_nanos() - 1)), window(now));
                }
                Err(Refused::Limited { retry_at, .. }) => prop_assert!(retry_at.is_never()),
                Err(Refused::Impossible { .. }) => prop_assert!(cost > limit),
            }
        }
    }

    #[test]
    fn a_sliding_counter_agrees_with_a_full_log(
        limit in 0_u32..20, width in prop_oneof![Just(1_u64), 2_u64..50], origin in 0_u64..200,
        steps in prop::collection::vec((0_u64..40, 0_u32..6), 1..100),
    ) {
        let settings = WindowLimit { limit, window: Duration::from_nanos(width) };
        let (mut machine, mut log) = (SlidingCounter::new(settings, ns(origin)), Log::default());
        let phase = |then: Instant| then.as_nanos() + 1_000 * width - origin;
        let fits = |log: &Log, now: Instant, cost: u32| {
            let window = phase(now) / width;
            let of = |number: u64| -> u64 {
                let in_it = log.0.iter().filter(|(then, _)| phase(*then) / width == number);
                in_it.map(|(_, cost)| cost).sum()
            };
            let elapsed = phase(now) % width;
            let weighs = of(window - 1) * (width - elapsed);
            limit > 0 && weighs + (of(window) + u64::from(cost)) * width <= u64::from(limit) * width
        };
        let mut now = ns(500);
        for (wait, cost) in steps {
            now = now.after(Duration::from_nanos(wait));
            let expected = fits(&log, now, cost);
            match machine.decide(now, cost) {
                Ok(admitted) => {
                    prop_assert!(expected);
                    log.0.push((now, cost.into()));
                    let left = u32::try_from(admitted.remaining).unwrap();
                    prop_assert!(fits(&log, now, left) && !fits(&log, now, left + 1));
                }
                Err(Refused::Limited { retry_at, .. }) if limit > 0 => {
                    prop_assert!(!expected);
                    prop_assert!(fits(&log, retry_at, cost), "told too early");
                    let before = ns(retry_at.as_nanos() - 1);
                    prop_assert!(before < now || !fits(&log, before, cost), "told too late");
                }
                Err(Refused::Limited { retry_at, .. }) => prop_assert!(retry_at.is_never()),
                Err(Refused::Impossible { .. }) => prop_assert!(cost > limit && limit > 0),
            }
        }
    }

    #[test]
    fn calls_leave_a_leaky_bucket_no_closer_than_the_rate(
        rate in any_rate(), steps in prop::collection::vec((0_u64..3_000_000, 1_u32..4), 1..60),
    ) {
        let settings = LeakySettings { rate, max_wait: Duration::from_secs(86_400) };
        let mut bucket = LeakyBucket::new(settings);
        let quota = Quota { rate, burst: 1 };
        // The exact next instant, in parts of which a nanosecond has the rate's count.
        let (mut next, mut now) = (0_u128, ns(9));
        for (millionths, cost) in steps {
            now = now.after(wait(quota, millionths));
            let count = u128::from(rate.count());
            let start = next.max(u128::from(now.as_nanos()) * count);
            let leaves = start.div_ceil(count);
            match bucket.decide(now, cost) {
                Ok(instant) => {
                    prop_assert_eq!(u128::from(instant.as_nanos()), leaves);
                    next = start + u128::from(cost) * u128::from(rate.period());
                }
                Err(_) => {
                    let waits = leaves - u128::from(now.as_nanos());
                    prop_assert!(waits > 86_400 * u128::from(SECOND));
                }
            }
        }
    }

    #[test]
    fn a_limit_that_warms_up_never_passes_more_than_its_quota(
        quota in any_quota(), warm_up in 1_u64..100, steps in steps(),
    ) {
        let interval = wait(quota, 1_000_000);
        let period = (interval * u32::try_from(warm_up).unwrap()).clamp(
            Duration::from_nanos(1), Duration::from_secs(86_400),
        );
        let mut limit = WarmUp::new(WarmUpSettings::of(quota, period));
        let (mut log, mut now) = (Log::default(), ns(9));
        for (millionths, cost) in steps {
            now = now.after(wait(quota, millionths));
            match limit.decide(now, cost) {
                Ok(_) => {
                    prop_assert!(log.fits(quota, now, cost), "more than when warm");
                    log.0.push((now, cost.into()));
                }
                Err(Refused::Limited { retry_at, .. }) => {
                    prop_assert!(retry_at > now);
                    prop_assert!(limit.check(ns(retry_at.as_nanos() - 1), cost).is_err());
                    now = retry_at;
                    prop_assert!(limit.check(now, cost).is_ok(), "told too early");
                }
                Err(Refused::Impossible { .. }) => prop_assert!(cost > quota.burst),
            }
        }
    }
}
