//! Judging outcomes: what trips a closed breaker, and what decides a half-open one.
//!
//! What an outcome counts as is in `weigh.rs`, the changes of state in `transition.rs`.

use super::machine::{Breaker, Manual};
use super::state::{Closed, Open, State, Trip};
use super::weigh::Vote;
use super::window::Tally;
use super::{BreakerEvent, Cause, Ended};
use crate::chance;
use crate::event::Sink;
use crate::outcome::Class;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::Instant;

impl Breaker {
    #[inline]
    pub(super) fn count(
        &mut self,
        ended: Ended,
        (now, draw): (Instant, Draw),
        sink: &mut impl Sink<BreakerEvent>,
    ) {
        let weighed = self.settings.weigh(ended);
        let State::Closed(closed) = &mut self.state else {
            debug_assert!(false, "calls are counted while closed only");
            return;
        };
        if self.manual == Manual::Disabled || weighed.vote == Vote::Nothing {
            return;
        }
        closed.consecutive = match weighed.vote {
            Vote::Success => 0,
            Vote::Failure => closed.consecutive.saturating_add(1),
            Vote::Unfinished | Vote::Nothing => closed.consecutive,
        };
        let closed = *closed;
        self.window.record(weighed, now);
        if self.manual == Manual::Auto {
            self.judge(closed, now, draw, sink);
        }
    }

    /// Judges the window. Done on every recorded outcome, successes too: one of them can complete
    /// the calls that a rate needs.
    #[inline]
    fn judge(
        &mut self,
        closed: Closed,
        now: Instant,
        draw: Draw,
        sink: &mut impl Sink<BreakerEvent>,
    ) {
        let tally = self.window.tally(now);
        let Some(cause) = self.cause(closed.consecutive, tally) else { return };
        let openings = closed.openings(now, &self.settings).saturating_add(1);
        let trip = Trip { cause, openings, left_closed: now };
        let part = if cause == Cause::SlowRate { tally.slow } else { tally.failures };
        self.open(Open::new(trip, &self.settings, now, draw), (part, tally.calls), sink);
    }

    #[inline]
    pub(super) fn cause(&self, consecutive: u32, tally: Tally) -> Option<Cause> {
        // Where every call was abandoned, each is a failure, and they followed one another.
        let run = u64::from(consecutive).max(tally.abandoned);
        let full =
            |limit: u32| run >= u64::from(limit) && run >= u64::from(chance::least_row(self.usual));
        if self.settings.consecutive.is_some_and(full) {
            return Some(Cause::Consecutive);
        }
        if tally.calls < self.window.enough(self.settings.min_calls) {
            return None;
        }
        let reached =
            |limit: Option<Ratio>, part| limit.is_some_and(|r| r.is_reached_by(part, tally.calls));
        if reached(self.settings.failure_rate, tally.failures)
            && !chance::explains(self.usual, tally.failures, tally.calls)
        {
            return Some(Cause::FailureRate);
        }
        let slow_limit = self.settings.slow_calls.map(|slow| slow.rate);
        reached(slow_limit, tally.slow).then_some(Cause::SlowRate)
    }

    pub(super) fn judge_probe(
        &mut self,
        ended: Ended,
        (now, draw): (Instant, Draw),
        sink: &mut impl Sink<BreakerEvent>,
    ) {
        let vote = self.settings.weigh(ended).vote;
        let State::HalfOpen(half) = &mut self.state else {
            debug_assert!(false, "probes run while half-open only");
            return;
        };
        debug_assert!(half.in_flight > 0, "a probe without a place");
        half.in_flight = half.in_flight.saturating_sub(1);
        half.successes += u32::from(vote == Vote::Success);
        let half = *half;
        if ended.class == Class::Abandoned {
            sink.emit(BreakerEvent::ProbeAbandoned);
        }
        match vote {
            Vote::Failure => self.reopen(half, now, draw, sink),
            Vote::Success if half.is_decided() => self.close(half, now, sink),
            Vote::Success | Vote::Unfinished | Vote::Nothing => {}
        }
    }
}
