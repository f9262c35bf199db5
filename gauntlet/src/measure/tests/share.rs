//! Detection, ejection, comeback and false ejection.

use crate::measure::When;
use crate::measure::made::{MILLI, Made, SECOND};
use crate::scenario::Fault;

/// Sends what replica 0 has to 1 for requests that are asked between two seconds, but for one in
/// `probe`.
fn shun(made: &mut Made, (from, to): (f64, f64), probe: u64) {
    for id in made.asked(from, to).into_iter().filter(|id| id % 3 == 0 && id % probe != 0) {
        made.run.attempts.iter_mut().filter(|one| one.id == Some(id)).for_each(|one| {
            one.replica = 1;
        });
    }
}

fn slow() -> Fault {
    Fault::Slow { by: std::time::Duration::from_millis(200) }
}

#[test]
fn a_product_that_never_looks_never_detects() {
    let shares = Made::struck(2, slow(), &[0]).figures().shares;
    assert_eq!(shares.detect, When::NotWithin(5 * SECOND));
    assert_eq!(shares.eject, When::NotWithin(5 * SECOND));
    assert_eq!(shares.comeback, When::After(0));
    assert_eq!(shares.false_ejection, Some(0.0));
}

#[test]
fn detection_is_half_the_share_and_ejection_a_twentieth() {
    let mut made = Made::struck(2, slow(), &[0]);
    shun(&mut made, (8.0, 13.0), 1_000_000);
    let shares = made.figures().shares;
    assert_eq!(shares.detect, When::After(2 * SECOND));
    assert_eq!(shares.eject, When::After(2 * SECOND));
    assert_eq!(shares.comeback, When::After(2 * SECOND));
    // One in four is left: less than half, more than a twentieth.
    let mut made = Made::struck(2, slow(), &[0]);
    shun(&mut made, (8.25, 13.0), 12);
    let shares = made.figures().shares;
    assert_eq!(shares.detect, When::After(2250 * MILLI));
    assert_eq!(shares.eject, When::NotWithin(5 * SECOND));
}

#[test]
fn a_dip_of_less_than_a_second_is_no_detection() {
    let mut made = Made::struck(2, slow(), &[0]);
    shun(&mut made, (7.0, 7.75), 1_000_000);
    shun(&mut made, (9.0, 10.0), 1_000_000);
    // Attempts begin a millisecond after their request.
    let shares = made.figures().shares;
    assert_eq!(shares.detect, When::After(3 * SECOND));
}

#[test]
fn probes_are_allowed_to_an_ejected_replica() {
    let mut made = Made::struck(2, slow(), &[0]);
    // One in 33 of what it had: below a twentieth.
    shun(&mut made, (6.0, 11.0), 99);
    assert_eq!(made.figures().shares.eject, When::After(0));
}

#[test]
fn comeback_is_four_fifths_held_for_five_seconds() {
    let mut made = Made::struck(2, slow(), &[0]);
    shun(&mut made, (6.0, 14.0), 1_000_000);
    // It is back for four seconds, away for one, and then back for good.
    shun(&mut made, (18.0, 19.0), 1_000_000);
    assert_eq!(made.figures().shares.comeback, When::After(8 * SECOND));
    let mut made = Made::struck(2, slow(), &[0]);
    shun(&mut made, (6.0, 31.0), 1_000_000);
    assert_eq!(made.figures().shares.comeback, When::NotWithin(20 * SECOND));
}

#[test]
fn a_healthy_replica_left_out_is_a_false_ejection() {
    let mut made = Made::struck(2, slow(), &[2]);
    shun(&mut made, (7.0, 9.0), 1_000_000);
    // Replica 0 for 2 of 25 seconds, of three replicas.
    assert_eq!(made.figures().shares.false_ejection, Some(2.0 / 75.0));
}

#[test]
fn a_target_left_out_is_no_false_ejection() {
    let mut made = Made::struck(2, slow(), &[0]);
    shun(&mut made, (6.0, 30.0), 1_000_000);
    assert_eq!(made.figures().shares.false_ejection, Some(0.0));
}

#[test]
fn with_all_struck_there_is_nobody_to_turn_to() {
    let shares = Made::struck(2, slow(), &[0, 1, 2]).figures().shares;
    assert_eq!((shares.detect, shares.comeback), (When::Unknown, When::Unknown));
}

#[test]
fn a_route_with_replicas_of_its_own_does_not_dilute_the_share() {
    let mut made = Made::empty();
    for id in 0..15_500 {
        made.ask(id, id * 2 * MILLI).route = u8::from(id % 4 == 3);
        made.answer(id, u8::try_from(id % 4).unwrap());
    }
    made.strike(slow(), &[0]);
    made.run.attempts.iter_mut().filter(|one| one.replica == 0).for_each(|one| {
        let late = one.begun >= crate::measure::made::at(7);
        one.replica = if late { 3 } else { 0 };
    });
    // Of the three that share its routes it had a third, and has nothing from second 7 on. That its
    // work went to another pool's replica changes no share within its own.
    assert_eq!(made.figures().shares.detect, When::After(SECOND));
}
