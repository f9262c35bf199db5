//! Targets, endings and what counts as a failing.

use super::made::{of, results};
use crate::measure::{Residual, When};
use crate::peer::{Product, Settings};
use crate::report::{Ending, Met, Results, Subject, Target, Told, ending, failings, targets};
use crate::scenario::{Arrivals, Checks, Fault, Target as Whom};
use std::time::Duration;

fn target(results: &Results, subject: Subject, what: &str) -> Target {
    let all = targets(results);
    let found = all.iter().find(|one| one.subject == subject.name() && one.what == what);
    found.unwrap_or_else(|| panic!("{what} of {subject:?}")).clone()
}

#[test]
fn every_subject_has_targets_and_none_is_met_unseen() {
    let mut results = results();
    results.runs.clear();
    let all = targets(&results);
    for subject in Subject::ALL {
        assert!(all.iter().any(|one| one.subject == subject.name()), "{subject:?}");
    }
    assert!(all.iter().all(|one| one.met == Met::NotMeasured && one.measured == "not measured"));
}

#[test]
fn one_bad_seed_misses_a_target_of_failures() {
    let mut results = results();
    assert_eq!(target(&results, Subject::Crash, "failed GETs").met, Met::Yes);
    of(&mut results, Product::Seawall, "G1").next().unwrap().kinds[0].errors = 1;
    let told = target(&results, Subject::Crash, "failed GETs");
    assert_eq!((told.met, told.measured.as_str(), told.target.as_str()), (Met::No, "1", "0"));
    assert_eq!(told.scenarios, ["G1"]);
}

#[test]
fn times_are_judged_by_the_median() {
    let mut results = results();
    let p99_9 = |results: &Results| target(results, Subject::Slow, "p99.9 of GETs");
    assert_eq!(p99_9(&results).met, Met::Yes);
    let mut runs = of(&mut results, Product::Seawall, "G4-200ms");
    runs.next().unwrap().kinds[0].fault.p99_9 = Some(120_000_000);
    drop(runs);
    assert_eq!(p99_9(&results).met, Met::Yes);
    for run in of(&mut results, Product::Seawall, "G4-200ms").skip(1) {
        run.kinds[0].fault.p99_9 = Some(120_000_000);
    }
    let told = p99_9(&results);
    assert_eq!((told.met, told.measured.as_str(), told.target.as_str()), {
        (Met::No, "120 ms", "≤ 100 ms")
    });
    // The same time is good enough after a crash.
    for run in of(&mut results, Product::Seawall, "G1") {
        run.kinds[0].fault.p99_9 = Some(120_000_000);
    }
    assert_eq!(target(&results, Subject::Crash, "p99.9 of GETs").met, Met::Yes);
}

#[test]
fn peers_and_tuned_settings_meet_no_target_of_ours() {
    let mut results = results();
    results.runs.retain(|run| run.key.product != Product::Seawall);
    assert!(targets(&results).iter().all(|one| one.met == Met::NotMeasured));
    let mut results = super::made::results();
    results.entrants[0].settings = Settings::Tuned;
    results.runs.iter_mut().for_each(|run| run.key.settings = Settings::Tuned);
    assert!(targets(&results).iter().all(|one| one.met == Met::NotMeasured));
}

#[test]
fn an_outage_is_judged_by_what_it_lost_of_twenty_seconds() {
    let mut results = results();
    let lost = "failed of what 20 s bring";
    // A hundred a second: 111 of the 2 000 of 20 s were lost.
    let told = target(&results, Subject::AllDown, lost);
    assert_eq!((told.met, told.measured.as_str()), (Met::Yes, "5.55 %"));
    for run in of(&mut results, Product::Seawall, "G10-3s") {
        run.errors = 121;
    }
    assert_eq!(target(&results, Subject::AllDown, lost).met, Met::No);
    let service = target(&results, Subject::AllDown, "full service after the first healthy answer");
    assert_eq!(service.met, Met::Yes);
}

#[test]
fn overload_is_judged_by_goodput_and_priority() {
    let mut results = results();
    for run in of(&mut results, Product::Seawall, "G18") {
        (run.goodput_fault, run.capacity) = (Some(94.0), Some(100.0));
        run.recovery.from_removal = When::After(1_000_000_000);
    }
    let goodput = target(&results, Subject::Overload, "goodput of capacity");
    assert_eq!((goodput.met, goodput.target.as_str()), (Met::No, "≥ 95 %"));
    assert_eq!(target(&results, Subject::Overload, "normal again after").met, Met::Yes);
    // The load of this test has no priorities: nothing is said of them.
    let high = target(&results, Subject::Overload, "lost of high priority");
    assert_eq!(high.met, Met::NotMeasured);
    for run in of(&mut results, Product::Seawall, "G18") {
        run.recovery.residual = Residual::Left;
        run.recovery.from_removal = When::NotWithin(20_000_000_000);
    }
    assert_eq!(target(&results, Subject::Overload, "normal again after").met, Met::No);
    assert_eq!(target(&results, Subject::Overload, "runs that do not come back").met, Met::No);
}

#[test]
fn subjects_are_told_from_what_happens() {
    let mut scenario = crate::measure::made::Made::struck(10, Fault::BlackHole, &[0]).scenario;
    let of = |scenario: &crate::scenario::Scenario| Told::of(scenario).subject;
    scenario.health_checks = Checks::On;
    assert_eq!(of(&scenario), Some(Subject::BlackHole));
    scenario.health_checks = Checks::Blind;
    assert_eq!(of(&scenario), Some(Subject::BlackHoleUnseen));
    scenario.faults[0].target = Whom::Some(2);
    assert_eq!(of(&scenario), Some(Subject::TwoOfThree));
    scenario.faults[0].target = Whom::All;
    assert_eq!(of(&scenario), None);
    scenario.faults[0].fault = Fault::Crash;
    assert_eq!(of(&scenario), None);
    scenario.faults[0].lasts = Some(Duration::from_secs(3));
    assert_eq!(of(&scenario), Some(Subject::AllDown));
    scenario.faults[0].fault = Fault::RollingRestart { drain: Duration::from_secs(1) };
    assert_eq!(of(&scenario), Some(Subject::RollingRestart));
    scenario.load.arrivals = Arrivals::Closed { users: 9, think: Duration::from_secs(1) };
    assert_eq!(of(&scenario), None);
}

#[test]
fn a_gauntlet_fails_by_what_seawall_must_never_do() {
    let whole = results();
    assert_eq!((ending(&whole), failings(&whole)), (Ending::Good, Vec::new()));
    let mut twice = whole.clone();
    of(&mut twice, Product::Seawall, "G1").last().unwrap().extra.duplicates_committed = 2;
    assert_eq!(failings(&twice), ["G1 seed 13: 2 POSTs executed twice"]);
    assert_eq!(ending(&twice).status(), 1);
    let mut stuck = whole.clone();
    of(&mut stuck, Product::Seawall, "G18").next().unwrap().recovery.residual = Residual::Left;
    assert_eq!(failings(&stuck), ["G18 seed 11: it did not come back"]);
    // Envoy ends so in these results, and that fails nobody but Envoy.
    let mut unsure = whole;
    of(&mut unsure, Product::Envoy, "G1").next().unwrap().flaws.push("late".to_owned());
    assert_eq!(ending(&unsure).status(), 2);
}
