//! The floor, part by part, and that it never excuses too much.

use proptest::prelude::*;
use std::time::Duration;

use crate::measure::Regret;
use crate::measure::made::{MILLI, Made, SECOND, answer, at};
use crate::record::{Seen, What};
use crate::scenario::Fault;

/// A request that is at replica 0 when it crashes, 6 s after the start, and dies with it.
fn dies(made: &mut Made, id: u64) {
    made.forget_attempts(id);
    let attempt = made.attempt(id, 0, at(6));
    (attempt.ended, attempt.status, attempt.worked, attempt.committed) = (None, 0, 0, false);
    made.see(id, 30, answer(502, None));
}

#[test]
fn a_an_unsafe_request_at_a_target_cannot_be_saved() {
    let mut made = Made::struck(10, Fault::Crash, &[0]);
    made.post(600);
    dies(&mut made, 600);
    let figures = made.figures();
    assert_eq!((figures.floor.sent_once, figures.floor.total()), (1, 1));
    assert_eq!(figures.regret, Regret::Of(0.0));
}

#[test]
fn a_what_was_under_way_when_the_fault_began_counts_with_the_fault() {
    let mut made = Made::struck(10, Fault::Freeze, &[0]);
    made.post(599);
    made.forget_attempts(599);
    let begun = made.intended(599).after(MILLI);
    made.attempt(599, 0, begun).ended = None;
    made.see(599, 3000, answer(504, None));
    let figures = made.figures();
    assert_eq!((figures.errors, figures.floor.sent_once, figures.floor.total()), (1, 1, 1));
    assert_eq!(figures.control_error_rate, Some(0.0));
    // What had failed by then is a matter of control.
    made.see(599, 5, answer(504, None));
    let figures = made.figures();
    assert_eq!((figures.errors, figures.floor.total()), (0, 0));
    assert!(figures.control_error_rate > Some(0.0));
}

#[test]
fn a_a_safe_request_could_have_been_sent_again() {
    let mut made = Made::struck(10, Fault::Crash, &[0]);
    dies(&mut made, 600);
    let figures = made.figures();
    assert_eq!((figures.errors, figures.floor.total()), (1, 0));
    assert_eq!(figures.regret, Regret::Of(40.0));
    // So could a POST with a key.
    made.post(600);
    made.run.stream.iter_mut().find(|one| one.id == 600).unwrap().keyed = true;
    assert_eq!(made.figures().floor.total(), 0);
}

#[test]
fn a_what_was_sent_after_the_strike_was_the_products_choice() {
    let mut made = Made::struck(10, Fault::Crash, &[0]);
    made.post(630);
    dies(&mut made, 630);
    let begun = at(6).after(300 * MILLI);
    made.run
        .attempts
        .iter_mut()
        .filter(|one| one.id == Some(630))
        .for_each(|one| one.begun = begun);
    assert_eq!(made.figures().floor.total(), 0);
}

#[test]
fn a_what_was_answered_is_not_excused() {
    let mut made = Made::struck(10, Fault::Crash, &[0]);
    made.post(600);
    dies(&mut made, 600);
    made.see(600, 40, crate::measure::made::right(1));
    let figures = made.figures();
    assert_eq!((figures.errors, figures.floor.total()), (0, 0));
}

#[test]
fn a_where_all_answer_errors_an_unsafe_request_has_one_chance() {
    let fault = Fault::Status { share: 0.3, code: 503 };
    let mut made = Made::struck(10, fault.clone(), &[0, 1, 2]);
    made.post(700);
    made.see(700, 20, answer(503, Some(1)));
    made.see(701, 20, answer(503, Some(2)));
    let figures = made.figures();
    assert_eq!((figures.errors, figures.floor.sent_once, figures.floor.total()), (2, 1, 1));
    // With one replica that does, it could have gone to another.
    let mut made = Made::struck(10, fault, &[1]);
    made.post(700);
    made.see(700, 20, answer(503, Some(1)));
    assert_eq!(made.figures().floor.total(), 0);
}

#[test]
fn b_a_request_with_no_time_left_cannot_be_sent_anew() {
    let mut made = Made::struck(10, Fault::Freeze, &[0]);
    dies(&mut made, 600);
    // A service of 18 ms and a way back of 2: at 19 ms left it is too late, at 20 it is not.
    made.run.stream.iter_mut().find(|one| one.id == 600).unwrap().deadline = 19 * MILLI;
    assert_eq!(made.figures().floor.too_late, 1);
    made.run.stream.iter_mut().find(|one| one.id == 600).unwrap().deadline = 20 * MILLI;
    assert_eq!(made.figures().floor.total(), 0);
}

#[test]
fn c_what_is_beyond_capacity_is_nobodys_fault() {
    let mut made = Made::steady(10);
    made.scenario.replicas.workers = 1;
    made.strike(Fault::Overload { times: 3.0 }, &[]);
    // 3 workers at 18 ms serve 166 a second; for 5 s there come 300, each wants it within 2 s.
    for extra in 0..1000 {
        let id = 10_000 + extra;
        made.ask(id, 6 * SECOND + extra * 5 * MILLI);
        made.see(id, 1, answer(503, None));
    }
    let figures = made.figures();
    // 1500 are asked in 5 s, 833 fit, and 2 s of 166 may wait for the time after, in which 100 a
    // second come: with all of it 333 of the queue can be served late, but in time.
    let floor = figures.floor.beyond_capacity;
    assert!((330..=340).contains(&floor), "{floor}");
    assert_eq!(figures.floor.total(), floor);
    let beyond = super::super::number(1000 - floor);
    assert_eq!(figures.regret, Regret::Of(beyond * 1e5 / 3500.0));
}

#[test]
fn c_fewer_errors_than_the_floor_are_an_accounting_error() {
    let mut made = Made::steady(10);
    made.scenario.replicas.workers = 1;
    for extra in 0..1000 {
        let id = 10_000 + extra;
        made.ask(id, 6 * SECOND + extra * 5 * MILLI);
        made.see(id, 1, crate::measure::made::right(0));
    }
    let figures = made.figures();
    assert_eq!(figures.regret, Regret::AccountingError(figures.floor.total()));
    assert_eq!(figures.regret.value(), None);
}

#[test]
fn c_a_slower_fleet_serves_less() {
    let times = 20.0;
    let mut made = Made::struck(10, Fault::Slower { times }, &[0, 1, 2]);
    made.scenario.replicas.workers = 4;
    // 12 workers at 360 ms: 33 a second of 100, for 5 s; the rest fails.
    for id in made.asked(6.0, 11.0) {
        made.see(id, 5000, Seen::TimedOut);
    }
    let floor = made.figures().floor;
    // Of 500, 167 fit and 2 s of 100 may wait until it is fast again.
    assert!((130..=137).contains(&floor.beyond_capacity), "{floor:?}");
    // One slow replica of three leaves enough for all.
    let mut made = Made::struck(10, Fault::Slower { times }, &[0]);
    made.scenario.replicas.workers = 4;
    assert_eq!(made.figures().floor.total(), 0);
}

#[test]
fn c_a_shared_lock_serves_one_at_a_time() {
    let hold = Duration::from_millis(100);
    let mut made = Made::struck(10, Fault::SharedLock { hold }, &[0, 1, 2]);
    for id in made.asked(6.0, 11.0) {
        made.see(id, 5000, Seen::TimedOut);
    }
    // 10 a second for 5 s, and 2 s of 100 that may wait until the lock is free.
    let floor = made.figures().floor;
    assert!((248..=252).contains(&floor.beyond_capacity), "{floor:?}");
}

#[test]
fn d_nobody_answers_while_all_are_down() {
    let mut made = Made::struck(10, Fault::Crash, &[0, 1, 2]);
    for id in made.asked(6.0, 11.0) {
        made.forget_attempts(id);
        made.see(id, 5000, Seen::TimedOut);
    }
    let floor = made.figures().floor;
    // Asked in the first 3 s: due before the end. The last one, due 18 ms after it, just fits.
    assert_eq!(floor.nobody_there, 302);
    assert_eq!(floor.total(), 302);
    assert_eq!(made.figures().regret, Regret::Of(198.0 * 1e5 / 2500.0));
}

#[test]
fn d_only_routes_without_any_endpoint_are_excused() {
    let mut made = Made::struck(10, Fault::Crash, &[0, 1]);
    for id in made.asked(6.0, 11.0) {
        made.see(id, 5000, Seen::TimedOut);
    }
    assert_eq!(made.figures().floor.nobody_there, 0);
}

#[test]
fn d_flapping_of_all_is_dark_by_turns() {
    let (up, down) = (Duration::from_secs(1), Duration::from_millis(1500));
    let mut made = Made::struck(10, Fault::Flapping { up, down }, &[0, 1, 2]);
    made.run.stream.iter_mut().for_each(|one| one.deadline = 500 * MILLI);
    for id in made.asked(6.0, 11.0) {
        made.see(id, 5000, Seen::TimedOut);
    }
    // Dark from 6 to 7.5 s and from 8.5 to 10 s: one second of each is due before its end.
    let floor = made.figures().floor;
    assert!((200..=206).contains(&floor.nobody_there), "{floor:?}");
}

#[test]
fn e_a_request_that_kills_its_replica_is_hopeless() {
    let mut made = Made::struck(10, Fault::Poison { one_in: 100 }, &[0, 1, 2]);
    let is_poison = |id: &u64| crate::wire::is_poison(*id, 100);
    let poison = (610..1000).find(is_poison).unwrap();
    let beside = (610..1000).find(|id| !is_poison(id)).unwrap();
    dies(&mut made, poison);
    // A GET that was only beside it could have been asked again, a POST could not.
    dies(&mut made, beside);
    let floor = made.figures().floor;
    assert_eq!((floor.hopeless, floor.total()), (1, 1));
    made.post(beside);
    let floor = made.figures().floor;
    assert_eq!((floor.hopeless, floor.sent_once, floor.total()), (1, 1, 2));
}

#[test]
fn e_connections_open_at_the_kill_of_the_gateway_are_its_floor() {
    let mut made = Made::struck(10, Fault::GatewayKilled, &[]);
    for id in [599, 600, 700] {
        made.see(id, 15, Seen::NoAnswer);
    }
    let figures = made.figures();
    // 599 was asked in control and under way; 700 came later: the restart took too long for it.
    assert_eq!((figures.errors, figures.floor.hopeless), (3, 2));
}

#[test]
fn two_faults_are_told_apart_by_their_deeds() {
    let mut made = Made::struck(10, Fault::Crash, &[0, 1, 2]);
    made.scenario.faults[0].lasts = Some(Duration::from_secs(1));
    let mut second = made.scenario.faults[0].clone();
    second.at = Duration::from_secs(3);
    made.scenario.faults.push(second);
    made.run.deeds.push(crate::measure::made::deed(9, What::Set));
    made.run.stream.iter_mut().for_each(|one| one.deadline = 500 * MILLI);
    for id in made.asked(6.0, 11.0) {
        made.see(id, 5000, Seen::TimedOut);
    }
    // Half a second of each is due before its end.
    let floor = made.figures().floor;
    assert!((100..=106).contains(&floor.nobody_there), "{floor:?}");
}

/// The fewest drops, by trying all subsets: what is kept runs in the order of deadlines, which is
/// the best order on one server.
fn fewest(jobs: &[(u64, u64)], patience: u64) -> u32 {
    let subsets = 0..1_u32 << jobs.len();
    let fits = |kept: &u32| {
        let mut done = 0;
        jobs.iter().enumerate().filter(|(place, _)| kept & (1 << place) != 0).all(|(_, job)| {
            done = job.0.max(done) + job.1;
            done <= job.0 + patience
        })
    };
    let all = u32::try_from(jobs.len()).unwrap();
    subsets.filter(fits).map(|kept| all - kept.count_ones()).min().unwrap()
}

proptest! {
    #[test]
    fn c_is_never_above_the_best_of_all_ways_to_drop(
        jobs in prop::collection::vec((0_u64..400, 1_u64..120), 1..10),
        patience in 50_u64..300,
    ) {
        let mut jobs = jobs;
        jobs.sort_unstable();
        let mut made = Made::empty();
        (made.scenario.replicas.count, made.scenario.replicas.workers) = (1, 1);
        for (id, (at, service)) in jobs.iter().enumerate() {
            let planned = made.ask(id as u64, 6 * SECOND + at * MILLI);
            (planned.service, planned.deadline) = (service * MILLI, patience * MILLI);
        }
        let floor = made.figures().floor.beyond_capacity;
        let fewest = u64::from(fewest(&jobs, patience));
        prop_assert!(floor <= fewest, "{floor} over {fewest}");
        // It is a bound that binds: what cannot be served even alone is always dropped.
        let never = jobs.iter().filter(|(_, service)| *service > patience).count() as u64;
        prop_assert!(floor >= never, "{floor} under {never}");
    }
}
