//! Traps of a budget that many share: callers, policies, purposes, and the instances of a fleet.

use super::*;
use crate::event::Discard;
use crate::rng::{Rng, Stream};
use std::sync::{Arc, Barrier, Mutex};

#[test]
fn t61_sixty_four_threads_are_granted_exactly_what_there_is() {
    let budget = Arc::new(Mutex::new(budget(BudgetSettings::default())));
    deposit(&mut budget.lock().unwrap(), 1_000, 0);
    let barrier = Arc::new(Barrier::new(64));
    let one = |_| {
        let (budget, barrier) = (Arc::clone(&budget), Arc::clone(&barrier));
        std::thread::spawn(move || {
            barrier.wait();
            // One step of the machine under the lock at a time, as drivers do.
            (0..10).map(|_| grants(&mut budget.lock().unwrap(), 1, 0)).sum::<u64>()
        })
    };
    let threads: Vec<_> = (0..64).map(one).collect();
    let granted: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(granted, 200);
    budget.lock().unwrap().invariants();
}

#[test]
fn t61_what_was_seen_to_be_left_is_no_promise() {
    let mut budget = budget(BudgetSettings::default());
    let seen = [(); 64].map(|()| budget.snapshot(at(0)).left);
    assert_eq!(seen, [10; 64]);
    assert_eq!(grants(&mut budget, 64, 0), 10);
}

#[test]
fn t64_asking_deposits_nothing_however_many_policies_ask() {
    let mut budget = budget(BudgetSettings { floor_per_second: 0, ..Default::default() });
    let mut granted = 0;
    for call in 0..1_000 {
        // The owner deposits; each of two policies asks, for a retry and for a hedge.
        budget.deposit(at(call));
        for purpose in [Purpose::Retry, Purpose::Hedge] {
            let reserved = budget.reserve_for(purpose, at(call), &mut Discard);
            granted += reserved.map_or(0, |reservation| {
                reservation.spend();
                1
            });
        }
    }
    assert_eq!(granted, 200);
    let expected = BudgetSnapshot { first: 1_000, extra: 200, vain: 200, left: 0 };
    assert_eq!(budget.snapshot(at(999)), expected);
}

#[test]
fn t67_a_denial_and_its_event_carry_the_numbers() {
    let mut budget = budget(BudgetSettings { floor_per_second: 0, ..Default::default() });
    deposit(&mut budget, 5, 0);
    let mut events = Vec::new();
    let reserved = budget.reserve_for(Purpose::Retry, at(0), &mut events);
    reserved.unwrap().spend();
    let denied = budget.reserve_for(Purpose::Hedge, at(0), &mut events).unwrap_err();
    assert_eq!(denied, Denied { first: 5, extra: 1, vain: 1 });
    let ratio = Ratio::from_percent(20);
    let expected = [
        BudgetEvent::Spent { purpose: Purpose::Retry, first: 5, extra: 1 },
        BudgetEvent::Denied { purpose: Purpose::Hedge, first: 5, extra: 1, vain: 1, ratio },
    ];
    assert_eq!(events, expected);
}

#[test]
fn t68_it_is_on_by_default_counts_at_the_decision_and_does_not_shrink_under_fast_failures() {
    let mut budget = budget(BudgetSettings::default());
    deposit(&mut budget, 1_000, 0);
    // Reserved and waiting for their backoff, none of them started.
    let waiting: Vec<_> = (0..300).filter_map(|_| budget.reserve(at(0)).ok()).collect();
    assert_eq!(waiting.len(), 200);
    for reservation in waiting {
        reservation.spend();
    }
    // They have all failed at once; what they were granted stays spent, and no more is owed.
    assert_eq!(
        budget.snapshot(at(1)),
        BudgetSnapshot { first: 1_000, extra: 200, vain: 200, left: 0 }
    );
    deposit(&mut budget, 500, 1);
    assert_eq!(grants(&mut budget, 500, 1), 100);
}

#[test]
fn t70_every_purpose_spends_from_the_same_budget() {
    let purposes = [Purpose::Retry, Purpose::Hedge, Purpose::Fallback];
    let mut budget = budget(BudgetSettings::default());
    let granted = (0..60).filter(|turn| {
        let purpose = purposes[turn % 3];
        let reserved = budget.reserve_for(purpose, at(0), &mut Discard);
        reserved.map(Reservation::spend).is_ok()
    });
    assert_eq!(granted.count(), 10);
    let mut names = purposes.map(Purpose::name);
    names.sort_unstable();
    assert_eq!(names, ["fallback", "hedge", "retry"]);
}

/// Extra attempts of a fleet in each tenth of a second of the seconds 20 to 60 of an outage that
/// began in second 10. Each of 50 instances has 100 calls a second, and each call asks three
/// times.
fn pulses(origins: impl Fn() -> Instant) -> Vec<u64> {
    let mut tenths = std::vec![0; 400];
    for _ in 0..50 {
        let mut budget = Budget::new(BudgetSettings::default(), origins());
        for call in 0..6_000 {
            let millis = call * 10;
            budget.deposit(at(millis));
            let granted = if millis < 10 * SECOND { 0 } else { grants(&mut budget, 3, millis) };
            if let Some(since) = millis.checked_sub(20 * SECOND) {
                tenths[usize::try_from(since / 100).unwrap()] += granted;
            }
        }
    }
    tenths
}

#[test]
fn t71_origins_of_their_own_flatten_the_pulses_of_a_fleet() {
    let stream = core::cell::RefCell::new(Stream::new(71, "origins"));
    let aligned = pulses(|| Instant::EPOCH);
    let spread = pulses(|| at(stream.borrow_mut().below(10_000)));
    let peak = |tenths: &[u64]| *tenths.iter().max().unwrap();
    let sum = |tenths: &[u64]| tenths.iter().sum::<u64>();
    assert_eq!(peak(&aligned), 50 * 10 * 3, "every call of every instance at once");
    // Only the phase within one bucket differs, so a pulse is spread over a second more.
    assert!(peak(&spread) * 100 <= peak(&aligned) * 85, "{} at once", peak(&spread));
    assert!(sum(&spread) * 100 >= sum(&aligned) * 95, "as many in all");
}
