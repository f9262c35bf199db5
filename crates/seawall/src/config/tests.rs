//! What a file says is what the policy does.

use std::future::ready;
use std::time::Duration;

use seawall_config::PolicyFile;

use crate::{EndpointSettings, Policy, Reason};

const FULL: &str = r#"
name = "orders"
safety = "idempotent"
priority = "low"
timeouts = { total = "4s", attempt = "1s" }
retry = { max_attempts = 2 }
bulkhead = { permits = 8, queue = 16, max_wait = "1s" }
rate_limit = { rate = "10/s", burst = 2 }
endpoints = [
    { address = "a", weight = 3, zone = "east" },
    { address = "b", zone = "west", level = 1 },
]
balance = { zone = { own = "west" } }
"#;

fn described(text: &str) -> String {
    Policy::from_toml(text, "orders.toml").unwrap().build().unwrap().describe()
}

#[test]
fn what_a_file_says_is_what_is_described() {
    let text = described(FULL);
    for part in [
        "policy orders",
        "operations: idempotent",
        "enforced: 1 in each 100ms, at most 2 at once, GCRA",
        "total deadline\n      4s",
        "retries: 2 attempts at most",
        "8 permits, 16 may wait for 1s",
        "2 endpoints, PeakEwma, 2 levels",
        "attempt timeout\n      1s",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn an_empty_file_has_the_defaults_of_the_gateway() {
    let text = described("");
    for part in ["retries: 3 attempts", "total deadline\n      10s", "enforced: trips on"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(text.contains("attempt\n      absent"), "nothing is bounded\n{text}");
}

#[test]
fn an_empty_file_says_what_the_standard_policy_is() {
    let resolved = |builder: crate::PolicyBuilder| {
        let endpoints = builder.endpoints(["a", "b"]);
        format!("{:#?}", endpoints.plan.resolve())
    };
    let from_file = Policy::from_toml("", "empty.toml").unwrap();
    assert_eq!(resolved(from_file), resolved(Policy::standard()));
    let described = |builder: crate::PolicyBuilder| builder.build().unwrap().describe();
    let from_file = Policy::from_toml("", "empty.toml").unwrap();
    assert_eq!(described(from_file), described(Policy::standard()));
}

#[test]
fn a_class_of_a_file_that_is_never_hedged_wins_over_its_hedges() {
    let hedged = "safety = \"idempotent\"\nhedge = { after = \"50ms\" }\n";
    let plan = |text: &str| Policy::from_toml(text, "orders.toml").unwrap().plan;
    assert!(plan(hedged).hedge.is_some());
    assert!(plan(&format!("class = \"batch\"\n{hedged}")).hedge.is_none());
}

#[test]
fn zones_keep_the_numbers_that_the_file_gave_them() {
    let settings = PolicyFile::parse(FULL, "orders.toml").unwrap().into_settings();
    let own = settings.upstream.balance.zone.map(|zone| zone.own);
    let plan = crate::settings::Plan::from(settings);
    assert_eq!(plan.zone(&"west".into()), own);
    assert_eq!(plan.resolve().upstream.balance.zone.map(|zone| zone.own), own);
}

#[test]
fn endpoints_of_the_program_get_what_the_file_says_of_endpoints() {
    let file = "ejection = { max = \"600s\" }\nwhen_all_down = \"open\"";
    let builder = Policy::from_toml(file, "orders.toml").unwrap();
    let policy = builder.endpoints([EndpointSettings::new("mine")]).build().unwrap();
    assert!(policy.describe().contains("when all are down Refuse"), "{}", policy.describe());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_has_changed_reconfigures_and_keeps_what_was_learned() {
    let policy = Policy::from_toml(FULL, "orders.toml").unwrap().build().unwrap();
    let call = || policy.call(|_| ready(Ok::<_, String>(7)));
    assert_eq!((call().await, call().await), (Ok(7), Ok(7)));
    let slower = FULL.replace("10/s", "1/s");
    let settings = PolicyFile::parse(&slower, "orders.toml").unwrap().into_settings();
    policy.reconfigure(|policy| policy.settings(settings)).unwrap();
    let refused = call().await.unwrap_err();
    assert_eq!(refused.reason(), Reason::RateLimited, "the debt is kept");
    assert!(refused.retry_after() > Some(Duration::from_millis(100)), "{refused}");
}

#[test]
fn mistakes_of_a_file_are_told_with_their_place() {
    let wrong = Policy::from_toml("retry = { max_attempts = 0 }", "orders.toml").unwrap_err();
    assert!(wrong.to_string().starts_with("orders.toml:1:"), "{wrong}");
}
