//! What a breaker is, read at an instant: plain data with reasons.
//!
//! Reading changes nothing; the machine is in `machine.rs`.

use super::Cause;
use super::machine::{Breaker, Manual};
use super::state::State;
use crate::Mode;
use crate::ratio::Ratio;
use crate::time::Instant;

/// What a call would meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Traffic flows; after closing, perhaps only a growing share of it.
    Closed,
    /// Traffic is rejected.
    Open {
        /// The end of the cool-down; [`Instant::NEVER`] while forced open.
        until: Instant,
    },
    /// The cool-down is over, and the next call that may probe will.
    ProbeDue,
    /// Probes decide.
    HalfOpen {
        /// So many probes could start now.
        free_places: u32,
    },
}

/// A breaker at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSnapshot {
    /// Whether it acts.
    pub mode: Mode,
    /// Who is in control.
    pub manual: Manual,
    /// What it has decided, also where its mode keeps that from having an effect.
    pub phase: Phase,
    /// Counts the changes of state.
    pub generation: u64,
    /// Calls in the window. It is empty outside of closed. Where every call was abandoned and that
    /// counts as failure, those.
    pub calls: u64,
    /// Failures among them.
    pub failures: u64,
    /// Slow calls among them.
    pub slow: u64,
    /// The share of failures.
    pub failure_rate: Ratio,
    /// The share of slow calls.
    pub slow_rate: Ratio,
    /// Failures in a row.
    pub consecutive: u32,
    /// The share of calls that the ramp admits; all when it is closed without one, else none.
    pub admitted: Ratio,
    /// Openings in a row; 0 once they are forgiven.
    pub openings: u32,
    /// The end of the cool-down or of half-open; absent when closed. In the past when a probe is
    /// due.
    pub until: Option<Instant>,
    /// Why it is not closed; absent when it is, or when somebody has forced it.
    pub cause: Option<Cause>,
    /// Probes running.
    pub probes: u32,
    /// Probes that have succeeded since it became half-open.
    pub probe_successes: u32,
}

impl Breaker {
    /// What a call would meet at `now`. In shadow mode and when off that is
    /// [`Phase::Closed`]; what a shadow would do is in [`Breaker::snapshot`].
    #[must_use]
    pub fn phase(&self, now: Instant) -> Phase {
        match self.settings.mode {
            Mode::Enforce => self.judged_phase(now),
            Mode::Shadow | Mode::Off => Phase::Closed,
        }
    }

    /// Everything that is known at `now`, with reasons.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> BreakerSnapshot {
        let now = self.not_before_latest(now);
        let tally = self.window.tally(now);
        let snapshot = BreakerSnapshot {
            mode: self.settings.mode,
            manual: self.manual,
            phase: self.judged_phase(now),
            generation: self.generation,
            calls: tally.calls,
            failures: tally.failures,
            slow: tally.slow,
            failure_rate: tally.failure_rate(),
            slow_rate: tally.slow_rate(),
            consecutive: 0,
            admitted: Ratio::ZERO,
            openings: 0,
            until: None,
            cause: None,
            probes: 0,
            probe_successes: 0,
        };
        if self.manual == Manual::ForcedOpen {
            return BreakerSnapshot { until: Some(Instant::NEVER), ..snapshot };
        }
        self.with_state(snapshot, now)
    }

    fn with_state(&self, snapshot: BreakerSnapshot, now: Instant) -> BreakerSnapshot {
        match self.state.at(now) {
            State::Closed(closed) => BreakerSnapshot {
                consecutive: closed.consecutive,
                admitted: closed.share(now, &self.settings),
                openings: closed.openings(now, &self.settings),
                ..snapshot
            },
            State::Open(open) => BreakerSnapshot {
                openings: open.trip.openings,
                until: Some(open.until),
                cause: Some(open.trip.cause),
                ..snapshot
            },
            State::HalfOpen(half) => BreakerSnapshot {
                openings: half.trip().openings,
                until: Some(half.until),
                cause: Some(half.trip().cause),
                probes: half.in_flight,
                probe_successes: half.successes,
                ..snapshot
            },
        }
    }

    fn judged_phase(&self, now: Instant) -> Phase {
        let now = self.not_before_latest(now);
        if self.manual == Manual::ForcedOpen {
            return Phase::Open { until: Instant::NEVER };
        }
        match self.state.at(now) {
            State::Closed(_) => Phase::Closed,
            State::Open(open) if now >= open.until => Phase::ProbeDue,
            State::Open(open) => Phase::Open { until: open.until },
            State::HalfOpen(half) => Phase::HalfOpen { free_places: half.free_places() },
        }
    }
}
