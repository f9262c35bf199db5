//! Classes, errors, latency, cost, others.

use crate::measure::made::{MILLI, Made, SECOND, answer, at, right};
use crate::measure::{Class, Kind, Regret};
use crate::peer::Cost;
use crate::record::{Answered, Content, Deed, Seen, What};
use crate::scenario::Fault;
use crate::stamp::Stamp;
use crate::stream::Priority;

#[test]
fn each_ending_has_its_class() {
    let wrong = |status| Seen::Answer { status, replica: Some(1), body: Content::Wrong };
    let cases = [
        (right(1), 20, Class::Ok),
        (right(1), 2000, Class::Ok),
        (right(1), 2001, Class::Late),
        (answer(204, Some(0)), 1, Class::Ok),
        (wrong(200), 20, Class::Corrupt),
        (wrong(200), 3000, Class::Corrupt),
        (answer(200, None), 20, Class::Corrupt),
        (answer(503, Some(2)), 20, Class::UpstreamError),
        (wrong(500), 20, Class::UpstreamError),
        (answer(503, None), 1, Class::LocalReject),
        (answer(429, None), 1, Class::LocalReject),
        (answer(502, None), 1, Class::LocalError),
        (answer(504, None), 1, Class::LocalError),
        (Seen::NoAnswer, 1, Class::Connect),
        (Seen::Cut, 1, Class::Cut),
        (Seen::TimedOut, 5000, Class::Timeout),
    ];
    for (seen, after, class) in cases {
        let (intended, ended) = (Stamp(9), Stamp(9 + after * MILLI));
        let one = Answered { id: 1, intended, begun: intended, ended, seen, tries_before: 0 };
        assert_eq!(Class::of(&one, 2 * SECOND), class, "{seen:?} after {after} ms");
    }
}

#[test]
fn errors_count_in_fault_and_observation_and_not_before() {
    let mut made = Made::steady(10);
    for (second, seen) in [(0, Seen::Cut), (3, Seen::Cut), (7, Seen::NoAnswer), (20, Seen::Cut)] {
        made.see(second * 100, 5, seen);
    }
    let figures = made.figures();
    assert_eq!((figures.errors, figures.requests), (2, 2500));
    assert_eq!(figures.of_class(Class::Connect), 1);
    assert_eq!(figures.of_class(Class::Cut), 1);
    assert_eq!(figures.of_class(Class::Ok), 2498);
    assert_eq!(figures.regret, Regret::Of(80.0));
    assert_eq!(figures.control_error_rate, Some(1.0 / 500.0));
    assert!((figures.excess_errors - (2.0 - 5.0)).abs() < 1e-9);
}

#[test]
fn what_failed_counts_as_the_patience_and_ok_stands_beside() {
    let mut made = Made::steady(10);
    // 500 requests of the fault phase, 6 of which fail at once: over all the p99 is the patience.
    made.asked(6.0, 11.0).iter().take(6).for_each(|id| made.see(*id, 1, Seen::NoAnswer));
    let figures = made.figures();
    assert_eq!(figures.control.p99, Some(20 * MILLI));
    assert_eq!(figures.fault.p50, Some(20 * MILLI));
    assert_eq!(figures.fault.p99, Some(5 * SECOND));
    assert_eq!(figures.fault.ok_p99, Some(20 * MILLI));
    assert_eq!(figures.inflation_fault, Some(250.0));
    assert_eq!(figures.inflation_observation, Some(1.0));
}

#[test]
fn five_of_five_hundred_do_not_reach_the_p99() {
    let mut made = Made::steady(10);
    made.asked(6.0, 11.0).iter().take(5).for_each(|id| made.see(*id, 1, Seen::NoAnswer));
    assert_eq!(made.figures().fault.p99, Some(20 * MILLI));
    assert_eq!(made.figures().fault.p99_9, Some(5 * SECOND));
}

#[test]
fn goodput_is_of_the_phase_and_capacity_of_the_replicas() {
    let mut made = Made::steady(10);
    made.asked(6.0, 11.0).iter().take(100).for_each(|id| made.see(*id, 1, Seen::NoAnswer));
    let figures = made.figures();
    assert_eq!(figures.goodput_control, Some(100.0));
    assert_eq!(figures.goodput_fault, Some(80.0));
    let capacity = figures.capacity.unwrap();
    assert!((capacity - 60.0 / 0.018).abs() < 1e-6, "{capacity}");
}

#[test]
fn routes_that_no_fault_touches_show_collateral_harm() {
    let mut made = Made::empty();
    for id in 0..3100 {
        made.ask(id, id * 10 * MILLI).route = u8::try_from(id % 2).unwrap();
        made.answer(id, if id % 2 == 0 { u8::from(id % 4 == 0) } else { 2 });
    }
    made.strike(Fault::Crash, &[0]);
    assert_eq!(made.figures().collateral, Some(0.0));
    // Errors of the struck route are no collateral, those of the other one are.
    made.see(1000, 1, Seen::Cut);
    assert_eq!(made.figures().collateral, Some(0.0));
    made.see(1001, 1, Seen::Cut);
    assert_eq!(made.figures().collateral, Some(1.0 / 1250.0));
    // What control had is taken off: 1 of its 250.
    made.see(201, 1, Seen::Cut);
    let collateral = made.figures().collateral.unwrap();
    assert!((collateral - (1.0 / 1250.0 - 1.0 / 250.0)).abs() < 1e-12);
}

#[test]
fn where_all_are_struck_nobody_is_collateral() {
    assert_eq!(Made::struck(10, Fault::Crash, &[0, 1, 2]).figures().collateral, None);
    assert_eq!(Made::steady(10).figures().collateral, None);
}

#[test]
fn tenants_beside_a_hot_one_are_judged_by_themselves() {
    let mut made = Made::steady(10);
    for (index, planned) in made.run.stream.iter_mut().enumerate() {
        planned.tenant = u8::try_from([7, 7, 7, 1, 2][index % 5]).unwrap();
    }
    made.strike(Fault::HotTenant { times: 20.0 }, &[]);
    assert_eq!(made.figures().fairness, Some(1.0));
    assert_eq!(made.figures().collateral, Some(0.0));
    // Half of what tenant 2 asks fails: (1 + .5)² ÷ (2 × (1 + .25)).
    let of_two = |made: &Made, id: &u64| made.planned(*id).tenant == 2;
    let ids: Vec<u64> =
        made.asked(6.0, 11.0).into_iter().filter(|id| of_two(&made, id)).step_by(2).collect();
    ids.iter().for_each(|id| made.see(*id, 1, Seen::Cut));
    assert_eq!(made.figures().fairness, Some(0.9));
    // And nothing that the hot one suffers counts.
    made.see(1000, 1, Seen::Cut);
    assert_eq!(made.figures().fairness, Some(0.9));
}

#[test]
fn each_priority_is_told_apart() {
    let mut made = Made::steady(10);
    for planned in &mut made.run.stream {
        planned.priority = if planned.id % 4 == 0 { Priority::High } else { Priority::Low };
    }
    made.see(801, 1, answer(503, None));
    let ranks = made.figures().ranks;
    let told: Vec<_> = ranks.iter().map(|rank| (rank.priority, rank.asked, rank.ok)).collect();
    assert_eq!(told, [(Priority::High, 125, 125), (Priority::Low, 375, 374)]);
    assert_eq!(ranks[1].fault.p99_9, Some(5 * SECOND));
    assert_eq!(ranks[0].fault.p99_9, Some(20 * MILLI));
}

#[test]
fn each_kind_of_request_is_told_apart() {
    let mut made = Made::steady(10);
    made.post(700);
    made.post(701);
    made.run.stream.iter_mut().find(|one| one.id == 701).unwrap().keyed = true;
    made.see(700, 1, answer(503, None));
    made.see(900, 1, answer(503, None));
    made.see(1500, 1, answer(503, None));
    let told = made.figures().kinds;
    let told: Vec<_> = told.iter().map(|one| (one.kind, one.asked, one.errors)).collect();
    assert_eq!(told, [(Kind::Get, 2498, 2), (Kind::KeyedPost, 1, 0), (Kind::Post, 1, 1)]);
}

#[test]
fn a_restart_does_not_make_processor_time_vanish() {
    let mut made = Made::steady(10);
    let cost = |spent| Cost { user: spent, kernel: spent, resident: 5, descriptors: 9, threads: 3 };
    for (second, spent) in [(1, 100), (3, 150), (5, 200), (8, 30), (28, 50), (30, 60)] {
        made.run.cost.push((at(second), cost(spent)));
    }
    let costs = made.figures().costs;
    assert_eq!(costs.processor, Some(2 * (50 + 50 + 30 + 20 + 10)));
    assert_eq!(costs.processor_each, Some(200.0 / 500.0));
    assert_eq!(costs.descriptors_peak, Some(9));
    assert_eq!(costs.leak(), None);
}

#[test]
fn what_is_not_given_back_is_a_leak() {
    let mut made = Made::steady(10);
    let held = |descriptors| Cost { descriptors, resident: 1 << 20, ..Cost::default() };
    for second in 1..31 {
        // The surge in between is no leak; what is left of it at the end is.
        let descriptors = if second < 6 {
            10
        } else if second < 20 {
            5000
        } else {
            74
        };
        made.run.cost.push((at(second), held(descriptors)));
    }
    assert_eq!(made.figures().costs.leak(), None);
    made.run.cost.iter_mut().skip(20).for_each(|(_, cost)| cost.descriptors = 75);
    assert_eq!(made.figures().costs.leak().as_deref(), Some("10 → 75 descriptors"));
}

#[test]
fn connections_that_users_keep_open_are_no_leak() {
    let mut made = Made::steady(10);
    let held = |descriptors| Cost { descriptors, resident: 1 << 20, ..Cost::default() };
    for second in 1..31 {
        made.run.cost.push((at(second), held(if second < 6 { 10 } else { 1000 })));
    }
    assert_eq!(made.figures().costs.leak().as_deref(), Some("10 → 1000 descriptors"));
    // The users have gone after second 31.
    made.run.cost.extend([(at(33), held(1000)), (at(34), held(12)), (at(35), held(80))]);
    assert_eq!(made.figures().costs.after.unwrap().descriptors, 12);
    assert_eq!(made.figures().costs.leak(), None);
}

#[test]
fn runs_that_do_not_count_say_why() {
    let mut made = Made::steady(10);
    assert!(made.figures().is_valid());
    let note = "rule counter stayed 0".to_owned();
    made.run.deeds.push(Deed { at: at(6), what: What::Unproven, note });
    // 32 of 3100 are late: more than one in a hundred.
    for answered in made.run.answered.iter_mut().take(32) {
        answered.begun = answered.intended.after(3 * MILLI);
    }
    let flaws = made.figures().flaws;
    assert_eq!(flaws.len(), 2, "{flaws:?}");
    assert!(flaws[0].contains("3.0 ms") && flaws[1].contains("rule counter stayed 0"));
}
