//! A call's machine, with everything it needs to take a step. Dropped at any point, it settles the
//! call as cancelled, so that nothing leaks.

use std::task::Waker;

use seawall_core::call::{Action, Call as Machine, CallState, Verdict};
use seawall_core::reason::Reason;
use seawall_core::time::{Duration, Instant};

use super::Options;
use super::handle::{Handle, shared};
use crate::clock::Clock;
use crate::observe::{Ended, Ending, tell};
use crate::shared::{Ctx, Place, Turn};

/// A machine that cannot be forgotten.
#[derive(Debug)]
pub(super) struct Guard<P: Handle> {
    policy: P,
    machine: Option<Machine>,
    place: Place,
    /// The time of the latest step.
    now: Instant,
}

impl<P: Handle> Guard<P> {
    pub(super) fn new(policy: P) -> Self {
        Self { policy, machine: None, place: Place::default(), now: Instant::EPOCH }
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
        self.now
    }

    /// Nothing to do but to look at what runs.
    pub(super) const fn idle(&self) -> Turn {
        Turn { action: Action::Wait, now: self.now, endpoint: None, budget: None }
    }

    /// Begins the call.
    pub(super) fn start(&mut self, options: &Options, rungs: u8) -> Turn {
        let turn = shared(&self.policy).start(&mut self.machine, options, rungs);
        self.now = turn.now;
        turn
    }

    /// One step of the call.
    pub(super) fn step(&mut self, act: impl FnOnce(&mut Machine, &mut Ctx<'_>) -> Action) -> Turn {
        let Some(machine) = &mut self.machine else { return self.idle() };
        let turn = shared(&self.policy).step(machine, &mut self.place, act);
        self.now = turn.now;
        turn
    }

    /// Asks for the permit that the call waits for; `None` while it has to wait on, or does not
    /// wait for one.
    pub(super) fn ask_for_permit(&mut self, waker: &Waker) -> Option<Turn> {
        let waits = self.machine.as_ref().is_some_and(|call| call.state() == CallState::Queued);
        if !waits {
            return None;
        }
        self.place.waker = Some(waker.clone());
        let turn = self.step(|call, ctx| call.granted(ctx));
        self.place.waker = None;
        (!matches!(turn.action, Action::Enqueue(_))).then_some(turn)
    }

    /// When time alone moves the call.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.machine.as_ref()?.next_deadline()
    }

    /// By when the call must have ended; never without a limit.
    pub(super) fn deadline(&self) -> Instant {
        self.machine.as_ref().map_or(Instant::NEVER, Machine::deadline)
    }

    /// The time until then, as of the latest step.
    pub(super) fn remaining(&self) -> Option<Duration> {
        let deadline = self.deadline();
        (!deadline.is_never()).then(|| deadline.since(self.now))
    }

    /// Attempts so far.
    pub(super) fn attempts(&self) -> u32 {
        self.machine.as_ref().map_or(0, Machine::attempts)
    }

    /// Why no other attempt followed.
    pub(super) fn denied(&self) -> Option<Reason> {
        self.machine.as_ref().and_then(Machine::denied)
    }

    /// Tells observers how the call ended; nothing where there are none.
    pub(super) fn tell(&self, verdict: &Verdict) {
        let listeners = &shared(&self.policy).listeners.calls;
        if listeners.is_empty() {
            return;
        }
        let (ending, reason) = Ending::of(verdict, self.denied());
        let (policy, attempts, elapsed) = (self.name().cloned(), self.attempts(), self.elapsed());
        tell(listeners, &Ended { policy, ending, reason, attempts, elapsed });
    }

    /// How long the call has taken, as of its latest step.
    pub(super) fn elapsed(&self) -> Duration {
        self.machine.as_ref().map_or(Duration::ZERO, |machine| self.now.since(machine.started()))
    }
}

impl<P: Handle> Drop for Guard<P> {
    fn drop(&mut self) {
        let running = self.machine.as_ref().is_some_and(|m| m.state() != CallState::Finished);
        if running {
            let _settled = self.step(|call, ctx| {
                call.cancelled(ctx);
                Action::Wait
            });
            self.tell(&Verdict::Cancelled);
        }
    }
}
