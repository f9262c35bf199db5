//! Every state under every check, as text in `tests/table.txt`, and random checks against a naive
//! model.

use super::*;
use core::fmt::Write;
use proptest::prelude::*;
use std::string::String;
use std::vec::Vec;

const CHECKS: [Check; 3] = [Check::Passed, Check::Failed, Check::TimedOut];

fn after(settings: HealthSettings, checks: &[Check]) -> Health {
    let mut health = Health::new(settings);
    checks.iter().for_each(|check| _ = health.report(*check));
    health
}

/// Each state that tells its future apart under the default settings, and a way to it.
fn states() -> Vec<Vec<Check>> {
    use Check::{Failed, Passed, TimedOut};
    [
        &[][..],
        &[Passed],
        &[Passed, Failed],
        &[Passed, TimedOut],
        &[Passed, Failed, TimedOut],
        &[Passed, TimedOut, TimedOut],
        &[Failed],
        &[TimedOut],
        &[Failed, Passed],
        &[TimedOut, Passed],
    ]
    .map(<[Check]>::to_vec)
    .to_vec()
}

fn describe(health: &Health) -> String {
    let slow = if health.is_merely_slow() { ", merely slow" } else { "" };
    std::format!("{:?} {}{slow}", health.state(), health.streak())
}

/// When a change is wanted, the failing test prints the new table; read the difference, then
/// replace the file.
#[test]
fn t149_every_state_answers_every_check_as_reviewed() {
    let mut table = String::new();
    for way in states() {
        for check in CHECKS {
            let mut health = after(HealthSettings::default(), &way);
            let before = std::format!("{way:?} {}", describe(&health));
            let changed = if health.report(check).is_some() { ", changed" } else { "" };
            let check = std::format!("{check:?}");
            let after = describe(&health);
            writeln!(table, "{before:<56} | {check:<8} | {after}{changed}").unwrap();
        }
    }
    assert_eq!(table, include_str!("tests/table.txt"), "\n{table}");
}

#[test]
fn the_first_check_decides_the_start() {
    use HealthState::{Healthy, Unhealthy, Unknown};
    for (check, to) in
        [(Check::Passed, Healthy), (Check::Failed, Unhealthy), (Check::TimedOut, Unhealthy)]
    {
        let change = Health::new(HealthSettings::default()).report(check);
        assert_eq!(change, Some(Change { from: Unknown, to }));
    }
}

#[test]
fn a_single_pass_forgives_what_came_before_the_fall() {
    use Check::{Failed, Passed};
    let checks = [Passed, Failed, Failed, Passed, Failed, Failed];
    assert_eq!(after(HealthSettings::default(), &checks).state(), HealthState::Healthy);
}

#[test]
fn a_pass_between_failures_clears_an_old_proof() {
    use Check::{Failed, Passed, TimedOut};
    let health = after(
        HealthSettings::default(),
        &[Passed, Failed, Failed, Passed, TimedOut, TimedOut, TimedOut],
    );
    assert!(health.is_merely_slow());
}

#[test]
fn proof_that_comes_late_ends_being_merely_slow_without_a_change() {
    let mut health = after(HealthSettings::default(), &[Check::TimedOut]);
    assert!(health.is_merely_slow());
    assert_eq!(health.report(Check::Failed), None);
    assert!(!health.is_merely_slow());
    assert_eq!(health.report(Check::TimedOut), None);
    assert!(!health.is_merely_slow(), "a later timeout takes nothing back");
}

#[test]
fn thresholds_of_nothing_are_taken_as_one() {
    let mut health = after(HealthSettings { rise: 0, fall: 0 }, &[Check::Passed]);
    assert_eq!(health.report(Check::TimedOut).unwrap().to, HealthState::Unhealthy);
    assert_eq!(health.report(Check::Passed).unwrap().to, HealthState::Healthy);
}

#[test]
fn a_reload_keeps_verdict_and_streak_and_waits_for_the_next_check() {
    let many = HealthSettings { rise: 10, fall: 10 };
    let mut health = after(many, &[Check::Passed, Check::Failed, Check::Failed, Check::Failed]);
    health.reconfigure(HealthSettings::default());
    assert_eq!((health.state(), health.streak()), (HealthState::Healthy, 3));
    assert_eq!(health.report(Check::Failed).unwrap().to, HealthState::Unhealthy);
}

#[test]
fn the_longest_streak_saturates() {
    let mut health = Health::new(HealthSettings { rise: u32::MAX, fall: u32::MAX });
    health.state = State::Healthy { failures: u32::MAX - 1, proof: false };
    assert_eq!(health.report(Check::TimedOut).unwrap().to, HealthState::Unhealthy);
    health.state = State::Unhealthy { passes: u32::MAX, proof: true };
    assert_eq!(health.report(Check::Passed).unwrap().to, HealthState::Healthy);
}

/// Looks at the whole log of checks at each point of it.
fn naive(settings: HealthSettings, log: &[Check]) -> HealthState {
    let passed = |check: &Check| *check == Check::Passed;
    let mut state = HealthState::Unknown;
    for end in 1..=log.len() {
        let recent = log[..end].iter().rev();
        let passes = recent.clone().take_while(|check| passed(check)).count();
        let failures = recent.take_while(|check| !passed(check)).count();
        state = match state {
            HealthState::Unknown if passes > 0 => HealthState::Healthy,
            HealthState::Unknown => HealthState::Unhealthy,
            HealthState::Healthy if failures >= settings.fall as usize => HealthState::Unhealthy,
            HealthState::Unhealthy if passes >= settings.rise as usize => HealthState::Healthy,
            HealthState::Healthy | HealthState::Unhealthy => state,
        };
    }
    state
}

/// Where the streak began that brought it down: after the last pass at which it was healthy.
fn naive_slow(settings: HealthSettings, log: &[Check]) -> bool {
    let healthy_pass = (0..log.len()).rev().find(|index| {
        log[*index] == Check::Passed && naive(settings, &log[..=*index]) == HealthState::Healthy
    });
    let since = healthy_pass.map_or(0, |index| index + 1);
    naive(settings, log) == HealthState::Unhealthy && !log[since..].contains(&Check::Failed)
}

proptest! {
    #[test]
    fn agrees_with_a_reading_of_the_whole_log(
        rise in 1_u32..4, fall in 1_u32..4,
        log in prop::collection::vec(prop::sample::select(&CHECKS[..]), 1..40),
    ) {
        let settings = HealthSettings { rise, fall };
        let mut health = Health::new(settings);
        for end in 1..=log.len() {
            let before = health.state();
            let change = health.report(log[end - 1]);
            prop_assert_eq!(health.state(), naive(settings, &log[..end]));
            prop_assert_eq!(health.is_merely_slow(), naive_slow(settings, &log[..end]));
            let expected = Change { from: before, to: health.state() };
            prop_assert_eq!(change, (before != health.state()).then_some(expected));
        }
    }
}

#[test]
fn a_rise_or_fall_of_nothing_is_invalid() {
    let usual = HealthSettings::default();
    assert_eq!(usual.validate(), Ok(()));
    assert_eq!(HealthSettings { rise: 0, ..usual }.validate().unwrap_err().field(), "rise");
    assert_eq!(HealthSettings { fall: 0, ..usual }.validate().unwrap_err().field(), "fall");
}
