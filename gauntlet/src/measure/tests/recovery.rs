//! Recovery, full service and what is left.

use crate::measure::made::{MILLI, Made, SECOND, answer, at, right};
use crate::measure::{Residual, When};
use crate::record::{Answered, Seen};
use crate::run::Relief;
use crate::scenario::Fault;

fn fail(made: &mut Made, (from, to): (f64, f64), every: usize) {
    for id in made.asked(from, to).into_iter().step_by(every) {
        made.see(id, 1, Seen::NoAnswer);
    }
}

#[test]
fn what_users_never_felt_has_recovered_at_once() {
    let recovery = Made::struck(10, Fault::Crash, &[0]).figures().recovery;
    assert_eq!(recovery.from_removal, When::After(0));
    assert_eq!(recovery.from_fault, When::After(0));
    assert_eq!(recovery.residual, Residual::None);
}

#[test]
fn recovery_begins_with_the_first_of_five_good_seconds() {
    let mut made = Made::struck(10, Fault::Crash, &[0, 1, 2]);
    fail(&mut made, (6.0, 13.0), 1);
    // 98 of 100 are not enough, 99 are.
    fail(&mut made, (15.0, 16.0), 50);
    fail(&mut made, (17.0, 18.0), 100);
    let recovery = made.figures().recovery;
    // Second 17 has one failure in a hundred, which makes its p99 no worse than control's.
    assert_eq!(recovery.from_removal, When::After(5 * SECOND));
    assert_eq!(recovery.from_fault, When::After(10 * SECOND));
    assert_eq!(recovery.residual, Residual::None);
}

#[test]
fn slow_answers_are_no_recovery() {
    let mut made = Made::struck(10, Fault::Crash, &[0, 1, 2]);
    for id in made.asked(11.0, 14.0) {
        made.see(id, 31, right(0));
    }
    for id in made.asked(14.0, 31.0) {
        made.see(id, 30, right(0));
    }
    assert_eq!(made.figures().recovery.from_removal, When::After(3 * SECOND));
}

#[test]
fn what_is_not_back_by_the_end_is_residual() {
    let mut made = Made::struck(10, Fault::Overload { times: 3.0 }, &[]);
    fail(&mut made, (6.0, 31.0), 3);
    let recovery = made.figures().recovery;
    assert_eq!(recovery.from_removal, When::NotWithin(20 * SECOND));
    assert_eq!(recovery.residual, Residual::Left);
    assert_eq!(recovery.residual.after_relief(true), Residual::Metastable);
    assert_eq!(recovery.residual.after_relief(false), Residual::Broken);
    assert_eq!(Residual::None.after_relief(false), Residual::None);
}

#[test]
fn a_relapse_within_the_last_seconds_is_residual_although_it_had_recovered() {
    let mut made = Made::struck(10, Fault::Crash, &[0]);
    // Recovered for the first 16 seconds; of the last 5 a little more than a tenth is lost.
    fail(&mut made, (27.0, 27.6), 1);
    let recovery = made.figures().recovery;
    assert_eq!(recovery.from_removal, When::After(0));
    assert_eq!(recovery.residual, Residual::Left);
    let mut made = Made::struck(10, Fault::Crash, &[0]);
    fail(&mut made, (27.0, 27.4), 1);
    assert_eq!(made.figures().recovery.residual, Residual::None);
}

#[test]
fn full_service_counts_from_the_first_healthy_answer() {
    let mut made = Made::struck(10, Fault::Crash, &[0, 1, 2]);
    for id in made.asked(6.0, 11.35) {
        made.forget_attempts(id);
        made.see(id, 1, answer(503, None));
    }
    // A check is answered at 11.1 s; the last request to fail is asked at 11.34 s.
    made.attempt(0, 2, at(11).after(82 * MILLI)).id = None;
    assert_eq!(made.figures().recovery.full_service, Some(240 * MILLI));
    // Where nobody was cut off from all replicas it has no meaning.
    assert_eq!(Made::struck(10, Fault::Crash, &[0]).figures().recovery.full_service, None);
}

#[test]
fn an_observation_too_short_to_tell_says_nothing_of_recovery() {
    let mut made = Made::steady(10);
    made.scenario.phases.observation = std::time::Duration::from_secs(4);
    made.strike(Fault::Crash, &[0]);
    let recovery = made.figures().recovery;
    assert_eq!((recovery.from_removal, recovery.residual), (When::Unknown, Residual::None));
}

#[test]
fn in_a_full_observation_what_has_not_recovered_is_residual() {
    let mut made = Made::steady(10);
    made.scenario.phases.observation = std::time::Duration::from_secs(60);
    made.strike(Fault::Crash, &[0]);
    for id in 3100..7100 {
        made.ask(id, id * 10 * MILLI);
        made.answer(id, 0);
    }
    assert_eq!(made.figures().recovery.residual, Residual::None);
    // One of 50: enough goodput for the end, not enough to have recovered.
    fail(&mut made, (11.0, 71.0), 50);
    let recovery = made.figures().recovery;
    assert_eq!(recovery.from_removal, When::NotWithin(60 * SECOND));
    assert_eq!(recovery.residual, Residual::Left);
}

/// A run whose last seconds brought nothing, and a second load of ten requests of which so many
/// were answered.
fn relieved(answered: u64) -> Made {
    let mut made = Made::struck(10, Fault::Crash, &[0, 1, 2]);
    for id in made.asked(6.0, 31.0) {
        made.see(id, 5000, Seen::TimedOut);
    }
    let one = |number: u64| {
        let intended = at(56).after(number * MILLI);
        let seen = if number < answered { right(0) } else { Seen::TimedOut };
        let ended = intended.after(20 * MILLI);
        Answered { id: 9000 + number, intended, begun: intended, ended, seen, tries_before: 0 }
    };
    // What was asked while the load was lower is not looked at.
    let early = Answered { intended: at(40), ..one(0) };
    let answered = (0..10).map(one).chain([early]).collect();
    made.run.relief = Some(Relief { from: at(56), offered: 10, answered });
    made
}

#[test]
fn less_load_tells_what_keeps_itself_down_from_what_is_broken() {
    assert_eq!(relieved(9).figures().recovery.residual, Residual::Metastable);
    assert_eq!(relieved(8).figures().recovery.residual, Residual::Broken);
    let mut left = relieved(9);
    left.run.relief = None;
    assert_eq!(left.figures().recovery.residual, Residual::Left);
    // Where nothing was left a second load says nothing.
    let mut well = Made::steady(10);
    well.run.relief = relieved(0).run.relief;
    assert_eq!(well.figures().recovery.residual, Residual::None);
}
