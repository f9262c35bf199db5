//! The changes of state of a breaker, each with its event.
//!
//! What calls for one is in `machine.rs` (time, admission, force) and `judge.rs` (outcomes).

use super::BreakerEvent;
use super::machine::{Breaker, Manual};
use super::state::{Closed, HalfOpen, Open, State, Trip};
use crate::event::Sink;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::Instant;

impl Breaker {
    pub(super) fn half_open(
        &mut self,
        trip: Trip,
        now: Instant,
        draw: Draw,
        sink: &mut impl Sink<BreakerEvent>,
    ) {
        self.enter(State::HalfOpen(HalfOpen::new(trip, &self.settings, now, draw)));
        sink.emit(BreakerEvent::HalfOpened);
    }

    pub(super) fn reopen(
        &mut self,
        half: HalfOpen,
        now: Instant,
        draw: Draw,
        sink: &mut impl Sink<BreakerEvent>,
    ) {
        let open = Open::new(half.trip().again(), &self.settings, now, draw);
        self.open(open, (1, u64::from(half.successes) + 1), sink);
    }

    pub(super) fn close(
        &mut self,
        half: HalfOpen,
        now: Instant,
        sink: &mut impl Sink<BreakerEvent>,
    ) {
        self.enter(State::Closed(half.closed(now)));
        sink.emit(BreakerEvent::Closed { after: half.open_for(now) });
    }

    /// Forgets that it was failing: what it judged was away, and somebody else has come in its
    /// place. Nothing while somebody is in control of it.
    pub(crate) fn absolve(&mut self, now: Instant, sink: &mut impl Sink<BreakerEvent>) {
        let now = self.not_before_latest(now);
        let after = match self.state {
            _ if self.manual != Manual::Auto => return,
            State::Closed(closed) if closed.consecutive == 0 => return,
            State::Closed(_) => None,
            State::Open(open) => Some(now.since(open.trip.left_closed)),
            State::HalfOpen(half) => Some(half.open_for(now)),
        };
        self.latest = now;
        self.enter(State::Closed(Closed::fresh(now)));
        if let Some(after) = after {
            sink.emit(BreakerEvent::Closed { after });
        }
        self.invariants();
    }

    /// Opens; `(part, calls)` is the share that decided.
    pub(super) fn open(
        &mut self,
        open: Open,
        (part, calls): (u64, u64),
        sink: &mut impl Sink<BreakerEvent>,
    ) {
        self.enter(State::Open(open));
        let Trip { cause, openings, .. } = open.trip;
        let (rate, until) = (Ratio::of_parts(part, calls), open.until);
        sink.emit(BreakerEvent::Opened { cause, rate, calls, openings, until });
    }

    /// Every change of state goes through here: none without a new generation and an empty window.
    pub(super) fn enter(&mut self, state: State) {
        self.state = state;
        self.window.clear();
        self.generation = self.generation.saturating_add(1);
    }
}
