//! Settings of the outlier detector of an upstream, with the defaults.
//!
//! What contradicts itself is found in `validate.rs`.

use super::event::Detector;
use crate::Mode;
use crate::ratio::Ratio;
use crate::time::Duration;

/// Ejects an endpoint that is much slower than the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyRule {
    /// Its median latency is at least so many times the median of the others' ... At least 100 %.
    /// Default 300 %: hardware and caches of one upstream differ by less.
    pub factor: Ratio,
    /// ... and at least so much above it, since three times nothing is nothing. Default 50 ms.
    pub least: Duration,
    /// Judged only with so many answers of the endpoint in the window. Default 20.
    pub min_requests: u32,
}

impl Default for LatencyRule {
    fn default() -> Self {
        let factor = Ratio::from_percent(300);
        Self { factor, least: Duration::from_millis(50), min_requests: 20 }
    }
}

/// Envoy's detector of low success rates: rate < mean − factor · σ of the population.
///
/// It is blind once more than 1 / (1 + factor²) of the endpoints are bad: with 1.9 beyond 21.7 %,
/// so 1 of 4, 2 of 5 or 3 of 10. Median and MAD ([`OutlierSettings::deviation`]) are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeanRule {
    /// Standard deviations below the mean. Default 190 %.
    pub factor: Ratio,
    /// Judged only with so many endpoints that have enough requests. Default 5.
    pub min_endpoints: u32,
    /// Requests of an endpoint that are enough. Default 100.
    pub min_requests: u32,
}

impl Default for MeanRule {
    fn default() -> Self {
        Self { factor: Ratio::from_percent(190), min_endpoints: 5, min_requests: 100 }
    }
}

/// The most answers of an endpoint that are remembered as compared: the bits of a word.
pub const READS_MAX: u32 = u64::BITS;

/// Ejects an endpoint whose answers disagree with those of a majority, or fail validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OddRule {
    /// So many disagreements eject, at least 1. Default 3: one may be a replica that lags behind.
    pub disagreements: u32,
    /// Among the last so many answers that were compared, at most [`READS_MAX`]. Default 10.
    pub reads: u32,
}

impl Default for OddRule {
    fn default() -> Self {
        Self { disagreements: 3, reads: 10 }
    }
}

/// How many endpoints may be out, as a share of n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CapRule {
    /// max(1, ⌊n · share⌋). The default: a cap that never lets anybody go is no cap but off.
    #[default]
    AtLeastOne,
    /// ⌊n · share⌋, as in Envoy: with 10 % nobody of nine or fewer is ever ejected.
    Strict,
}

/// What to do about an outlier while most endpoints do badly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommonFault {
    /// Leave it to the breaker of the upstream. The default. Failures must then also be more than
    /// chance makes of the share p that is usual among the others, which is not once in a million:
    /// a row of n counts where pⁿ ≤ 10⁻⁶, so five while the others fail up to 6 % of the time, and
    /// twelve at 30 %; f failures of n where f − n·p is above 4.75 · √(n·p·(1 − p)).
    #[default]
    Suppress,
    /// Eject all the same, as Envoy does.
    Eject,
}

/// The share of verdicts that are acted upon, for each detector: for trying one out by degrees.
/// Chance decides once in a window for an endpoint. Default all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforcement {
    /// Failures in a row.
    pub consecutive: Ratio,
    /// Gateway failures in a row.
    pub gateway: Ratio,
    /// Failures of local origin in a row.
    pub local_origin: Ratio,
    /// Both detectors of low success rates.
    pub success_rate: Ratio,
    /// A large share of failures.
    pub failure_share: Ratio,
    /// Latency.
    pub latency: Ratio,
    /// Odd answers.
    pub odd: Ratio,
}

impl Default for Enforcement {
    fn default() -> Self {
        Self {
            consecutive: Ratio::ONE,
            gateway: Ratio::ONE,
            local_origin: Ratio::ONE,
            success_rate: Ratio::ONE,
            failure_share: Ratio::ONE,
            latency: Ratio::ONE,
            odd: Ratio::ONE,
        }
    }
}

impl Enforcement {
    /// The share for one detector; a failed probe always counts.
    #[must_use]
    pub const fn of(&self, detector: Detector) -> Ratio {
        match detector {
            Detector::Consecutive => self.consecutive,
            Detector::Gateway => self.gateway,
            Detector::LocalOrigin => self.local_origin,
            Detector::SuccessRate => self.success_rate,
            Detector::FailureShare => self.failure_share,
            Detector::Latency => self.latency,
            Detector::OddOne => self.odd,
            Detector::Probe => Ratio::ONE,
        }
    }
}

/// Settings of the outlier detector of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlierSettings {
    /// Ejects on so many failures in a row, or on more where the others fail so often that this
    /// many come by chance (see [`CommonFault::Suppress`]). Default 5.
    pub consecutive: Option<u32>,
    /// Ejects on so many gateway failures (502, 503, 504) in a row; another failure of the service
    /// ends the row. Off by default: it sees less than `consecutive`. Without `local_origin` those
    /// of local origin count, as Envoy takes them for 503 and 504.
    pub gateway: Option<u32>,
    /// Splits local origin off: failures that only our side saw (no connection, no answer in time)
    /// have a row of their own, which ejects on so many, and count nowhere else. Off by default.
    pub local_origin: Option<u32>,
    /// Ejects when the share of failures of an endpoint reaches this. Default 50 %.
    pub failure_share: Option<Ratio>,
    /// The share of failures is judged only with so many endpoints that have enough requests.
    /// Default 1.
    pub failure_share_endpoints: u32,
    /// Ejects when the success rate lies below median − max(3 · 1.4826 · MAD, this many points).
    /// Default 10 points (10 %).
    pub deviation: Option<Ratio>,
    /// Envoy's rule for success rates. Off by default: it is blind to several bad ones.
    pub mean: Option<MeanRule>,
    /// Ejects what is much slower than the rest. On by default.
    pub latency: Option<LatencyRule>,
    /// Ejects what answers otherwise than the majority. On by default; it speaks only where
    /// answers are compared or validated.
    pub odd: Option<OddRule>,
    /// Rates are judged only with so many outcomes of the endpoint in the window. Default 50.
    pub min_requests: u32,
    /// What rates and latencies look at. Default 10 s.
    pub window: Duration,
    /// The first ejection lasts so long, and each further one in a row twice as long as the one
    /// before, but no longer than a quarter of the time since the first, and but for those that
    /// follow from a probe that was refused at once and so cost nothing. Default 1 s: who has
    /// healed is asked again within a quarter of the time for which it was ill, or a second, and
    /// what is ill for good is probed less and less.
    pub base: Duration,
    /// No ejection is longer. Default 300 s.
    pub max: Duration,
    /// The share of endpoints that may be out at once, under `cap`. Default 50 %.
    pub max_ejected: Ratio,
    /// What the share means for few endpoints.
    pub cap: CapRule,
    /// So many endpoints always stay, at least 1. Default 1.
    pub min_healthy: u32,
    /// What to do while most do badly.
    pub common: CommonFault,
    /// The share of verdicts that are acted upon.
    pub enforcement: Enforcement,
    /// Whether it acts.
    pub mode: Mode,
}

impl Default for OutlierSettings {
    fn default() -> Self {
        Self {
            consecutive: Some(5),
            gateway: None,
            local_origin: None,
            failure_share: Some(Ratio::from_percent(50)),
            failure_share_endpoints: 1,
            deviation: Some(Ratio::from_percent(10)),
            mean: None,
            latency: Some(LatencyRule::default()),
            odd: Some(OddRule::default()),
            min_requests: 50,
            window: Duration::from_secs(10),
            base: Duration::from_secs(1),
            max: Duration::from_secs(300),
            max_ejected: Ratio::from_percent(50),
            cap: CapRule::AtLeastOne,
            min_healthy: 1,
            common: CommonFault::Suppress,
            enforcement: Enforcement::default(),
            mode: Mode::Enforce,
        }
    }
}

impl OutlierSettings {
    /// Envoy's detectors with Envoy's defaults, for comparison and for those who move from it:
    /// five failures in a row, success rate by mean and 1.9 σ, a cap of 10 % that is strict; the
    /// rows of gateway failures and the share of failures (85 % among five endpoints) are judged
    /// and not enforced. The way back stays ours: by a probe.
    #[must_use]
    pub fn envoy() -> Self {
        let enforcement = Enforcement {
            gateway: Ratio::ZERO,
            failure_share: Ratio::ZERO,
            ..Enforcement::default()
        };
        Self {
            gateway: Some(5),
            failure_share: Some(Ratio::from_percent(85)),
            failure_share_endpoints: 5,
            deviation: None,
            mean: Some(MeanRule::default()),
            latency: None,
            odd: None,
            base: Duration::from_secs(30),
            max_ejected: Ratio::from_percent(10),
            cap: CapRule::Strict,
            common: CommonFault::Eject,
            enforcement,
            ..Self::default()
        }
    }
}
