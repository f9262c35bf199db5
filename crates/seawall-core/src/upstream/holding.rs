//! Holding as the upstream sees it: who may serve, what an attempt met, and what the end of an
//! outage undoes.
//!
//! Its rules are in `crate::hold`, what a call does about them in `call/holding.rs`.

use crate::Mode;
use crate::bulkhead::Waiter;
use crate::endpoint::Slot;
use crate::event::Sink;
use crate::hold::{Away, Back, Counts, Door, Hold, Look, NotHeld, Place, Wish};
use crate::outcome::Reach;
use crate::rng::Rng;
use crate::time::Instant;

use super::event::{BySlot, Event, Scene, Scope, Scoped};
use super::sole::{Fleet, SOLE_CHOICE};
use super::{Choice, ChoiceReason, Upstream};

impl Upstream {
    /// Whether nobody can be reached, and calls are held for it.
    #[inline]
    pub(crate) const fn is_unreachable(&self) -> bool {
        self.hold.is_out()
    }

    /// Whether an attempt would have to wait, since no probe is due.
    #[inline]
    pub(crate) fn is_held_back(&self, now: Instant) -> bool {
        self.hold.is_closed(now)
    }

    /// Whether calls are held in an outage, be there one now or not.
    pub(crate) fn holds(&self) -> bool {
        self.settings.hold.mode == Mode::Enforce
    }

    /// Asked before an attempt is placed.
    #[inline]
    pub(crate) fn ask_door(&mut self, now: Instant, sink: &mut impl Sink<Event>) -> Door {
        if self.regrouped {
            self.regroup(now, sink);
        }
        self.hold.door(now)
    }

    /// The choice of a probe, which no balancer, breaker or detector is asked for.
    pub(crate) fn choose_probe(
        &mut self,
        (slot, number): (Slot, u64),
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        let outage = Some(number);
        if self.fleet == Fleet::Sole {
            return Some(Choice { outage, ..SOLE_CHOICE });
        }
        let Some(endpoint) = self.present(slot).map(|known| known.id) else {
            // Whoever it was is gone, and so is the record of its probe.
            self.regroup(scene.now, scene.sink);
            return None;
        };
        let (reason, candidates) = (ChoiceReason::Probe, 1);
        let (breaker, probe) = (None, None);
        let (beside, awaits) = (0, true);
        let mut choice = Choice {
            endpoint,
            reason,
            candidates,
            beside,
            breaker,
            probe,
            outage,
            awaits,
            heavier: 0,
        };
        self.begin(&mut choice, scene.now);
        Some(choice)
    }

    pub(crate) fn hold(
        &mut self,
        wish: Wish,
        away: Option<Away>,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Result<(Place, Instant), NotHeld> {
        self.hold.enter(wish, away, now, &mut wide(now, sink))
    }

    pub(crate) fn look(&mut self, place: Place, now: Instant, sink: &mut impl Sink<Event>) -> Look {
        let look = self.hold.look(place, now, &mut wide(now, sink));
        self.enforce_limit(now);
        look
    }

    pub(crate) fn leave_hold(&mut self, place: Place, now: Instant, sink: &mut impl Sink<Event>) {
        self.hold.leave(place, now, &mut wide(now, sink));
        self.enforce_limit(now);
    }

    /// A call that had been held is through with it.
    pub(crate) fn back_from_hold(
        &mut self,
        away: Away,
        reach: Reach,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        let back = match reach {
            Reach::Answered => Back::Answered { usual: self.min_useful(now) },
            Reach::Taken | Reach::Nobody | Reach::Unknown => Back::Failed,
        };
        self.hold.back(away, back, now, &mut wide(now, sink));
        self.enforce_limit(now);
    }

    /// The next held call to wake.
    #[inline]
    pub(super) fn next_held(
        &mut self,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Option<Waiter> {
        if self.regrouped {
            self.regroup(now, sink);
        }
        self.hold.next_wake().map(Place::waiter)
    }

    pub(super) fn is_nobody_held(&self) -> bool {
        self.hold.is_unattended() && !(self.regrouped && self.settings.hold.mode != Mode::Off)
    }

    pub(super) fn reconfigure_hold(&mut self, now: Instant, sink: &mut impl Sink<Event>) {
        self.hold.reconfigure(self.settings.hold, now, &mut wide(now, sink));
        self.regrouped = true;
    }

    /// Tells holding who may serve: after any change of endpoints, with the next step that can
    /// report what follows from it.
    #[cold]
    fn regroup(&mut self, now: Instant, sink: &mut impl Sink<Event>) {
        self.regrouped = false;
        if self.settings.hold.mode == Mode::Off {
            return;
        }
        self.hold.set_window_max(self.settings.bulkhead.permits);
        let mut sink = wide(now, sink);
        let mut hold = core::mem::replace(&mut self.hold, Hold::new(self.settings.hold));
        match self.fleet {
            Fleet::Sole => hold.set_members(core::iter::once(Slot::new(0)), now, &mut sink),
            Fleet::Endpoints => {
                let members = self.slots().filter(|slot| self.present(*slot).is_some());
                hold.set_members(members, now, &mut sink);
            }
        }
        self.hold = hold;
        self.enforce_limit(now);
    }

    /// Tells holding whom an attempt met that began then. Says whether anybody else is to be told.
    #[inline]
    pub(crate) fn note_reach(
        &mut self,
        choice: &Choice,
        met: (Reach, Instant),
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Counts {
        if !self.hold.is_concerned(met.0) && choice.outage.is_none() {
            return Counts::Yes;
        }
        self.take_reach(choice, met, now, sink)
    }

    #[cold]
    fn take_reach(
        &mut self,
        choice: &Choice,
        (reach, began): (Reach, Instant),
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Counts {
        if self.regrouped {
            self.regroup(now, sink);
        }
        let id = choice.endpoint;
        if self.fleet == Fleet::Endpoints && self.endpoint(id).is_none() {
            return Counts::Yes;
        }
        let was_out = self.hold.is_out();
        let attempt = (began, choice.outage);
        let counts = self.hold.note((id.slot, reach), attempt, now, &mut wide(now, sink));
        if was_out && !self.hold.is_out() {
            self.absolve(now, sink);
            self.enforce_limit(now);
        }
        counts
    }

    /// The end of an outage undoes what it has brought about: endpoints that were taken out
    /// because nobody was there are let back in, and at full weight, since none is warmer than
    /// the others.
    fn absolve(&mut self, now: Instant, sink: &mut impl Sink<Event>) {
        self.calm = false;
        let generations = &self.generations;
        for endpoint in self.endpoints.iter_mut().flatten() {
            let slot = endpoint.id.slot;
            let scope = Scope::Endpoint(endpoint.id);
            endpoint.breaker.absolve(now, &mut Scoped { at: now, scope, sink: &mut *sink });
            let mut sink = BySlot { at: now, generations, sink: &mut *sink, reported: false };
            self.outliers.absolve(slot, now, &mut sink);
        }
    }
}

fn wide<S>(at: Instant, sink: &mut S) -> Scoped<'_, S> {
    Scoped { at, scope: Scope::Upstream, sink }
}
