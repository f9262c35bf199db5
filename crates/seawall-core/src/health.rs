//! Active health: the verdict on a series of health checks, by rise and fall.
//!
//! The checks themselves (sockets, intervals, jitter) are the driver's. Whether an unhealthy
//! endpoint is left out of choice is decided by the owner of all of them, which alone knows which
//! is the last: timeouts alone must never remove that one, since a checker that is starved or cut
//! off sees everything time out. Hence [`Health::is_merely_slow`].

use crate::invalid::Invalid;

/// Settings of the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthSettings {
    /// So many passes in a row make an unhealthy endpoint healthy; 0 is taken as 1. Default 2.
    pub rise: u32,
    /// So many failures in a row make a healthy endpoint unhealthy; 0 is taken as 1. Default 3.
    pub fall: u32,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self { rise: 2, fall: 3 }
    }
}

impl HealthSettings {
    /// # Errors
    ///
    /// [`Invalid`] where rise or fall is 0: a verdict would then change without a check.
    pub fn validate(&self) -> Result<(), Invalid> {
        for (field, count) in [("rise", self.rise), ("fall", self.fall)] {
            if count == 0 {
                return Err(Invalid::new(field, count, "at least 1"));
            }
        }
        Ok(())
    }
}

/// What one health check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The endpoint answered as it should.
    Passed,
    /// It refused, or answered otherwise: proof that something is wrong.
    Failed,
    /// No answer in time: the endpoint, the way to it, or the checker itself.
    TimedOut,
}

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthState {
    /// No check has ended yet.
    Unknown,
    /// Checks pass.
    Healthy,
    /// Checks do not pass.
    Unhealthy,
}

/// A change of the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Change {
    /// The verdict before.
    pub from: HealthState,
    /// The verdict from now on.
    pub to: HealthState,
}

/// What is known beyond the verdict: the streak against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    /// So many checks in a row have not passed; `proof` is whether one of them was no timeout.
    Healthy {
        failures: u32,
        proof: bool,
    },
    /// So many have passed in a row; `proof` is whether any that did not was no timeout.
    Unhealthy {
        passes: u32,
        proof: bool,
    },
}

const HEALTHY: State = State::Healthy { failures: 0, proof: false };

/// The active health of one endpoint.
///
/// The first check decides the start; from then on it takes [`HealthSettings::fall`] or
/// [`HealthSettings::rise`] checks in a row to change the verdict. Fixed memory, constant time.
#[derive(Debug)]
pub struct Health {
    settings: HealthSettings,
    state: State,
}

impl Health {
    /// An endpoint that no check has reached yet.
    #[must_use]
    pub const fn new(settings: HealthSettings) -> Self {
        Self { settings, state: State::Unknown }
    }

    /// Takes new settings. Verdict and streak stay, and are judged by the next check.
    pub const fn reconfigure(&mut self, settings: HealthSettings) {
        self.settings = settings;
    }

    /// Takes in the result of one check, and tells if it changes the verdict.
    ///
    /// Proof that turns up while unhealthy changes what [`Health::is_merely_slow`] says, and not
    /// the verdict.
    pub fn report(&mut self, check: Check) -> Option<Change> {
        let from = self.state();
        self.state = match check {
            Check::Passed => self.passed(),
            Check::Failed => self.not_passed(true),
            Check::TimedOut => self.not_passed(false),
        };
        self.invariants();
        let to = self.state();
        (from != to).then_some(Change { from, to })
    }

    /// The verdict.
    #[must_use]
    pub const fn state(&self) -> HealthState {
        match self.state {
            State::Unknown => HealthState::Unknown,
            State::Healthy { .. } => HealthState::Healthy,
            State::Unhealthy { .. } => HealthState::Unhealthy,
        }
    }

    /// Whether it is unhealthy by timeouts alone: since the streak began that brought it down, no
    /// check has proved anything. Such an endpoint must stay in choice if it is the last one.
    #[must_use]
    pub const fn is_merely_slow(&self) -> bool {
        matches!(self.state, State::Unhealthy { proof: false, .. })
    }

    /// How many checks in a row have spoken against the verdict.
    #[must_use]
    pub const fn streak(&self) -> u32 {
        match self.state {
            State::Unknown => 0,
            State::Healthy { failures, .. } => failures,
            State::Unhealthy { passes, .. } => passes,
        }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        debug_assert!(
            self.state != State::Healthy { failures: 0, proof: true },
            "proof of a failure without a failure"
        );
    }

    const fn passed(&self) -> State {
        match self.state {
            State::Unknown | State::Healthy { .. } => HEALTHY,
            State::Unhealthy { passes, proof } => {
                let passes = passes.saturating_add(1);
                if passes >= self.settings.rise {
                    HEALTHY
                } else {
                    State::Unhealthy { passes, proof }
                }
            }
        }
    }

    const fn not_passed(&self, proves: bool) -> State {
        match self.state {
            State::Unknown => State::Unhealthy { passes: 0, proof: proves },
            State::Unhealthy { proof, .. } => {
                State::Unhealthy { passes: 0, proof: proof || proves }
            }
            State::Healthy { failures, proof } => {
                let (failures, proof) = (failures.saturating_add(1), proof || proves);
                if failures >= self.settings.fall {
                    State::Unhealthy { passes: 0, proof }
                } else {
                    State::Healthy { failures, proof }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
