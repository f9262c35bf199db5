//! Every interleaving of what threads share without a lock, by loom.
//!
//! The files are compiled once more here, with loom's atomics in place of the real ones; nothing
//! else of them changes. The races of real threads are beside this.

mod sync {
    //! The atomics and the lock of loom.

    pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
    pub(super) use loom::sync::{Mutex, MutexGuard};

    /// One for each of the two threads: more would only make for more of the same interleavings.
    pub(super) const LANES: usize = 2;
}
#[path = "../atomic/batch.rs"]
#[expect(clippy::duplicate_mod, reason = "once more, with the atomics of loom")]
mod batch;
#[path = "../atomic/cell.rs"]
#[expect(clippy::duplicate_mod, reason = "once more, with the atomics of loom")]
mod cell;
#[path = "../atomic/front.rs"]
#[expect(clippy::duplicate_mod, reason = "once more, with the atomics of loom")]
mod front;
#[path = "../atomic/gate.rs"]
#[expect(clippy::duplicate_mod, reason = "once more, with the atomics of loom")]
mod gate;
#[path = "../atomic/woken.rs"]
#[expect(clippy::duplicate_mod, reason = "once more, with the atomics of loom")]
mod woken;

use std::task::Waker;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::thread;
use seawall_core::breaker::{self as core, BreakerSettings, Phase, Probing, WindowKind};
use seawall_core::bulkhead::{self, Acquired, Bulkhead, BulkheadSettings, Claimed, Waiter};
use seawall_core::outcome::Class;
use seawall_core::rate::{Pace, Quota, Rate};
use seawall_core::ratio::Ratio;
use seawall_core::rng::{Draw, Stream};
use seawall_core::time::{Duration, Instant};

use super::Wakes;
use cell::{Cell, Moved};
use front::Compartment;
use gate::{Gate, Settling};

const NOW: Instant = Instant::from_millis(1);

/// A breaker that one failure trips.
fn gate() -> Arc<Gate> {
    let settings = BreakerSettings { consecutive: Some(1), ..BreakerSettings::for_endpoint() };
    let machine = core::Breaker::new(settings, Instant::EPOCH);
    Arc::new(Gate::new(machine, Stream::new(1, "gate")))
}

fn settle(gate: &Gate, ticket: core::Ticket, class: Class) {
    settle_in(0, gate, ticket, class);
}

fn settle_in(lane: usize, gate: &Gate, ticket: core::Ticket, class: Class) {
    let settling = Settling { ticket, class, now: || NOW, elapsed: |_| Duration::ZERO };
    let reported = gate.settle(lane, settling, true);
    assert!(reported.is_none_or(|(_, at)| at == NOW));
}

#[test]
fn an_admission_that_starts_after_a_trip_has_returned_sees_it() {
    loom::model(|| {
        let gate = gate();
        let returned = Arc::new(AtomicBool::new(false));
        let other = thread::spawn({
            let (gate, returned) = (Arc::clone(&gate), Arc::clone(&returned));
            move || {
                let ticket = gate.flows().unwrap();
                settle(&gate, ticket, Class::Failure);
                returned.store(true, Ordering::Release);
            }
        });
        if returned.load(Ordering::Acquire) {
            assert!(gate.flows().is_none(), "admitted past a trip");
        }
        other.join().unwrap();
        assert!(gate.flows().is_none());
    });
}

#[test]
fn t9_the_outcome_of_an_older_state_changes_nothing_whoever_comes_first() {
    loom::model(|| {
        let gate = gate();
        let settler = |class| {
            let gate = Arc::clone(&gate);
            move || {
                if let Some(ticket) = gate.flows() {
                    settle(&gate, ticket, class);
                }
            }
        };
        let failing = (settler(Class::Failure), settler(Class::Failure));
        let other = thread::spawn(failing.0);
        failing.1();
        other.join().unwrap();
        let snapshot = gate.look().machine.snapshot(NOW);
        assert!(matches!(snapshot.phase, Phase::Open { .. }), "{snapshot:?}");
        assert_eq!((snapshot.generation, snapshot.openings), (1, 1), "tripped once");
    });
}

#[test]
fn the_word_of_an_earlier_step_never_replaces_that_of_a_later_one() {
    loom::model(|| {
        let gate = gate();
        let (failing, fine) = (gate.flows().unwrap(), gate.flows().unwrap());
        let other = thread::spawn({
            let gate = Arc::clone(&gate);
            move || settle(&gate, fine, Class::Success)
        });
        settle(&gate, failing, Class::Failure);
        assert!(gate.flows().is_none(), "the trip is taken back");
        other.join().unwrap();
        assert!(gate.flows().is_none(), "the trip is taken back");
    });
}

#[test]
fn t6_of_two_calls_at_the_end_of_the_cool_down_one_is_the_probe() {
    loom::model(|| {
        let gate = gate();
        let ticket = gate.flows().unwrap();
        settle(&gate, ticket, Class::Failure);
        let later = Instant::from_millis(3_600_000);
        let ask = {
            let gate = Arc::clone(&gate);
            move || {
                assert!(gate.flows().is_none(), "no probe passes by the machine");
                let (answer, _) = gate.step(later, true, |locked, sink| {
                    locked.machine.admit(later, Probing::Allowed, Draw::ZERO, sink)
                });
                answer.ok()
            }
        };
        let other = thread::spawn(ask.clone());
        let (one, two) = (ask(), other.join().unwrap());
        assert!(one.is_some() != two.is_some(), "one place, and {one:?} and {two:?}");
    });
}

/// A breaker in whose first lane successes are counted, one call in its window; it trips once two
/// of three calls have failed.
fn counting() -> Arc<Gate> {
    let settings = BreakerSettings {
        consecutive: None,
        failure_rate: Some(Ratio::from_percent(60)),
        window: WindowKind::Calls(8),
        min_calls: 1,
        ..BreakerSettings::for_endpoint()
    };
    let gate = Gate::new(core::Breaker::new(settings, Instant::EPOCH), Stream::new(1, "gate"));
    settle(&gate, gate.flows().unwrap(), Class::Success);
    Arc::new(gate)
}

#[test]
fn no_success_beside_a_failure_is_lost_or_counted_twice() {
    loom::model(|| {
        let gate = counting();
        let other = thread::spawn({
            let gate = Arc::clone(&gate);
            move || {
                settle(&gate, gate.flows().unwrap(), Class::Success);
                settle(&gate, gate.flows().unwrap(), Class::Success);
            }
        });
        settle_in(1, &gate, gate.flows().unwrap(), Class::Failure);
        other.join().unwrap();
        let snapshot = gate.look().machine.snapshot(NOW);
        assert_eq!((snapshot.calls, snapshot.failures), (4, 1), "{snapshot:?}");
    });
}

#[test]
fn successes_of_two_threads_are_counted_whosever_lane_they_are_in() {
    for lane in [0, 1] {
        loom::model(move || {
            let gate = counting();
            let other = thread::spawn({
                let gate = Arc::clone(&gate);
                move || settle(&gate, gate.flows().unwrap(), Class::Success)
            });
            settle_in(lane, &gate, gate.flows().unwrap(), Class::Success);
            other.join().unwrap();
            assert_eq!(gate.look().machine.snapshot(NOW).calls, 3);
        });
    }
}

#[test]
fn t9_a_success_that_ends_during_a_trip_votes_before_it_or_never() {
    loom::model(|| {
        let gate = counting();
        settle_in(1, &gate, gate.flows().unwrap(), Class::Failure);
        settle(&gate, gate.flows().unwrap(), Class::Success);
        let (fine, failing) = (gate.flows().unwrap(), gate.flows().unwrap());
        let other = thread::spawn({
            let gate = Arc::clone(&gate);
            move || settle(&gate, fine, Class::Success)
        });
        gate.step(NOW, true, |locked, sink| {
            locked.machine.force(core::Manual::ForcedOpen, NOW, sink);
        });
        other.join().unwrap();
        settle(&gate, failing, Class::Success);
        assert!(gate.flows().is_none());
        assert_eq!(gate.look().machine.snapshot(NOW).calls, 0, "counted in another state");
    });
}

/// A compartment with its holders counted beside it.
struct Counted {
    compartment: Compartment,
    holders: AtomicU32,
    limit: u32,
}

enum Got {
    Permit(bulkhead::Permit),
    Place(Waiter),
    Nothing,
}

impl Counted {
    fn new(permits: u32, queue: u32) -> Arc<Self> {
        let max_wait = Duration::from_secs(1);
        let settings = BulkheadSettings { permits, queue, max_wait, ..Default::default() };
        let compartment = Compartment::new(Bulkhead::new(settings));
        Arc::new(Self { compartment, holders: AtomicU32::new(0), limit: permits })
    }

    fn acquire(&self, wakes: &std::sync::Arc<Wakes>) -> Got {
        if let Some(permit) = self.compartment.take() {
            return Got::Permit(permit);
        }
        let act = |locked: &mut front::Locked| locked.machine.acquire(NOW, Instant::NEVER);
        match self.compartment.step(NOW, true, act).0 {
            Acquired::Permit(permit) => Got::Permit(permit),
            Acquired::Refused { .. } => Got::Nothing,
            Acquired::Queued { waiter, .. } => self.claim(waiter, wakes),
        }
    }

    fn claim(&self, waiter: Waiter, wakes: &std::sync::Arc<Wakes>) -> Got {
        let waker = Waker::from(std::sync::Arc::clone(wakes));
        let act = |locked: &mut front::Locked| {
            let claimed = locked.machine.claim(waiter, NOW);
            if matches!(claimed, Claimed::StillWaiting) {
                locked.wakers.insert(waiter, waker);
            }
            claimed
        };
        match self.compartment.step(NOW, true, act).0 {
            Claimed::Permit(permit) => Got::Permit(permit),
            Claimed::StillWaiting => Got::Place(waiter),
            Claimed::Gone => Got::Nothing,
        }
    }

    fn leave(&self, waiter: Waiter) {
        let act = |locked: &mut front::Locked| {
            locked.machine.leave(waiter, NOW);
            locked.wakers.remove(&waiter)
        };
        let _ = self.compartment.step(NOW, true, act);
    }

    fn hold(&self) {
        let before = self.holders.fetch_add(1, Ordering::AcqRel);
        assert!(before < self.limit, "{} hold a permit of {}", before + 1, self.limit);
    }

    fn release(&self, permit: bulkhead::Permit) {
        self.holders.fetch_sub(1, Ordering::AcqRel);
        if let Err(permit) = self.compartment.give_back(permit) {
            let act = |locked: &mut front::Locked| {
                locked.machine.release(permit, Duration::ZERO, NOW);
            };
            let _ = self.compartment.step(NOW, true, act);
        }
    }

    fn use_once(&self, wakes: &std::sync::Arc<Wakes>) -> Option<Waiter> {
        match self.acquire(wakes) {
            Got::Permit(permit) => {
                self.hold();
                self.release(permit);
                None
            }
            Got::Place(waiter) => Some(waiter),
            Got::Nothing => None,
        }
    }

    /// Nobody holds or waits any more, and every permit can be had.
    fn assert_whole(&self) {
        let (in_front, locked) = self.compartment.look();
        let snapshot = locked.machine.snapshot();
        assert_eq!(snapshot.in_use + in_front, 0, "a permit is lost");
        assert_eq!((snapshot.queued, snapshot.unclaimed, locked.wakers.len()), (0, 0, 0));
        drop(locked);
        let wakes = std::sync::Arc::default();
        let all = (0..self.limit).map(|_| self.acquire(&wakes));
        assert!(all.collect::<Vec<_>>().iter().all(|got| matches!(got, Got::Permit(_))));
    }
}

/// Bounds the switches between threads that nobody asked for. Three find all known bugs of such
/// structures, and keep the models below a few seconds.
fn bounded(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn t91_t97_no_permit_is_given_twice_and_whoever_waits_is_woken() {
    bounded(|| {
        let counted = Counted::new(1, 2);
        let other = thread::spawn({
            let counted = Arc::clone(&counted);
            move || {
                let wakes = std::sync::Arc::default();
                (counted.use_once(&wakes), wakes)
            }
        });
        let wakes = std::sync::Arc::default();
        let mine = (counted.use_once(&wakes), wakes);
        for (waiter, wakes) in [mine, other.join().unwrap()] {
            let Some(waiter) = waiter else { continue };
            assert_eq!(wakes.count(), 1, "a waiter sleeps beside a free permit");
            let Got::Permit(permit) = counted.claim(waiter, &wakes) else {
                panic!("woken for nothing");
            };
            counted.hold();
            counted.release(permit);
        }
        counted.assert_whole();
    });
}

#[test]
fn t91_two_permits_are_never_three() {
    bounded(|| {
        let counted = Counted::new(2, 0);
        let use_once = |counted: &Arc<Counted>| {
            let counted = Arc::clone(counted);
            move || _ = counted.use_once(&std::sync::Arc::default())
        };
        let others = [thread::spawn(use_once(&counted)), thread::spawn(use_once(&counted))];
        use_once(&counted)();
        for other in others {
            other.join().unwrap();
        }
        counted.assert_whole();
    });
}

#[test]
fn t95_a_waiter_that_leaves_while_it_is_woken_loses_no_permit() {
    bounded(|| {
        let counted = Counted::new(1, 1);
        let wakes = std::sync::Arc::default();
        let Got::Permit(held) = counted.acquire(&wakes) else { panic!("not free") };
        counted.hold();
        let Got::Place(waiter) = counted.acquire(&wakes) else { panic!("not full") };
        let other = thread::spawn({
            let counted = Arc::clone(&counted);
            move || counted.release(held)
        });
        counted.leave(waiter);
        other.join().unwrap();
        counted.assert_whole();
    });
}

#[test]
fn of_two_that_race_for_one_permit_one_is_refused_and_that_is_reported_once() {
    bounded(|| {
        let counted = Counted::new(1, 0);
        let refusals = |counted: &Arc<Counted>| {
            let counted = Arc::clone(counted);
            move || {
                let need = bulkhead::Need {
                    weight: 1,
                    useful_until: NOW,
                    class: seawall_core::shed::Class::Normal,
                    patience: bulkhead::Patience::Usual,
                };
                let act = |locked: &mut front::Locked| {
                    let front::Locked { machine, batch, .. } = locked;
                    matches!(machine.acquire_weighted(need, NOW, batch), Ok(Acquired::Permit(_)))
                };
                let (got, front::After { woken, batch }) = counted.compartment.step(NOW, true, act);
                drop(woken);
                assert_eq!(got, batch.events.is_empty());
                batch.events.iter().map(|_| batch.first).collect::<Vec<_>>()
            }
        };
        let other = thread::spawn(refusals(&counted));
        let mut numbers = refusals(&counted)();
        numbers.extend(other.join().unwrap());
        assert_eq!(numbers, [1]);
    });
}

const fn quota(rate: u32, burst: u32) -> Quota {
    Quota { rate: Rate::per_second(rate), burst }
}

fn pace(rate: u32, burst: u32) -> Pace {
    Pace::new(quota(rate, burst))
}

#[test]
fn t112_racing_threads_share_one_burst() {
    loom::model(|| {
        let cell = Arc::new(Cell::new(pace(1, 2), 0));
        let passes = |cell: &Arc<Cell>| {
            let cell = Arc::clone(cell);
            move || u32::from(cell.decide(NOW, 1).unwrap().is_ok())
        };
        let others = [thread::spawn(passes(&cell)), thread::spawn(passes(&cell))];
        let mine = passes(&cell)();
        let passed = others.into_iter().map(|other| other.join().unwrap()).sum::<u32>() + mine;
        assert_eq!(passed, 2, "of a burst of 2");
    });
}

#[test]
fn t128_a_charge_beside_a_change_of_quota_is_carried_or_made_anew_never_lost() {
    loom::model(|| {
        let old = Arc::new(Cell::new(pace(1, 2), 0));
        let other = thread::spawn({
            let old = Arc::clone(&old);
            move || old.decide(NOW, 1)
        });
        let new = old.move_to(pace(10, 2), NOW);
        let passed = match other.join().unwrap() {
            Ok(decision) => u32::from(decision.is_ok()),
            Err(Moved) => u32::from(new.decide(NOW, 1).unwrap().is_ok()),
        };
        assert_eq!(passed, 1);
        assert_eq!(old.decide(NOW, 1), Err(Moved), "nothing passes where the limit was");
        assert!(new.decide(NOW, 1).unwrap().is_ok());
        assert!(new.decide(NOW, 1).unwrap().is_err(), "a charge is lost");
        let (pace, word) = new.look();
        assert_eq!((pace.quota(), pace.remaining(word, NOW)), (quota(10, 2), 0));
    });
}
