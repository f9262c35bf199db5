//! Settings of the rate limit, as a policy is given them. The algorithms are the core's.

use std::time::Duration;

use seawall_core::Mode;
use seawall_core::invalid::Invalid;
use seawall_core::rate::{Algorithm, LimiterSettings, Quota, Rate};

/// So many calls in such a time; the rest is refused and told when to come back.
///
/// A call is asked for once, whatever its retries, and counts its
/// [`cost`](crate::Call::cost). In every interval `t` at most `burst + rate · t` calls pass.
///
/// ```
/// use seawall::{Policy, RateLimit};
///
/// let policy = Policy::builder().rate_limit(RateLimit::per_second(100).burst(20)).build()?;
/// # Ok::<(), seawall::BuildError>(())
/// ```
///
/// All clones of a policy share one limit; other processes have their own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a limit does nothing until a policy is given it"]
pub struct RateLimit(Result<LimiterSettings, Invalid>);

impl RateLimit {
    /// So many calls a second, by GCRA, with the burst of a second. 0 blocks every call.
    pub fn per_second(calls: u32) -> Self {
        Self(Ok(LimiterSettings::of(Quota::of(Rate::per_second(calls)))))
    }

    /// So many calls in each `period`, by GCRA, with the burst of a second. The period is 1 ns to
    /// 366 days; what does not fit is told by [`build`](crate::PolicyBuilder::build).
    pub fn new(calls: u64, period: Duration) -> Self {
        let rate = Rate::new(calls, period).map_err(|invalid| invalid.within("rate_limit"));
        Self(rate.map(|rate| LimiterSettings::of(Quota::of(rate))))
    }

    /// The most at one instant, at least 1; also the most that one call may cost. Default: what
    /// the rate brings in a second, at least 1.
    pub fn burst(self, burst: u32) -> Self {
        Self(self.0.and_then(|settings| with_burst(settings, burst)))
    }

    /// Enforce, shadow (refusals are reported, and every call passes) or off. Default enforce.
    pub fn mode(self, mode: Mode) -> Self {
        Self(self.0.map(|settings| LimiterSettings { mode, ..settings }))
    }

    /// What the core is to be told.
    pub(crate) fn settings(&self) -> Option<LimiterSettings> {
        self.0.as_ref().ok().copied()
    }

    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        let settings = self.0.as_ref().map_err(Clone::clone)?;
        settings.validate().map_err(|invalid| invalid.within("rate_limit"))
    }
}

impl From<LimiterSettings> for RateLimit {
    /// Any algorithm, by the settings of the core.
    fn from(settings: LimiterSettings) -> Self {
        Self(Ok(settings))
    }
}

fn with_burst(settings: LimiterSettings, burst: u32) -> Result<LimiterSettings, Invalid> {
    let algorithm = match settings.algorithm {
        Algorithm::Gcra(quota) => Algorithm::Gcra(Quota { burst, ..quota }),
        Algorithm::TokenBucket(quota) => Algorithm::TokenBucket(Quota { burst, ..quota }),
        Algorithm::WarmUp(_)
        | Algorithm::FixedWindow(_)
        | Algorithm::SlidingCounter(_)
        | Algorithm::SlidingLog(_) => {
            let permitted = "left out of an algorithm that has none";
            return Err(Invalid::new("rate_limit.burst", burst, permitted));
        }
    };
    Ok(LimiterSettings { algorithm, ..settings })
}
