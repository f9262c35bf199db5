//! The order that is printed is the order that runs.

use seawall::{Policy, Retry};

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
 2. fallback ladder: everything below can end in a rung of it
      each call brings its own, if any
 3. total deadline
      2s
 4. breaker of the upstream
      enforced: trips on 2 failures in a row; cool-down 5s to 60s
 5. retry and hedge loop under the attempt budget
      retries: 3 attempts at most; waits 50ms to 2s, times 200%; budget 20% of 10s, at least 10 a \
second; hedges: absent
 6. bulkhead of the upstream: a permit for each attempt
      8 permits, 16 may wait for 1s
 7. endpoint choice: ejected, unhealthy and tried endpoints left out
      2 endpoints, PeakEwma, when all are down TryAll
 8. breaker and outlier detector of the endpoint
      enforced: trips on 5 failures in a row or 50% failures of at least 20 in 10s; cool-down 5s \
to 60s; outlier detector enforced
 9. attempt timeout
      600ms
";
    assert_eq!(policy.describe(), expected);
}

#[test]
fn t80_attempts_that_cannot_all_be_made_are_noted() {
    let policy = Policy::builder().attempt_timeout(s(5)).retry(Retry::attempts(3)).build().unwrap();
    let note = "note: 3 attempts that time out after 5s do not fit into 10s";
    assert_eq!(policy.describe().lines().last(), Some(note));
}
