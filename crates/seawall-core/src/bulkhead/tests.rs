//! Worked example, traps and a naive model of the bulkhead.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::vec::Vec;

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn bulkhead(permits: u32, queue: u32) -> Bulkhead {
    Bulkhead::new(BulkheadSettings { permits, queue, ..BulkheadSettings::default() })
}

fn permit(acquired: Acquired) -> Permit {
    let Acquired::Permit(permit) = acquired else { panic!("no permit: {acquired:?}") };
    permit
}

fn waiter(acquired: Acquired) -> Waiter {
    let Acquired::Queued { waiter, .. } = acquired else { panic!("not queued: {acquired:?}") };
    waiter
}

fn refused(acquired: Acquired) -> Reason {
    let Acquired::Refused { reason, .. } = acquired else { panic!("not refused: {acquired:?}") };
    reason
}

const FAR: Instant = Instant::NEVER;

#[test]
fn t92_a_full_compartment_queues_within_its_bound() {
    let mut bulkhead = bulkhead(1, 1);
    let _held = permit(bulkhead.acquire(at(0), FAR));
    let _waiting = waiter(bulkhead.acquire(at(0), FAR));
    assert_eq!(refused(bulkhead.acquire(at(0), FAR)), Reason::QueueFull);
    let mut without = self::bulkhead(1, 0);
    let _held = permit(without.acquire(at(0), FAR));
    assert_eq!(refused(without.acquire(at(0), FAR)), Reason::BulkheadFull);
}

#[test]
fn bh_2_who_would_wait_too_long_is_refused_on_arrival() {
    let settings = BulkheadSettings { max_wait: Duration::from_secs(1), ..Default::default() };
    let mut bulkhead = Bulkhead::new(BulkheadSettings { permits: 10, queue: 100, ..settings });
    let first = permit(bulkhead.acquire(at(0), FAR));
    bulkhead.release(first, Duration::from_millis(50));
    let _held: Vec<_> = (0..10).map(|_| permit(bulkhead.acquire(at(0), FAR))).collect();
    for _ in 0..40 {
        let _waiting = waiter(bulkhead.acquire(at(0), FAR));
    }
    let Acquired::Refused { reason, retry_at } = bulkhead.acquire(at(0), at(150)) else {
        panic!("position 41 waits 205 ms and is of use for 150 ms");
    };
    assert_eq!((reason, retry_at), (Reason::QueueWait, at(205)));
    let _waits = waiter(bulkhead.acquire(at(0), at(205)));
}

#[test]
fn t98_a_newcomer_never_overtakes_a_waiter() {
    let mut bulkhead = bulkhead(1, 5);
    let held = permit(bulkhead.acquire(at(0), FAR));
    let first = waiter(bulkhead.acquire(at(0), FAR));
    bulkhead.release(held, Duration::ZERO);
    let newcomer = waiter(bulkhead.acquire(at(1), FAR));
    assert_eq!(bulkhead.next_grant(at(1)), Some(first));
    assert_eq!(bulkhead.next_grant(at(1)), None);
    assert!(matches!(bulkhead.claim(newcomer), Claimed::StillWaiting));
    assert!(matches!(bulkhead.claim(first), Claimed::Permit(_)));
}

#[test]
fn t95_a_granted_waiter_that_leaves_passes_its_permit_on() {
    let mut bulkhead = bulkhead(1, 5);
    let held = permit(bulkhead.acquire(at(0), FAR));
    let (first, second) =
        (waiter(bulkhead.acquire(at(0), FAR)), waiter(bulkhead.acquire(at(0), FAR)));
    bulkhead.release(held, Duration::ZERO);
    assert_eq!(bulkhead.next_grant(at(1)), Some(first));
    bulkhead.leave(first);
    assert_eq!(bulkhead.next_grant(at(1)), Some(second));
    assert!(matches!(bulkhead.claim(first), Claimed::Gone));
}

#[test]
fn t96_a_waiter_whose_time_is_over_is_not_served() {
    let mut bulkhead = bulkhead(1, 5);
    let held = permit(bulkhead.acquire(at(0), FAR));
    let late = waiter(bulkhead.acquire(at(0), FAR));
    let fresh = waiter(bulkhead.acquire(at(60), FAR));
    bulkhead.release(held, Duration::ZERO);
    assert_eq!(bulkhead.next_grant(at(100)), Some(fresh));
    assert!(matches!(bulkhead.claim(late), Claimed::Gone));
    assert_eq!(bulkhead.snapshot().expired, 1);
}

#[test]
fn t97_as_many_waiters_wake_as_permits_come_free() {
    let mut bulkhead = bulkhead(3, 5);
    let held: Vec<_> = (0..3).map(|_| permit(bulkhead.acquire(at(0), FAR))).collect();
    let waiting: Vec<_> = (0..4).map(|_| waiter(bulkhead.acquire(at(0), FAR))).collect();
    held.into_iter().for_each(|permit| bulkhead.release(permit, Duration::ZERO));
    let granted: Vec<_> = core::iter::from_fn(|| bulkhead.next_grant(at(1))).collect();
    assert_eq!(granted, waiting[..3]);
}

#[test]
fn t101_lowered_permits_drain_and_cancel_nobody() {
    let mut bulkhead = bulkhead(3, 5);
    let held: Vec<_> = (0..3).map(|_| permit(bulkhead.acquire(at(0), FAR))).collect();
    bulkhead.reconfigure(BulkheadSettings { permits: 1, ..bulkhead.settings });
    assert_eq!(bulkhead.snapshot().in_use, 3);
    let next = waiter(bulkhead.acquire(at(0), FAR));
    let mut held = held.into_iter();
    for _ in 0..2 {
        bulkhead.release(held.next().unwrap(), Duration::ZERO);
        assert_eq!(bulkhead.next_grant(at(1)), None);
    }
    bulkhead.release(held.next().unwrap(), Duration::ZERO);
    assert_eq!(bulkhead.next_grant(at(1)), Some(next));
}

#[test]
fn lifo_serves_the_latest() {
    let settings = BulkheadSettings { order: QueueOrder::Lifo, permits: 1, ..Default::default() };
    let mut bulkhead = Bulkhead::new(settings);
    let held = permit(bulkhead.acquire(at(0), FAR));
    let _first = waiter(bulkhead.acquire(at(0), FAR));
    let second = waiter(bulkhead.acquire(at(0), FAR));
    bulkhead.release(held, Duration::ZERO);
    assert_eq!(bulkhead.next_grant(at(1)), Some(second));
}

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Acquire,
    Release,
    Claim,
    Leave(usize),
    Permits(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_u64..60).prop_map(Step::Pass),
        Just(Step::Acquire),
        Just(Step::Acquire),
        Just(Step::Release),
        Just(Step::Claim),
        (0_usize..8).prop_map(Step::Leave),
        (1_u32..5).prop_map(Step::Permits),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// Against a list of waiters with their deadlines: who is granted, and that no permit leaks.
    #[test]
    fn t91_agrees_with_a_naive_queue(steps in steps(), queue in 0_u32..6) {
        let mut bulkhead = bulkhead(2, queue);
        let (mut now, mut permits) = (0, 2);
        let mut held: Vec<Permit> = Vec::new();
        let mut waiting: VecDeque<(Waiter, u64)> = VecDeque::new();
        let mut granted: Vec<Waiter> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(ms) => now += ms,
                Step::Acquire => match bulkhead.acquire(at(now), FAR) {
                    Acquired::Permit(permit) => {
                        prop_assert!(waiting.is_empty(), "no barging");
                        held.push(permit);
                    }
                    Acquired::Queued { waiter, until } => {
                        prop_assert_eq!(until, at(now + 100));
                        waiting.push_back((waiter, now + 100));
                    }
                    Acquired::Refused { .. } => {
                        prop_assert!(waiting.len() >= queue as usize);
                    }
                },
                Step::Release => {
                    if let Some(permit) = held.pop() {
                        bulkhead.release(permit, Duration::ZERO);
                    }
                }
                Step::Claim => {
                    if let Some(waiter) = granted.pop() {
                        let claimed = bulkhead.claim(waiter);
                        let Claimed::Permit(permit) = claimed else { panic!("{claimed:?}") };
                        held.push(permit);
                    }
                }
                Step::Leave(index) => {
                    if index < waiting.len() {
                        bulkhead.leave(waiting.remove(index).unwrap().0);
                    } else if let Some(waiter) = granted.pop() {
                        bulkhead.leave(waiter);
                    }
                }
                Step::Permits(count) => {
                    permits = count;
                    bulkhead.reconfigure(BulkheadSettings { permits, ..bulkhead.settings });
                }
            }
            while let Some(waiter) = bulkhead.next_grant(at(now)) {
                while waiting.front().is_some_and(|(_, until)| *until <= now) {
                    waiting.pop_front();
                }
                prop_assert_eq!(Some(waiter), waiting.pop_front().map(|(waiter, _)| waiter));
                granted.push(waiter);
                let out = held.len() + granted.len();
                prop_assert!(out <= permits as usize, "more out than permits");
            }
            if bulkhead.in_use < permits {
                waiting.clear();
            }
            bulkhead.invariants();
            prop_assert_eq!(bulkhead.in_use as usize, held.len() + granted.len());
            prop_assert_eq!(bulkhead.queue.len() as usize, waiting.len());
        }
    }
}
