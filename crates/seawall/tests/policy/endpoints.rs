//! Policies with endpoints.

use std::cell::Cell;
use std::future::ready;

use seawall::{Algorithm, BalanceSettings, Policy};

use crate::world::{ms, steady};

#[tokio::test(start_paused = true)]
async fn t52_a_retry_goes_to_another_endpoint() {
    let policy = Policy::builder()
        .endpoints(["a:1", "b:1", "c:1"])
        .retry(steady(3))
        .idempotent()
        .build()
        .unwrap();
    let tried = Cell::new(Vec::new());
    let ended = policy.call(|attempt| {
        let endpoint = attempt.endpoint().unwrap();
        assert_eq!(["a:1", "b:1", "c:1"][endpoint.index()], endpoint.name());
        let mut list = tried.take();
        list.push(endpoint.index());
        tried.set(list);
        ready(Err::<(), _>("down"))
    });
    assert!(ended.await.is_err());
    let mut tried = tried.take();
    tried.sort_unstable();
    assert_eq!(tried, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_endpoint_gets_no_more_than_a_few_attempts() {
    let policy = Policy::builder()
        .endpoints(["dead", "alive"])
        .retry(steady(3))
        .idempotent()
        .balance(BalanceSettings { algorithm: Algorithm::RoundRobin, ..Default::default() })
        .build()
        .unwrap();
    let dead = Cell::new(0);
    for _ in 0..100 {
        let ended = policy.call(|attempt| {
            let is_dead = attempt.endpoint().unwrap().name() == "dead";
            dead.set(dead.get() + u32::from(is_dead));
            ready(if is_dead { Err("down") } else { Ok(()) })
        });
        assert_eq!(ended.await, Ok(()));
        tokio::time::advance(ms(1)).await;
    }
    assert!((1..=6).contains(&dead.get()), "{}", dead.get());
}

#[tokio::test(start_paused = true)]
async fn endpoints_may_change_while_the_policy_runs() {
    let policy = Policy::builder().endpoints(["a", "b"]).build().unwrap();
    policy.reconfigure(|policy| policy.endpoints(["c"])).unwrap();
    let name = |attempt: seawall::Attempt| {
        ready(Ok::<_, String>(attempt.endpoint().unwrap().name().to_owned()))
    };
    for _ in 0..10 {
        assert_eq!(policy.call(name).await.as_deref(), Ok("c"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_endpoints_names_none() {
    let policy = Policy::builder().build().unwrap();
    let call = policy.call(|attempt| ready(Ok::<_, String>(attempt.endpoint().is_none())));
    assert_eq!(call.await, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_affinity_go_to_one_endpoint() {
    let keyed = BalanceSettings { algorithm: Algorithm::Rendezvous, ..Default::default() };
    let names: Vec<_> = (0..8).map(|number| format!("host-{number}")).collect();
    let policy = Policy::builder().endpoints(names).balance(keyed).build().unwrap();
    let mut places = std::collections::BTreeSet::new();
    for user in 0..20 {
        let place =
            |attempt: seawall::Attempt| ready(Ok::<_, String>(attempt.endpoint().unwrap().index()));
        let first = policy.call(place).affinity(user).await.unwrap();
        assert_eq!(policy.call(place).affinity(user).await, Ok(first));
        places.insert(first);
    }
    assert!(places.len() > 2, "all users at {places:?}");
}
