//! Settings of the outlier detector of an upstream, with the defaults.

use crate::Mode;
use crate::ratio::Ratio;
use crate::time::Duration;

/// Settings of the outlier detector of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlierSettings {
    /// Ejects on so many failures in a row. Default 5.
    pub consecutive: Option<u32>,
    /// Ejects when the share of failures of an endpoint reaches this. Default 50 %.
    pub failure_share: Option<Ratio>,
    /// Ejects when the success rate lies below median − max(3 · 1.4826 · MAD, this many points).
    /// Default 10 points (10 %).
    pub deviation: Option<Ratio>,
    /// Rates are judged only with so many outcomes of the endpoint in the window. Default 50.
    pub min_requests: u32,
    /// What rates look at. Default 10 s.
    pub window: Duration,
    /// The first ejection lasts so long, times the number of ejections in a row. Default 30 s.
    pub base: Duration,
    /// No ejection is longer. Default 300 s.
    pub max: Duration,
    /// At most max(1, ⌊n · this⌋) of n endpoints are out at once. Default 50 %.
    pub max_ejected: Ratio,
    /// So many endpoints always stay, at least 1. Default 1.
    pub min_healthy: u32,
    /// Whether it acts.
    pub mode: Mode,
}

impl Default for OutlierSettings {
    fn default() -> Self {
        Self {
            consecutive: Some(5),
            failure_share: Some(Ratio::from_percent(50)),
            deviation: Some(Ratio::from_percent(10)),
            min_requests: 50,
            window: Duration::from_secs(10),
            base: Duration::from_secs(30),
            max: Duration::from_secs(300),
            max_ejected: Ratio::from_percent(50),
            min_healthy: 1,
            mode: Mode::Enforce,
        }
    }
}
