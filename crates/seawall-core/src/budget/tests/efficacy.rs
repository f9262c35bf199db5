//! What an extra attempt that helped gets back, and what bounds it all the same.

use super::*;

/// Extra attempts for each hundred first ones, in each of so many seconds of 100 calls a second:
/// attempts fail by `fails`, each call has `attempts` of them, and those that are good are told.
fn extra_by_second(fails: impl Fn(u64) -> bool, attempts: u64, seconds: u64) -> Vec<(u64, u64)> {
    let mut budget = budget(BudgetSettings::default());
    let mut number = 0;
    let mut one = |millis| {
        budget.deposit(at(millis));
        number += 1;
        let (mut failed, mut extra) = (fails(number), 0);
        while failed && extra + 1 < attempts {
            let Ok(reservation) = budget.reserve(at(millis)) else { break };
            let spent = reservation.spend();
            (number, extra) = (number + 1, extra + 1);
            failed = fails(number);
            if !failed {
                budget.helped(spent, at(millis));
            }
        }
        if failed {
            budget.lost(at(millis));
        }
        (extra, u64::from(failed))
    };
    let second = |second: u64| {
        let calls = (0..100).map(|call| one(second * SECOND + call * 10));
        calls.collect::<Vec<_>>().iter().fold((0, 0), |sum, call| (sum.0 + call.0, sum.1 + call.1))
    };
    (0..seconds).map(second).collect()
}

/// Whether the attempt of this number fails, by chance and always the same.
fn by_chance(number: u64, percent: u64) -> bool {
    crate::hash::mix(number, 7) % 100 < percent
}

#[test]
fn errors_at_random_get_the_attempts_that_they_need() {
    // They begin after ten good seconds.
    let fails = |number| number > 1_000 && by_chance(number, 30);
    let seconds = extra_by_second(fails, 5, 70);
    let (extra, failed) = seconds.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!((2_300..2_800).contains(&extra), "{extra} extra for 6 000 calls: 43 % are needed");
    assert!(failed <= 30, "{failed} of 6 000 failed, by the limit of attempts alone: 0.24 %");
}

#[test]
fn errors_that_were_there_from_the_start_are_held_at_the_ratio() {
    let seconds = extra_by_second(|number| by_chance(number, 30), 5, 60);
    let extra: u64 = seconds.iter().map(|one| one.0).sum();
    // Calls are lost before anybody can know that retries would help: the careful side.
    assert!(extra <= 60 * 20, "{extra} extra for 6 000 calls");
}

#[test]
fn a_storm_in_which_nothing_helps_stays_at_the_ratio() {
    let seconds = extra_by_second(|_| true, 5, 60);
    let extra: u64 = seconds.iter().map(|one| one.0).sum();
    assert_eq!(extra, 60 * 20, "20 % of 6 000");
}

/// Extra attempts for each hundred calls while a service takes 100 attempts a second, and refuses
/// the rest at once: in the last ten of thirty seconds with so many calls a second.
fn extra_under_overload(calls: u64) -> u64 {
    let mut budget = budget(BudgetSettings::default());
    let mut extra = 0;
    for second in 0..30_u64 {
        // As the calls of a second all come at one instant, so do their attempts, in rounds.
        let (mut free, mut in_need) = (100_u64, calls);
        let now = at(second * SECOND);
        (0..calls).for_each(|_| budget.deposit(now));
        let mut attempts: Vec<Option<Spent>> = (0..calls).map(|_| None).collect();
        for _ in 0..5 {
            let mut again = Vec::new();
            for spent in attempts {
                // Whoever comes has the same chance: one of so many as are still to come.
                let good = crate::hash::mix(in_need, second) % in_need.max(1) < free;
                in_need = in_need.saturating_sub(1);
                free -= u64::from(good);
                match spent {
                    Some(spent) if good => budget.helped(spent, now),
                    Some(_) | None => {}
                }
                if !good {
                    match budget.reserve(now) {
                        Ok(reservation) => again.push(Some(reservation.spend())),
                        Err(_) => budget.lost(now),
                    }
                }
            }
            extra += if second >= 20 { again.len() as u64 } else { 0 };
            in_need = again.len() as u64;
            attempts = again;
        }
        attempts.iter().for_each(|_| budget.lost(now));
    }
    extra * 100 / (calls * 10)
}

#[test]
fn an_overloaded_service_sees_no_more_than_the_ratio() {
    for calls in [110, 120, 150, 200, 300, 1_000] {
        let extra = extra_under_overload(calls);
        assert!(extra <= 20, "{extra} % extra at {calls} calls a second of 100");
    }
}

#[test]
fn help_is_bounded_by_the_ceiling_however_much_there_is() {
    let mut budget = budget(BudgetSettings::default());
    for second in 0..60 {
        deposit(&mut budget, 100, second * SECOND);
        while let Ok(reservation) = budget.reserve(at(second * SECOND)) {
            budget.helped(reservation.spend(), at(second * SECOND));
        }
        let known = budget.snapshot(at(second * SECOND));
        assert!(known.extra <= (known.first / 2).max(100), "{known:?}");
    }
    assert_eq!(budget.snapshot(at(60 * SECOND - 1)).extra, 500, "and it is used");
}

#[test]
fn once_calls_are_lost_what_helped_is_charged_as_well() {
    let mut budget = budget(BudgetSettings { floor_per_second: 0, ..Default::default() });
    deposit(&mut budget, 200, 0);
    let spent: Vec<_> = (0..40).map(|_| budget.reserve(at(0)).unwrap().spend()).collect();
    spent.into_iter().take(38).for_each(|spent| budget.helped(spent, at(0)));
    let left = |budget: &mut Budget| budget.snapshot(at(0)).left;
    assert_eq!(left(&mut budget), 38);
    budget.lost(at(0));
    budget.lost(at(0));
    assert_eq!(left(&mut budget), 38, "two of forty");
    budget.lost(at(0));
    assert_eq!(left(&mut budget), 0, "three of forty-one");
    assert!(budget.is_helping(at(0)));
    (0..7).for_each(|_| budget.lost(at(0)));
    assert!(!budget.is_helping(at(0)), "ten of forty-eight");
    deposit(&mut budget, 1, 11 * SECOND);
    assert!(!budget.is_helping(at(11 * SECOND)), "nothing is known any more");
}

#[test]
fn what_helped_counts_among_all_and_not_among_the_vain() {
    let mut budget = budget(BudgetSettings { floor_per_second: 0, ..Default::default() });
    deposit(&mut budget, 100, 0);
    let spent: Vec<_> = (0..20).map(|_| budget.reserve(at(0)).unwrap().spend()).collect();
    assert_eq!(budget.reserve(at(0)).unwrap_err(), Denied { first: 100, extra: 20, vain: 20 });
    spent.into_iter().take(15).for_each(|spent| budget.helped(spent, at(500)));
    let known = BudgetSnapshot { first: 100, extra: 20, vain: 5, left: 15 };
    assert_eq!(budget.snapshot(at(500)), known);
}

#[test]
fn help_that_comes_after_its_bucket_has_gone_changes_nothing() {
    for (second, vain) in [(9, 0), (10, 0), (11, 0)] {
        let mut budget = budget(BudgetSettings::default());
        let spent = budget.reserve(at(0)).unwrap().spend();
        budget.helped(spent, at(second * SECOND));
        assert_eq!(budget.snapshot(at(second * SECOND)).vain, vain, "in second {second}");
    }
    let mut budget = budget(BudgetSettings::default());
    let spent = budget.reserve(at(0)).unwrap().spend();
    grants(&mut budget, 1, 10 * SECOND);
    budget.helped(spent, at(10 * SECOND));
    assert_eq!(budget.snapshot(at(10 * SECOND)).vain, 1, "it is not taken from a newer one");
}

#[test]
fn a_ceiling_below_the_ratio_counts_as_the_ratio() {
    let ceiling = Ratio::from_percent(5);
    let mut budget = budget(BudgetSettings { ceiling, floor_per_second: 0, ..Default::default() });
    deposit(&mut budget, 100, 0);
    let spent: Vec<_> = (0..20).map(|_| budget.reserve(at(0)).unwrap().spend()).collect();
    spent.into_iter().for_each(|spent| budget.helped(spent, at(0)));
    assert_eq!(grants(&mut budget, 5, 0), 0, "helping gains nothing");
}

#[test]
fn a_reload_keeps_what_helped() {
    let usual = BudgetSettings::default();
    let mut budget = budget(usual);
    deposit(&mut budget, 100, 0);
    let spent: Vec<_> = (0..20).map(|_| budget.reserve(at(0)).unwrap().spend()).collect();
    spent.into_iter().take(8).for_each(|spent| budget.helped(spent, at(0)));
    budget.reconfigure(BudgetSettings { window: Duration::from_secs(20), ..usual }, at(0));
    let known = budget.snapshot(at(0));
    assert_eq!((known.extra, known.vain), (20, 12));
}
