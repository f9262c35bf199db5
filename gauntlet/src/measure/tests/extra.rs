//! Amplification, duplicates, wasted work, and the counting of attempts behind them.

use crate::measure::made::{MILLI, Made, SECOND, START, at, right};
use crate::record::Seen;
use crate::scenario::Fault;
use crate::stamp::Stamp;

fn close(value: Option<f64>, wanted: f64) -> bool {
    value.is_some_and(|value| (value - wanted).abs() < 1e-9)
}

#[test]
fn one_attempt_for_each_request_is_no_amplification() {
    let extra = Made::steady(10).figures().extra;
    assert!(close(extra.amplification, 1.0), "{extra:?}");
    assert!(close(extra.amplification_peak, 1.0), "{extra:?}");
    assert_eq!((extra.duplicates_begun, extra.duplicates_committed), (0, 0));
}

#[test]
fn retries_amplify_in_all_and_in_their_second() {
    let mut made = Made::steady(10);
    // 100 more attempts within one second of the 25 in question; those of control do not count.
    for id in made.asked(7.0, 8.0) {
        let begun = made.intended(id).after(2 * MILLI);
        made.attempt(id, 1, begun);
    }
    for id in made.asked(3.0, 4.0) {
        let begun = made.intended(id).after(2 * MILLI);
        made.attempt(id, 1, begun);
    }
    let extra = made.figures().extra;
    assert!(close(extra.amplification, 2600.0 / 2500.0), "{extra:?}");
    assert!(close(extra.amplification_peak, 2.0), "{extra:?}");
}

#[test]
fn a_second_effect_of_a_post_is_told_from_a_second_beginning() {
    let mut made = Made::steady(10);
    for id in [700, 800, 900] {
        made.post(id);
    }
    let later = |made: &Made, id| made.intended(id).after(5 * MILLI);
    let begun = later(&made, 700);
    made.attempt(700, 1, begun).committed = false;
    let begun = later(&made, 800);
    made.attempt(800, 1, begun);
    // A GET may be asked twice.
    let begun = later(&made, 901);
    made.attempt(901, 1, begun);
    let extra = made.figures().extra;
    assert_eq!((extra.duplicates_begun, extra.duplicates_committed), (2, 1));
    // With a key it may be repeated.
    made.run.stream.iter_mut().find(|one| one.id == 800).unwrap().keyed = true;
    let extra = made.figures().extra;
    assert_eq!((extra.duplicates_begun, extra.duplicates_committed), (1, 0));
}

#[test]
fn what_a_user_asked_for_again_is_not_the_products_duplicate() {
    let mut made = Made::steady(10);
    made.post(700);
    let begun = made.intended(700).after(SECOND);
    made.attempt(700, 1, begun);
    assert_eq!(made.figures().extra.duplicates_begun, 1);
    made.run.answered.iter_mut().find(|one| one.id == 700).unwrap().tries_before = 1;
    assert_eq!(made.figures().extra.duplicates_begun, 0);
}

#[test]
fn work_is_wasted_where_nobody_had_its_result_in_time() {
    let mut made = Made::steady(10);
    assert!(close(made.figures().extra.wasted, 0.0));
    // One late answer, one timeout, one hedge that lost: three times 18 ms of 2501.
    made.see(1000, 2500, right(1));
    made.see(1001, 5000, Seen::TimedOut);
    let begun = made.intended(1002);
    made.attempt(1002, 0, begun);
    let extra = made.figures().extra;
    assert!(close(extra.wasted, 3.0 / 2501.0), "{extra:?}");
}

#[test]
fn health_checks_are_neither_attempts_nor_work() {
    let mut made = Made::steady(10);
    for second in 1..30 {
        made.attempt(0, 1, at(second)).id = None;
    }
    let extra = made.figures().extra;
    assert!(close(extra.amplification, 1.0) && close(extra.wasted, 0.0), "{extra:?}");
}

/// Packets to replica 0: two for each attempt of control, none of which goes missing.
fn counted(every: u64, while_down: u64) -> Made {
    let mut made = Made::struck(every, Fault::BlackHole, &[0]);
    for id in made.asked(6.0, 11.0).into_iter().filter(|id| id % 3 == 0) {
        made.forget_attempts(id);
        let begun = made.intended(id).after(300 * MILLI);
        made.attempt(id, 1, begun);
    }
    let tenths = (0..310).map(|tenth| {
        let at = Stamp(START.0 + tenth * 100 * MILLI);
        let down = (60..110).contains(&tenth);
        let per_tenth = 2 * 100 / every / 3;
        (at, if down { while_down } else { per_tenth })
    });
    made.run.packets.insert(0, tenths.collect());
    made
}

#[test]
fn attempts_at_a_silent_replica_are_counted_by_packets() {
    // Every ms one request: 33⅓ attempts in each tenth at replica 0, 66 packets.
    let made = counted(1, 66);
    let figures = made.figures();
    assert!(!figures.blind);
    // In the fault phase a third of the requests was sent twice: 5 000 ÷ 3 more of 25 000.
    let amplification = figures.extra.amplification.unwrap();
    assert!((amplification - (1.0 + 5.0 / 3.0 / 25.0)).abs() < 0.002, "{amplification}");
    let quiet = counted(1, 0).figures().extra.amplification.unwrap();
    assert!((quiet - 1.0).abs() < 1e-9, "{quiet}");
}

#[test]
fn what_a_thawed_replica_finds_in_its_socket_is_not_counted_twice() {
    let mut made = counted(1, 66);
    let before = made.figures().extra.amplification;
    for id in made.asked(6.0, 10.0).into_iter().filter(|id| id % 3 == 0) {
        made.attempt(id, 0, at(11).after(MILLI)).abandoned = true;
    }
    assert_eq!(made.figures().extra.amplification, before);
}

#[test]
fn without_packets_a_silent_target_leaves_attempts_unknown() {
    let mut made = counted(10, 6);
    made.run.packets.clear();
    let figures = made.figures();
    assert!(figures.blind);
    assert_eq!(figures.shares.detect, crate::measure::When::Unknown);
    assert_eq!(figures.shares.eject, crate::measure::When::Unknown);
}
