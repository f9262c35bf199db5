//! The library's breaker by itself: its settings, and calls of closures through it.

use std::time::Duration;

use seawall::mechanism::Breaker;
use seawall::{BreakerSettings, CoolDown, Ratio, WindowKind};

use crate::rivals::breaker::{Blocking, Plan, WINDOW};
use crate::rivals::{Answer, LONG};

/// Over a window of calls.
pub(crate) fn new(plan: Plan) -> Breaker {
    built(settings(plan))
}

/// Over a window of time.
pub(crate) fn new_in_time(plan: Plan, period: Duration) -> Breaker {
    built(BreakerSettings { window: WindowKind::Time(period), ..settings(plan) })
}

/// The settings that stand for a plan, here and in the pipeline.
pub(crate) fn settings(plan: Plan) -> BreakerSettings {
    BreakerSettings {
        failure_rate: Some(Ratio::from_percent(50)),
        consecutive: None,
        window: WindowKind::Calls(WINDOW),
        min_calls: WINDOW,
        cool_down: CoolDown {
            base: plan.cool_down,
            growth: Ratio::from_percent(100),
            max: LONG.max(plan.cool_down),
        },
        max_probes: u32::from(plan.probes),
        success_threshold: u32::from(plan.probes),
        ..BreakerSettings::for_upstream()
    }
}

fn built(settings: BreakerSettings) -> Breaker {
    Breaker::new(settings).expect("the settings do not contradict each other")
}

impl Blocking for Breaker {
    fn call(&self, operation: impl FnOnce() -> Answer) -> Option<Answer> {
        let pass = self.try_admit().ok()?;
        let answer = operation();
        match &answer {
            Ok(_) => pass.succeed(),
            Err(_) => pass.fail(),
        }
        Some(answer)
    }
}
