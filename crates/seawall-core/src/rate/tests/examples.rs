//! The worked examples RL-1 to RL-4. RL-5 is in `keyed.rs`.

use super::*;
use crate::Mode;
use crate::event::Discard;
use crate::ratio::Ratio;

fn remaining(decision: Decision) -> u64 {
    decision.unwrap().remaining
}

#[test]
fn rl_1_gcra_passes_a_burst_and_then_one_each_interval() {
    let mut gcra = Gcra::new(quota(Rate::per_second(10), 5));
    for left in (0..5).rev() {
        assert_eq!(remaining(gcra.decide(at(0), 1)), left);
    }
    let refused = Refused::Limited { retry_at: at(100), remaining: 0 };
    assert_eq!(gcra.decide(at(0), 1), Err(refused));
    assert_eq!(gcra.decide(at(99), 1), Err(refused));
    assert_eq!(remaining(gcra.decide(at(100), 1)), 0);
    assert_eq!(passing(&mut gcra, at(350)), 2);
    assert_eq!(retry_at(gcra.decide(at(350), 1)), at(400));
}

#[test]
fn rl_1_a_word_decides_as_gcra_does() {
    let pace = Pace::new(quota(Rate::per_second(10), 5));
    let mut word = 0;
    for (millis, passes) in [(0, 5), (99, 0), (100, 1), (350, 2)] {
        for left in (0..passes).rev() {
            assert_eq!(pace.check(word, at(millis), 1).map(|yes| yes.remaining), Ok(left));
            word = pace.decide(word, at(millis), 1).unwrap();
        }
        let next = (millis / 100 + 1) * 100;
        assert_eq!(retry_at(pace.check(word, at(millis), 1)), at(next));
    }
}

#[test]
fn rl_1_a_token_bucket_decides_as_gcra_does() {
    let mut bucket = TokenBucket::new(quota(Rate::per_second(10), 5));
    let passed = [0, 99, 100, 350].map(|millis| passing(&mut bucket, at(millis)));
    assert_eq!(passed, [5, 0, 1, 2]);
    assert_eq!(retry_at(bucket.decide(at(350), 1)), at(400));
}

#[test]
fn rl_2_t125_a_sliding_counter_admits_up_to_and_including_the_limit() {
    let settings = WindowLimit { limit: 100, window: Duration::from_secs(60) };
    let mut counter = SlidingCounter::new(settings, Instant::EPOCH);
    assert_eq!(remaining(counter.decide(at(0), 80)), 20);
    assert_eq!(remaining(counter.decide(at(70_000), 30)), 3);
    assert_eq!(remaining(counter.decide(at(75_000), 10)), 0);
    let refused = Refused::Limited { retry_at: at(75_750), remaining: 0 };
    assert_eq!(counter.decide(at(75_000), 1), Err(refused));
    assert!(counter.decide(ns(75_750_000_000 - 1), 1).is_err());
    assert_eq!(remaining(counter.decide(at(75_750), 1)), 0);
}

#[test]
fn rl_3_warm_up_speeds_up_as_stored_tokens_are_used() {
    let quota = quota(Rate::per_second(100), 1);
    let settings = WarmUpSettings::of(quota, Duration::from_secs(10));
    let mut limit = WarmUp::new(settings);
    let intervals = [1_000, 875, 750, 625, 500, 0].map(|tokens| limit.interval_at(tokens));
    let millis = [30, 25, 20, 15, 10, 10].map(Duration::from_millis);
    assert_eq!(intervals, millis);
    assert_eq!(limit.stored(at(0)), 1_000);
    // At full demand it is warm once the period is over, having passed 500 calls.
    let mut now = at(0);
    for _ in 0..500 {
        limit.decide(now, 1).unwrap();
        now = retry_at(limit.decide(now, 1));
    }
    let late = now.since(at(10_000));
    assert!(now >= at(10_000) && late < Duration::from_micros(1), "warm after {now:?}");
    assert!(limit.decide(now, 1).is_ok());
    assert_eq!(retry_at(limit.decide(now, 1)), now.after(Duration::from_millis(10)));
    // It cools again in as long, and then spaces calls as at first.
    let later = now.after(Duration::from_secs(11));
    assert_eq!(limit.stored(later), 1_000);
    limit.decide(later, 1).unwrap();
    let interval = retry_at(limit.decide(later, 1)).since(later);
    assert!(interval > Duration::from_millis(29) && interval <= Duration::from_millis(30));
}

#[test]
fn rl_4_an_adaptive_limit_gives_way_and_comes_back() {
    let settings = LimiterSettings {
        adaptive: Some(AdaptiveSettings::default()),
        ..LimiterSettings::of(quota(Rate::per_second(100), 1))
    };
    settings.validate().unwrap();
    let mut limiter = Limiter::new(settings, Instant::EPOCH);
    let mut events = Vec::new();
    // Many answers in a second cut once.
    for millis in (0..2_000).step_by(100) {
        limiter.on_throttled(at(10_000 + millis), &mut events);
    }
    let adapted =
        |percent| RateEvent::Adapted { share: Ratio::from_percent(percent), mode: Mode::Enforce };
    assert_eq!(events, [adapted(70), adapted(49)]);
    let quiet = 10_000 + 1_900;
    for (second, percent) in [(1, 54), (2, 59), (3, 64)] {
        limiter.poll(at(quiet + second * 1_000), &mut events);
        assert_eq!(events.last(), Some(&adapted(percent)));
    }
    limiter.decide(at(quiet + 3_000), 1, &mut Discard).unwrap();
    let wait = retry_at(limiter.decide(at(quiet + 3_000), 1, &mut Discard));
    assert_eq!(wait.since(at(quiet + 3_000)), Duration::from_micros(15_625), "64 a second");
    for _ in 0..3 {
        limiter.poll(at(60_000), &mut events);
    }
    assert_eq!(events.last(), Some(&adapted(100)));
    assert_eq!(limiter.next_deadline(), None);
    assert_eq!(limiter.snapshot(at(60_000)).mode, Mode::Enforce);
}

#[test]
fn an_adaptive_limit_tells_its_mode_and_one_that_is_off_gives_no_way() {
    let settings = |mode| LimiterSettings {
        adaptive: Some(AdaptiveSettings::default()),
        mode,
        ..LimiterSettings::of(quota(Rate::per_second(100), 1))
    };
    let mut limiter = Limiter::new(settings(Mode::Off), Instant::EPOCH);
    let mut events = Vec::new();
    limiter.on_throttled(at(1_000), &mut events);
    limiter.poll(at(9_000), &mut events);
    assert_eq!((events.as_slice(), limiter.snapshot(at(9_000)).share), (&[][..], Ratio::ONE));
    limiter.reconfigure(settings(Mode::Shadow), at(9_000));
    limiter.on_throttled(at(9_000), &mut events);
    let share = Ratio::from_percent(70);
    assert_eq!(events, [RateEvent::Adapted { share, mode: Mode::Shadow }]);
    assert!(limiter.next_deadline().is_some());
    limiter.reconfigure(settings(Mode::Off), at(9_000));
    assert_eq!(limiter.next_deadline(), None, "nothing to wake for");
}

#[test]
fn rl_4_two_throttled_seconds_in_a_row_leave_no_quiet_one_between() {
    let mut adaptive = Adaptive::new(AdaptiveSettings::default());
    let shares = [0, 1_000, 1_999].map(|millis| adaptive.on_throttled(at(millis)).ppm());
    assert_eq!(shares, [700_000, 490_000, 490_000]);
    assert_eq!(adaptive.poll(at(4_999)).ppm(), 640_000);
    for second in 0..60 {
        adaptive.on_throttled(at(5_000 + second * 1_000));
    }
    assert_eq!(adaptive.share(), Ratio::from_percent(10));
}

#[test]
fn calls_leave_a_leaky_bucket_evenly_until_the_wait_is_too_long() {
    let settings = LeakySettings { rate: Rate::per_second(3), max_wait: Duration::from_secs(1) };
    settings.validate().unwrap();
    let mut bucket = LeakyBucket::new(settings);
    let leaves: Vec<_> = (0..4).map(|_| bucket.decide(at(0), 1).unwrap().as_nanos()).collect();
    assert_eq!(leaves, [0, 333_333_334, 666_666_667, 1_000_000_000]);
    let refused = Refused::Limited { retry_at: ns(333_333_334), remaining: 0 };
    assert_eq!(bucket.decide(at(0), 1), Err(refused));
    assert_eq!(bucket.wait(at(0)), Duration::from_nanos(1_333_333_334));
    assert_eq!(bucket.decide(ns(333_333_334), 1), Ok(ns(1_333_333_334)));
}

#[test]
fn shadow_reports_and_passes_and_off_forgets() {
    let one = quota(Rate::per_hour(1), 1);
    let mut limiter = Limiter::new(
        LimiterSettings { mode: Mode::Shadow, ..LimiterSettings::of(one) },
        Instant::EPOCH,
    );
    let mut events = Vec::new();
    assert!((0..3).all(|_| limiter.decide(at(0), 1, &mut events).is_ok()));
    assert!(limiter.decide(at(0), 2, &mut events).is_ok());
    let retry_at = at(3_600_000);
    let limited = RateEvent::Limited { mode: Mode::Shadow, remaining: 0, retry_at };
    let impossible = RateEvent::Impossible { mode: Mode::Shadow, cost: 2, capacity: 1 };
    assert_eq!(events, [limited, limited, impossible]);
    limiter.reconfigure(LimiterSettings::of(one), at(0));
    assert!(limiter.decide(at(0), 1, &mut events).is_err(), "what shadow charged is owed");
    limiter.reconfigure(LimiterSettings { mode: Mode::Off, ..LimiterSettings::of(one) }, at(0));
    assert!((0..3).all(|_| limiter.decide(at(0), 1, &mut events).is_ok()));
}

#[test]
fn of_several_layers_all_are_charged_or_none() {
    let mut global = Gcra::new(quota(Rate::per_second(10), 3));
    let mut route = TokenBucket::new(quota(Rate::per_second(1), 2));
    let pass = |layers: &mut [&mut dyn Layer]| decide_all(layers, at(0), 1);
    assert_eq!(pass(&mut [&mut global, &mut route]), Ok(Admitted { remaining: 1 }));
    assert_eq!(pass(&mut [&mut global, &mut route]), Ok(Admitted { remaining: 0 }));
    let refused = Refused::Limited { retry_at: at(1_000), remaining: 0 };
    for _ in 0..5 {
        let by = RefusedBy { layer: 1, refused };
        assert_eq!(pass(&mut [&mut global, &mut route]), Err(by));
    }
    assert_eq!(global.snapshot(at(0)).remaining, 1, "a refused call spends no other limit");
    // Of two that refuse, the one that keeps it out longest speaks.
    assert_eq!(passing(&mut global, at(0)), 1);
    assert_eq!(pass(&mut [&mut global, &mut route]).unwrap_err().layer, 1);
}

#[test]
fn a_snapshot_tells_limit_remaining_and_reset() {
    let mut gcra = Gcra::new(quota(Rate::per_second(10), 5));
    gcra.decide(at(0), 3).unwrap();
    let window = Duration::from_millis(500);
    let snapshot =
        RateSnapshot { limit: 5, remaining: 2, reset: Duration::from_millis(300), window };
    assert_eq!(gcra.snapshot(at(0)), snapshot);
    let mut bucket = TokenBucket::new(quota(Rate::per_second(10), 5));
    bucket.decide(at(0), 3).unwrap();
    assert_eq!(bucket.snapshot(at(0)), snapshot);
    let pace = Pace::new(quota(Rate::per_second(10), 5));
    assert_eq!(pace.snapshot(pace.decide(0, at(0), 3).unwrap(), at(0)), snapshot);
    let full = RateSnapshot { remaining: 5, reset: Duration::ZERO, ..snapshot };
    assert_eq!(gcra.snapshot(at(300)), full);
    assert_eq!(bucket.snapshot(at(300)), full);
}
