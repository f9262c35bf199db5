//! The worked examples and traps of hedging, and random operations against a full log.

mod race;

use super::*;
use crate::Mode;
use crate::call::Safety;
use crate::endpoint::{EndpointId, Slot};
use crate::event::Discard;
use crate::histogram::RotatingHistogram;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};
use proptest::prelude::*;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);

const ENDPOINT: EndpointId = EndpointId { slot: Slot::new(2), generation: 1 };

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn enforced() -> HedgeSettings {
    HedgeSettings { mode: Mode::Enforce, ..HedgeSettings::default() }
}

fn hedging(settings: HedgeSettings) -> Hedging {
    Hedging::new(settings, Instant::EPOCH)
}

fn minute() -> RotatingHistogram {
    RotatingHistogram::new(SECOND * 60, Instant::EPOCH)
}

/// Nothing stands against a hedge.
fn clear() -> Conditions {
    Conditions {
        safety: Safety::Idempotent,
        response: Response::None,
        fired: 0,
        left: Some(SECOND),
        useful: millis(1),
        untried: 1,
        load: Load::Normal,
    }
}

fn deposit(hedging: &mut Hedging, calls: u64, millis: u64) {
    (0..calls).for_each(|_| hedging.deposit(at(millis)));
}

/// How many of `asked` are granted at that time and stay counted.
fn grants(hedging: &mut Hedging, asked: u64, millis: u64) -> u64 {
    let mut grant = || hedging.may_fire(at(millis), &clear(), &mut Discard).is_ok();
    (0..asked).map(|_| u64::from(grant())).sum()
}

fn suppressed(hedging: &Hedging, reason: Suppressed) -> u64 {
    hedging.snapshot(Instant::EPOCH).suppressed[reason.index()]
}

#[test]
fn he_2_t83_when_every_call_is_slow_the_share_bounds_the_hedges() {
    let mut hedging = hedging(enforced());
    let mut fired = Vec::new();
    for call in 0..6_000 {
        let now = call * 10;
        hedging.deposit(at(now));
        if grants(&mut hedging, 1, now) == 1 {
            fired.push(now);
        }
        hedging.invariants();
    }
    let in_window = |from: u64| fired.iter().filter(|at| (from..from + 9_000).contains(at)).count();
    let most = (0..51_000).step_by(10).map(in_window).max().unwrap();
    assert!(most <= 50, "{most} hedges within one window");
    assert!((250..=300).contains(&fired.len()), "{} in a minute", fired.len());
    let refused = suppressed(&hedging, Suppressed::ShareReached);
    assert_eq!(refused + fired.len() as u64, 6_000);
}

#[test]
fn t83_the_share_is_exact_and_has_no_floor() {
    let mut hedging = hedging(enforced());
    deposit(&mut hedging, 19, 0);
    assert_eq!(grants(&mut hedging, 5, 0), 0);
    deposit(&mut hedging, 1, 0);
    assert_eq!(grants(&mut hedging, 5, 0), 1);
    deposit(&mut hedging, 980, 0);
    assert_eq!(grants(&mut hedging, 500, 0), 49);
}

#[test]
fn the_share_refills_as_the_window_passes() {
    let mut hedging = hedging(enforced());
    deposit(&mut hedging, 100, 0);
    assert_eq!(grants(&mut hedging, 9, 9_999), 5);
    deposit(&mut hedging, 100, 10_000);
    assert_eq!(grants(&mut hedging, 9, 10_000), 0, "the hedges are younger than the calls");
    assert_eq!(grants(&mut hedging, 9, 18_999), 0, "their bucket still counts");
    assert_eq!(grants(&mut hedging, 9, 19_000), 5);
}

#[test]
fn he_3_he_4_t85_t90_each_condition_alone_suppresses_and_says_so() {
    let usual = clear();
    let cases = [
        (Suppressed::NotIdempotent, Conditions { safety: Safety::Unsafe, ..usual }),
        (Suppressed::Committed, Conditions { response: Response::Committed, ..usual }),
        (Suppressed::ExtraExhausted, Conditions { fired: 1, ..usual }),
        (Suppressed::DeadlineCannotFit, Conditions { useful: millis(1_001), ..usual }),
        (Suppressed::NoUntriedEndpoint, Conditions { untried: 0, ..usual }),
        (Suppressed::Overloaded, Conditions { load: Load::Overloaded, ..usual }),
    ];
    let mut hedging = hedging(enforced());
    deposit(&mut hedging, 20, 0);
    for (reason, conditions) in cases {
        let mut events = Vec::new();
        let refused = hedging.may_fire(at(0), &conditions, &mut events).unwrap_err();
        assert_eq!(refused, reason);
        assert_eq!(events, [HedgeEvent::Suppressed { reason }]);
        assert_eq!(suppressed(&hedging, reason), 1);
    }
    assert_eq!(hedging.snapshot(at(0)).hedges, 0, "none of them was counted");
    assert_eq!(grants(&mut hedging, 1, 0), 1, "without them it passes");
}

#[test]
fn a_keyed_request_without_deadline_may_be_hedged() {
    let mut hedging = hedging(enforced());
    deposit(&mut hedging, 20, 0);
    let conditions = Conditions { safety: Safety::Keyed, left: None, ..clear() };
    assert!(hedging.may_fire(at(0), &conditions, &mut Discard).is_ok());
}

#[test]
fn exactly_enough_time_is_enough_and_none_is_not() {
    let mut hedging = hedging(enforced());
    deposit(&mut hedging, 100, 0);
    let enough = Conditions { left: Some(millis(7)), useful: millis(7), ..clear() };
    assert!(hedging.may_fire(at(0), &enough, &mut Discard).is_ok());
    let none = Conditions { left: Some(Duration::ZERO), useful: Duration::ZERO, ..clear() };
    let refused = hedging.may_fire(at(0), &none, &mut Discard).unwrap_err();
    assert_eq!(refused, Suppressed::DeadlineCannotFit);
}

#[test]
fn a_call_may_have_as_many_hedges_as_are_set_but_never_more_than_three() {
    for (max_extra, allowed) in [(1, 1), (2, 2), (3, 3), (9, 3)] {
        let mut hedging = hedging(HedgeSettings { max_extra, ..enforced() });
        deposit(&mut hedging, 1_000, 0);
        let mut granted = |fired: &u32| {
            let conditions = Conditions { fired: *fired, ..clear() };
            hedging.may_fire(at(0), &conditions, &mut Discard).is_ok()
        };
        assert_eq!((0..10).take_while(|fired| granted(fired)).count(), allowed);
    }
}

#[test]
fn t87_no_quantile_is_believed_below_the_least_samples() {
    let (mut hedging, mut latencies) = (hedging(enforced()), minute());
    (0..99).for_each(|_| latencies.record(at(0), millis(40)));
    assert_eq!(hedging.delay(at(0), &mut latencies, SECOND), None);
    latencies.record(at(1), millis(40));
    assert_eq!(hedging.delay(at(99), &mut latencies, SECOND), None, "until it is computed anew");
    let delay = hedging.delay(at(100), &mut latencies, SECOND).unwrap();
    assert!(delay >= millis(80) && delay <= millis(84), "{delay:?}");
    assert_eq!(hedging.delay(at(120_000), &mut latencies, SECOND), None, "a minute without calls");
}

#[test]
fn where_latencies_hardly_differ_an_attempt_is_slow_at_twice_the_median() {
    let (mut hedging, mut latencies) = (hedging(enforced()), minute());
    (0..900).for_each(|_| latencies.record(at(0), millis(20)));
    (0..100).for_each(|_| latencies.record(at(0), millis(22)));
    let delay = hedging.delay(at(0), &mut latencies, SECOND).unwrap();
    assert!(delay >= millis(40) && delay <= millis(42), "{delay:?}: at p95 one in ten is hedged");
    (0..100).for_each(|_| latencies.record(at(0), millis(200)));
    let delay = hedging.delay(at(3_000), &mut latencies, SECOND).unwrap();
    assert!(delay >= millis(200) && delay <= millis(210), "{delay:?}: the quantile is later");
}

#[test]
fn t87_the_delay_has_a_floor_and_half_the_attempt_timeout_as_ceiling() {
    let (mut hedging, mut latencies) = (hedging(enforced()), minute());
    (0..100).for_each(|_| latencies.record(at(0), Duration::from_micros(5)));
    assert_eq!(hedging.delay(at(0), &mut latencies, SECOND), Some(millis(1)));
    (0..1_000).for_each(|_| latencies.record(at(0), SECOND * 2));
    assert_eq!(hedging.delay(at(3_000), &mut latencies, SECOND), Some(millis(500)));
    assert_eq!(hedging.delay(at(3_000), &mut latencies, millis(2)), Some(millis(1)));
    assert_eq!(hedging.delay(at(3_000), &mut latencies, millis(1)), None, "no room for a hedge");
}

#[test]
fn a_fixed_delay_needs_no_samples() {
    let fixed = HedgeSettings { delay: HedgeDelay::Fixed(millis(30)), ..enforced() };
    let mut hedging = hedging(fixed);
    assert_eq!(hedging.delay(at(0), &mut minute(), SECOND), Some(millis(30)));
    assert_eq!(hedging.delay(at(0), &mut minute(), millis(30)), None, "the attempt is over first");
}

#[test]
fn t87_a_fixed_delay_of_nothing_sends_no_hedge_even_where_nobody_validated() {
    let mut hedging =
        hedging(HedgeSettings { delay: HedgeDelay::Fixed(Duration::ZERO), ..enforced() });
    assert_eq!(hedging.delay(at(0), &mut minute(), SECOND), None);
}

#[test]
fn a_clock_that_steps_back_refills_nothing_and_loses_nothing() {
    let mut hedging = hedging(enforced());
    deposit(&mut hedging, 40, 30_000);
    assert_eq!(grants(&mut hedging, 9, 1_000), 2);
    let conditions = clear();
    deposit(&mut hedging, 20, 2_000);
    let hedge = hedging.may_fire(at(3_000), &conditions, &mut Discard).unwrap();
    hedging.withdraw(hedge, Suppressed::NoPermit, at(4_000), &mut Discard);
    let snapshot = hedging.snapshot(at(30_000));
    assert_eq!((snapshot.first, snapshot.hedges), (60, 2));
}

#[test]
fn a_first_quantile_is_there_a_moment_after_enough_latencies_are() {
    let (mut hedging, mut latencies) = (hedging(enforced()), minute());
    (0..99).for_each(|_| latencies.record(at(0), millis(20)));
    assert_eq!(hedging.delay(at(0), &mut latencies, SECOND), None);
    latencies.record(at(1), millis(20));
    assert_eq!(hedging.delay(at(99), &mut latencies, SECOND), None, "it looks ten times a second");
    let first = hedging.delay(at(100), &mut latencies, SECOND);
    assert!(first.is_some_and(|delay| delay >= millis(38)), "{first:?}");
    (0..900).for_each(|_| latencies.record(at(200), millis(200)));
    assert_eq!(hedging.delay(at(3_099), &mut latencies, SECOND), first, "known: every 3 s");
    assert_ne!(hedging.delay(at(3_100), &mut latencies, SECOND), first);
}

#[test]
fn t89_every_setting_changes_what_is_done() {
    let usual = enforced();
    let quantile = |percent, floor| HedgeSettings {
        delay: HedgeDelay::Quantile { share: Ratio::from_percent(percent), floor },
        ..usual
    };
    // Delay at 0 s and at 2 s, hedges granted to fresh calls and to a call with one, hedges 6 s on.
    let done = |settings: HedgeSettings| {
        let (mut hedging, mut latencies) = (hedging(settings), minute());
        (0..150).for_each(|part| latencies.record(at(0), millis(part * part / 150 + 1)));
        let first = hedging.delay(at(0), &mut latencies, SECOND);
        (0..150).for_each(|_| latencies.record(at(0), millis(300)));
        let second = hedging.delay(at(2_000), &mut latencies, SECOND);
        deposit(&mut hedging, 200, 2_000);
        let more = Conditions { fired: 1, ..clear() };
        let more = hedging.may_fire(at(2_000), &more, &mut Discard).is_ok();
        let fresh = grants(&mut hedging, 100, 2_000);
        (first, second, more, fresh, hedging.snapshot(at(8_000)).hedges)
    };
    let changed = [
        usual,
        HedgeSettings { mode: Mode::Off, ..usual },
        HedgeSettings { mode: Mode::Shadow, ..usual },
        HedgeSettings { delay: HedgeDelay::Fixed(millis(7)), ..usual },
        quantile(50, millis(1)),
        quantile(95, millis(250)),
        HedgeSettings { max_extra: 2, ..usual },
        HedgeSettings { share: Ratio::from_percent(9), ..usual },
        HedgeSettings { window: SECOND * 4, ..usual },
        HedgeSettings { samples_min: 200, ..usual },
        HedgeSettings { refresh: SECOND, ..usual },
    ];
    let seen: Vec<_> = changed.into_iter().map(done).collect();
    for (index, one) in seen.iter().enumerate() {
        assert!(!seen[..index].contains(one), "setting {index} does nothing: {one:?}");
    }
}

#[test]
fn t89_settings_that_could_do_nothing_are_refused_by_name() {
    let usual = HedgeSettings::default();
    assert_eq!(usual.validate(), Ok(()));
    let delay = |delay| HedgeSettings { delay, ..usual };
    let quantile = |share, floor| delay(HedgeDelay::Quantile { share, floor });
    let p95 = Ratio::from_percent(95);
    let wrong = [
        ("delay", delay(HedgeDelay::Fixed(Duration::ZERO))),
        ("delay.quantile", quantile(Ratio::ZERO, millis(1))),
        ("delay.quantile", quantile(Ratio::ONE, millis(1))),
        ("delay.floor", quantile(p95, Duration::ZERO)),
        ("max_extra", HedgeSettings { max_extra: 0, ..usual }),
        ("max_extra", HedgeSettings { max_extra: 4, ..usual }),
        ("share", HedgeSettings { share: Ratio::ZERO, ..usual }),
        ("share", HedgeSettings { share: Ratio::from_ppm(1_000_001), ..usual }),
        ("window", HedgeSettings { window: Duration::ZERO, ..usual }),
        ("samples_min", HedgeSettings { samples_min: 0, ..usual }),
        ("refresh", HedgeSettings { refresh: Duration::ZERO, ..usual }),
    ];
    for (field, settings) in wrong {
        assert_eq!(settings.validate().unwrap_err().field(), field);
    }
    let beside = |settings: HedgeSettings| settings.validate_beside(SECOND);
    assert_eq!(beside(usual), Ok(()));
    assert_eq!(beside(delay(HedgeDelay::Fixed(SECOND))).unwrap_err().field(), "delay");
    assert_eq!(beside(delay(HedgeDelay::Fixed(millis(999)))), Ok(()));
    assert_eq!(beside(quantile(p95, millis(501))).unwrap_err().field(), "delay.floor");
    assert_eq!(beside(quantile(p95, millis(500))), Ok(()));
}

#[test]
fn t86_a_hedge_that_gets_no_permit_or_no_token_gives_its_place_back() {
    let mut hedging = hedging(enforced());
    deposit(&mut hedging, 20, 0);
    for reason in [Suppressed::BudgetEmpty, Suppressed::NoPermit] {
        let hedge = hedging.may_fire(at(0), &clear(), &mut Discard).unwrap();
        assert_eq!(hedging.snapshot(at(0)).hedges, 1);
        let mut events = Vec::new();
        hedging.withdraw(hedge, reason, at(500), &mut events);
        assert_eq!(events, [HedgeEvent::Suppressed { reason }]);
        assert_eq!(hedging.snapshot(at(500)).hedges, 0);
    }
    let hedge = hedging.may_fire(at(0), &clear(), &mut Discard).unwrap();
    hedging.withdraw(hedge, Suppressed::NoPermit, at(60_000), &mut Discard);
    assert_eq!(hedging.snapshot(at(60_000)).hedges, 0, "nothing is left to give back");
}

#[test]
fn events_and_counts_tell_of_each_hedge() {
    let (mut hedging, mut events) = (hedging(enforced()), Vec::new());
    deposit(&mut hedging, 100, 0);
    for race in [Race::Won, Race::Lost, Race::Lost] {
        let hedge = hedging.may_fire(at(0), &clear(), &mut events).unwrap();
        hedging.fired(&hedge, millis(30), ENDPOINT, &mut events);
        hedging.settle(hedge, race, &mut events);
    }
    let fired = HedgeEvent::Fired { delay: millis(30), endpoint: ENDPOINT };
    let [won, lost] = [HedgeEvent::Won, HedgeEvent::Lost];
    assert_eq!(events, [fired, won, fired, lost, fired, lost]);
    let snapshot = hedging.snapshot(at(0));
    assert_eq!((snapshot.fired, snapshot.won, snapshot.lost), (3, 1, 2));
}

#[test]
fn a_shadow_counts_and_reports_the_same_hedges_and_sends_none() {
    let shadow = HedgeSettings { mode: Mode::Shadow, ..enforced() };
    let mut hedging = hedging(shadow);
    deposit(&mut hedging, 100, 0);
    assert_eq!(grants(&mut hedging, 20, 0), 0);
    assert_eq!(suppressed(&hedging, Suppressed::Shadow), 5);
    assert_eq!(suppressed(&hedging, Suppressed::ShareReached), 15);
    let snapshot = hedging.snapshot(at(0));
    assert_eq!((snapshot.hedges, snapshot.fired), (5, 0));
}

#[test]
fn off_it_keeps_no_state() {
    let mut hedging = hedging(HedgeSettings::default());
    deposit(&mut hedging, 100, 0);
    assert_eq!(grants(&mut hedging, 2, 0), 0);
    assert_eq!(suppressed(&hedging, Suppressed::Off), 2);
    assert_eq!(hedging.snapshot(at(0)).first, 0);
    let mut latencies = minute();
    (0..200).for_each(|_| latencies.record(at(0), millis(40)));
    assert_eq!(hedging.delay(at(0), &mut latencies, SECOND), None);
}

#[test]
fn a_reload_keeps_the_counts_at_their_age() {
    let mut hedging = hedging(enforced());
    deposit(&mut hedging, 60, 0);
    deposit(&mut hedging, 40, 8_000);
    assert_eq!(grants(&mut hedging, 9, 8_000), 5);
    hedging.reconfigure(HedgeSettings { window: SECOND * 5, ..enforced() }, at(9_000));
    let snapshot = hedging.snapshot(at(9_000));
    assert_eq!((snapshot.first, snapshot.hedges), (40, 5));
    assert_eq!(grants(&mut hedging, 9, 9_000), 0);
    hedging.reconfigure(HedgeSettings::default(), at(9_000));
    hedging.reconfigure(enforced(), at(9_000));
    assert_eq!(hedging.snapshot(at(9_000)).hedges, 0, "what was off begins anew");
}

#[test]
fn a_reload_of_the_delay_acts_at_once() {
    let (mut hedging, mut latencies) = (hedging(enforced()), minute());
    (1..=100).for_each(|part| latencies.record(at(0), millis(part * part / 100 + 1)));
    let before = hedging.delay(at(0), &mut latencies, SECOND).unwrap();
    let share = Ratio::from_percent(50);
    let delay = HedgeDelay::Quantile { share, floor: millis(1) };
    hedging.reconfigure(HedgeSettings { delay, ..enforced() }, at(0));
    let after = hedging.delay(at(0), &mut latencies, SECOND).unwrap();
    assert!(before > millis(85) && after < millis(60), "{before:?}, then {after:?}");
}

#[test]
fn reasons_are_listed_once_in_order_with_codes_of_their_own() {
    let indices = Suppressed::ALL.map(Suppressed::index);
    assert_eq!(indices, core::array::from_fn(|index| index));
    let mut codes = Suppressed::ALL.map(Suppressed::code);
    codes.sort_unstable();
    assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Wait(u64),
    Deposit,
    Fire,
    Withdraw(usize),
    Settle(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0_u64..3_000).prop_map(Operation::Wait),
        6 => Just(Operation::Deposit),
        8 => Just(Operation::Fire),
        2 => any::<usize>().prop_map(Operation::Withdraw),
        2 => any::<usize>().prop_map(Operation::Settle),
    ]
}

proptest! {
    /// Against a log of every first attempt and every hedge with its time.
    #[test]
    fn t83_the_share_agrees_with_a_full_log(
        operations in prop::collection::vec(operation(), 1..200),
        percent in 1_u32..=100, origin in 0_u64..1_000,
    ) {
        let share = Ratio::from_percent(percent);
        let mut hedging = Hedging::new(HedgeSettings { share, ..enforced() }, at(origin));
        let (mut firsts, mut hedges): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
        let mut held: Vec<(Hedge, u64)> = Vec::new();
        let mut now = 0;
        let slot = |at: u64| (at + 1_000 - origin) / 1_000;
        for operation in operations {
            let live = |log: &[u64], now| {
                log.iter().filter(|at| slot(**at) + 10 > slot(now)).count() as u64
            };
            match operation {
                Operation::Wait(wait) => now += wait,
                Operation::Deposit => {
                    firsts.push(now);
                    hedging.deposit(at(now));
                }
                Operation::Fire => {
                    let (first, hedged) = (live(&firsts, now), live(&hedges, now));
                    let expected = (hedged + 1) * 100 <= u64::from(percent) * first;
                    let granted = hedging.may_fire(at(now), &clear(), &mut Discard);
                    prop_assert_eq!(granted.is_ok(), expected);
                    if let Ok(hedge) = granted {
                        hedges.push(now);
                        held.push((hedge, now));
                    }
                }
                Operation::Withdraw(_) | Operation::Settle(_) if held.is_empty() => {}
                Operation::Withdraw(which) => {
                    let (hedge, then) = held.swap_remove(which % held.len());
                    let index = hedges.iter().position(|at| *at == then).unwrap();
                    hedges.swap_remove(index);
                    hedging.withdraw(hedge, Suppressed::NoPermit, at(now), &mut Discard);
                }
                Operation::Settle(which) => {
                    let (hedge, _) = held.swap_remove(which % held.len());
                    hedging.fired(&hedge, millis(1), ENDPOINT, &mut Discard);
                    hedging.settle(hedge, Race::Lost, &mut Discard);
                }
            }
            hedging.invariants();
            let snapshot = hedging.snapshot(at(now));
            let expected = (live(&firsts, now), live(&hedges, now));
            prop_assert_eq!((snapshot.first, snapshot.hedges), expected);
        }
    }
}
