//! Runs that lack something: figures are then missing, never made up.

use crate::measure::made::{Made, at};
use crate::measure::{METRICS, Regret, When};
use crate::record::{Seen, What};
use crate::scenario::{Arrivals, Fault};

#[test]
fn an_empty_run_has_no_figures_and_says_so() {
    let figures = Made::empty().figures();
    assert_eq!(figures.regret, Regret::NoRequests);
    assert_eq!((figures.errors, figures.requests), (0, 0));
    assert_eq!(figures.fault.p99, None);
    assert_eq!(figures.extra.amplification, None);
    assert_eq!(figures.recovery.from_removal, When::Unknown);
    assert_eq!(figures.shares.false_ejection, None);
    assert!(figures.control_curve.0.is_empty());
    assert_eq!(figures.flaws.len(), 1);
    assert_eq!(figures.course.seconds.len(), 30);
    // What is a number all the same is a count of nothing or a goodput of nothing.
    let told = METRICS.iter().filter_map(|metric| Some((metric.key, (metric.of)(&figures)?)));
    assert!(told.clone().all(|(_, value)| value == 0.0), "{:?}", told.collect::<Vec<_>>());
}

#[test]
fn a_run_without_control_has_nothing_to_compare_with() {
    let mut made = Made::struck(10, Fault::Crash, &[0]);
    let control: Vec<u64> = made.asked(0.0, 6.0);
    made.run.stream.retain(|one| !control.contains(&one.id));
    made.run.answered.retain(|one| !control.contains(&one.id));
    made.run.attempts.retain(|one| one.id.is_none_or(|id| !control.contains(&id)));
    let figures = made.figures();
    assert_eq!(figures.control_error_rate, None);
    assert_eq!(figures.inflation_fault, None);
    assert_eq!(figures.control.p99, None);
    assert_eq!(figures.recovery.from_removal, When::After(0));
    assert!(figures.flaws[0].contains("no request in control"));
}

#[test]
fn a_target_that_is_dead_throughout_never_returns() {
    let mut made = Made::struck(10, Fault::Freeze, &[0]);
    for id in made.asked(6.0, 31.0).into_iter().filter(|id| id % 3 == 0) {
        made.forget_attempts(id);
        made.answer(id, 1);
        made.see(id, 20, crate::measure::made::right(1));
    }
    let silence = (0..310).map(|tenth| (at(0).after(tenth * 100_000_000), u64::from(tenth < 60)));
    made.run.packets.insert(0, silence.collect());
    let figures = made.figures();
    assert_eq!(figures.shares.eject, When::After(0));
    assert_eq!(figures.shares.comeback, When::NotWithin(20_000_000_000));
    assert_eq!(figures.errors, 0);
    assert_eq!(figures.regret, Regret::Of(0.0));
}

#[test]
fn what_the_generator_forgot_counts_as_a_timeout_and_spoils_the_run() {
    let mut made = Made::steady(10);
    made.run.answered.retain(|one| one.id != 1500);
    let figures = made.figures();
    assert_eq!(figures.of_class(crate::measure::Class::Timeout), 1);
    assert!(!figures.is_valid());
    // Users of a closed loop do not come to all of the stream.
    made.scenario.load.arrivals =
        Arrivals::Closed { users: 1, think: std::time::Duration::from_secs(1) };
    let figures = made.figures();
    assert_eq!((figures.errors, figures.is_valid()), (0, true));
}

#[test]
fn answers_to_requests_that_nobody_asked_spoil_the_run() {
    let mut made = Made::steady(10);
    made.run.stream.retain(|one| one.id != 1500);
    assert!(made.figures().flaws[0].contains("1 answers"));
}

#[test]
fn phases_without_deeds_stand_where_the_scenario_has_them() {
    let mut made = Made::struck(10, Fault::Crash, &[0]);
    made.see(700, 1, Seen::Cut);
    let told = made.figures();
    made.run.deeds.retain(|one| !matches!(one.what, What::Phase(_)));
    assert_eq!(made.figures(), told);
    made.run.deeds.clear();
    assert_eq!(made.figures().course, told.course);
}

#[test]
fn a_quick_run_has_the_quick_phases() {
    let mut made = Made::steady(10);
    made.scenario.quick = made.scenario.phases;
    made.scenario.phases.observation = std::time::Duration::from_secs(300);
    assert_eq!(made.figures().course.seconds.len(), 30);
}

#[test]
fn phases_that_no_scenario_has_end_with_the_stream() {
    let mut made = Made::steady(10);
    let phases = &mut made.scenario.phases;
    (phases.control, phases.fault) = (phases.control * 4, phases.fault * 4);
    (made.scenario.quick.control, made.scenario.quick.fault) = (phases.control, phases.fault);
    // The deeds say 5 s of control and of fault; the last request is asked at 30.99 s.
    let figures = made.figures();
    assert_eq!((figures.requests, figures.course.seconds.len()), (2499, 29));
}

#[test]
fn pauses_of_a_closed_loop_are_no_times() {
    let mut made = Made::steady(10);
    made.scenario.load.arrivals =
        Arrivals::Closed { users: 1, think: std::time::Duration::from_secs(1) };
    made.scenario.quick.observation = std::time::Duration::from_secs(2);
    made.run.stream.iter_mut().for_each(|one| one.at = 7);
    assert_eq!(made.figures().course.seconds.len(), 30);
}
