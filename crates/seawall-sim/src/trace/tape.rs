//! What was written down of attempts, in the least memory: 24 bytes for each, and four for each
//! call.
//!
//! How a service is played from it is in `trace/mod.rs`, how it is read from a file in `replay`.

use seawall_core::outcome::{Class, Observation, OptIn, classify};
use seawall_core::time::{Duration, Instant};

/// Attempts as they were recorded, those of each call together.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    pub(super) samples: Vec<Sample>,
    /// Where the attempts of each call end; they begin where those of the call before end.
    ends: Vec<u32>,
    /// Where attempts were made, and for whom.
    places: Vec<Place>,
    /// What they came to. Few kinds exist, so that samples only point at them.
    outcomes: Vec<Outcome>,
}

/// Where an attempt was made, and for whom: upstream and route by number, the endpoint as recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The upstream.
    pub upstream: u32,
    /// The endpoint in it.
    pub endpoint: u32,
    /// The route.
    pub route: u32,
}

/// One attempt. Times in microseconds; those of more than 71 minutes count as 71 minutes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// When it began.
    pub(super) at: u64,
    /// To the head of its answer, or to its end where there was none.
    pub(super) took: u32,
    /// From there to the end of its body.
    pub(super) body: u32,
    place: u32,
    outcome: u16,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was given up before it brought anything: all that is known is that it would have taken
    /// longer.
    GivenUp,
    /// It brought no answer.
    Failed(Observation),
    /// The head of an answer, and how its body ended.
    Answered(Observation, Observation),
}

impl Outcome {
    /// Whether it is an answer that its caller can use, by the table of outcomes. What a config
    /// says otherwise of a status is left aside, so that two configs are measured alike.
    #[must_use]
    pub fn is_good(self) -> bool {
        match self {
            Self::GivenUp | Self::Failed(_) => false,
            Self::Answered(head, body) => {
                let is_success = |seen| classify(seen, OptIn::Never).class == Class::Success;
                is_success(head) && is_success(body)
            }
        }
    }
}

/// An attempt that is written down.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Its place, as [`Tape::place`] numbered it.
    pub place: u32,
    /// When it began.
    pub at: Instant,
    /// To the head of its answer, or to its end where there was none.
    pub took: Duration,
    /// From there to the end of its body.
    pub body: Duration,
    /// What it came to, as [`Tape::outcome`] numbered it.
    pub outcome: u16,
}

impl Tape {
    /// Bytes that an attempt takes.
    pub const BYTES: usize = size_of::<Sample>();

    /// Numbers a place that is new on this tape.
    pub fn place(&mut self, place: Place) -> u32 {
        self.places.push(place);
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }

    /// Numbers an outcome that is new on this tape; none when there are too many kinds.
    pub fn outcome(&mut self, outcome: Outcome) -> Option<u16> {
        let number = u16::try_from(self.outcomes.len()).ok()?;
        self.outcomes.push(outcome);
        Some(number)
    }

    /// Writes an attempt of the call that is to be ended next.
    pub fn attempt(&mut self, attempt: Attempt) {
        let Attempt { place, at, took, body, outcome } = attempt;
        let at = at.as_nanos() / 1_000;
        self.samples.push(Sample { at, took: micros(took), body: micros(body), place, outcome });
    }

    /// Ends a call; its number is that of the calls before it.
    pub fn end_call(&mut self) -> u32 {
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.ends.push(u32::try_from(self.samples.len()).unwrap_or(u32::MAX));
        number
    }

    /// How many attempts are on it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether no attempt is on it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The attempts of a call, in the order in which they began.
    #[must_use]
    pub(super) fn of_call(&self, call: u32) -> std::ops::Range<u32> {
        let end = |call: u32| self.ends.get(call as usize).copied().unwrap_or_default();
        call.checked_sub(1).map_or(0, end)..end(call)
    }

    pub(super) fn sample(&self, number: u32) -> Option<&Sample> {
        self.samples.get(number as usize)
    }

    pub(super) fn place_of(&self, sample: &Sample) -> Option<Place> {
        self.places.get(sample.place as usize).copied()
    }

    pub(super) fn outcome_of(&self, sample: &Sample) -> Outcome {
        self.outcomes.get(usize::from(sample.outcome)).copied().unwrap_or(Outcome::GivenUp)
    }

    /// What the attempt of this number came to, and how long its body took.
    #[must_use]
    pub fn told(&self, number: u32) -> (Outcome, Duration) {
        let Some(sample) = self.sample(number) else { return (Outcome::GivenUp, Duration::ZERO) };
        (self.outcome_of(sample), Duration::from_micros(sample.body.into()))
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
