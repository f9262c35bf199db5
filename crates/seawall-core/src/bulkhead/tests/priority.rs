//! The order of importance: who goes first, and who gives way.

use super::*;
use crate::shed::Class;
use proptest::prelude::*;

const CLASSES: [Class; 4] = Class::ALL;

fn by_priority(permits: u32, queue: u32) -> BulkheadSettings {
    let max_wait = millis(100);
    BulkheadSettings { order: QueueOrder::Priority, max_wait, ..settings(permits, queue) }
}

fn need(class: Class) -> Need {
    Need { weight: 1, useful_until: Instant::NEVER, class, patience: Patience::Usual }
}

fn arrive(bulkhead: &mut Bulkhead, class: Class, now: u64) -> Acquired {
    bulkhead.acquire_weighted(need(class), at(now), &mut crate::event::Discard).unwrap()
}

fn wait(bulkhead: &mut Bulkhead, class: Class, now: u64) -> Waiter {
    let Acquired::Queued { waiter, .. } = arrive(bulkhead, class, now) else {
        panic!("not queued");
    };
    waiter
}

fn held(settings: BulkheadSettings) -> (Bulkhead, Permit) {
    let mut bulkhead = Bulkhead::new(settings);
    let Acquired::Permit(permit) = arrive(&mut bulkhead, Class::Low, 0) else { panic!("empty") };
    (bulkhead, permit)
}

#[test]
fn the_most_important_goes_first_and_equals_in_turn() {
    let (mut bulkhead, permit) = held(by_priority(1, 8));
    let order = [Class::Low, Class::Normal, Class::High, Class::Normal, Class::Critical];
    let waiters = order.map(|class| wait(&mut bulkhead, class, 0));
    bulkhead.release(permit, Duration::ZERO, at(1));
    let mut served = Vec::new();
    while let Some(next) = bulkhead.next_grant(at(1)) {
        let Claimed::Permit(permit) = bulkhead.claim(next, at(1)) else { panic!("granted") };
        served.push(next);
        bulkhead.release(permit, Duration::ZERO, at(1));
    }
    assert_eq!(served, [4, 2, 1, 3, 0].map(|place: usize| waiters[place]));
}

#[test]
fn a_full_queue_drops_the_latest_of_the_least_important() {
    let (mut bulkhead, _permit) = held(by_priority(1, 2));
    let first = wait(&mut bulkhead, Class::Normal, 0);
    let second = wait(&mut bulkhead, Class::Normal, 0);
    let mut events = Vec::new();
    let acquired = bulkhead.acquire_weighted(need(Class::High), at(1), &mut events).unwrap();
    assert!(matches!(acquired, Acquired::Queued { .. }));
    let dropped: Vec<_> = events.iter().map(|event| (event.cause, event.waiter)).collect();
    assert_eq!(dropped, [(RejectCause::Displaced, Some(second))]);
    assert!(matches!(bulkhead.claim(first, at(1)), Claimed::StillWaiting));
    assert!(matches!(bulkhead.claim(second, at(1)), Claimed::Gone));
    assert_eq!(bulkhead.snapshot().displaced, 1);
}

#[test]
fn nobody_gives_way_to_an_equal() {
    let (mut bulkhead, _permit) = held(by_priority(1, 1));
    wait(&mut bulkhead, Class::High, 0);
    for class in [Class::High, Class::Normal] {
        assert!(matches!(
            arrive(&mut bulkhead, class, 0),
            Acquired::Refused { reason: Reason::QueueFull, .. }
        ));
    }
}

#[test]
fn in_other_orders_importance_counts_for_nothing() {
    let (mut bulkhead, permit) = held(settings(1, 2));
    let low = wait(&mut bulkhead, Class::Low, 0);
    wait(&mut bulkhead, Class::Critical, 0);
    assert!(matches!(arrive(&mut bulkhead, Class::Critical, 0), Acquired::Refused { .. }));
    bulkhead.release(permit, Duration::ZERO, at(1));
    assert_eq!(bulkhead.next_grant(at(1)), Some(low));
}

#[test]
fn the_estimate_counts_those_who_are_as_important() {
    let (mut bulkhead, permit) = held(by_priority(1, 8));
    bulkhead.release(permit, Duration::from_millis(40), at(40));
    let Acquired::Permit(_permit) = arrive(&mut bulkhead, Class::Low, 40) else { panic!("free") };
    wait(&mut bulkhead, Class::Normal, 40);
    wait(&mut bulkhead, Class::Normal, 40);
    // 120 ms are more than the 100 that anybody may wait.
    assert!(matches!(arrive(&mut bulkhead, Class::Normal, 40), Acquired::Refused { .. }));
    assert!(matches!(arrive(&mut bulkhead, Class::High, 40), Acquired::Queued { .. }));
}

proptest! {
    #[test]
    fn whoever_is_served_nobody_more_important_waits(
        arrivals in prop::collection::vec((0_usize..4, any::<bool>()), 1..60),
        places in 1_u32..6,
    ) {
        let (mut bulkhead, permit) = held(by_priority(1, places));
        let (mut permit, mut line) = (Some(permit), Vec::<(Waiter, Class)>::new());
        for (class, release) in arrivals {
            let class = CLASSES[class];
            let mut events = Vec::new();
            let got = bulkhead.acquire_weighted(need(class), at(0), &mut events).unwrap();
            for gone in events.iter().filter_map(|event| event.waiter) {
                let place = line.iter().position(|(waiter, _)| *waiter == gone).unwrap();
                let worst = line.iter().map(|(_, class)| *class).max().unwrap();
                prop_assert_eq!(line.remove(place).1, worst);
            }
            match got {
                Acquired::Queued { waiter, .. } => line.push((waiter, class)),
                Acquired::Permit(got) => permit = Some(got),
                Acquired::Refused { .. } => {
                    prop_assert!(line.iter().all(|(_, waiting)| *waiting <= class));
                }
            }
            if release && let Some(held) = permit.take() {
                bulkhead.release(held, Duration::ZERO, at(0));
                let Some(next) = bulkhead.next_grant(at(0)) else { continue };
                let best = line.iter().map(|(_, class)| *class).min().unwrap();
                let first = line.iter().position(|(_, class)| *class == best).unwrap();
                prop_assert_eq!(line.remove(first).0, next);
                let Claimed::Permit(got) = bulkhead.claim(next, at(0)) else { panic!("granted") };
                permit = Some(got);
            }
            bulkhead.invariants();
        }
    }
}

#[test]
fn waits_are_prolonged_to_what_is_of_use_and_cut_again() {
    let (mut bulkhead, permit) = held(by_priority(1, 8));
    let enter = |bulkhead: &mut Bulkhead, useful, now| {
        let need = Need { useful_until: at(useful), ..need(Class::Normal) };
        match bulkhead.acquire_weighted(need, at(now), &mut crate::event::Discard).unwrap() {
            Acquired::Queued { waiter, .. } => waiter,
            other @ (Acquired::Permit(_) | Acquired::Refused { .. }) => panic!("{other:?}"),
        }
    };
    let waiters = [2_000, 50].map(|useful| enter(&mut bulkhead, useful, 0));
    let until = |bulkhead: &Bulkhead| waiters.map(|waiter| bulkhead.waits_until(waiter));
    assert_eq!(until(&bulkhead), [Some(at(100)), Some(at(50))]);
    bulkhead.prolong();
    assert_eq!(until(&bulkhead), [Some(at(2_000)), Some(at(50))]);
    bulkhead.shorten(at(40));
    assert_eq!(until(&bulkhead), [Some(at(140)), Some(at(50))], "as long as an arrival");
    // Now a permit is known to be held for three hundred milliseconds.
    bulkhead.prolong();
    bulkhead.release(permit, millis(300), at(45));
    bulkhead.shorten(at(45));
    assert_eq!(until(&bulkhead), [Some(at(345)), Some(at(50))], "as long as a permit is held");
    let served = bulkhead.next_grant(at(60));
    assert_eq!(served, Some(waiters[0]), "prolonged, and not dropped with the other");
    assert_eq!(until(&bulkhead)[0], None, "who has a permit waits no more");
}
