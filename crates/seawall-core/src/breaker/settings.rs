//! Settings of a breaker, with the defaults for upstreams and endpoints.

use crate::Mode;
use crate::ratio::Ratio;
use crate::time::Duration;

/// The recent past that the rates of a breaker look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// The last so many calls, 1 to 65 536.
    Calls(u32),
    /// The calls of the last so long, in ten buckets.
    Time(Duration),
}

/// When a call counts as slow, and how many slow calls trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowCalls {
    /// A call that took at least this long is slow, whether it failed or not.
    pub limit: Duration,
    /// Trips when the share of slow calls reaches this. Default 80 %.
    pub rate: Ratio,
}

/// How long a breaker stays open: `min(max, base · growth^(k−1)) · (0.8 + 0.2u)` for the k-th
/// opening in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoolDown {
    /// The first cool-down. Default 5 s.
    pub base: Duration,
    /// What each further opening multiplies it by; at least 100 %. Default 200 %.
    pub growth: Ratio,
    /// No cool-down is longer. Default 60 s. Also the closed time after which k is 0 again.
    pub max: Duration,
}

/// What an attempt that we stopped waiting for means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AbandonedPolicy {
    /// Nothing.
    Ignore,
    /// A failure if it had run at least as long as a slow call, or half the attempt timeout where
    /// no slow limit is set; else nothing. The default: losing every race to a hedge must not
    /// keep a hung endpoint closed, and impatient callers must not open a healthy one.
    #[default]
    Slow,
    /// Failures, once every call of the window was abandoned.
    All,
    /// A failure.
    Failure,
}

/// Settings of a breaker. Any configured condition trips it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Trips on so many failures in a row, at least 1.
    pub consecutive: Option<u32>,
    /// Trips when the share of failures in the window reaches this.
    pub failure_rate: Option<Ratio>,
    /// Trips when the share of slow calls in the window reaches a rate. Off by default: it needs
    /// a stated latency goal.
    pub slow_calls: Option<SlowCalls>,
    /// What the rates look at. Default: 10 s.
    pub window: WindowKind,
    /// The rates are judged only with so many calls in the window. Default 20: at 10 % errors the
    /// chance of tripping at 50 % by accident is 7 in a million.
    pub min_calls: u32,
    /// How long it stays open.
    pub cool_down: CoolDown,
    /// How many probes may be in flight at once while half-open, at least 1.
    pub max_probes: u32,
    /// So many successful probes close it, at least 1.
    pub success_threshold: u32,
    /// Half-open for so long without a decision means open again. Default 30 s; for ever is how
    /// breakers get stuck.
    pub max_half_open: Duration,
    /// After closing, the admitted share grows from 10 % to all over this time. Off by default.
    pub ramp: Option<Duration>,
    /// What abandoned attempts mean.
    pub abandoned: AbandonedPolicy,
    /// Half of this stands in for the slow limit in [`AbandonedPolicy::Slow`] where none is set:
    /// the attempt timeout of the calls that pass.
    pub attempt_timeout: Duration,
    /// Whether it acts.
    pub mode: Mode,
}

impl BreakerSettings {
    /// Defaults for a whole upstream: failure rate only, since a chance run of five failures at
    /// 10 % errors and 100 calls a second comes three times an hour; three probes to close.
    #[must_use]
    pub const fn for_upstream() -> Self {
        Self {
            consecutive: None,
            failure_rate: Some(Ratio::from_percent(50)),
            slow_calls: None,
            window: WindowKind::Time(Duration::from_secs(10)),
            min_calls: 20,
            cool_down: CoolDown {
                base: Duration::from_secs(5),
                growth: Ratio::from_percent(200),
                max: Duration::from_secs(60),
            },
            max_probes: 3,
            success_threshold: 3,
            max_half_open: Duration::from_secs(30),
            ramp: None,
            abandoned: AbandonedPolicy::Slow,
            attempt_timeout: Duration::from_secs(3),
            mode: Mode::Enforce,
        }
    }

    /// Defaults for one endpoint: also five failures in a row, since that is fast on a dead one;
    /// one probe decides.
    #[must_use]
    pub const fn for_endpoint() -> Self {
        Self { consecutive: Some(5), max_probes: 1, success_threshold: 1, ..Self::for_upstream() }
    }
}
