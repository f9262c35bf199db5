//! Settings that cannot work are refused, with the field, the value and what is permitted.

use std::time::Duration;

use seawall::{
    AdaptiveSettings, AdaptiveTimeout, BackoffSettings, BalanceSettings, BreakerSettings,
    BudgetSettings, BulkheadSettings, Class, CoolDown, EndpointSettings, Hedge, HedgeSettings,
    Invalid, LimitSettings, LimiterSettings, Mode, OperationClass, OperationKind, OptIn, OptIns,
    OutlierSettings, Override, Policy, PolicyBuilder, RateAlgorithm, RateLimit, Ratio, Retry,
    RetryRule, Row, ShedSettings, ThrottleSettings, WhenAllDown, WindowKind, WindowLimit,
};

use crate::world::{ms, permits, s};

type Case = (fn(PolicyBuilder) -> PolicyBuilder, &'static str);

const TIMES: &[Case] = &[
    (|p| p.total_timeout(s(0)), "`total_timeout` is 0ns, but must be longer than zero"),
    (|p| p.attempt_timeout(s(0)), "`attempt_timeout` is 0ns, but must be longer than zero"),
    (|p| p.attempt_timeout(s(30)), "`attempt_timeout` is 30s, but must be at most `total_timeout`"),
    (
        |p| p.total_timeout(s(2)).attempt_timeout(s(1)).class(OperationClass::Batch),
        "`class` is batch, but must be left out beside `total_timeout` and `attempt_timeout`",
    ),
    (
        |p| p.class(OperationClass::Standard).kind(OperationKind::Query),
        "`kind` is query, but must be left out beside `class`",
    ),
    (
        |p| {
            let timed = p.no_total_timeout().attempt_timeout(s(1));
            timed.retry(Retry::default()).kind(OperationKind::Query)
        },
        "`kind` is query, but must be left out beside `total_timeout`, `attempt_timeout` and \
         `retry`",
    ),
    (
        |p| p.adaptive_timeout(AdaptiveTimeout::new().factor(Ratio::ONE)),
        "`adaptive_timeout.factor` is 100%, but must be above 100%",
    ),
    (
        |p| p.adaptive_timeout(AdaptiveTimeout::new().quantile(Ratio::ZERO)),
        "`adaptive_timeout.quantile` is 0%, but must be above 0% and at most 100%",
    ),
    (
        |p| p.adaptive_timeout(AdaptiveTimeout::new().floor(s(0))),
        "`adaptive_timeout.floor` is 0ns, but must be above 0",
    ),
    (
        |p| p.adaptive_timeout(AdaptiveTimeout::new().floor(s(10))),
        "`adaptive_timeout.floor` is 10s, but must be below the attempt timeout",
    ),
    (
        |p| p.adaptive_timeout(AdaptiveSettings::default()),
        "`adaptive_timeout.mode` is off, but must be `enforce` or `shadow` where it is asked for",
    ),
];

const EXTRA_ATTEMPTS: &[Case] = &[
    (|p| p.retry(Retry::attempts(0)), "`retry.attempts` is 0, but must be 1 to 10"),
    (|p| p.retry(Retry::attempts(11)), "`retry.attempts` is 11, but must be 1 to 10"),
    (
        |p| p.retry(Retry::default().backoff(BackoffSettings { cap: ms(1), ..backoff() })),
        "`retry.backoff.cap` is 1 ms, but must be at least base",
    ),
    (
        |p| p.retry(Retry::default().backoff(BackoffSettings { factor: half(), ..backoff() })),
        "`retry.backoff.factor` is 50%, but must be at least 100%",
    ),
    (
        |p| {
            p.retry(Retry::default().throttled_backoff(BackoffSettings { cap: ms(1), ..backoff() }))
        },
        "`retry.throttled_backoff.cap` is 1 ms, but must be at least base",
    ),
    (
        |p| p.retry(Retry::default().budget(BudgetSettings { window: s(0), ..budget() })),
        "`retry.budget.window` is 0 ns, but must be at least 10 ms",
    ),
    (
        |p| p.retry(Retry::default().budget(BudgetSettings { ratio: double(), ..budget() })),
        "`retry.budget.ratio` is 200%, but must be at most 100%",
    ),
    (
        |p| p.opt_ins(OptIns { on_500: OptIn::IfSafe, ..OptIns::default() }),
        "`opt_ins` is set, but must be left out of a policy without `retry` and `hedge`",
    ),
    (|p| p.hedge(Hedge::after(s(0))), "`hedge.delay` is 0ns, but must be above 0"),
    (
        |p| p.hedge(Hedge::after(s(10))),
        "`hedge.delay` is 10s, but must be below the attempt timeout",
    ),
    (|p| p.hedge(Hedge::adaptive().max_extra(0)), "`hedge.max_extra` is 0, but must be 1 to 3"),
    (
        |p| p.hedge(Hedge::adaptive().share(Ratio::ZERO)),
        "`hedge.share` is 0%, but must be above 0% and at most 100%",
    ),
    (
        |p| p.hedge(HedgeSettings::default()),
        "`hedge.mode` is off, but must be `enforce` or `shadow` where it is asked for",
    ),
    (
        |p| p.class(OperationClass::Batch).hedge(Hedge::adaptive()),
        "`hedge` is set, but must be left out of a policy of the class batch or stream",
    ),
];

const GATES: &[Case] = &[
    (
        |p| p.rate_limit(RateLimit::per_second(1).burst(0)),
        "`rate_limit.burst` is 0, but must be at least 1",
    ),
    (
        |p| p.rate_limit(RateLimit::new(1, s(0))),
        "`rate_limit.rate.period` is 0ns, but must be 1 ns to 366 days",
    ),
    (
        |p| p.rate_limit(windowed(s(0))),
        "`rate_limit.window` is 0, but must be 1 ns to 366 days, in nanoseconds",
    ),
    (
        |p| p.rate_limit(RateLimit::from(windowed(s(1))).burst(3)),
        "`rate_limit.burst` is 3, but must be left out of an algorithm that has none",
    ),
    (
        |p| p.throttle(ThrottleSettings { low: half(), ..ThrottleSettings::default() }),
        "`throttle.low` is 50%, but must be at least 100%",
    ),
    (
        |p| p.throttle(ThrottleSettings { window: s(0), ..ThrottleSettings::default() }),
        "`throttle.window` is 0, but must be 10 to 3600000, in milliseconds",
    ),
    (|p| p.bulkhead(permits(0, 0)), "`bulkhead.permits` is 0, but must be at least 1"),
    (
        |p| p.bulkhead(BulkheadSettings { max_wait: Duration::ZERO, ..permits(1, 1) }),
        "`bulkhead.max_wait` is 0, but must be above zero where there is a queue",
    ),
    (
        |p| p.bulkhead(permits(4, 0)).concurrency(LimitSettings::default()),
        "`concurrency.min` is 4, but must be below `bulkhead.permits`",
    ),
    (
        |p| p.concurrency(LimitSettings { min: 0, ..LimitSettings::default() }),
        "`concurrency.min` is 0, but must be at least 1",
    ),
    (
        |p| p.concurrency(LimitSettings { max: 2, ..LimitSettings::default() }),
        "`concurrency.max` is 2, but must be at least min and at most 1000000",
    ),
    (
        |p| p.shed(ShedSettings::default()),
        "`shed` is set, but must be left out of a policy without a `bulkhead.queue`",
    ),
    (
        |p| p.bulkhead(permits(1, 1)).shed(ShedSettings { queue_wait: s(2), ..shed() }),
        "`shed.queue_wait` is 2s, but must be at most `bulkhead.max_wait`",
    ),
    (
        |p| p.bulkhead(permits(1, 1)).shed(ShedSettings { shrink: Ratio::ONE, ..shed() }),
        "`shed.shrink` is 100%, but must be above 0% and below 100%",
    ),
    (
        |p| p.bulkhead(permits(1, 1)).mode(Mode::Shadow),
        "`mode` is shadow, but must be left out where no mechanism has a mode",
    ),
];

const BREAKERS: &[Case] = &[
    (
        |p| p.breaker(BreakerSettings { failure_rate: Some(Ratio::ZERO), ..breaker() }),
        "`breaker.failure_rate` is 0%, but must be above 0% and at most 100%",
    ),
    (
        |p| p.breaker(BreakerSettings { failure_rate: None, ..breaker() }),
        "`breaker.consecutive` is off, but must be set, or failure_rate, or slow_calls: nothing \
         would trip",
    ),
    (
        |p| p.breaker(BreakerSettings { max_probes: 0, ..breaker() }),
        "`breaker.max_probes` is 0, but must be at least 1",
    ),
    (
        |p| p.breaker(BreakerSettings { window: WindowKind::Calls(10), ..breaker() }),
        "`breaker.min_calls` is 20, but must be at most the calls of the window",
    ),
    (
        |p| p.breaker(BreakerSettings { window: WindowKind::Time(s(0)), ..breaker() }),
        "`breaker.window` is 0 ms, but must be 10 ms to 24 h",
    ),
    (
        |p| p.breaker(BreakerSettings { cool_down: CoolDown { max: s(1), ..cool() }, ..breaker() }),
        "`breaker.cool_down.max` is 1000 ms, but must be at least cool_down.base",
    ),
    (
        |p| p.endpoints(["a"]).endpoint_breaker(BreakerSettings { max_probes: 0, ..breaker() }),
        "`endpoint_breaker.max_probes` is 0, but must be at least 1",
    ),
];

const ENDPOINTS: &[Case] = &[
    (|p| p.endpoints(Vec::<String>::new()), "`endpoints` is 0, but must be 1 to 1024"),
    (|p| p.endpoints(["a", "a"]), "`endpoints` is `a` twice, but must be distinct"),
    (|p| p.endpoints([""]), "`endpoints` is an empty name, but must be names with text"),
    (
        |p| p.endpoints([EndpointSettings::new("a").weight(70_000)]),
        "`endpoints.weight` is 70000, but must be 0 to 65535",
    ),
    (
        |p| p.endpoints([EndpointSettings::new("a").weight(0)]),
        "`endpoints.weight` is 0 for all, but must be above 0 for one at least",
    ),
    (
        |p| p.endpoints([EndpointSettings::new("a").level(8)]),
        "`endpoints.level` is 8, but must be 0 to 7",
    ),
    (
        |p| {
            p.endpoints(
                ('a'..='i').map(|c| EndpointSettings::new(String::from(c)).zone(String::from(c))),
            )
        },
        "`endpoints.zone` is 9 zones, but must be 8 at most",
    ),
    (
        |p| p.endpoints(["a"]).own_zone("east"),
        "`own_zone` is `east`, but must be a zone that an endpoint is in",
    ),
    (
        |p| p.endpoint_breaker(breaker()),
        "`endpoint_breaker` is set, but must be left out of a policy without `endpoints`",
    ),
    (
        |p| p.outlier(OutlierSettings::default()),
        "`outlier` is set, but must be left out of a policy without `endpoints`",
    ),
    (
        |p| p.balance(BalanceSettings::default()),
        "`balance` is set, but must be left out of a policy without `endpoints`",
    ),
    (
        |p| p.when_all_down(WhenAllDown::Refuse),
        "`when_all_down` is set, but must be left out of a policy without `endpoints`",
    ),
    (
        |p| p.own_zone("east"),
        "`own_zone` is set, but must be left out of a policy without `endpoints`",
    ),
    (
        |p| {
            p.endpoints(["a"]).outlier(OutlierSettings { max: ms(1), ..OutlierSettings::default() })
        },
        "`outlier.max` is 1 ms, but must be at least base",
    ),
    (
        |p| {
            p.endpoints(["a"])
                .balance(BalanceSettings { decay: s(0), ..BalanceSettings::default() })
        },
        "`balance.decay` is 0s, but must be above 0s",
    ),
    (
        |p| {
            p.overrides([Override {
                row: Row::Status(42),
                class: Class::Success,
                retry: RetryRule::Never,
            }])
        },
        "`overrides.row` is 42, but must be a status from 100 to 999",
    ),
];

fn windowed(window: Duration) -> LimiterSettings {
    let algorithm = RateAlgorithm::FixedWindow(WindowLimit { limit: 1, window });
    LimiterSettings { algorithm, adaptive: None, mode: Mode::Enforce }
}

fn shed() -> ShedSettings {
    ShedSettings::default()
}

fn budget() -> BudgetSettings {
    BudgetSettings::default()
}

fn double() -> Ratio {
    Ratio::from_percent(200)
}

fn half() -> Ratio {
    Ratio::from_percent(50)
}

fn backoff() -> BackoffSettings {
    BackoffSettings::transient()
}

fn breaker() -> BreakerSettings {
    BreakerSettings::for_upstream()
}

fn cool() -> CoolDown {
    breaker().cool_down
}

#[test]
fn t89_what_cannot_work_or_would_do_nothing_is_refused_with_what_would() {
    for (describe, expected) in [TIMES, EXTRA_ATTEMPTS, GATES, BREAKERS, ENDPOINTS].concat() {
        let refused = describe(Policy::builder()).build().expect_err(expected);
        assert_eq!(refused.to_string(), format!("the policy cannot work: {expected}"));
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let described = Policy::builder().total_timeout(s(0)).bulkhead(permits(0, 0));
    let refused = described.build().unwrap_err();
    let fields: Vec<_> = refused.mistakes().iter().map(Invalid::path).collect();
    assert_eq!(fields, ["total_timeout", "bulkhead.permits"]);
}

#[test]
fn the_attempt_timeout_follows_from_the_total() {
    for (policy, expected) in [
        (Policy::builder(), "10s"),
        (Policy::builder().retry(Retry::default()), "3s"),
        (Policy::builder().total_timeout(s(2)).retry(Retry::default()), "600ms"),
        (Policy::builder().no_total_timeout(), "3s"),
        (Policy::builder().class(OperationClass::Interactive), "600ms"),
        (Policy::builder().class(OperationClass::Batch).attempt_timeout(s(7)), "7s"),
        (Policy::builder().class(OperationClass::Batch).total_timeout(s(5)), "5s"),
        (Policy::builder().kind(OperationKind::Cache), "50ms"),
        (Policy::builder().kind(OperationKind::External), "15s"),
    ] {
        let text = policy.build().unwrap().describe();
        assert_eq!(text.lines().last().map(str::trim), Some(expected), "{text}");
    }
}

#[test]
fn presets_bring_the_retries_and_hedges_of_what_they_name() {
    let text = Policy::builder().kind(OperationKind::Report).build().unwrap().describe();
    assert!(text.contains("retries: 2 attempts at most"), "{text}");
    let text = Policy::builder().kind(OperationKind::Upload).build().unwrap().describe();
    assert!(text.contains("retries: absent; hedges: absent"), "{text}");
    let text = Policy::builder().class(OperationClass::Interactive).build().unwrap().describe();
    assert!(text.contains("retries: absent; hedges: enforced"), "{text}");
    let text = Policy::builder().class(OperationClass::Stream).build().unwrap().describe();
    assert!(text.contains("total deadline\n      off"), "{text}");
}

#[test]
fn ratios_that_are_no_share_never_get_as_far_as_a_policy() {
    for share in [f64::NAN, -0.5, f64::INFINITY] {
        let invalid = Ratio::try_from(share).unwrap_err();
        assert_eq!(invalid.permitted(), "a number from 0 to 4294");
    }
}
