//! Settings of holding, with the defaults.

use crate::Mode;
use crate::invalid::Invalid;
use crate::time::Duration;

/// The most calls that one upstream holds. As with queues: whoever configures more has mistaken
/// the unit.
pub const CALLS_MAX: u32 = 1_000_000;

/// Between two probes of one endpoint, while an outage is young. A service that was restarted is
/// then seen within two frames of a film, and twenty refused connections a second harm nobody.
pub const PROBE_MIN: Duration = Duration::from_millis(50);

/// The same once an outage has lasted for five seconds: a twentieth of how long it has lasted.
pub const PROBE_MAX: Duration = Duration::from_millis(250);

/// Between two probes of one upstream, however many endpoints it has.
pub const PROBE_GAP: Duration = Duration::from_millis(5);

/// So long waits nearly everybody of whom nothing else is known: what people tolerate before a page
/// begins to appear (Nah, "A study on tolerable waiting time", 2004), and programs wait longer. Who
/// has waited longer may have left. It sets the order of release alone, and ends nobody's wait.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// How calls are held through a short outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldSettings {
    /// Calls held at once at most, 1 to [`CALLS_MAX`]. Default 1 000: three seconds of 300 calls a
    /// second. A gateway derives it from its permits.
    pub calls: u32,
    /// The most memory that the bodies of held calls may take together, in bytes. Default 16 MiB.
    pub bytes: u64,
    /// No call is held for longer. Default 10 s, the default total of a call: a process is
    /// restarted in less.
    pub longest: Duration,
    /// An outage that lasts longer than this is no short one: nobody is held any more, and calls
    /// are refused at once until a probe succeeds. Default 60 s: what takes longer needs somebody,
    /// and callers should be told at once. At least `longest`.
    pub outage: Duration,
    /// Whether it acts. Default off: whoever calls must be ready to wait for as long as its
    /// deadline says, which a program may not be. A gateway, whose callers have chosen to wait for
    /// an answer, switches it on.
    pub mode: Mode,
}

impl Default for HoldSettings {
    fn default() -> Self {
        Self {
            calls: 1_000,
            bytes: 16 << 20,
            longest: Duration::from_secs(10),
            outage: Duration::from_secs(60),
            mode: Mode::Off,
        }
    }
}

impl HoldSettings {
    /// The default, in force.
    #[must_use]
    pub fn enforced() -> Self {
        Self { mode: Mode::Enforce, ..Self::default() }
    }

    /// Whether calls can be held with these settings.
    ///
    /// # Errors
    ///
    /// The first setting that is out of range or contradicts another.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.calls == 0 || self.calls > CALLS_MAX {
            return Err(Invalid::new("calls", self.calls, "1 to 1000000; mode off holds none"));
        }
        if self.longest.is_zero() {
            return Err(Invalid::new("longest", "0", "above zero; mode off holds none"));
        }
        if self.outage < self.longest {
            return Err(Invalid::new("outage", "below longest", "at least longest"));
        }
        Ok(())
    }
}
