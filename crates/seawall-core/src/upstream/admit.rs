//! Admission: what a call asks of its upstream besides an endpoint.

use crate::Mode;
use crate::breaker::{Ended, Phase, Probing, Refused, Ticket};
use crate::budget::{Denied, Purpose, Reservation, Spent};
use crate::bulkhead::{Acquired, Claimed, Need, Patience, Permit, TooHeavy, Waiter};
use crate::concurrency::Urgency;
use crate::deadline;
use crate::event::Sink;
use crate::outcome::Overrides;
use crate::reason::Reason;
use crate::rng::Draw;
use crate::shed::Class;
use crate::time::{Duration, Instant};

use super::event::{Dropped, Event, Scope, Scoped};
use super::sole::Fleet;
use super::{Choice, ChoiceReason, Upstream};

/// So long after the last of those who were held through an outage has come for a permit all may
/// wait as long as it is of use to them. Longer, and overload would go unseen.
const AFTER_OUTAGE: Duration = Duration::from_millis(500);

impl Choice {
    /// Whether it was chosen to learn if the endpoint has recovered.
    #[must_use]
    #[inline]
    pub(crate) fn is_probe(&self) -> bool {
        self.reason == ChoiceReason::Probe
    }
}

impl Upstream {
    /// Asks the breaker of the upstream for a whole call.
    #[inline]
    pub(crate) fn admit_call(
        &mut self,
        now: Instant,
        draw: Draw,
        sink: &mut impl Sink<Event>,
    ) -> Result<Ticket, Refused> {
        let mut scoped = Scoped { at: now, scope: Scope::Upstream, sink };
        self.breaker.admit(now, Probing::Allowed, draw, &mut scoped)
    }

    /// Tells the breaker of the upstream what a call came to.
    #[inline]
    pub(crate) fn settle_call(
        &mut self,
        ticket: Ticket,
        ended: Ended,
        (now, draw): (Instant, Draw),
        sink: &mut impl Sink<Event>,
    ) {
        let mut scoped = Scoped { at: now, scope: Scope::Upstream, sink };
        self.breaker.settle(ticket, ended, (now, draw), &mut scoped);
    }

    /// Whether a call that was admitted with `ticket` may still make another attempt: traffic
    /// flows, or the call is one of the probes that decide.
    #[inline]
    pub(crate) fn breaker_allows_retry(&self, ticket: Option<&Ticket>, now: Instant) -> bool {
        let generation = self.breaker.snapshot(now).generation;
        let current = ticket.is_some_and(|ticket| ticket.generation() == generation);
        match self.breaker.phase(now) {
            Phase::Closed => true,
            Phase::HalfOpen { .. } => current,
            Phase::Open { .. } | Phase::ProbeDue => false,
        }
    }

    /// Whether any endpoint is registered and not leaving.
    pub(crate) fn has_endpoint(&self) -> bool {
        let listed = || self.endpoints.iter().flatten().any(|known| known.leaving.is_none());
        self.fleet == Fleet::Sole || listed()
    }

    #[inline]
    pub(crate) fn deposit(&mut self, now: Instant) {
        self.budget.deposit(now);
        self.hedging.deposit(now);
    }

    pub(crate) fn reserve_extra(
        &mut self,
        purpose: Purpose,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Result<Reservation, Denied> {
        let mut scoped = Scoped { at: now, scope: Scope::Upstream, sink };
        self.budget.reserve_for(purpose, now, &mut scoped)
    }

    /// How long an attempt that begins now may take, where a route allows `fixed`.
    #[inline(always)]
    pub(crate) fn attempt_timeout(
        &mut self,
        fixed: Duration,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Duration {
        if self.settings.timeout.mode == Mode::Off {
            return fixed;
        }
        self.learnt_timeout(fixed, now, sink)
    }

    #[inline(never)]
    fn learnt_timeout(
        &mut self,
        fixed: Duration,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Duration {
        let mut scoped = Scoped { at: now, scope: Scope::Upstream, sink };
        let learnt = self.timeout.attempt_timeout(now, &mut self.latency, &mut scoped);
        // At its ceiling it has learnt nothing: routes that allow more keep that.
        let tightened = learnt < self.settings.timeout.ceiling;
        match self.settings.timeout.mode {
            Mode::Enforce if tightened => learnt.min(fixed),
            Mode::Enforce | Mode::Shadow | Mode::Off => fixed,
        }
    }

    /// Statuses that are judged otherwise than by the table.
    pub(crate) const fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    pub(crate) fn refund(&mut self, reservation: Reservation, now: Instant) {
        self.budget.refund(reservation, now);
    }

    /// The extra attempt of this receipt has brought a good answer.
    #[cold]
    pub(crate) fn helped(&mut self, spent: Spent, now: Instant) {
        self.budget.helped(spent, now);
    }

    /// A call that another attempt could have helped has come to nothing.
    #[cold]
    pub(crate) fn lost(&mut self, now: Instant) {
        self.budget.lost(now);
    }

    /// Whether retries have brought most of the latest calls through that needed them.
    pub(crate) fn retries_help(&mut self, now: Instant) -> bool {
        self.budget.is_helping(now)
    }

    pub(crate) const fn has_free_permit(&self) -> bool {
        self.bulkhead.has_free_permit()
    }

    /// Asks for a permit of this weight, for a call of this class, that is of use only until
    /// `attempts_end`, less the time that an attempt needs to have a chance.
    #[inline]
    pub(crate) fn acquire(
        &mut self,
        (weight, class, patience): (u32, Class, Patience),
        attempts_end: Instant,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Acquired {
        if let Some(permit) = self.bulkhead.acquire_at_once(weight, now) {
            return Acquired::Permit(permit);
        }
        self.acquire_later((weight, class, patience), attempts_end, now, sink)
    }

    /// Asks for a permit that cannot be had at once.
    #[cold]
    fn acquire_later(
        &mut self,
        (weight, class, patience): (u32, Class, Patience),
        attempts_end: Instant,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Acquired {
        let useful_until = match self.bulkhead.has_free_permit() {
            true => attempts_end,
            false => deadline::of_queue(attempts_end, self.min_useful(now)),
        };
        if self.limits_endpoints() {
            self.press(Urgency::Patient, now);
            self.note_refusing(now);
        }
        let patience = self.patience(patience, now);
        let need = Need { weight, useful_until, class, patience };
        self.press_for(&need, now);
        let mut dropped = Dropped { waiters: &mut self.dropped, at: now, sink };
        match self.bulkhead.acquire_weighted(need, now, &mut dropped) {
            Ok(Acquired::Refused { reason, retry_at }) => {
                self.note_come(now);
                Acquired::Refused { reason: self.name_of_full(reason), retry_at }
            }
            Ok(queued @ Acquired::Queued { .. }) => {
                self.note_come(now);
                queued
            }
            Ok(permit @ Acquired::Permit(_)) => permit,
            // Under an adaptive limit it may fit again some day.
            Err(TooHeavy { .. }) if weight <= self.settings.bulkhead.permits => {
                Acquired::Refused { reason: Reason::ConcurrencyLimit, retry_at: now }
            }
            Err(TooHeavy { .. }) => {
                Acquired::Refused { reason: Reason::CostExceedsLimit, retry_at: Instant::NEVER }
            }
        }
    }

    /// Those who were held through an outage are a line that goes on for a moment after it, and who
    /// comes behind them may wait as long. So may all while nothing is known to have too much to
    /// do.
    fn patience(&mut self, asked: Patience, now: Instant) -> Patience {
        if asked == Patience::Long {
            self.patient_until = now.after(AFTER_OUTAGE);
        }
        match asked {
            _ if now < self.patient_until => Patience::Long,
            Patience::Usual if self.is_unsure() => Patience::Unsure,
            Patience::Usual | Patience::Long | Patience::Unsure => asked,
        }
    }

    #[cfg(test)]
    pub(crate) fn has_granted(&self, waiter: Waiter) -> bool {
        self.bulkhead.has_granted(waiter)
    }

    /// Permits in use: attempts in flight, by weight, and grants that are on their way.
    pub(crate) const fn in_flight(&self) -> u32 {
        self.bulkhead.in_use()
    }

    pub(crate) fn claim(&mut self, waiter: Waiter, now: Instant) -> Claimed {
        self.bulkhead.claim(waiter, now)
    }

    pub(crate) fn leave(&mut self, waiter: Waiter, now: Instant, sink: &mut impl Sink<Event>) {
        let mut scoped = Scoped { at: now, scope: Scope::Upstream, sink };
        self.bulkhead.leave_reporting(waiter, now, &mut scoped);
    }

    /// Takes a permit back. One that was held for no time teaches nothing about the service.
    #[inline]
    pub(crate) fn release(&mut self, permit: Permit, held: Duration, now: Instant) {
        if !held.is_zero() {
            self.note_done(now);
        }
        self.bulkhead.release(permit, held, now);
    }
}
