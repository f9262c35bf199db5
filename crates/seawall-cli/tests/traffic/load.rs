//! Load generators: every request of a healthy service is answered, and every one is counted.

use std::process::Command;

use crate::ordinary;
use crate::support::gateway::{Ended, Gateway, finish};
use crate::support::program;

fn run(name: &str, args: &[&str]) -> Option<Ended> {
    let mut command = Command::new(program(name)?);
    command.args(args);
    let ended = finish(command);
    assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
    Some(ended)
}

/// The number in front of `word`.
fn number_before(text: &str, word: &str) -> u64 {
    let (before, _) = text.split_once(word).unwrap_or_else(|| panic!("no {word:?} in {text}"));
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap();
    digits.parse().unwrap_or_else(|_| panic!("no number before {word:?} in {text}"))
}

/// Nothing failed and nothing was answered by the gateway itself.
fn assert_all_is_well(gateway: &Gateway) -> u64 {
    let status = gateway.wait_for_status("every call is over", |status| {
        status["upstreams"][0]["endpoints"][0]["active"] == 0
    });
    let totals = &status["upstreams"][0]["totals"];
    assert_eq!(totals["failed_total"], 0, "{totals}");
    assert_eq!(gateway.count("seawall_local_answers_total", ""), 0);
    assert_eq!(gateway.count("seawall_answers_total", "status=\"5xx\""), 0);
    totals["calls_total"].as_u64().unwrap()
}

#[test]
fn wrk_with_256_connections_sees_no_error() {
    let (origin, gateway) = ordinary();
    let url = gateway.url("/hello");
    let Some(ended) = run("wrk", &["-c", "256", "-t", "2", "-d", "3s", &url]) else { return };
    assert!(!ended.stdout.contains("Socket errors"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("Non-2xx"), "{}", ended.stdout);
    let answered = number_before(&ended.stdout, " requests in");
    assert!(answered > 1_000, "{}", ended.stdout);
    let calls = assert_all_is_well(&gateway);
    // At the end wrk drops what is still under way: at most one request on each connection.
    assert!((answered..=answered + 256).contains(&calls), "{calls} calls, {answered} answered");
    assert!((answered..=answered + 256).contains(&origin.requests()), "{}", origin.requests());
    assert!(origin.connections() <= 2 * 256, "{} connections", origin.connections());
}

#[test]
fn h2load_with_32_streams_a_connection_sees_no_error() {
    let (origin, gateway) = ordinary();
    let args = ["-c", "8", "-m", "32", "-n", "20000", &gateway.url("/hello")];
    let Some(ended) = run("h2load", &args) else { return };
    assert!(ended.stdout.contains("Application protocol: h2c"), "{}", ended.stdout);
    for (word, count) in
        [(" succeeded,", 20_000), (" failed,", 0), (" errored,", 0), (" timeout\n", 0)]
    {
        assert_eq!(number_before(&ended.stdout, word), count, "{}", ended.stdout);
    }
    assert_eq!(number_before(&ended.stdout, " 2xx,"), 20_000, "{}", ended.stdout);
    assert_eq!(assert_all_is_well(&gateway), 20_000);
    assert_eq!(origin.requests(), 20_000);
    assert!(origin.connections() <= 2 * 8 * 32, "{} connections", origin.connections());
}
