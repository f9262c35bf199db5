//! The breaker behind a lock, driven by a guard that settles what it admitted.

use std::sync::Mutex;
use std::time::Duration;

use seawall_core::breaker::{self, BreakerSettings, CoolDown, Ended, Probing, Ticket, WindowKind};
use seawall_core::event::Discard;
use seawall_core::outcome::Class;
use seawall_core::ratio::Ratio;
use seawall_core::rng::Draw;
use seawall_core::time::Instant;

use super::now;
use crate::rivals::breaker::{Blocking, Plan, WINDOW};
use crate::rivals::{Answer, LONG};

pub(crate) struct Breaker(Mutex<breaker::Breaker>);

/// Over a window of calls.
pub(crate) fn new(plan: Plan) -> Breaker {
    with(plan, WindowKind::Calls(WINDOW))
}

/// Over a window of time.
pub(crate) fn new_in_time(plan: Plan, period: Duration) -> Breaker {
    with(plan, WindowKind::Time(period))
}

fn with(plan: Plan, window: WindowKind) -> Breaker {
    let settings = BreakerSettings {
        failure_rate: Some(Ratio::from_percent(50)),
        consecutive: None,
        window,
        min_calls: WINDOW,
        cool_down: CoolDown {
            base: plan.cool_down,
            growth: Ratio::from_percent(100),
            max: LONG.max(plan.cool_down),
        },
        max_probes: u32::from(plan.probes),
        success_threshold: u32::from(plan.probes),
        ..BreakerSettings::for_upstream()
    };
    Breaker(Mutex::new(breaker::Breaker::new(settings, now())))
}

impl Breaker {
    fn admit(&self) -> Option<(Ticket, Instant)> {
        let now = now();
        let mut breaker = self.0.lock().expect("no call panics under it");
        let ticket = breaker.admit(now, Probing::Allowed, draw(), &mut Discard).ok()?;
        Some((ticket, now))
    }

    fn settle(&self, ticket: Ticket, since: Instant, class: Class) {
        let now = now();
        let ended = Ended { class, elapsed: now.since(since) };
        let mut breaker = self.0.lock().expect("no call panics under it");
        breaker.settle(ticket, ended, (now, draw()), &mut Discard);
    }
}

impl Blocking for Breaker {
    fn call(&self, operation: impl FnOnce() -> Answer) -> Option<Answer> {
        let (ticket, since) = self.admit()?;
        let answer = operation();
        self.settle(ticket, since, if answer.is_ok() { Class::Success } else { Class::Failure });
        Some(answer)
    }
}

fn draw() -> Draw {
    Draw::from_bits(fastrand::u64(..))
}
