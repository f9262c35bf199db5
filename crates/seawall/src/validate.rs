//! What cannot work: every contradiction of a plan, with what would be permitted.

use std::time::Duration;

use seawall_core::Mode;
use seawall_core::backoff::BackoffSettings;
use seawall_core::breaker::{BreakerSettings, WindowKind};
use seawall_core::budget::BudgetSettings;
use seawall_core::bulkhead::{BulkheadSettings, QUEUE_MAX};
use seawall_core::call::ATTEMPTS_MAX;
use seawall_core::hedge::HedgeSettings;
use seawall_core::invalid::Invalid;
use seawall_core::ratio::Ratio;
use seawall_core::upstream::ENDPOINTS_MAX;

use crate::BuildError;
use crate::settings::{NO_LIMIT, Plan, Total};

/// Calls of a count window at most.
const WINDOW_CALLS_MAX: u32 = 65_536;

impl Plan {
    /// All mistakes at once, or none.
    pub(crate) fn validate(&self) -> Result<(), BuildError> {
        let mut found = Findings::default();
        self.check_times(&mut found);
        if let Some(retry) = &self.retry {
            let attempts = retry.max_attempts;
            found.unless(
                (1..=ATTEMPTS_MAX).contains(&attempts),
                "retry.attempts",
                attempts,
                "1 to 10",
            );
            found.backoff(("retry.backoff.factor", "retry.backoff.cap"), &retry.backoff);
            let fields = ("retry.throttled_backoff.factor", "retry.throttled_backoff.cap");
            found.backoff(fields, &retry.throttled_backoff);
            found.budget(&retry.budget);
        }
        if let Some(hedge) = &self.hedge {
            found.hedge(&hedge.0, self.attempt());
        }
        if let Some(breaker) = &self.breaker {
            found.breaker(breaker);
        }
        if let Some(breaker) = &self.endpoint_breaker {
            found.breaker(breaker);
        }
        if let Some(bulkhead) = &self.bulkhead {
            found.bulkhead(bulkhead);
        }
        if let Some(balance) = &self.balance {
            found.mistakes.extend(balance.validate().err());
        }
        self.check_endpoints(&mut found);
        BuildError::check(found.mistakes)
    }

    fn check_times(&self, found: &mut Findings) {
        if let Total::Limit(total) = self.total {
            found.positive("total_timeout", total);
        }
        let Some(attempt) = self.attempt else { return };
        found.positive("attempt_timeout", attempt);
        let fits = attempt == NO_LIMIT || self.total().is_none_or(|total| attempt <= total);
        found.unless(fits, "attempt_timeout", Shown(attempt), "at most `total_timeout`");
    }

    fn check_endpoints(&self, found: &mut Findings) {
        let Some(endpoints) = &self.endpoints else {
            let asked = [
                ("endpoint_breaker", self.endpoint_breaker.is_some()),
                ("outlier", self.outlier.is_some()),
                ("balance", self.balance.is_some()),
                ("when_all_down", self.when_all_down.is_some()),
            ];
            for (field, _) in asked.into_iter().filter(|(_, asked)| *asked) {
                found.unless(false, field, "set", "left out of a policy without `endpoints`");
            }
            return;
        };
        let number = endpoints.len();
        found.unless((1..=ENDPOINTS_MAX).contains(&number), "endpoints", number, "1 to 1024");
        for (index, name) in endpoints.iter().enumerate() {
            let repeated = endpoints.iter().take(index).any(|earlier| earlier == name);
            found.unless(!repeated, "endpoints", format_args!("`{name}` twice"), "distinct");
            found.unless(!name.is_empty(), "endpoints", "an empty name", "names with text");
        }
    }
}

/// A duration as users write it.
struct Shown(Duration);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// The mistakes found so far.
#[derive(Default)]
struct Findings {
    mistakes: Vec<Invalid>,
}

impl Findings {
    fn unless(
        &mut self,
        holds: bool,
        field: &'static str,
        value: impl std::fmt::Display,
        permitted: &'static str,
    ) {
        if !holds {
            self.mistakes.push(Invalid::new(field, value, permitted));
        }
    }

    fn positive(&mut self, field: &'static str, value: Duration) {
        self.unless(!value.is_zero(), field, Shown(value), "longer than zero");
    }

    fn share(&mut self, field: &'static str, value: Option<Ratio>) {
        let Some(value) = value else { return };
        let holds = value > Ratio::ZERO && value <= Ratio::ONE;
        self.unless(holds, field, value, "above 0% and at most 100%");
    }

    fn backoff(&mut self, (factor, cap): (&'static str, &'static str), settings: &BackoffSettings) {
        self.unless(settings.factor >= Ratio::ONE, factor, settings.factor, "at least 100%");
        self.unless(settings.cap >= settings.base, cap, Shown(settings.cap), "at least `base`");
    }

    fn budget(&mut self, settings: &BudgetSettings) {
        self.positive("retry.budget.window", settings.window);
    }

    fn hedge(&mut self, settings: &HedgeSettings, attempt_timeout: Duration) {
        let on = settings.mode != Mode::Off;
        self.unless(on, "hedge.mode", "off", "`enforce` or `shadow` where hedges are asked for");
        self.mistakes.extend(settings.validate_beside(attempt_timeout).err());
    }

    fn breaker(&mut self, settings: &BreakerSettings) {
        self.share("breaker.failure_rate", settings.failure_rate);
        self.share("breaker.slow_calls.rate", settings.slow_calls.map(|slow| slow.rate));
        if let Some(slow) = settings.slow_calls {
            self.positive("breaker.slow_calls.limit", slow.limit);
        }
        self.window(settings);
        let conditions = settings.consecutive.is_some()
            || settings.failure_rate.is_some()
            || settings.slow_calls.is_some();
        self.unless(conditions, "breaker", "without a condition", "given one that trips it");
        self.at_least_one("breaker.consecutive", settings.consecutive.unwrap_or(1));
        self.at_least_one("breaker.min_calls", settings.min_calls);
        self.at_least_one("breaker.max_probes", settings.max_probes);
        self.at_least_one("breaker.success_threshold", settings.success_threshold);
        self.positive("breaker.max_half_open", settings.max_half_open);
        let cool_down = &settings.cool_down;
        self.positive("breaker.cool_down.base", cool_down.base);
        let growth = cool_down.growth;
        self.unless(growth >= Ratio::ONE, "breaker.cool_down.growth", growth, "at least 100%");
        let max = cool_down.max;
        self.unless(max >= cool_down.base, "breaker.cool_down.max", Shown(max), "at least `base`");
    }

    fn window(&mut self, settings: &BreakerSettings) {
        match settings.window {
            WindowKind::Calls(calls) => {
                let known = (1..=WINDOW_CALLS_MAX).contains(&calls);
                self.unless(known, "breaker.window", calls, "1 to 65536 calls");
                let (min, fits) = (settings.min_calls, settings.min_calls <= calls);
                self.unless(fits, "breaker.min_calls", min, "at most the calls of the window");
            }
            WindowKind::Time(time) => self.positive("breaker.window", time),
        }
    }

    fn bulkhead(&mut self, settings: &BulkheadSettings) {
        self.at_least_one("bulkhead.permits", settings.permits);
        let queue = settings.queue;
        self.unless(queue <= QUEUE_MAX, "bulkhead.queue", queue, "at most 1000000");
        let waits = queue == 0 || !settings.max_wait.is_zero();
        let wait = Shown(settings.max_wait);
        self.unless(waits, "bulkhead.max_wait", wait, "longer than zero where there is a queue");
    }

    fn at_least_one(&mut self, field: &'static str, value: u32) {
        self.unless(value >= 1, field, value, "at least 1");
    }
}
