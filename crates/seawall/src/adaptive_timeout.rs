//! Settings of the adaptive attempt timeout, as a policy is given them. The rule is the core's.

use std::time::Duration;

use seawall_core::Mode;
use seawall_core::ratio::Ratio;
use seawall_core::timeout::AdaptiveSettings;

/// An attempt timeout that follows the latency: a quantile of the last minute, times a factor.
///
/// It starts at the fixed attempt timeout of the policy, never becomes longer, and tightens by
/// degrees. What makes everything slow at once opens it again, so that it cannot make everything
/// time out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a timeout does nothing until a policy is given it"]
pub struct AdaptiveTimeout(pub(crate) AdaptiveSettings);

impl AdaptiveTimeout {
    /// Twice what 99 % of attempts take, at least 50 ms, once there are 100 to learn from.
    pub fn new() -> Self {
        // The ceiling is the fixed timeout, whatever that is.
        let (mode, ceiling) = (Mode::Enforce, Duration::MAX);
        Self(AdaptiveSettings { mode, ceiling, ..AdaptiveSettings::default() })
    }

    /// It never becomes shorter; above zero, below the fixed attempt timeout. Default 50 ms, a
    /// garbage collection or a lost packet.
    pub const fn floor(self, floor: Duration) -> Self {
        Self(AdaptiveSettings { floor, ..self.0 })
    }

    /// The quantile that it follows; above 0 %, at most 100 %. Default 99 %.
    pub const fn quantile(self, quantile: Ratio) -> Self {
        Self(AdaptiveSettings { quantile, ..self.0 })
    }

    /// How many times that quantile it is; above 100 %. Default 200 %.
    pub const fn factor(self, factor: Ratio) -> Self {
        Self(AdaptiveSettings { factor, ..self.0 })
    }

    /// Enforce, or shadow: computed and reported, while the fixed one acts. [`Mode::Off`] is
    /// refused where a policy is asked for it.
    pub const fn mode(self, mode: Mode) -> Self {
        Self(AdaptiveSettings { mode, ..self.0 })
    }
}

impl Default for AdaptiveTimeout {
    fn default() -> Self {
        Self::new()
    }
}

impl From<AdaptiveSettings> for AdaptiveTimeout {
    /// All settings by name. A ceiling above the fixed attempt timeout counts as that.
    fn from(settings: AdaptiveSettings) -> Self {
        Self(settings)
    }
}
