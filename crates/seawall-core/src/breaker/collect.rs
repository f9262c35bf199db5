//! What a driver may count by itself, so that a success needs no lock while traffic flows.
//!
//! While a breaker is closed and has judged enough calls, a success changes nothing but counts. A
//! driver then counts successes in words beside the lock and hands them in before the machine is
//! asked anything that they could bear on. Whatever else happens goes to the machine,
//! `machine.rs`; that admission needs no lock either is in `free_flow.rs`.

use super::machine::{Breaker, Manual};
use super::state::State;
use super::ticket::{Role, Ticket};
use super::weigh::Ended;
use crate::Mode;
use crate::outcome::Class;
use crate::time::{Duration, Instant};

/// Successes that one word counts before they have to be handed in. A count window takes them in
/// one by one, some 2 ns each, under the lock of the driver.
const MOST: u64 = (1 << COUNT_BITS) - 1;
const COUNT_BITS: u32 = 10;

/// Which successes may be counted beside the machine.
///
/// It holds until the next step on the breaker other than the settling of such a success. The order
/// of a success and of what else happens is that in which the driver takes its words back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collect {
    generation: u64,
    /// Those that end before this: later ones belong into another bucket of the window.
    pub until: Instant,
    /// Those that took less than this: the others are slow.
    pub slow: Duration,
}

impl Collect {
    /// Whether the settling of this `ticket` at `now` changes nothing but counts.
    #[must_use]
    pub fn takes(&self, ticket: &Ticket, ended: Ended, now: Instant) -> bool {
        ticket.generation == self.generation
            && ticket.role == Role::Counted
            && ended.class == Class::Success
            && ended.elapsed < self.slow
            && now < self.until
    }

    /// A word that counts such successes, none so far.
    #[must_use]
    pub const fn word(self) -> u64 {
        // One is added, so that no word is the one of a closed tally.
        (self.generation + 1) << COUNT_BITS
    }
}

/// The word in which a driver counts successes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tallied {
    generation: u64,
    successes: u32,
}

impl Tallied {
    /// The word in which nothing may be counted: the machine has to be asked.
    pub const CLOSED: u64 = 0;

    /// What a word has counted; absent for [`Tallied::CLOSED`].
    #[must_use]
    pub const fn from_word(word: u64) -> Option<Self> {
        let Some(generation) = (word >> COUNT_BITS).checked_sub(1) else { return None };
        Some(Self { generation, successes: (word & MOST) as u32 })
    }

    /// The word with one success more, of the holder of `ticket`. Absent where it belongs to
    /// another state, is a probe, or the word is closed or full.
    #[must_use]
    #[inline]
    pub const fn with_one(word: u64, ticket: &Ticket) -> Option<u64> {
        let same = word >> COUNT_BITS == ticket.generation.wrapping_add(1);
        let counted = matches!(ticket.role, Role::Counted);
        if same && counted && word != Self::CLOSED && word & MOST < MOST {
            return Some(word + 1);
        }
        None
    }
}

impl Breaker {
    /// Which successes may be counted beside the machine from `now` on; none while any of them
    /// could trip it, as where they make up the calls that a rate needs.
    #[must_use]
    pub fn collects(&self, now: Instant) -> Option<Collect> {
        let State::Closed(closed) = &self.state else { return None };
        let (now, until) = (self.not_before_latest(now), self.window.turns_at());
        let fits = self.generation < u64::MAX >> (COUNT_BITS + 1);
        if self.settings.mode == Mode::Off || now >= until || !fits {
            return None;
        }
        let harmless = match self.manual {
            Manual::Auto => self.outlasts_successes(closed.consecutive, now),
            Manual::ForcedClosed => true,
            Manual::ForcedOpen | Manual::Disabled => false,
        };
        let slow = self.settings.slow_calls.map_or(Duration::MAX, |slow| slow.limit);
        harmless.then_some(Collect { generation: self.generation, until, slow })
    }

    /// Whether no number of successes trips it. They end runs, and lower every rate; but they may
    /// complete the calls without which no rate is judged, and after a reload the calls that are
    /// there may be too many failures already.
    fn outlasts_successes(&self, consecutive: u32, now: Instant) -> bool {
        let tally = self.window.tally(now);
        let rated = self.settings.failure_rate.is_some() || self.settings.slow_calls.is_some();
        let judged = !rated || tally.calls >= self.window.enough(self.settings.min_calls);
        judged && self.cause(consecutive, tally).is_none()
    }

    /// Counts successes that a driver has counted beside the machine since it was told that it may.
    pub fn hand_in(&mut self, tallied: Tallied) {
        let Tallied { generation, successes } = tallied;
        let State::Closed(closed) = &mut self.state else {
            debug_assert!(false, "successes are counted while closed only");
            return;
        };
        debug_assert_eq!(generation, self.generation, "successes of another state");
        if successes > 0 && generation == self.generation {
            closed.consecutive = 0;
            self.window.record_successes(successes, self.latest);
            self.invariants();
        }
    }
}
