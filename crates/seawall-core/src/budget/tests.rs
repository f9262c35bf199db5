//! Worked examples, traps and a naive model of the attempt budget.

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn budget(percent: u32, floor: u32) -> Budget {
    let (ratio, window) = (Ratio::from_percent(percent), Duration::from_secs(10));
    Budget::new(BudgetSettings { ratio, floor_per_second: floor, window }, Instant::EPOCH)
}

/// How many of `wanted` are granted at once.
fn grants(budget: &mut Budget, wanted: u32, now: Instant) -> u32 {
    (0..wanted).map(|_| u32::from(budget.reserve(now).map(Reservation::spend).is_ok())).sum()
}

#[test]
fn bu_1_a_fifth_of_a_thousand_is_two_hundred() {
    let mut budget = budget(20, 10);
    (0..1_000).for_each(|_| budget.deposit(at(0)));
    assert_eq!(grants(&mut budget, 201, at(0)), 200);
    assert_eq!(budget.reserve(at(0)).unwrap_err(), Denied { first: 1_000, extra: 200 });
}

#[test]
fn bu_2_lasting_failure_pulses_with_the_window() {
    let mut budget = budget(20, 10);
    let mut seen = Vec::new();
    for second in 0..40 {
        let now = at(second * 1_000);
        let mut granted = 0;
        for _ in 0..100 {
            budget.deposit(now);
            if second >= 20 {
                granted += grants(&mut budget, 1, now);
            }
        }
        seen.push(granted);
    }
    let pulse = [100, 100, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(seen[20..30].iter().sum::<u32>(), 200);
    assert_eq!(seen[22..30], pulse[2..]);
    assert_eq!(seen[30..40].iter().sum::<u32>(), 200);
}

#[test]
fn bu_3_the_floor_holds_at_little_traffic() {
    let mut budget = budget(20, 10);
    for second in 0..10 {
        let now = at(second * 1_000);
        (0..5).for_each(|_| budget.deposit(now));
        assert_eq!(grants(&mut budget, 15, now), 10, "second {second}");
    }
}

#[test]
fn bu_4_t60_the_ratio_is_exact() {
    for percent in [10, 20, 30, 40, 60, 70, 90, 100, 150] {
        let mut budget = budget(percent, 0);
        (0..1_000).for_each(|_| budget.deposit(at(0)));
        assert_eq!(grants(&mut budget, 2_000, at(0)), percent * 10, "{percent} %");
    }
}

#[test]
fn bu_5_t69_a_refund_goes_back_to_its_bucket() {
    let mut budget = budget(20, 1);
    let reservation = budget.reserve(at(3_000)).unwrap();
    assert_eq!(budget.snapshot(at(3_000)).extra, 1);
    budget.refund(reservation, at(4_000));
    assert_eq!(budget.snapshot(at(4_000)).extra, 0);
    let late = budget.reserve(at(4_000)).unwrap();
    budget.reserve(at(14_000)).unwrap().spend();
    budget.refund(late, at(14_000));
    assert_eq!(budget.snapshot(at(14_000)).extra, 1, "nothing to return to");
}

#[test]
fn t66_a_spent_budget_refills_when_the_window_has_passed() {
    let mut budget = budget(20, 1);
    (0..100).for_each(|_| budget.deposit(at(0)));
    assert_eq!(grants(&mut budget, 100, at(0)), 20);
    assert_eq!(grants(&mut budget, 1, at(9_999)), 0);
    assert_eq!(grants(&mut budget, 5, at(10_000)), 1, "the floor at least");
}

#[test]
fn t63_every_setting_changes_the_answer() {
    let granted = |settings| {
        let mut budget = Budget::new(settings, Instant::EPOCH);
        (0..100).for_each(|_| budget.deposit(at(0)));
        grants(&mut budget, 200, at(5_000))
    };
    let base = BudgetSettings::default();
    assert_eq!(granted(base), 20);
    assert_eq!(granted(BudgetSettings { ratio: Ratio::from_percent(50), ..base }), 50);
    assert_eq!(granted(BudgetSettings { floor_per_second: 30, ..base }), 30);
    let short = Duration::from_secs(4);
    assert_eq!(granted(BudgetSettings { window: short, ..base }), 4);
}

#[test]
fn a_new_window_keeps_the_counts() {
    let mut budget = budget(20, 0);
    (0..100).for_each(|_| budget.deposit(at(0)));
    let settings = BudgetSettings { window: Duration::from_secs(20), ..budget.settings };
    budget.reconfigure(settings, at(1_000));
    assert_eq!(budget.snapshot(at(1_000)).first, 100);
}

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Deposit,
    Reserve,
    Refund,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_u64..2_500).prop_map(Step::Pass),
        Just(Step::Deposit),
        Just(Step::Deposit),
        Just(Step::Reserve),
        Just(Step::Reserve),
        Just(Step::Refund),
    ];
    prop::collection::vec(step, 1..300)
}

proptest! {
    #[test]
    fn t62_agrees_with_a_full_log(steps in steps(), percent in 0_u32..150, floor in 0_u32..5) {
        let mut budget = budget(percent, floor);
        let (mut now, mut first, mut extra) = (0_u64, Vec::new(), Vec::new());
        let mut held: Vec<Reservation> = Vec::new();
        for step in steps {
            let live = |log: &[u64]| log.iter().filter(|t| *t / 1_000 + 10 > now / 1_000).count();
            match step {
                Step::Pass(ms) => now += ms,
                Step::Deposit => {
                    budget.deposit(at(now));
                    first.push(now);
                }
                Step::Reserve => {
                    let (f, x) = (live(&first) as u64, live(&extra) as u64);
                    let here = extra.iter().filter(|t| **t / 1_000 == now / 1_000).count() as u64;
                    let by_ratio = (x + 1) * 100 <= u64::from(percent) * f;
                    let floor = u64::from(floor);
                    let expected = by_ratio || (x < floor * 10 && here < floor);
                    let got = budget.reserve(at(now));
                    prop_assert_eq!(got.is_ok(), expected);
                    if let Ok(reservation) = got {
                        held.push(reservation);
                        extra.push(now);
                    }
                }
                Step::Refund => {
                    if let Some(reservation) = held.pop() {
                        let from = reservation.at.as_nanos() / 1_000_000;
                        budget.refund(reservation, at(now));
                        let place = extra.iter().position(|t| *t == from);
                        extra.remove(place.unwrap());
                    }
                }
            }
            budget.invariants();
        }
    }
}
