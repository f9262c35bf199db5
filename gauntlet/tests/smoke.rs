//! A whole run on loopback, as small as it can be: only what must hold on any host is claimed, and
//! nothing about how fast anything is.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use gauntlet::arena::Ground;
use gauntlet::measure;
use gauntlet::peer::{Product, Settings};
use gauntlet::record::{Phase, What};
use gauntlet::run::{Key, Order, Run, Stop, carry_out};
use gauntlet::scenario::{self, Phases, Scenario};
use gauntlet::stream::Seed;

const SECOND: Duration = Duration::from_secs(1);

/// A second each.
const PHASES: Phases =
    Phases { warm_up: SECOND, control: SECOND, fault: SECOND, observation: SECOND };

fn frozen() -> Scenario {
    let mut frozen = scenario::builtin().unwrap().into_iter().find(|one| one.id == "G3").unwrap();
    // A host with much else to do has to keep up.
    frozen.load.rate = 60.0;
    frozen
}

fn carried_out(scenario: &Scenario, product: Product, seawall: Option<&Path>) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let key = Key { product, settings: Settings::Default, scenario: scenario.id.clone(), seed: 0 };
    let order = Order {
        scenario,
        phases: PHASES,
        key,
        seed: Seed { master: 1, number: 0 },
        ground: Ground::Loopback,
        folder: folder.path(),
        program: Path::new(env!("CARGO_BIN_EXE_gauntlet")),
        seawall,
        stop: &Stop::default(),
    };
    carry_out(&order).unwrap()
}

/// The gateway that the tests of the workspace build: it lies beside our own program. A test of
/// this crate alone has nobody who built it, and does so itself.
fn seawall() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_gauntlet")).with_file_name("seawall");
    if !program.is_file() {
        let words = ["build", "--quiet", "--package", "seawall-cli", "--bin", "seawall"];
        let built = Command::new(env!("CARGO")).args(words).status().unwrap();
        assert!(built.success(), "`cargo {}` failed: {built}", words.join(" "));
    }
    assert!(program.is_file(), "{} is not there: build seawall-cli first", program.display());
    program
}

/// What must be in the records of a run with one frozen replica.
fn check(run: &Run, scenario: &Scenario) {
    let wanted: BTreeSet<u64> = run.stream.iter().map(|planned| planned.id).collect();
    let answered: Vec<u64> = run.answered.iter().map(|one| one.id).collect();
    assert_eq!(answered.len(), wanted.len(), "each request is written down once");
    assert_eq!(answered.into_iter().collect::<BTreeSet<_>>(), wanted);
    let known = |id: &u64| wanted.contains(id);
    assert!(run.attempts.iter().filter_map(|attempt| attempt.id).all(|id| known(&id)));
    assert_eq!(run.targets.len(), 1);
    let count = |what| run.deeds.iter().filter(|deed| deed.what == what).count();
    let unproven = run.deeds.iter().filter(|deed| deed.what == What::Unproven);
    assert_eq!(unproven.collect::<Vec<_>>(), Vec::<&gauntlet::record::Deed>::new());
    assert_eq!((count(What::Set), count(What::Lifted)), (1, 1));
    assert_eq!((count(What::InForce), count(What::Gone)), (1, 1));
    for phase in [Phase::WarmUp, Phase::Control, Phase::Fault, Phase::Observation] {
        assert_eq!(count(What::Phase(phase)), 1, "{phase:?}");
    }
    let figures = measure::figures(run, scenario);
    assert!(figures.requests > 0);
    assert!(figures.regret.value().is_some(), "regret below zero: {:?}", figures.regret);
}

#[test]
fn a_run_without_gateway_leaves_whole_records() {
    let scenario = frozen();
    let run = carried_out(&scenario, Product::Direct, None);
    check(&run, &scenario);
    let frozen = run.targets[0];
    assert!(run.attempts.iter().any(|attempt| attempt.replica == frozen));
}

#[test]
fn a_run_of_seawall_leaves_whole_records() {
    let (scenario, seawall) = (frozen(), seawall());
    let run = carried_out(&scenario, Product::Seawall, Some(&seawall));
    check(&run, &scenario);
    assert!(run.cost.iter().any(|(_, cost)| cost.resident > 0), "its cost was sampled");
    assert!(run.version.contains("seawall"), "{}", run.version);
}

#[test]
fn a_stopped_run_ends_at_once_and_leaves_nothing() {
    let scenario = frozen();
    let folder = tempfile::tempdir().unwrap();
    let stop = Stop::default();
    stop.pull();
    let order = Order {
        scenario: &scenario,
        phases: PHASES,
        key: Key {
            product: Product::Direct,
            settings: Settings::Default,
            scenario: scenario.id.clone(),
            seed: 0,
        },
        seed: Seed::default(),
        ground: Ground::Loopback,
        folder: folder.path(),
        program: Path::new(env!("CARGO_BIN_EXE_gauntlet")),
        seawall: None,
        stop: &stop,
    };
    let failure = carry_out(&order).unwrap_err();
    assert_eq!(failure.to_string(), "stopped by the user");
}
