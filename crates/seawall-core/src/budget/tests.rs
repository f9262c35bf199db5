//! The worked examples, the traps, and random operations against a full log.

mod efficacy;
mod model;
mod shared;

use super::*;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};
use std::vec::Vec;

const SECOND: u64 = 1_000;

/// Milliseconds after the epoch.
fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn budget(settings: BudgetSettings) -> Budget {
    Budget::new(settings, Instant::EPOCH)
}

fn deposit(budget: &mut Budget, calls: u64, millis: u64) {
    (0..calls).for_each(|_| budget.deposit(at(millis)));
}

/// How many of `asked` are granted at that time, all of them spent.
fn grants(budget: &mut Budget, asked: u64, millis: u64) -> u64 {
    let granted = (0..asked).filter_map(|_| budget.reserve(at(millis)).ok());
    granted.map(Reservation::spend).count() as u64
}

/// Grants second by second under `calls` a second, evenly spread, each of which asks `extra`
/// times from second `failing_from` on.
fn grants_by_second(calls: u64, extra: u64, failing_from: u64, seconds: u64) -> Vec<u64> {
    let mut budget = budget(BudgetSettings::default());
    let second = |second: u64| {
        let one = |call| {
            let millis = second * SECOND + call * SECOND / calls;
            budget.deposit(at(millis));
            if second < failing_from { 0 } else { grants(&mut budget, extra, millis) }
        };
        (0..calls).map(one).sum()
    };
    (0..seconds).map(second).collect()
}

#[test]
fn bu_1_a_fifth_of_a_thousand_calls_is_granted_and_not_one_more() {
    let mut budget = budget(BudgetSettings::default());
    (0..10).for_each(|second| deposit(&mut budget, 100, second * SECOND));
    assert_eq!(grants(&mut budget, 200, 9 * SECOND), 200);
    let denied = budget.reserve(at(9 * SECOND)).unwrap_err();
    assert_eq!(denied, Denied { first: 1_000, extra: 200, vain: 200 });
}

#[test]
fn bu_2_an_outage_at_full_traffic_makes_grants_pulse_with_the_window() {
    let granted = grants_by_second(100, 1, 20, 40);
    let pulse = [100, 100, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(granted[20..30], pulse);
    assert_eq!(granted[30..40], pulse);
}

#[test]
fn bu_2_an_outage_from_the_start_is_granted_evenly() {
    assert_eq!(grants_by_second(100, 1, 0, 30), [20; 30]);
}

#[test]
fn bu_3_few_calls_live_on_the_floor() {
    assert_eq!(grants_by_second(5, 3, 0, 30), [10; 30]);
}

#[test]
fn bu_4_t60_sixty_percent_of_a_thousand_is_six_hundred() {
    let ratio = Ratio::from_percent(60);
    let mut budget = budget(BudgetSettings { ratio, ..Default::default() });
    deposit(&mut budget, 1_000, 0);
    assert_eq!(grants(&mut budget, 1_000, 0), 600);
}

#[test]
fn bu_5_t69_a_cancelled_attempt_returns_its_reservation_while_its_bucket_lives() {
    for (second, returned) in [(4, 1), (12, 1), (13, 0), (14, 0)] {
        let mut budget = budget(BudgetSettings::default());
        let reservation = budget.reserve(at(3 * SECOND)).unwrap();
        grants(&mut budget, 1, 4 * SECOND);
        let before = budget.snapshot(at(second * SECOND)).extra;
        budget.refund(reservation, at(second * SECOND));
        let after = budget.snapshot(at(second * SECOND)).extra;
        assert_eq!(before - after, returned, "cancelled in second {second}");
        budget.invariants();
    }
}

#[test]
fn t69_a_refund_makes_room_in_the_bucket_it_came_from() {
    let mut budget = budget(BudgetSettings::default());
    let reservation = budget.reserve(at(0)).unwrap();
    assert_eq!(grants(&mut budget, 20, 0), 9, "the floor of the bucket");
    budget.refund(reservation, at(999));
    assert_eq!(grants(&mut budget, 20, 999), 1);
}

#[test]
fn t60_every_ratio_is_exact() {
    for (percent, granted) in [(1, 10), (50, 500), (70, 700), (90, 900), (100, 1_000)] {
        let ratio = Ratio::from_percent(percent);
        let mut budget =
            budget(BudgetSettings { ratio, floor_per_second: 0, ..Default::default() });
        deposit(&mut budget, 1_000, 0);
        assert_eq!(grants(&mut budget, 5_000, 0), granted, "{percent} %");
    }
}

#[test]
fn t62_bucket_borders_follow_from_time_not_from_use() {
    let origin = at(300);
    let mut idle = Budget::new(BudgetSettings::default(), origin);
    let mut busy = Budget::new(BudgetSettings::default(), origin);
    for millis in (7..5_250).step_by(9) {
        busy.reconfigure(BudgetSettings::default(), at(millis));
    }
    for budget in [&mut idle, &mut busy] {
        assert_eq!(grants(budget, 20, 5_299), 10, "before the border at 5.3 s");
        assert_eq!(grants(budget, 20, 5_300), 10, "a new bucket");
        let left = [14_299, 14_300, 15_299, 15_300].map(|millis| budget.snapshot(at(millis)).extra);
        assert_eq!(left, [20, 10, 10, 0], "each leaves ten buckets after its own began");
    }
}

#[test]
fn t63_every_setting_changes_what_is_granted() {
    let usual = BudgetSettings::default();
    let granted = |settings: BudgetSettings| {
        let mut budget = budget(settings);
        deposit(&mut budget, 200, 0);
        (0..10).map(|second| grants(&mut budget, 100, second * SECOND)).sum::<u64>()
    };
    assert_eq!(granted(usual), 100);
    assert_eq!(granted(BudgetSettings { ratio: Ratio::from_percent(80), ..usual }), 160);
    assert_eq!(granted(BudgetSettings { floor_per_second: 3, ..usual }), 40);
    assert_eq!(granted(BudgetSettings { window: Duration::from_secs(5), ..usual }), 75);
}

#[test]
fn t66_an_empty_budget_refills_with_time_and_with_calls() {
    let settings = BudgetSettings { floor_per_second: 0, ..Default::default() };
    let mut budget = budget(settings);
    deposit(&mut budget, 100, 0);
    assert_eq!(grants(&mut budget, 100, 0), 20);
    assert_eq!(grants(&mut budget, 1, 5 * SECOND), 0);
    deposit(&mut budget, 50, 5 * SECOND);
    assert_eq!(grants(&mut budget, 100, 5 * SECOND), 10, "by calls");
    deposit(&mut budget, 100, 10 * SECOND);
    assert_eq!(grants(&mut budget, 100, 10 * SECOND), 20, "by time");
}

#[test]
fn a_ratio_of_nothing_leaves_the_floor() {
    let mut budget = budget(BudgetSettings { ratio: Ratio::ZERO, ..Default::default() });
    deposit(&mut budget, 1_000, 0);
    assert_eq!(grants(&mut budget, 100, 0), 10);
}

#[test]
fn without_a_floor_few_calls_get_no_retry() {
    let mut budget = budget(BudgetSettings { floor_per_second: 0, ..Default::default() });
    deposit(&mut budget, 4, 0);
    assert!(budget.reserve(at(0)).is_err());
    deposit(&mut budget, 1, 0);
    assert_eq!(grants(&mut budget, 10, 0), 1);
}

#[test]
fn a_ratio_above_the_whole_allows_several_extras_a_call() {
    let settings = BudgetSettings {
        ratio: Ratio::from_percent(250),
        floor_per_second: 0,
        ..Default::default()
    };
    let mut budget = budget(settings);
    deposit(&mut budget, 3, 0);
    assert_eq!(grants(&mut budget, 10, 0), 7);
}

#[test]
fn idleness_saves_nothing_up() {
    let mut budget = budget(BudgetSettings::default());
    deposit(&mut budget, 1_000, 0);
    assert_eq!(grants(&mut budget, 500, 3_600 * SECOND), 10);
    assert_eq!(budget.snapshot(Instant::NEVER).extra, 0);
}

#[test]
fn a_floor_below_one_a_bucket_still_grants() {
    let settings = BudgetSettings {
        ratio: Ratio::ZERO,
        floor_per_second: 4,
        window: Duration::from_secs(1),
        ..Default::default()
    };
    let mut budget = budget(settings);
    let granted: Vec<u64> = (0..10).map(|tenth| grants(&mut budget, 5, tenth * 100)).collect();
    assert_eq!(granted, [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_snapshot_tells_how_many_would_be_granted() {
    let mut budget = budget(BudgetSettings::default());
    assert_eq!(budget.snapshot(at(0)), BudgetSnapshot { first: 0, extra: 0, vain: 0, left: 10 });
    deposit(&mut budget, 100, 0);
    assert_eq!(budget.snapshot(at(0)).left, 20);
    assert_eq!(grants(&mut budget, 100, 0), 20);
    let spent = BudgetSnapshot { first: 100, extra: 20, vain: 20, left: 0 };
    assert_eq!(budget.snapshot(at(0)), spent);
    assert_eq!(budget.snapshot(at(SECOND)).left, 10);
}

#[test]
fn a_clock_that_steps_back_refills_nothing_and_loses_nothing() {
    let mut budget = budget(BudgetSettings::default());
    assert_eq!(grants(&mut budget, 20, 5 * SECOND), 10);
    assert_eq!(grants(&mut budget, 20, 2 * SECOND), 0);
    let reservation = budget.reserve(at(6 * SECOND)).unwrap();
    budget.refund(reservation, at(SECOND));
    assert_eq!(budget.snapshot(at(0)).extra, 10);
}

#[test]
fn a_reservation_made_while_the_clock_was_back_returns_to_where_it_was_counted() {
    let mut budget = budget(BudgetSettings::default());
    deposit(&mut budget, 1, 5 * SECOND);
    let reservation = budget.reserve(at(2 * SECOND)).unwrap();
    assert_eq!(budget.snapshot(at(14 * SECOND)).extra, 1);
    budget.refund(reservation, at(14 * SECOND));
    assert_eq!(budget.snapshot(at(14 * SECOND)).extra, 0);
}

#[test]
fn another_window_keeps_the_phase() {
    let usual = BudgetSettings::default();
    let mut budget = Budget::new(usual, at(300));
    budget.reconfigure(BudgetSettings { window: Duration::from_secs(20), ..usual }, at(0));
    let granted = [2_299, 2_300, 4_299].map(|millis| grants(&mut budget, 50, millis));
    assert_eq!(granted, [20, 20, 0]);
}

#[test]
fn a_reload_keeps_the_counts_at_their_age() {
    let usual = BudgetSettings::default();
    let mut budget = budget(usual);
    deposit(&mut budget, 30, 0);
    deposit(&mut budget, 70, 8 * SECOND);
    assert_eq!(grants(&mut budget, 10, 8 * SECOND), 10);
    budget.reconfigure(BudgetSettings { window: Duration::from_secs(30), ..usual }, at(9 * SECOND));
    let whole = BudgetSnapshot { first: 100, extra: 10, vain: 10, left: 30 };
    assert_eq!(budget.snapshot(at(9 * SECOND)), whole);
    budget.reconfigure(BudgetSettings { window: Duration::from_secs(5), ..usual }, at(9 * SECOND));
    assert_eq!(budget.snapshot(at(9 * SECOND)).first, 70, "what is older than the window leaves");
    assert_eq!(budget.snapshot(at(9 * SECOND)).extra, 10);
}

#[test]
fn a_reload_of_the_ratio_acts_at_once() {
    let mut budget = budget(BudgetSettings::default());
    deposit(&mut budget, 100, 0);
    assert_eq!(grants(&mut budget, 100, 0), 20);
    let ratio = Ratio::from_percent(30);
    budget.reconfigure(BudgetSettings { ratio, ..Default::default() }, at(0));
    assert_eq!(grants(&mut budget, 100, 0), 10);
}

#[test]
fn a_refund_after_a_reload_takes_nothing_that_is_counted_for_another() {
    let usual = BudgetSettings::default();
    let mut budget = budget(usual);
    let reservation = budget.reserve(at(1_100)).unwrap();
    // The count of second 1 moves to the newest bucket; the reservation points to an older one.
    budget.reconfigure(BudgetSettings { window: Duration::from_secs(2), ..usual }, at(1_900));
    grants(&mut budget, 1, 1_900);
    let before = budget.snapshot(at(1_900)).extra;
    budget.refund(reservation, at(1_900));
    assert_eq!((before, budget.snapshot(at(1_900)).extra), (2, 2));
}

#[test]
fn defaults_are_valid_and_contradictions_are_not() {
    let usual = BudgetSettings::default();
    assert_eq!(usual.validate(), Ok(()));
    let ratio = Ratio::from_percent(101);
    let over = BudgetSettings { ratio, ..usual };
    assert_eq!(over.validate().unwrap_err().field(), "ratio");
    let high = BudgetSettings { ceiling: ratio, ..usual };
    assert_eq!(high.validate().unwrap_err().field(), "ceiling");
    let window = Duration::ZERO;
    let short = BudgetSettings { window, ..usual };
    assert_eq!(short.validate().unwrap_err().field(), "window");
    let none = BudgetSettings { ratio: Ratio::ZERO, floor_per_second: 0, ..usual };
    assert_eq!(none.validate(), Ok(()), "no extra attempts is a choice");
}

#[test]
fn the_bounds_themselves_are_permitted_and_what_lies_just_beyond_is_not() {
    let least = Duration::from_millis(10);
    let edge = BudgetSettings { ratio: Ratio::ONE, window: least, ..BudgetSettings::default() };
    assert_eq!(edge.validate(), Ok(()));
    let window = least - Duration::from_nanos(1);
    assert_eq!(BudgetSettings { window, ..edge }.validate().unwrap_err().field(), "window");
    let ratio = Ratio::from_ppm(1_000_001);
    assert_eq!(BudgetSettings { ratio, ..edge }.validate().unwrap_err().field(), "ratio");
}
