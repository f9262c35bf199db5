//! What cannot work: every contradiction of a plan, with what would be permitted.
//!
//! Each mechanism is checked by the core's own rules for it. Here is what only the whole can tell:
//! options that contradict each other, and those that would do nothing beside the others, which
//! are mistakes as well: whoever set them believes in them.

use std::fmt::Display;
use std::time::Duration;

use seawall_core::Mode;
use seawall_core::balance::ZONES_MAX;
use seawall_core::call::ATTEMPTS_MAX;
use seawall_core::invalid::Invalid;
use seawall_core::outcome::OptIns;
use seawall_core::timeout::{Hedges, OperationClass};
use seawall_core::upstream::ENDPOINTS_MAX;

use crate::settings::{NO_LIMIT, Plan, Total};
use crate::{BuildError, EndpointSettings};

impl Plan {
    /// All mistakes at once, or none.
    pub(crate) fn validate(&self) -> Result<(), BuildError> {
        let mut found = Findings::default();
        self.check_times(&mut found);
        self.check_presets(&mut found);
        self.check_retries(&mut found);
        self.check_hedges(&mut found);
        self.check_gates(&mut found);
        self.check_overload(&mut found);
        self.check_adaptive(&mut found);
        self.check_mode(&mut found);
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

    fn check_presets(&self, found: &mut Findings) {
        let timed = self.attempt.is_some() && self.total != Total::Default;
        if let Some(class) = self.class.map(OperationClass::name) {
            let permitted = "left out beside `total_timeout` and `attempt_timeout`";
            found.unless(!timed, "class", class, permitted);
        }
        if let Some(kind) = self.kind {
            let name = kind.name();
            found.unless(self.class.is_none(), "kind", name, "left out beside `class`");
            let permitted = "left out beside `total_timeout`, `attempt_timeout` and `retry`";
            found.unless(!timed || self.retry.is_none(), "kind", name, permitted);
        }
    }

    fn check_retries(&self, found: &mut Findings) {
        if let Some(retry) = &self.retry {
            let attempts = retry.max_attempts;
            let known = (1..=ATTEMPTS_MAX).contains(&attempts);
            found.unless(known, "retry.attempts", attempts, "1 to 10");
            found.take("retry.backoff", retry.backoff.validate());
            found.take("retry.throttled_backoff", retry.throttled_backoff.validate());
            found.take("retry.budget", retry.budget.validate());
        }
        let repeats = self.max_attempts() > 1 || self.hedge().is_some();
        let permitted = "left out of a policy without `retry` and `hedge`";
        found.unless(repeats || self.opt_ins == OptIns::default(), "opt_ins", "set", permitted);
        found.mistakes.extend(self.overrides.as_ref().err().cloned());
    }

    fn check_hedges(&self, found: &mut Findings) {
        let Some(hedge) = self.hedge else { return };
        found.is_on("hedge.mode", hedge.0.mode);
        found.take("hedge", hedge.0.validate_beside(self.attempt()));
        let class = self.class.filter(|class| class.limits().hedges == Hedges::Never);
        let permitted = "left out of a policy of the class batch or stream";
        found.unless(class.is_none(), "hedge", "set", permitted);
    }

    fn check_gates(&self, found: &mut Findings) {
        found.mistakes.extend(self.rate.as_ref().and_then(|rate| rate.validate().err()));
        if let Some(throttle) = &self.throttle {
            found.take("throttle", throttle.validate());
        }
        if let Some(breaker) = &self.breaker {
            found.take("breaker", breaker.validate());
        }
        if let Some(breaker) = &self.endpoint_breaker {
            found.take("endpoint_breaker", breaker.validate());
        }
        if let Some(bulkhead) = &self.bulkhead {
            found.take("bulkhead", bulkhead.validate());
        }
        if let Some(hold) = &self.hold {
            found.is_on("hold.mode", hold.mode);
            found.take("hold", hold.validate());
        }
    }

    /// Shedding goes by waits for permits, and the adaptive limit acts within them.
    fn check_overload(&self, found: &mut Findings) {
        let bulkhead = self.bulkhead.unwrap_or_default();
        if let Some(limit) = &self.concurrency {
            found.take("concurrency", limit.validate());
            let narrower = limit.min < bulkhead.permits || limit.min == 0;
            found.unless(narrower, "concurrency.min", limit.min, "below `bulkhead.permits`");
        }
        let Some(shed) = &self.shed else { return };
        found.take("shed", shed.validate());
        let queued = bulkhead.queue > 0;
        found.unless(queued, "shed", "set", "left out of a policy without a `bulkhead.queue`");
        let wait = shed.queue_wait;
        let permitted = "at most `bulkhead.max_wait`";
        let reached = !queued || wait <= bulkhead.max_wait;
        found.unless(reached, "shed.queue_wait", Shown(wait), permitted);
    }

    fn check_adaptive(&self, found: &mut Findings) {
        let Some(adaptive) = &self.adaptive else { return };
        found.is_on("adaptive_timeout.mode", adaptive.0.mode);
        found.take("adaptive_timeout", adaptive.0.validate());
        let floor = adaptive.0.floor;
        let below = floor < self.attempt();
        found.unless(below, "adaptive_timeout.floor", Shown(floor), "below the attempt timeout");
    }

    /// Endpoints bring mechanisms that have a mode.
    fn check_mode(&self, found: &mut Findings) {
        let asked = [
            self.rate.is_some(),
            self.shed.is_some(),
            self.throttle.is_some(),
            self.concurrency.is_some(),
            self.adaptive.is_some(),
            self.breaker.is_some(),
            self.hedge().is_some(),
            self.endpoints.is_some(),
        ];
        let acts = self.mode == Mode::Enforce || asked.contains(&true);
        let permitted = "left out where no mechanism has a mode";
        found.unless(acts, "mode", mode(self.mode), permitted);
    }

    fn check_endpoints(&self, found: &mut Findings) {
        if let Some(outlier) = &self.outlier {
            found.take("outlier", outlier.validate());
        }
        if let Some(balance) = &self.balance {
            found.take("balance", balance.validate());
        }
        match &self.endpoints {
            Some(endpoints) => self.check_list(endpoints, found),
            None => self.check_without_endpoints(found),
        }
    }

    fn check_without_endpoints(&self, found: &mut Findings) {
        let asked = [
            ("endpoint_breaker", self.endpoint_breaker.is_some()),
            ("outlier", self.outlier.is_some()),
            ("balance", self.balance.is_some()),
            ("when_all_down", self.when_all_down.is_some()),
            ("own_zone", self.own_zone.is_some()),
        ];
        for (field, _) in asked.into_iter().filter(|(_, asked)| *asked) {
            found.unless(false, field, "set", "left out of a policy without `endpoints`");
        }
    }

    fn check_list(&self, endpoints: &[EndpointSettings], found: &mut Findings) {
        let number = endpoints.len();
        found.unless((1..=ENDPOINTS_MAX).contains(&number), "endpoints", number, "1 to 1024");
        for (index, endpoint) in endpoints.iter().enumerate() {
            let name = &endpoint.name;
            let repeated = endpoints.iter().take(index).any(|earlier| earlier.name == *name);
            found.unless(!repeated, "endpoints", format_args!("`{name}` twice"), "distinct");
            found.unless(!name.is_empty(), "endpoints", "an empty name", "names with text");
            found.take("endpoints", endpoint.info.validate());
        }
        let weighs = endpoints.iter().any(|endpoint| endpoint.info.weight > 0);
        let permitted = "above 0 for one at least";
        found.unless(weighs || number == 0, "endpoints.weight", "0 for all", permitted);
        self.check_zones(found);
    }

    fn check_zones(&self, found: &mut Findings) {
        let zones = self.zones().len();
        found.unless(
            zones <= ZONES_MAX,
            "endpoints.zone",
            format_args!("{zones} zones"),
            "8 at most",
        );
        let Some(own) = &self.own_zone else { return };
        let known = self.zones().contains(&own);
        found.unless(known, "own_zone", format_args!("`{own}`"), "a zone that an endpoint is in");
        let twice = self.balance.is_some_and(|balance| balance.zone.is_some());
        found.unless(!twice, "own_zone", format_args!("`{own}`"), "left out beside `balance.zone`");
    }
}

/// A duration as users write it.
struct Shown(Duration);

impl Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
        Mode::Off => "off",
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
        value: impl Display,
        permitted: &'static str,
    ) {
        if !holds {
            self.mistakes.push(Invalid::new(field, value, permitted));
        }
    }

    /// Takes what the core says of the settings of a section.
    fn take(&mut self, section: &'static str, checked: Result<(), Invalid>) {
        self.mistakes.extend(checked.err().map(|invalid| invalid.within(section)));
    }

    fn positive(&mut self, field: &'static str, value: Duration) {
        self.unless(!value.is_zero(), field, Shown(value), "longer than zero");
    }

    /// Whoever asks for something wants it.
    fn is_on(&mut self, field: &'static str, asked: Mode) {
        let permitted = "`enforce` or `shadow` where it is asked for";
        self.unless(asked != Mode::Off, field, mode(asked), permitted);
    }
}
