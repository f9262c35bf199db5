//! The scenarios that ship with Seawall: they can be read, they run, and what they expect holds.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail like the test itself"
)]

use std::path::{Path, PathBuf};

use seawall_core::time::Duration;
use seawall_sim::outcome::Outcome;
use seawall_sim::run::{Settings, run};
use seawall_sim::scenario::Scenario;
use seawall_sim::verdict::MEASURES;

/// All scenario files, by name.
fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let entries = std::fs::read_dir(folder).expect("the folder ships with the sources");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "toml")).collect();
    files.sort();
    files
}

fn load(path: &Path) -> Scenario {
    match Scenario::load(path) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{error}"),
    }
}

fn outcome(scenario: &Scenario, seeds: u32, jobs: usize) -> Outcome {
    let seed = scenario.seed.unwrap_or(1);
    let settings = Settings { seed, seeds: Some(seeds), jobs, command: String::new() };
    run(scenario, &settings, &|_, _| {})
}

/// What each point of an outcome came to, for whoever has to mend an expectation.
fn described(outcome: &Outcome) -> String {
    let mut text = String::new();
    for point in &outcome.points {
        let values = outcome.axes.iter().zip(&point.values);
        let values: Vec<&str> = values.map(|(axis, value)| axis.values[*value].as_str()).collect();
        text += &format!("\n{}:", values.join(" "));
        for measure in &MEASURES {
            let seen = point.runs.iter().filter_map(|run| measure.of(&run.verdict));
            let seen: Vec<String> = seen.map(|value| format!("{value:.4}")).collect();
            text += &format!("\n  {} {}", measure.name, seen.join(" "));
        }
    }
    for expectation in &outcome.expectations {
        let word = if expectation.held { "holds" } else { "FAILS" };
        text += &format!("\n{word} {} ({})", expectation.text, expectation.seen);
    }
    text
}

#[test]
fn fourteen_scenarios_ship_and_each_has_a_title_and_expectations() {
    let all = shipped();
    assert!(all.len() >= 14, "{all:?}");
    for path in all {
        let scenario = load(&path);
        assert!(!scenario.expectations.is_empty(), "{}", path.display());
        assert!(!scenario.title.ends_with(".toml"), "{}", path.display());
        assert!(scenario.seed.is_some(), "{}: expectations hold for a seed", path.display());
    }
}

#[test]
fn every_scenario_runs_for_a_short_time_under_any_seed() {
    for path in shipped() {
        let scenario = load(&path).shortened(Duration::from_secs(25));
        let outcome = outcome(&scenario, 1, 2);
        let calls: u64 = outcome.points.iter().flat_map(|p| &p.runs).map(|r| r.verdict.calls).sum();
        assert!(calls > 0, "{}", path.display());
    }
}

#[test]
fn the_example_of_the_guide_is_a_scenario() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/simulation.md");
    let guide = std::fs::read_to_string(guide).expect("the guide ships with the sources");
    let example = guide.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let config = "[upstreams.payments]\nendpoints = [\"127.0.0.1:1\", \"127.0.0.1:2\", \
                  \"127.0.0.1:3\"]\n[[routes]]\npath = \"/checkout\"\nupstream = \"payments\"\n";
    let folder = tempfile::tempdir().expect("a scratch folder");
    std::fs::write(folder.path().join("gateway.toml"), config).expect("it can be written");
    let path = folder.path().join("guide.toml");
    std::fs::write(&path, example.expect("an example")).expect("it can be written");
    let scenario = load(&path);
    assert_eq!((scenario.points.len(), scenario.seeds), (4, 20));
    // What it shows can be expected of a run at the usual rate.
    let quiet = outcome(&scenario.clone().without_events(), 1, 2);
    assert!(quiet.points.iter().all(|point| point.runs[0].verdict.success_rate > 0.9));
}

#[test]
fn the_expectations_of_every_scenario_hold() {
    for path in shipped() {
        let outcome = outcome(&load(&path), 2, 2);
        assert!(outcome.held(), "{}{}", path.display(), described(&outcome));
    }
}
