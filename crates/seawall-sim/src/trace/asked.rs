//! What is known of each recorded call when it arrives, in 24 bytes.

use std::sync::Arc;

use seawall_core::call::{Facts, Safety};
use seawall_core::shed::Class;
use seawall_core::time::Duration;

/// The calls of a load that is replayed, one for each of its arrivals.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Their route, as [`super::Place::route`] has it.
    pub route: u32,
    /// What is known of each.
    pub calls: Arc<[Asked]>,
}

/// What is known of a recorded call. Times in microseconds; `NONE` for those that are not known.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    affinity: u64,
    call: u32,
    deadline: u32,
    patience: u32,
    safety: Safety,
    priority: Class,
    is_keyed: bool,
}

/// Longer times, beyond 71 minutes, bound nothing that a gateway does.
const NONE: u32 = u32::MAX;

impl Asked {
    /// The call of this number on the tape: how it arrived, how important it was, and how long its
    /// caller waited before it left, if it did.
    #[must_use]
    pub fn new(call: u32, facts: &Facts, patience: Option<Duration>) -> Self {
        Self {
            affinity: facts.affinity.unwrap_or_default(),
            call,
            deadline: micros(facts.remaining),
            patience: micros(patience),
            safety: facts.safety,
            priority: facts.priority.class(),
            is_keyed: facts.affinity.is_some(),
        }
    }

    /// Its number on the tape.
    #[must_use]
    pub const fn call(&self) -> u32 {
        self.call
    }

    /// Whether it may be executed more than once.
    #[must_use]
    pub const fn safety(&self) -> Safety {
        self.safety
    }

    /// How long its caller waits before it leaves; none if it was never seen to leave.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        known(self.patience)
    }

    /// What the machine must know of it. What was of normal importance is as important as its
    /// route, whose importance may have changed.
    #[must_use]
    pub fn facts(&self, route: Class) -> Facts {
        let own = self.priority;
        let class = if own == Class::Normal { route } else { own };
        Facts {
            remaining: known(self.deadline),
            affinity: self.is_keyed.then_some(self.affinity),
            priority: class.into(),
            ..Facts::of(self.safety)
        }
    }
}

fn micros(time: Option<Duration>) -> u32 {
    time.and_then(|time| u32::try_from(time.as_micros()).ok()).unwrap_or(NONE)
}

fn known(micros: u32) -> Option<Duration> {
    (micros != NONE).then(|| Duration::from_micros(micros.into()))
}
