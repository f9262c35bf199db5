//! The traps of a limiter, by their numbers. Those of keys are in `keyed.rs`, those of waiting in
//! `queue.rs`, those of many threads in `pace.rs`.

use super::*;
use crate::event::Discard;

#[test]
fn t115_a_clock_that_steps_back_refuses_nobody() {
    let quota = quota(Rate::per_second(10), 2);
    let (mut gcra, mut bucket) = (Gcra::new(quota), TokenBucket::new(quota));
    for limit in [&mut gcra as &mut dyn Layer, &mut bucket] {
        assert_eq!(passing(limit, at(1_000)), 2);
        assert_eq!(passing(limit, at(1_100)), 1);
        // On a clock behind, the next interval is not pushed away either.
        assert!(limit.check(at(500), 1).is_err());
        assert_eq!(passing(limit, at(1_200)), 1);
        assert_eq!(passing(limit, at(1_400)), 2);
        assert_eq!(passing(limit, at(100)), 0);
    }
    let limit = WindowLimit { limit: 2, window: Duration::from_secs(1) };
    let mut log = SlidingLog::new(limit);
    let mut fixed = FixedWindow::new(limit, at(0));
    let mut counter = SlidingCounter::new(limit, at(0));
    for limit in [&mut log as &mut dyn Layer, &mut fixed, &mut counter] {
        assert!(limit.check(at(5_000), 1).is_ok());
        limit.commit(at(5_000), 1);
        assert!(limit.check(at(1), 1).is_ok(), "one of two is left");
        limit.commit(at(1), 1);
        assert!(limit.check(at(1), 1).is_err());
        assert!(limit.check(at(7_000), 1).is_ok());
    }
}

#[test]
fn t122_a_cost_above_the_capacity_is_an_error_and_not_a_wait() {
    let impossible = Err(Refused::Impossible { capacity: 5 });
    let quota = quota(Rate::per_second(10), 5);
    let limit = WindowLimit { limit: 5, window: Duration::from_secs(1) };
    for algorithm in [
        Algorithm::Gcra(quota),
        Algorithm::TokenBucket(quota),
        Algorithm::WarmUp(WarmUpSettings::of(quota, Duration::from_secs(1))),
        Algorithm::FixedWindow(limit),
        Algorithm::SlidingCounter(limit),
        Algorithm::SlidingLog(limit),
    ] {
        let settings = LimiterSettings { algorithm, ..LimiterSettings::of(quota) };
        settings.validate().unwrap();
        let mut limiter = Limiter::new(settings, Instant::EPOCH);
        assert_eq!(limiter.decide(at(0), 6, &mut Discard), impossible, "{algorithm:?}");
        assert_eq!(limiter.decide(at(0), 5, &mut Discard).map(|yes| yes.remaining), Ok(0));
        assert_eq!(limiter.snapshot(at(0)).rate.remaining, 0, "{algorithm:?}");
        limiter.invariants();
    }
    assert_eq!(Pace::new(quota).check(0, at(0), 6), impossible);
}

#[test]
fn t123_limits_beyond_four_million_are_not_cut() {
    let quota = quota(Rate::per_second(4_000_000_000), 4_000_000_000);
    let mut gcra = Gcra::new(quota);
    assert_eq!(gcra.decide(at(0), 1).unwrap().remaining, 3_999_999_999);
    gcra.decide(at(0), 3_999_999_999).unwrap();
    assert_eq!(gcra.snapshot(at(500)).remaining, 2_000_000_000);
    let pace = Pace::new(quota);
    let word = pace.decide(0, at(0), 4_000_000_000).unwrap();
    assert_eq!(pace.remaining(word, at(500)), 2_000_000_000);
}

#[test]
fn t124_a_window_below_a_millisecond_is_exact() {
    let limit = WindowLimit { limit: 3, window: Duration::from_nanos(7) };
    let mut fixed = FixedWindow::new(limit, at(0));
    let mut log = SlidingLog::new(limit);
    for nanos in [0, 7, 14] {
        assert_eq!(passing(&mut fixed, ns(nanos)), 3);
        assert_eq!(passing(&mut fixed, ns(nanos + 6)), 0);
        assert_eq!(passing(&mut log, ns(nanos)), 3);
        assert_eq!(passing(&mut log, ns(nanos + 6)), 0);
    }
}

#[test]
fn t126_a_fixed_window_passes_twice_its_limit_around_a_boundary() {
    let limit = WindowLimit { limit: 100, window: Duration::from_secs(1) };
    let mut fixed = FixedWindow::new(limit, at(0));
    assert_eq!(passing(&mut fixed, at(999)) + passing(&mut fixed, at(1_000)), 200);
    let mut counter = SlidingCounter::new(limit, at(0));
    assert_eq!(passing(&mut counter, at(999)) + passing(&mut counter, at(1_000)), 100);
    let mut log = SlidingLog::new(limit);
    assert_eq!(passing(&mut log, at(999)) + passing(&mut log, at(1_998)), 100);
    assert_eq!(passing(&mut log, at(1_999)), 100);
}

#[test]
fn a_rate_of_zero_blocks_everything_and_never_ends() {
    let blocked = Quota { rate: Rate::ZERO, burst: 3 };
    blocked.validate().unwrap();
    let never = Err(Refused::Limited { retry_at: Instant::NEVER, remaining: 0 });
    assert_eq!(Gcra::new(blocked).decide(at(5), 1), never);
    assert_eq!(TokenBucket::new(blocked).check(at(5), 1), never);
    assert_eq!(
        Pace::new(blocked).check(0, at(5), 1),
        Err(Pace::new(blocked).decide(0, at(5), 1).unwrap_err())
    );
    assert_eq!(retry_at(Pace::new(blocked).check(0, at(5), 1)), Instant::NEVER);
    let window = WindowLimit { limit: 0, window: Duration::from_secs(1) };
    assert_eq!(FixedWindow::new(window, at(0)).decide(at(5), 1), never);
    assert_eq!(SlidingCounter::new(window, at(0)).decide(at(5), 1), never);
    assert_eq!(SlidingLog::new(window).decide(at(5), 1), never);
    assert_eq!(Gcra::new(blocked).snapshot(at(5)).reset, Duration::MAX);
}

#[test]
fn t128_a_changed_rate_keeps_the_debt_in_calls() {
    let mut gcra = Gcra::new(quota(Rate::per_second(10), 5));
    let mut bucket = TokenBucket::new(quota(Rate::per_second(10), 5));
    for limit in [&mut gcra as &mut dyn Layer, &mut bucket] {
        assert_eq!(passing(limit, at(0)), 5);
    }
    gcra.reconfigure(quota(Rate::per_second(1), 5), at(50));
    bucket.reconfigure(quota(Rate::per_second(1), 5), at(50));
    // Half of a call was emitted at the old rate; the other half takes as long as the new one says.
    assert_eq!(retry_at(gcra.decide(at(50), 1)), at(550));
    assert_eq!(retry_at(bucket.decide(at(50), 1)), at(550));
    gcra.reconfigure(quota(Rate::per_second(1_000), 5), at(50));
    assert_eq!(retry_at(gcra.decide(at(50), 1)), ns(50_500_000));
}

#[test]
fn t128_nothing_is_emitted_while_a_limit_is_paused() {
    let running = quota(Rate::per_second(10), 5);
    let paused = Quota { rate: Rate::ZERO, burst: 5 };
    let mut gcra = Gcra::new(running);
    assert_eq!(passing(&mut gcra, at(0)), 5);
    gcra.reconfigure(paused, at(50));
    assert_eq!(retry_at(gcra.decide(at(60), 1)), Instant::NEVER);
    gcra.reconfigure(paused, at(5_000));
    gcra.reconfigure(running, at(10_000));
    assert_eq!(retry_at(gcra.decide(at(10_000), 1)), at(10_050));
}

#[test]
fn a_settled_cost_is_charged_down_to_a_debt_of_one_burst() {
    let mut gcra = Gcra::new(quota(Rate::per_second(10), 5));
    let charge = gcra.charge(at(0), 1).unwrap();
    gcra.settle(charge, 4, at(0));
    assert_eq!(gcra.snapshot(at(0)).remaining, 1);
    let charge = gcra.charge(at(0), 1).unwrap();
    gcra.settle(charge, 1_000_000, at(0));
    // Five were spent, and five are owed beyond that: the next passes after six intervals.
    assert_eq!(retry_at(gcra.decide(at(0), 1)), at(600));
    let charge = gcra.charge(at(600), 1).unwrap();
    gcra.settle(charge, 0, at(600));
    assert!(gcra.decide(at(600), 1).is_ok(), "what was not used is returned");
}

#[test]
fn a_charge_of_a_former_quota_returns_nothing() {
    let mut gcra = Gcra::new(quota(Rate::per_second(10), 5));
    let charge = gcra.charge(at(0), 5).unwrap();
    gcra.reconfigure(quota(Rate::per_second(10), 5), at(0));
    gcra.settle(charge, 0, at(0));
    assert_eq!(gcra.snapshot(at(0)).remaining, 0);
}

#[test]
fn t128_a_pause_forgives_a_limit_that_warms_up_nothing_and_leaves_it_as_warm() {
    let on = WarmUpSettings::of(quota(Rate::per_second(10), 1), Duration::from_secs(1));
    let off = WarmUpSettings { quota: quota(Rate::ZERO, 1), ..on };
    let (mut paused, mut other) = (WarmUp::new(on), WarmUp::new(on));
    for limit in [&mut paused, &mut other] {
        assert!(limit.decide(at(1_000), 1).is_ok());
    }
    let wait = retry_at(other.decide(at(1_000), 1)).since(at(1_000));
    paused.reconfigure(off, at(1_000));
    assert_eq!(retry_at(paused.decide(at(30_000), 1)), Instant::NEVER);
    paused.reconfigure(off, at(40_000));
    paused.reconfigure(on, at(61_000));
    assert_eq!(paused.stored(at(61_000)), other.stored(at(1_000)));
    assert_eq!(retry_at(paused.decide(at(61_000), 1)).since(at(61_000)), wait);
    assert!(paused.decide(at(61_000).after(wait), 1).is_ok());
}
