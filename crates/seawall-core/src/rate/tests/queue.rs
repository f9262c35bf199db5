//! Waiting: examples, traps, and random operations under a check of the promise.

use super::*;
use crate::event::Discard;
use crate::reason::Reason;
use proptest::prelude::*;

fn settings(rate: Rate, burst: u32) -> QueueSettings {
    let quota = quota(rate, burst);
    let settings = QueueSettings { quota, waiters: 10, max_wait: Duration::from_secs(1) };
    settings.validate().unwrap();
    settings
}

fn reserve(queue: &mut RateQueue, now: Instant) -> Reserved {
    queue.reserve(now, 1, Instant::NEVER, &mut Discard)
}

/// Takes the only call that passes at once.
fn first(queue: &mut RateQueue) {
    assert!(matches!(reserve(queue, at(0)), Reserved::Admitted { .. }));
}

fn queued(queue: &mut RateQueue, now: Instant) -> (RateWaiter, Instant) {
    match reserve(queue, now) {
        Reserved::Queued { waiter, wake_at } => (waiter, wake_at),
        other @ (Reserved::Admitted { .. } | Reserved::Refused { .. }) => panic!("{other:?}"),
    }
}

#[test]
fn t113_a_waiter_is_charged_once_and_passes_once() {
    let mut queue = RateQueue::new(settings(Rate::per_second(10), 1));
    let mut events = Vec::new();
    let first = queue.reserve(at(0), 1, Instant::NEVER, &mut events);
    assert_eq!(first, Reserved::Admitted { remaining: 0 });
    let (waiter, wake_at) = queued(&mut queue, at(0));
    assert_eq!(wake_at, at(100));
    let (next, next_at) = queued(&mut queue, at(0));
    assert_eq!(next_at, at(200), "the one before it is charged already");
    assert_eq!(queue.claim(waiter, at(99)), Claimed::StillWaiting { wake_at });
    assert_eq!(queue.claim(waiter, at(100)), Claimed::Admitted);
    assert_eq!(queue.claim(waiter, at(100)), Claimed::Gone, "not twice");
    assert_eq!(queue.claim(next, at(150)), Claimed::StillWaiting { wake_at: next_at });
    let third = queue.reserve(at(150), 1, Instant::NEVER, &mut events);
    assert!(matches!(third, Reserved::Queued { wake_at, .. } if wake_at == at(300)));
    assert_eq!(events, [RateEvent::Queued { wait: Duration::from_millis(150) }]);
}

#[test]
fn t114_a_waiter_needs_one_timer() {
    let mut queue = RateQueue::new(settings(Rate::per_second(10), 1));
    first(&mut queue);
    let waiters: Vec<_> = (0..5).map(|_| queued(&mut queue, at(0))).collect();
    for (waiter, wake_at) in waiters {
        assert_eq!(queue.claim(waiter, wake_at), Claimed::Admitted);
        assert_eq!(queue.next_moved(), None);
    }
}

#[test]
fn t127_a_cancelled_waiter_gives_its_place_to_those_behind() {
    let mut queue = RateQueue::new(settings(Rate::per_second(10), 1));
    first(&mut queue);
    let (first, _) = queued(&mut queue, at(0));
    let (second, _) = queued(&mut queue, at(0));
    let (third, _) = queued(&mut queue, at(0));
    queue.cancel(first, at(10));
    queue.cancel(first, at(10));
    let moved = [queue.next_moved(), queue.next_moved(), queue.next_moved()];
    let expected = [(second, 100), (third, 200)]
        .map(|(waiter, millis)| Some(Moved { waiter, wake_at: at(millis) }));
    assert_eq!(moved, [expected[0], expected[1], None]);
    assert_eq!(queue.claim(second, at(100)), Claimed::Admitted);
    queue.cancel(third, at(150));
    assert_eq!(queued(&mut queue, at(150)).1, at(200), "the charge went with it");
}

#[test]
fn a_call_that_would_wait_too_long_is_refused_at_once() {
    let mut queue = RateQueue::new(settings(Rate::per_second(10), 1));
    first(&mut queue);
    let late = queue.reserve(at(0), 1, at(99), &mut Discard);
    let refused = Refused::Limited { retry_at: at(100), remaining: 0 };
    assert_eq!(late, Reserved::Refused { reason: Reason::QueueWait, refused });
    assert!(matches!(
        queue.reserve(at(0), 1, at(100), &mut Discard),
        Reserved::Queued { wake_at, .. } if wake_at == at(100)
    ));
    (0..9).for_each(|_| _ = queued(&mut queue, at(0)));
    let full = reserve(&mut queue, at(500));
    assert!(matches!(full, Reserved::Refused { reason: Reason::QueueFull, .. }), "{full:?}");
    let impossible = queue.reserve(at(500), 2, Instant::NEVER, &mut Discard);
    let refused = Refused::Impossible { capacity: 1 };
    assert_eq!(impossible, Reserved::Refused { reason: Reason::QueueWait, refused });
}

#[test]
fn t128_a_pause_keeps_waiters_and_a_changed_rate_moves_them() {
    let running = settings(Rate::per_second(10), 1);
    let mut queue = RateQueue::new(running);
    first(&mut queue);
    let (first, _) = queued(&mut queue, at(0));
    let (second, _) = queued(&mut queue, at(0));
    let paused = QueueSettings { quota: Quota { rate: Rate::ZERO, burst: 1 }, ..running };
    queue.reconfigure(paused, at(50));
    // They would be woken when their time ends.
    assert_eq!(queue.next_moved(), Some(Moved { waiter: first, wake_at: at(1_000) }));
    assert_eq!(queue.next_moved(), Some(Moved { waiter: second, wake_at: at(1_000) }));
    assert_eq!(queue.claim(first, at(100)), Claimed::StillWaiting { wake_at: at(1_000) });
    assert!(matches!(reserve(&mut queue, at(100)), Reserved::Refused { .. }));
    queue.reconfigure(settings(Rate::per_second(5), 1), at(300));
    // Half a call was owed at the pause.
    assert_eq!(queue.next_moved(), Some(Moved { waiter: first, wake_at: at(400) }));
    assert_eq!(queue.next_moved(), Some(Moved { waiter: second, wake_at: at(600) }));
    queue.reconfigure(paused, at(350));
    assert_eq!(queue.claim(first, at(1_000)), Claimed::Gone, "its time has ended");
    assert_eq!(queue.queued(), 1);
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Wait(u64),
    Reserve(u32, u64),
    Cancel(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => prop_oneof![Just(0_u64), 0_u64..400, 0_u64..3_000].prop_map(Operation::Wait),
        6 => (1_u32..4, prop_oneof![Just(5_000_u64), 0_u64..2_000])
            .prop_map(|(cost, useful)| Operation::Reserve(cost, useful)),
        2 => any::<usize>().prop_map(Operation::Cancel),
    ]
}

/// A driver with one timer for each waiter, which it sets anew only when told to.
struct Driver {
    queue: RateQueue,
    quota: Quota,
    now: Instant,
    timers: Vec<(RateWaiter, Instant, u32)>,
    passed: Vec<(Instant, u64)>,
}

impl Driver {
    fn pass(&mut self, cost: u32) {
        self.passed.push((self.now, cost.into()));
        let mut sum = 0_u128;
        for (then, cost) in self.passed.iter().rev() {
            sum += u128::from(*cost);
            let emitted = self.now.since(*then).as_nanos() * u128::from(self.quota.rate.count());
            let period = u128::from(self.quota.rate.period());
            let allowed = u128::from(self.quota.burst) * period + emitted;
            assert!(sum * period <= allowed, "{sum} calls since {then:?}");
        }
    }

    fn set_timers(&mut self) {
        while let Some(Moved { waiter, wake_at }) = self.queue.next_moved() {
            let timer = self.timers.iter_mut().find(|timer| timer.0 == waiter).unwrap();
            assert!(wake_at <= timer.1, "a refund delays nobody");
            timer.1 = wake_at;
        }
    }

    /// Lets time pass; each timer fires at its instant, in order.
    fn until(&mut self, end: Instant) {
        while let Some(index) = (0..self.timers.len())
            .filter(|index| self.timers[*index].1 <= end)
            .min_by_key(|index| (self.timers[*index].1, self.timers[*index].0))
        {
            let (waiter, wake_at, cost) = self.timers.remove(index);
            self.now = self.now.max(wake_at);
            assert_eq!(self.queue.claim(waiter, self.now), Claimed::Admitted);
            self.pass(cost);
        }
        self.now = end;
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Wait(millis) => self.until(self.now.after(Duration::from_millis(millis))),
            Operation::Reserve(cost, useful) => {
                let until = self.now.after(Duration::from_millis(useful));
                match self.queue.reserve(self.now, cost, until, &mut Discard) {
                    Reserved::Admitted { .. } => {
                        let due = self.timers.iter().all(|timer| timer.1 <= self.now);
                        assert!(due, "passed somebody who waits");
                        self.pass(cost);
                    }
                    Reserved::Queued { waiter, wake_at } => {
                        assert!(wake_at <= until && wake_at > self.now);
                        let last = self.timers.iter().map(|timer| timer.1).max();
                        assert!(last.is_none_or(|last| last <= wake_at), "overtakes");
                        self.timers.push((waiter, wake_at, cost));
                    }
                    Reserved::Refused { .. } => {}
                }
            }
            Operation::Cancel(pick) if !self.timers.is_empty() => {
                let (waiter, ..) = self.timers.remove(pick % self.timers.len());
                self.queue.cancel(waiter, self.now);
                self.set_timers();
            }
            Operation::Cancel(_) => {}
        }
        self.queue.invariants();
        assert_eq!(self.queue.queued(), self.timers.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn waiting_and_cancelling_never_pass_more_than_the_quota(
        count in prop_oneof![1_u64..20, Just(333_u64)], burst in 1_u32..6,
        operations in prop::collection::vec(operation(), 1..100),
    ) {
        let quota = quota(rate(count, SECOND), burst);
        let max_wait = Duration::from_secs(3);
        let queue = RateQueue::new(QueueSettings { quota, waiters: 20, max_wait });
        let (timers, passed) = (Vec::new(), Vec::new());
        let mut driver = Driver { queue, quota, now: ns(7), timers, passed };
        for operation in operations {
            driver.apply(operation);
        }
        driver.until(driver.now.after(Duration::from_secs(10)));
        prop_assert_eq!(driver.queue.queued(), 0, "somebody still waits");
    }

    /// Without leaving early, a waiter passes at the very first instant that the promise allows.
    #[test]
    fn an_instant_is_the_first_that_is_allowed(
        count in 1_u64..400, burst in 1_u32..5, costs in prop::collection::vec(1_u32..4, 1..30),
    ) {
        let quota = quota(rate(count, SECOND), burst);
        let max_wait = Duration::from_secs(1_000);
        let mut queue = RateQueue::new(QueueSettings { quota, waiters: 100, max_wait });
        // A caller that asks a limit again and again, always at the instant it was told.
        let (mut limit, mut exact) = (Gcra::new(quota), ns(10));
        for cost in costs.into_iter().filter(|cost| *cost <= burst) {
            while let Err(Refused::Limited { retry_at, .. }) = limit.decide(exact, cost) {
                exact = retry_at;
            }
            match queue.reserve(ns(10), cost, Instant::NEVER, &mut Discard) {
                Reserved::Admitted { .. } => prop_assert_eq!(exact, ns(10)),
                Reserved::Queued { wake_at, .. } => prop_assert_eq!(wake_at, exact),
                Reserved::Refused { .. } => prop_assert!(false, "refused"),
            }
        }
    }
}
