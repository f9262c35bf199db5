//! Settings of the outlier detector that contradict themselves, and those that can never act.
//!
//! The settings are in `settings.rs`.

use super::event::Detector;
use super::rates::COMPARABLE_MIN;
use super::settings::{CapRule, Enforcement, MeanRule, OutlierSettings, READS_MAX};
use crate::invalid::Invalid;
use crate::number::small;
use crate::ratio::Ratio;
use crate::time::Duration;

/// A window has ten buckets, and none may be shorter than a nanosecond.
const WINDOW_MIN: Duration = Duration::from_nanos(10);

impl OutlierSettings {
    /// # Errors
    ///
    /// [`Invalid`] for the first setting that cannot work.
    pub fn validate(&self) -> Result<(), Invalid> {
        let rows = [
            ("consecutive", self.consecutive),
            ("gateway", self.gateway),
            ("local_origin", self.local_origin),
            ("min_requests", Some(self.min_requests)),
            ("min_healthy", Some(self.min_healthy)),
            ("failure_share_endpoints", Some(self.failure_share_endpoints)),
        ];
        for (field, count) in rows {
            at_least_one(field, count)?;
        }
        share("failure_share", self.failure_share)?;
        share("deviation", self.deviation)?;
        share("max_ejected", Some(self.max_ejected))?;
        self.validate_rules()?;
        self.validate_times()?;
        self.enforcement.validate()
    }

    /// How many of so many endpoints may be out: the share by its rule, but so many that enough
    /// stay. Always fewer than there are.
    #[must_use]
    pub fn allowed(&self, endpoints: u32) -> u32 {
        let share = self.max_ejected.of(u64::from(endpoints));
        let share = small(share);
        let cap = match self.cap {
            CapRule::AtLeastOne => share.max(1),
            CapRule::Strict => share,
        };
        cap.min(endpoints.saturating_sub(self.min_healthy.max(1)))
    }

    /// Whether a detector that is set can ever eject one of so many endpoints. What cannot deserves
    /// a warning: a policy that never fires looks like one that never had to.
    #[must_use]
    pub fn can_fire(&self, detector: Detector, endpoints: u32) -> bool {
        let comparable = endpoints as usize >= COMPARABLE_MIN;
        let is_set = match detector {
            Detector::Consecutive => self.consecutive.is_some(),
            Detector::Gateway => self.gateway.is_some(),
            Detector::LocalOrigin => self.local_origin.is_some(),
            Detector::SuccessRate => {
                let mean = self.mean.is_some_and(|rule| rule.sees_one_of(endpoints));
                (self.deviation.is_some() && comparable) || mean
            }
            Detector::FailureShare => {
                self.failure_share.is_some() && endpoints >= self.failure_share_endpoints
            }
            Detector::Latency => self.latency.is_some() && endpoints > 1,
            // Who is odd takes a majority of the others.
            Detector::OddOne => self.odd.is_some() && comparable,
            Detector::Probe => true,
        };
        is_set && self.allowed(endpoints) > 0 && self.enforcement.of(detector) > Ratio::ZERO
    }

    fn validate_rules(&self) -> Result<(), Invalid> {
        if let Some(rule) = self.latency {
            if rule.factor < Ratio::ONE {
                return Err(Invalid::new("latency.factor", rule.factor, "at least 100%"));
            }
            at_least_one("latency.min_requests", Some(rule.min_requests))?;
        }
        if let Some(rule) = self.mean {
            if rule.factor == Ratio::ZERO {
                return Err(Invalid::new("mean.factor", rule.factor, "above 0%"));
            }
            at_least_one("mean.min_endpoints", Some(rule.min_endpoints))?;
            at_least_one("mean.min_requests", Some(rule.min_requests))?;
        }
        let Some(rule) = self.odd else { return Ok(()) };
        if !(1..=READS_MAX).contains(&rule.reads) {
            return Err(Invalid::new("odd.reads", rule.reads, "1 to 64"));
        }
        if rule.disagreements == 0 || rule.disagreements > rule.reads {
            let permitted = "at least 1, at most odd.reads";
            return Err(Invalid::new("odd.disagreements", rule.disagreements, permitted));
        }
        Ok(())
    }

    fn validate_times(&self) -> Result<(), Invalid> {
        let millis = |duration: Duration| alloc::format!("{} ms", duration.as_millis());
        if self.window < WINDOW_MIN {
            return Err(Invalid::new("window", millis(self.window), "above 0"));
        }
        if self.base.is_zero() {
            return Err(Invalid::new("base", "0", "above 0"));
        }
        if self.max < self.base {
            return Err(Invalid::new("max", millis(self.max), "at least base"));
        }
        Ok(())
    }
}

impl MeanRule {
    /// Whether one dead endpoint of so many can lie so far below the mean:
    /// z = √(n − 1) must exceed the factor.
    fn sees_one_of(self, endpoints: u32) -> bool {
        let factor = u64::from(self.factor.ppm());
        let whole = u64::from(Ratio::ONE.ppm());
        let square = u128::from(factor) * u128::from(factor);
        let others = u128::from(endpoints.saturating_sub(1));
        endpoints >= self.min_endpoints && others * u128::from(whole * whole) > square
    }
}

impl Enforcement {
    fn validate(&self) -> Result<(), Invalid> {
        let shares = [
            ("enforcement.consecutive", self.consecutive),
            ("enforcement.gateway", self.gateway),
            ("enforcement.local_origin", self.local_origin),
            ("enforcement.success_rate", self.success_rate),
            ("enforcement.failure_share", self.failure_share),
            ("enforcement.latency", self.latency),
            ("enforcement.odd", self.odd),
        ];
        shares.into_iter().try_for_each(|(field, share)| match share {
            share if share > Ratio::ONE => Err(Invalid::new(field, share, "at most 100%")),
            _ => Ok(()),
        })
    }
}

fn at_least_one(field: &'static str, count: Option<u32>) -> Result<(), Invalid> {
    if count == Some(0) { Err(Invalid::new(field, 0, "at least 1")) } else { Ok(()) }
}

fn share(field: &'static str, share: Option<Ratio>) -> Result<(), Invalid> {
    match share {
        Some(share) if share == Ratio::ZERO || share > Ratio::ONE => {
            Err(Invalid::new(field, share, "above 0% and at most 100%"))
        }
        Some(_) | None => Ok(()),
    }
}
