//! The way out of the line: by degrees, as the service keeps up.

use super::event::HoldEvent;
use super::machine::{Hold, State};
use super::{Look, Place};
use crate::event::Sink;
use crate::number::small;
use crate::time::{Duration, Instant};

/// Released calls under way at once at first. Eight double to a thousand in seven rounds: 140 ms
/// where the service answers in 20 ms.
const WINDOW_FIRST: u32 = 8;

/// The receipt of a call that has left the line to make an attempt. It is still counted as held;
/// end it with [`Hold::back`], or take it back into the line with [`Hold::enter`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a call that is never back keeps its place"]
pub struct Away {
    pub(super) body: u64,
    /// When it left, and after which outage.
    at: Instant,
    outage: u64,
}

/// An answer within this time is quick, whatever is usual: where little is known of a service its
/// median may be anything.
const QUICK: Duration = Duration::from_millis(100);

/// An answer within so many times the usual latency is quick. A service that carries more than
/// twice what it can soon exceeds it, and one that does not rarely does.
const QUICK_TIMES: u32 = 4;

/// What came of the attempt of a call that had been held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// An answer, by a service whose answers usually take so long.
    Answered {
        /// So long.
        usual: Duration,
    },
    /// A failure, or nothing.
    Failed,
}

impl Back {
    fn is_quick(self, took: Duration) -> bool {
        match self {
            Self::Answered { usual } => took <= usual.saturating_mul(QUICK_TIMES).max(QUICK),
            Self::Failed => false,
        }
    }
}

impl Hold {
    /// A held call looks whether its wait is over. `place` is given up unless it waits on.
    pub fn look(&mut self, place: Place, now: Instant, sink: &mut impl Sink<HoldEvent>) -> Look {
        let now = self.clock(now);
        if let Some(body) = self.called.remove(place) {
            return Look::Go(self.send(body, now));
        }
        if now >= place.until() || !self.line.contains(place) {
            self.leave(place, now, sink);
            return Look::Over;
        }
        match self.state {
            State::Outage { since } => self.look_on(place, since, now),
            State::Reachable | State::Releasing { .. } => Look::Held { look_at: place.until() },
        }
    }

    fn look_on(&mut self, place: Place, since: Instant, now: Instant) -> Look {
        if self.scout.is_some_and(|scout| scout != place) {
            return Look::Held { look_at: place.until() };
        }
        let due = self.probe_due(since, now);
        if due > now {
            self.scout = Some(place);
            return Look::Held { look_at: due.min(place.until()) };
        }
        let body = self.line.remove(place).unwrap_or_default();
        let away = self.send(body, now);
        self.promote();
        Look::Go(away)
    }

    /// A call gives its place up: it was cancelled, or its time is over.
    pub fn leave(&mut self, place: Place, now: Instant, sink: &mut impl Sink<HoldEvent>) {
        let now = self.clock(now);
        let left = self.line.remove(place).or_else(|| self.called.remove(place));
        let Some(body) = left else { return };
        self.bytes = self.bytes.saturating_sub(body);
        if self.scout == Some(place) {
            self.promote();
        }
        self.pump(now, sink);
        self.invariants();
    }

    /// A call that had left the line is through with it.
    pub fn back(&mut self, away: Away, back: Back, now: Instant, sink: &mut impl Sink<HoldEvent>) {
        let now = self.clock(now);
        self.away = self.away.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(away.body);
        let current = away.outage == self.outages_total;
        if current && matches!(back, Back::Answered { .. }) {
            self.takes = now.since(away.at);
        }
        if let State::Releasing { window, .. } = &mut self.state
            && current
            && back.is_quick(now.since(away.at))
        {
            *window = window.saturating_add(1).min(self.window_max);
        }
        self.pump(now, sink);
        self.invariants();
    }

    /// The next call to wake: it has been released, or is to look when a probe is due. Ask after
    /// every step, until there is none.
    pub fn next_wake(&mut self) -> Option<Place> {
        self.wake.pop_front()
    }

    /// Whether nobody is to be woken.
    #[must_use]
    #[inline]
    pub fn is_unattended(&self) -> bool {
        self.wake.is_empty()
    }

    fn send(&mut self, body: u64, now: Instant) -> Away {
        self.away = self.away.saturating_add(1);
        Away { body, at: now, outage: self.outages_total }
    }

    /// Somebody of the line must look when the next probe is due: who has the most time left, so
    /// that the task rarely changes hands.
    pub(super) fn promote(&mut self) {
        self.scout = match self.state {
            State::Outage { .. } => self.line.last(),
            State::Reachable | State::Releasing { .. } => None,
        };
        self.wake.extend(self.scout);
    }

    /// An endpoint was reached: the line is released from now on.
    pub(super) fn release(&mut self, now: Instant, sink: &mut impl Sink<HoldEvent>) {
        (self.scout, self.takes) = (None, Duration::ZERO);
        let window = WINDOW_FIRST.min(self.window_max);
        self.state = State::Releasing { since: now, window };
        self.pump(now, sink);
    }

    /// Holding is over: everybody is let go.
    pub(super) fn release_all(&mut self) {
        self.scout = None;
        while let Some((place, body)) = self.line.take_any() {
            self.called.insert(place, body);
            self.wake.push_back(place);
        }
        if let State::Releasing { .. } = self.state {
            self.state = State::Reachable;
        }
    }

    /// Releases as many as may be under way.
    pub(super) fn pump(&mut self, now: Instant, sink: &mut impl Sink<HoldEvent>) {
        let State::Releasing { since, window } = self.state else { return };
        while small(self.called.len()).saturating_add(self.away) < window {
            let Some((place, body)) = self.line.pop(self.takes, now) else { break };
            self.called.insert(place, body);
            self.wake.push_back(place);
        }
        if self.line.is_empty() {
            self.state = State::Reachable;
            sink.emit(HoldEvent::Released { after: now.since(since) });
        }
    }
}
