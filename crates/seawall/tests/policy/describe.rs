//! The order that is printed is the order that runs.

use seawall::{
    AdaptiveTimeout, EndpointSettings, LimitSettings, Mode, Policy, RateLimit, Retry, ShedSettings,
    ThrottleSettings,
};

use crate::world::{permits, s, touchy};

#[test]
fn t171_the_layers_are_those_of_the_call_machine_in_its_order() {
    let text = Policy::builder().build().unwrap().describe();
    let printed: Vec<_> = text
        .lines()
        .filter_map(|line| line.trim_start().split_once(". "))
        .map(|(_, layer)| layer)
        .collect();
    assert_eq!(printed, seawall_core::call::Layer::ALL.map(seawall_core::call::Layer::describe));
}

#[test]
fn t171_each_layer_stands_beside_its_own_values() {
    let policy = Policy::builder()
        .name("users")
        .total_timeout(s(2))
        .retry(Retry::default())
        .breaker(touchy())
        .bulkhead(permits(8, 16))
        .endpoints(["a", "b"])
        .build()
        .unwrap();
    let expected = "\
policy users
operations: NOT idempotent: only what provably never reached the dependency is repeated
a call passes, from the outside in:
 1. guards: valid request, deadline not expired
      a call without time left is refused
 2. rate limit of calls
      absent
 3. shedding by priority
      absent
 4. fallback ladder: everything below can end in a rung of it
      each call brings its own, if any
 5. total deadline
      2s
 6. breaker of the upstream
      enforced: trips on 2 failures in a row; cool-down 5s to 60s
 7. retry and hedge loop under the attempt budget
      retries: 3 attempts at most; waits 50ms to 2s, times 200%; budget 20% of 10s, at least 10 a \
second; hedges: absent
 8. hold: calls wait through a short outage, within bounds
      absent
 9. client throttle: what the upstream would refuse is not sent
      absent
10. bulkhead of the upstream: a permit for each attempt
      8 permits, 16 may wait for 1s
11. endpoint choice: ejected, unhealthy and tried endpoints left out
      2 endpoints, PeakEwma, when all are down TryAll
12. breaker and outlier detector of the endpoint
      enforced: trips on 5 failures in a row or 50% failures of at least 20 in 10s; cool-down 5s \
to 60s; outlier detector enforced
13. attempt timeout
      600ms
";
    assert_eq!(policy.describe(), expected);
}

#[test]
fn t171_mechanisms_against_overload_show_their_values() {
    let policy = Policy::builder()
        .rate_limit(RateLimit::per_second(100).burst(20))
        .shed(ShedSettings::default())
        .throttle(ThrottleSettings::default())
        .bulkhead(permits(8, 16))
        .concurrency(LimitSettings { min: 2, initial: 4, ..LimitSettings::default() })
        .adaptive_timeout(AdaptiveTimeout::new())
        .endpoints([
            EndpointSettings::new("a").zone("east"),
            EndpointSettings::new("b").zone("west").level(1),
        ])
        .own_zone("east")
        .mode(Mode::Shadow)
        .build()
        .unwrap();
    let text = policy.describe();
    for line in [
        "in shadow: 1 in each 10ms, at most 20 at once, GCRA",
        "in shadow: while waits average 20ms over 1s; 5% always pass",
        "in shadow: beyond 200% of what was accepted in 30s (critical 400%, high 300%, low 110%)",
        "8 permits, 16 may wait for 1s; adaptive limit in shadow: up to 150% of the \
         latency of quiet times, 4 at first, 2 to 1000",
        "2 endpoints, PeakEwma, 2 levels, east of 2 zones preferred, when all are down TryAll",
        "10s; adaptive, in shadow: 200% of what 99% take, at least 50ms",
    ] {
        assert!(text.lines().any(|printed| printed.trim() == line), "{line}\n{text}");
    }
    assert!(!text.contains("enforced"), "{text}");
}

#[test]
fn t80_attempts_that_cannot_all_be_made_are_noted() {
    let policy = Policy::builder().attempt_timeout(s(5)).retry(Retry::attempts(3)).build().unwrap();
    let note = "note: 3 attempts that time out after 5s do not fit into 10s";
    assert_eq!(policy.describe().lines().last(), Some(note));
}
