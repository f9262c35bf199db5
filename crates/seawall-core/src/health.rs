//! Active health: the verdict on a series of health checks, by rise and fall.
//!
//! The checks themselves (sockets, intervals) are the driver's.

/// Settings of the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthSettings {
    /// So many passes in a row make an unhealthy endpoint healthy. Default 2.
    pub rise: u32,
    /// So many failures in a row make a healthy endpoint unhealthy. Default 3.
    pub fall: u32,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self { rise: 2, fall: 3 }
    }
}

/// What one health check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The endpoint did what was asked.
    Passed,
    /// It did not.
    Failed,
    /// It did nothing in time. An overloaded endpoint is slow too.
    TimedOut,
}

/// The verdict in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthState {
    /// No check has reported yet.
    Unknown,
    /// It passes.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// A change of the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The verdict before.
    pub from: HealthState,
    /// The verdict now.
    pub to: HealthState,
}

/// The health of one endpoint by active checks.
///
/// The first check decides the start; then it takes `rise` passes in a row to become healthy and
/// `fall` failures in a row to become unhealthy.
#[derive(Debug)]
pub struct Health {
    settings: HealthSettings,
    state: HealthState,
    /// Checks in a row that speak against the state.
    against: u32,
    /// Whether every check since the last pass timed out.
    only_timeouts: bool,
}

impl Health {
    /// An endpoint that has not been checked.
    #[must_use]
    pub const fn new(settings: HealthSettings) -> Self {
        Self { settings, state: HealthState::Unknown, against: 0, only_timeouts: true }
    }

    /// Takes over new settings; the verdict stays.
    pub const fn reconfigure(&mut self, settings: HealthSettings) {
        self.settings = settings;
    }

    /// One check has reported.
    pub fn report(&mut self, check: Check) -> Option<Change> {
        self.only_timeouts = match check {
            Check::Passed => true,
            Check::TimedOut => self.only_timeouts,
            Check::Failed => false,
        };
        let says = match check {
            Check::Passed => HealthState::Healthy,
            Check::Failed | Check::TimedOut => HealthState::Unhealthy,
        };
        let needed = match self.state {
            HealthState::Unknown => 1,
            HealthState::Healthy => self.settings.fall,
            HealthState::Unhealthy => self.settings.rise,
        };
        if says == self.state {
            self.against = 0;
            return None;
        }
        self.against = self.against.saturating_add(1);
        (self.against >= needed).then(|| self.turn(says))
    }

    /// The verdict in force.
    #[must_use]
    pub const fn state(&self) -> HealthState {
        self.state
    }

    /// Whether it is unhealthy by nothing but timeouts, which slowness alone can cause.
    #[must_use]
    pub fn is_merely_slow(&self) -> bool {
        self.state == HealthState::Unhealthy && self.only_timeouts
    }

    fn turn(&mut self, to: HealthState) -> Change {
        let from = core::mem::replace(&mut self.state, to);
        self.against = 0;
        Change { from, to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Check::{Failed, Passed, TimedOut};
    use HealthState::{Healthy, Unhealthy, Unknown};

    fn after(checks: &[Check]) -> Health {
        let mut health = Health::new(HealthSettings::default());
        for check in checks {
            let _change = health.report(*check);
        }
        health
    }

    #[test]
    fn t149_rise_and_fall_decide() {
        for (checks, expected) in [
            (&[][..], Unknown),
            (&[Passed], Healthy),
            (&[Failed], Unhealthy),
            (&[TimedOut], Unhealthy),
            (&[Passed, Failed, Failed], Healthy),
            (&[Passed, Failed, TimedOut, Failed], Unhealthy),
            (&[Passed, Failed, Failed, Passed, Failed, Failed], Healthy),
            (&[Failed, Passed], Unhealthy),
            (&[Failed, Passed, Passed], Healthy),
            (&[Failed, Passed, Failed, Passed], Unhealthy),
        ] {
            assert_eq!(after(checks).state(), expected, "{checks:?}");
        }
    }

    #[test]
    fn a_change_is_reported_once() {
        let mut health = after(&[Passed, Failed, Failed]);
        assert_eq!(health.report(Failed), Some(Change { from: Healthy, to: Unhealthy }));
        assert_eq!(health.report(Failed), None);
    }

    #[test]
    fn t148_mere_slowness_is_told_apart() {
        assert!(after(&[Passed, TimedOut, TimedOut, TimedOut]).is_merely_slow());
        assert!(!after(&[Passed, TimedOut, Failed, TimedOut]).is_merely_slow());
        assert!(!after(&[Passed]).is_merely_slow());
    }
}
