//! Callers of whom each has one call at a time: however many they are, a limit at endpoints refuses
//! none of them and costs no throughput.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail like the test itself"
)]

use seawall_core::time::Duration;
use seawall_sim::dist::Distribution;
use seawall_sim::run::{Settings, run};
use seawall_sim::scenario::Scenario;

/// Some calls for three seconds, from which latency is known, and then the callers.
const TEXT: &str = r#"
[scenario]
title = "closed loop"
horizon = "5s"
warmup = "3s"
[config.upstreams.shop]
endpoints = ENDPOINTS
endpoint_limit = { mode = "enforce" }
[[config.routes]]
path = "/"
upstream = "shop"
[network]
all = "50us"
[upstreams.shop]
workers = 1
service = "5ms"
abandoned_work = "continues"
[load.before]
route = "/"
rate = { shape = "steps", points = [["0s", 50], ["3s", 0]] }
[load.crowd]
route = "/"
users = 64
[sweep]
"upstreams.shop.service" = SERVICES
"upstreams.shop.workers" = [1, 4]
"load.crowd.users" = USERS
"#;

/// Runs each point, and asserts that nobody is refused and at least 95 % of the capacity are done.
fn nobody_is_refused(endpoints: u32, services: &str, users: &str) {
    let addresses: Vec<String> =
        (0..endpoints).map(|n| format!("\"127.0.0.1:{}\"", 9001 + n)).collect();
    let text = TEXT
        .replace("ENDPOINTS", &format!("[{}]", addresses.join(", ")))
        .replace("SERVICES", services)
        .replace("USERS", users);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("closed.toml");
    std::fs::write(&path, text).expect("it can be written");
    let mut scenario = match Scenario::load(&path) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{error}"),
    };
    for point in &mut scenario.points {
        for load in point.plan.loads.iter_mut().filter(|load| load.name == "crowd") {
            load.first = Some(Distribution::Constant(Duration::from_secs(3)));
        }
    }
    let settings = Settings { seed: 1, seeds: Some(1), jobs: 2, command: String::new() };
    let outcome = run(&scenario, &settings, &|_, _| {});
    for point in &outcome.points {
        let axes = outcome.axes.iter().zip(&point.values);
        let values: Vec<&str> = axes.map(|(axis, value)| axis.values[*value].as_str()).collect();
        let work = if values[0].contains("us") { 0.0002 } else { 0.005 };
        let workers = if values[1] == "1" { 1.0 } else { 4.0 };
        let capacity = f64::from(endpoints) * workers / work;
        let verdict = &point.runs[0].verdict;
        assert!(verdict.refused_rate <= 0.0, "{values:?}: {} refused", verdict.refused_rate);
        assert!(verdict.goodput >= 0.95 * capacity, "{values:?}: {} a second", verdict.goodput);
    }
}

#[test]
fn callers_of_one_endpoint_wait_and_are_not_refused() {
    nobody_is_refused(1, r#"["5ms"]"#, "[64, 256, 512]");
    nobody_is_refused(1, r#"["200us"]"#, "[512]");
}

#[test]
fn callers_of_three_endpoints_wait_and_are_not_refused() {
    nobody_is_refused(3, r#"["5ms"]"#, "[64, 256, 512]");
    nobody_is_refused(3, r#"["200us"]"#, "[256]");
}

#[test]
fn chance_in_their_work_changes_nothing() {
    nobody_is_refused(3, r#"[{ dist = "exponential", mean = "5ms" }]"#, "[64, 512]");
    nobody_is_refused(1, r#"[{ dist = "exponential", mean = "200us" }]"#, "[256]");
}
