//! Settings that cannot work are refused, with the field, the value and what is permitted.

use std::time::Duration;

use seawall::{
    BackoffSettings, BreakerSettings, BulkheadSettings, CoolDown, Policy, PolicyBuilder, Ratio,
    Retry, WindowKind,
};

use crate::world::{ms, permits, s};

type Case = (fn(PolicyBuilder) -> PolicyBuilder, &'static str);

const CASES: &[Case] = &[
    (|p| p.total_timeout(s(0)), "`total_timeout` is 0ns, but must be longer than zero"),
    (|p| p.attempt_timeout(s(0)), "`attempt_timeout` is 0ns, but must be longer than zero"),
    (|p| p.attempt_timeout(s(30)), "`attempt_timeout` is 30s, but must be at most `total_timeout`"),
    (|p| p.retry(Retry::attempts(0)), "`retry.attempts` is 0, but must be 1 to 10"),
    (|p| p.retry(Retry::attempts(11)), "`retry.attempts` is 11, but must be 1 to 10"),
    (
        |p| p.retry(Retry::default().backoff(BackoffSettings { cap: ms(1), ..backoff() })),
        "`retry.backoff.cap` is 1ms, but must be at least `base`",
    ),
    (
        |p| p.retry(Retry::default().backoff(BackoffSettings { factor: half(), ..backoff() })),
        "`retry.backoff.factor` is 50%, but must be at least 100%",
    ),
    (|p| p.bulkhead(permits(0, 0)), "`bulkhead.permits` is 0, but must be at least 1"),
    (
        |p| p.bulkhead(BulkheadSettings { max_wait: Duration::ZERO, ..permits(1, 1) }),
        "`bulkhead.max_wait` is 0ns, but must be longer than zero where there is a queue",
    ),
    (
        |p| p.breaker(BreakerSettings { failure_rate: Some(Ratio::ZERO), ..breaker() }),
        "`breaker.failure_rate` is 0%, but must be above 0% and at most 100%",
    ),
    (
        |p| p.breaker(BreakerSettings { failure_rate: None, ..breaker() }),
        "`breaker` is without a condition, but must be given one that trips it",
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
        "`breaker.window` is 0ns, but must be longer than zero",
    ),
    (
        |p| p.breaker(BreakerSettings { cool_down: CoolDown { max: s(1), ..cool() }, ..breaker() }),
        "`breaker.cool_down.max` is 1s, but must be at least `base`",
    ),
    (|p| p.endpoints(Vec::<String>::new()), "`endpoints` is 0, but must be 1 to 1024"),
    (|p| p.endpoints(["a", "a"]), "`endpoints` is `a` twice, but must be distinct"),
    (
        |p| p.endpoint_breaker(breaker()),
        "`endpoint_breaker` is set, but must be left out of a policy without `endpoints`",
    ),
];

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
fn what_cannot_work_is_refused_with_what_would() {
    for (describe, expected) in CASES {
        let refused = describe(Policy::builder()).build().expect_err(expected);
        assert_eq!(refused.to_string(), format!("the policy cannot work: {expected}"));
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let described = Policy::builder().total_timeout(s(0)).bulkhead(permits(0, 0));
    let refused = described.build().unwrap_err();
    let fields: Vec<_> = refused.mistakes().iter().map(|mistake| mistake.field()).collect();
    assert_eq!(fields, ["total_timeout", "bulkhead.permits"]);
}

#[test]
fn the_attempt_timeout_follows_from_the_total() {
    for (policy, expected) in [
        (Policy::builder(), "10s"),
        (Policy::builder().retry(Retry::default()), "3s"),
        (Policy::builder().total_timeout(s(2)).retry(Retry::default()), "600ms"),
        (Policy::builder().no_total_timeout(), "3s"),
    ] {
        let text = policy.build().unwrap().describe();
        assert_eq!(text.lines().last().map(str::trim), Some(expected), "{text}");
    }
}
