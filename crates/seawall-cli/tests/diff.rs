//! `seawall diff` and `seawall check --prove` as a user meets them.
#![expect(clippy::expect_used, reason = "a test's helpers fail like the test itself")]

use std::path::Path;
use std::process::{Command, Output};

const OLD: &str = "[upstreams.db]\nendpoints = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n\
                   bulkhead = { permits = 20, queue = 0 }\n\
                   [[routes]]\npath = \"/\"\nupstream = \"db\"\n\
                   [assume.routes.\"/\"]\nrate = 100\n\
                   [assume.upstreams.db.latency]\nmean = \"200ms\"\n";

/// A database that is slow enough for twenty permits to be too few.
const SCENARIO: &str = r#"
[scenario]
title = "a busy minute"
horizon = "20s"
seed = 7
[config.upstreams.db]
endpoints = ["127.0.0.1:1"]
[load.shop]
route = "/"
rate = 100
[upstreams.db]
replicas = 2
workers = 100
service = { dist = "exponential", mean = "200ms" }
"#;

fn seawall(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
    let output: Output = command.current_dir(folder).args(args).output().expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A folder with both configs and the scenario.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("it can be written");
    };
    write("old.toml", OLD);
    write("new.toml", &OLD.replace("permits = 20", "permits = 40"));
    write("day.toml", SCENARIO);
    folder
}

#[test]
fn equal_configs_are_exit_status_0() {
    let folder = folder();
    let (code, said, _) = seawall(folder.path(), &["diff", "old.toml", "old.toml"]);
    assert_eq!((code, said.as_str()), (Some(0), "no setting differs\n"));
}

#[test]
fn a_difference_is_exit_status_1_and_has_both_lines() {
    let folder = folder();
    let (code, said, _) = seawall(folder.path(), &["diff", "old.toml", "new.toml"]);
    assert_eq!(code, Some(1), "{said}");
    let line = "upstreams.db.bulkhead.permits: 20 (old.toml:3) → 40 (new.toml:3)";
    assert!(said.contains(line), "{said}");
}

#[test]
fn what_cannot_be_read_is_exit_status_2() {
    let folder = folder();
    let (code, _, why) = seawall(folder.path(), &["diff", "old.toml", "none.toml"]);
    assert_eq!(code, Some(2));
    assert!(why.starts_with("cannot read none.toml"), "{why}");
    let args = ["diff", "old.toml", "new.toml", "--simulate", "none.toml"];
    assert_eq!(seawall(folder.path(), &args).0, Some(2));
}

#[test]
fn a_scenario_shows_the_difference_with_its_interval_and_the_same_again() {
    let folder = folder();
    let args = ["diff", "old.toml", "new.toml", "--simulate", "day.toml", "--seeds", "6"];
    let (code, said, why) = seawall(folder.path(), &args);
    assert_eq!(code, Some(1), "{said}{why}");
    assert!(said.contains("refused_rate"), "{said}");
    assert!(said.contains("seawall sim day.toml -c new.toml --seed 7 --seeds 6"), "{said}");
    assert_eq!(seawall(folder.path(), &args).1, said);
    let (_, json, _) = seawall(folder.path(), &[&args[..], &["--json"]].concat());
    let value: serde_json::Value = serde_json::from_str(&json).expect("nothing but JSON");
    assert!(value["changes"].as_array().is_some_and(|changes| !changes.is_empty()), "{json}");
    assert!(value["comparison"]["points"].is_array(), "{json}");
}

#[test]
fn a_finding_is_shown_with_the_present_value_and_with_the_fix() {
    let folder = folder();
    let (code, said, why) = seawall(folder.path(), &["check", "old.toml", "--prove", "L12", "L7"]);
    assert_eq!(code, Some(1), "{said}{why}");
    assert!(said.contains("L12 upstream db: an ordinary minute"), "{said}");
    assert!(said.contains("refused calls: 1"), "{said}");
    assert!(said.contains("L7 finds nothing in old.toml"), "{said}");
    let (_, json, _) = seawall(folder.path(), &["check", "--json", "old.toml", "--prove"]);
    let value: serde_json::Value = serde_json::from_str(&json).expect("nothing but JSON");
    let proofs = value["proofs"].as_array().expect("asked for");
    assert!(proofs.iter().any(|proof| proof["rule"] == "L12"), "{json}");
    let refused = |proof: &serde_json::Value| proof["measures"][0]["now"].as_f64();
    let of_rule = proofs.iter().find(|proof| proof["rule"] == "L12").and_then(refused);
    assert!(of_rule.is_some_and(|share| (share - 0.159).abs() < 0.03), "{json}");
}

#[test]
fn a_rule_that_does_not_exist_is_a_mistake_of_the_command_line() {
    let folder = folder();
    let (code, _, why) = seawall(folder.path(), &["check", "old.toml", "--prove", "L99"]);
    assert_eq!(code, Some(2));
    assert!(why.contains("there is no such rule"), "{why}");
}
