//! A call's machine, with everything it needs to take a step. Dropped at any point, it settles the
//! call as cancelled, so that nothing leaks.

use std::task::Waker;

use seawall_core::call::{Call as Machine, CallState, Verdict};
use seawall_core::idempotency::Ending as KeyEnding;
use seawall_core::reason::Reason;
use seawall_core::time::{Duration, Instant};

use super::Options;
use super::handle::{Handle, shared};
use crate::attempt::Endpoint;
use crate::clock::Clock;
use crate::error::{Spent, Until};
use crate::observe::{Ended, Ending, tell};
use crate::step::{Input, Next, Place};

/// A machine that cannot be forgotten.
#[derive(Debug)]
pub(super) struct Guard<P: Handle> {
    policy: P,
    machine: Option<Machine>,
    place: Place,
}

impl<P: Handle> Guard<P> {
    pub(super) fn new(policy: P) -> Self {
        Self { policy, machine: None, place: Place::new() }
    }

    pub(super) const fn is_started(&self) -> bool {
        self.machine.is_some()
    }

    pub(super) fn classifier(&self) -> &P::Classifier {
        &self.policy.policy().classify
    }

    pub(super) fn clock(&self) -> &Clock {
        &shared(&self.policy).clock
    }

    pub(super) fn name(&self) -> Option<&std::sync::Arc<str>> {
        shared(&self.policy).name.as_ref()
    }

    /// The time of the latest step.
    pub(super) const fn now(&self) -> Instant {
        self.place.now
    }

    /// Where the attempt goes that the latest step planned.
    pub(super) const fn endpoint(&mut self) -> Option<Endpoint> {
        self.place.endpoint.take()
    }

    /// By when that attempt must have ended.
    pub(super) const fn deadline(&self) -> Instant {
        self.place.deadline
    }

    /// Until when the call was refused.
    pub(super) const fn until(&self) -> Until {
        self.place.until
    }

    /// What the budget held, if it is why the call ended.
    pub(super) const fn spent(&self) -> Option<Spent> {
        self.place.spent
    }

    /// Begins the call.
    pub(super) fn start(&mut self, options: &Options, rungs: u8) -> Next {
        shared(&self.policy).start(&mut self.machine, &mut self.place, options, rungs)
    }

    /// One step of the call.
    pub(super) fn step(&mut self, input: &Input) -> Next {
        let Some(machine) = &mut self.machine else { return Next::Wait };
        shared(&self.policy).step(machine, &mut self.place, input)
    }

    /// Asks for the permit that the call waits for, or for the end of its hold; `None` while it has
    /// to wait on, or does not wait for either.
    pub(super) fn ask_for_permit(&mut self, waker: &Waker) -> Option<Next> {
        if !self.waits_in_line() {
            return None;
        }
        self.place.waker = Some(waker.clone());
        let next = self.step(&Input::Granted);
        self.place.waker = None;
        (!self.waits_in_line()).then_some(next)
    }

    fn waits_in_line(&self) -> bool {
        let state = self.machine.as_ref().map(Machine::state);
        matches!(state, Some(CallState::Queued | CallState::Holding))
    }

    /// When time alone moves the call.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.machine.as_ref()?.next_deadline()
    }

    /// By when the call must have ended; never without a limit.
    pub(super) fn total_end(&self) -> Instant {
        self.machine.as_ref().map_or(Instant::NEVER, Machine::deadline)
    }

    /// The time until then, as of the latest step.
    pub(super) fn remaining(&self) -> Option<Duration> {
        let end = self.total_end();
        (!end.is_never()).then(|| end.since(self.now()))
    }

    /// Attempts so far.
    pub(super) fn attempts(&self) -> u32 {
        self.machine.as_ref().map_or(0, Machine::attempts)
    }

    /// What the attempts mean for the record of an idempotency key.
    pub(super) fn ending(&self) -> KeyEnding {
        self.machine.as_ref().map_or(KeyEnding::Unknown, Machine::ending)
    }

    /// Why no other attempt followed.
    pub(super) fn denied(&self) -> Option<Reason> {
        self.machine.as_ref().and_then(Machine::denied)
    }

    /// Whether no other attempt can follow the one that the latest step planned.
    pub(super) const fn is_last(&self) -> bool {
        self.place.last
    }

    /// Tells observers how the call ended, once it has.
    #[inline]
    pub(super) fn tell_end(&self) {
        if let Some(verdict) = &self.place.verdict {
            self.tell(verdict);
        }
    }

    /// Tells observers how the call ended; nothing where there are none.
    #[inline]
    pub(super) fn tell(&self, verdict: &Verdict) {
        if !shared(&self.policy).listeners.calls.is_empty() {
            self.tell_all(verdict);
        }
    }

    #[cold]
    fn tell_all(&self, verdict: &Verdict) {
        let listeners = &shared(&self.policy).listeners.calls;
        let (ending, reason) = Ending::of(verdict, self.denied());
        let (policy, attempts, elapsed) = (self.name().cloned(), self.attempts(), self.elapsed());
        tell(listeners, &Ended { policy, ending, reason, attempts, elapsed });
    }

    /// How long the call has taken, as of its latest step.
    pub(super) fn elapsed(&self) -> Duration {
        self.machine.as_ref().map_or(Duration::ZERO, |machine| self.now().since(machine.started()))
    }
}

impl<P: Handle> Drop for Guard<P> {
    fn drop(&mut self) {
        let running = self.machine.as_ref().is_some_and(|m| m.state() != CallState::Finished);
        if running {
            let _settled = self.step(&Input::Cancelled);
            self.tell(&Verdict::Cancelled);
        }
    }
}
