//! `seawall sim` as a user meets it: exit status, what is printed, and the same outcome again.

#![expect(clippy::expect_used, reason = "a test's helpers fail like the test itself")]

use std::path::Path;
use std::process::{Command, Output};

/// A database at 40 % of its capacity, behind a gateway with defaults.
const SCENARIO: &str = r#"
[scenario]
title = "a quiet day"
horizon = "20s"
seeds = 4
seed = 7
[config.upstreams.db]
endpoints = ["127.0.0.1:1", "127.0.0.1:2"]
[load.shop]
route = "/"
rate = 80
[upstreams.db]
workers = 10
service = { dist = "exponential", mean = "100ms" }
[[events]]
at = "5s"
do = "crash"
target = "upstream:db#1"
for = "5s"
[expect]
success_rate = ">= 99%"
"#;

fn sim(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
    command.current_dir(folder).arg("sim").args(args);
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with the scenario and a variant of it.
fn folder(scenario: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a scratch folder");
    std::fs::write(folder.path().join("day.toml"), scenario).expect("it can be written");
    folder
}

#[test]
fn a_scenario_that_holds_says_so_and_prints_its_seed_first_and_last() {
    let folder = folder(SCENARIO);
    let output = sim(folder.path(), &["day.toml"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.first(), Some(&"a quiet day: seed 7"));
    let last = lines.last().expect("more than one line");
    assert!(last.contains("seed 7"), "{said}");
    assert!(said.contains("seawall sim day.toml --seed 7"), "{said}");
    assert!(said.contains("success_rate >= 99%"), "{said}");
    assert_eq!(text(&output.stderr), "", "progress is for terminals");
}

#[test]
fn an_expectation_that_fails_is_exit_status_1() {
    let folder =
        folder(&SCENARIO.replace(">= 99%", ">= 100%").replace("workers = 10", "workers = 1"));
    let output = sim(folder.path(), &["day.toml", "--seeds", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
}

#[test]
fn a_world_without_bound_is_unstable_and_exit_status_1() {
    let endless = SCENARIO
        .replace("horizon = \"20s\"", "horizon = \"10m\"\ncrowd_max = 300")
        .replace("[load.shop]\nroute = \"/\"", "[load.shop]\nservice = \"db\"")
        .replace("rate = 80", "rate = 400")
        .replace("success_rate = \">= 99%\"", "");
    let folder = folder(&endless);
    let output = sim(folder.path(), &["day.toml", "--seeds", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("unstable"), "{}", text(&output.stdout));
}

#[test]
fn what_cannot_be_read_is_exit_status_2_with_its_place() {
    let folder = folder(&SCENARIO.replace("route = \"/\"", "service = \"bd\""));
    let output = sim(folder.path(), &["day.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let why = "day.toml:10:11: unknown service \"bd\"; did you mean \"db\"?\n";
    assert_eq!(text(&output.stderr), why);
    let output = sim(folder.path(), &["night.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("cannot read night.toml"), "{output:?}");
}

#[test]
fn json_is_the_same_on_any_number_of_threads() {
    let folder = folder(SCENARIO);
    let json = |jobs| sim(folder.path(), &["day.toml", "--json", "-", "--jobs", jobs]).stdout;
    let one = json("1");
    assert_eq!(one, json("3"));
    let value: serde_json::Value = serde_json::from_slice(&one).expect("nothing but JSON");
    assert_eq!(value["seed"], "7");
    let other = sim(folder.path(), &["day.toml", "--json", "-", "--seed", "8"]).stdout;
    assert_ne!(one, other);
}

#[test]
fn another_config_takes_the_place_of_the_scenarios() {
    let folder = folder(SCENARIO);
    let config = "[upstreams.db]\nendpoints = [\"127.0.0.1:1\"]\n[defaults]\nretry = \"off\"\n";
    std::fs::write(folder.path().join("mine.toml"), config).expect("it can be written");
    let output = sim(folder.path(), &["day.toml", "-c", "mine.toml", "--seeds", "1"]);
    // One replica that crashes for a quarter of the time, and nobody tries again.
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("-c mine.toml"), "{}", text(&output.stdout));
}

#[test]
fn a_page_with_plots_is_written_beside_the_summary() {
    let folder = folder(SCENARIO);
    let output = sim(folder.path(), &["day.toml", "--seeds", "1", "--html", "day.html"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let page = std::fs::read_to_string(folder.path().join("day.html")).expect("it is there");
    assert!(page.contains("a quiet day") && page.contains("<svg"), "{}", page.len());
    let output = sim(folder.path(), &["day.toml", "--quiet", "--html", "no/such/folder.html"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""));
    assert!(text(&output.stderr).starts_with("cannot write no/such/folder.html: "), "{output:?}");
}
