//! Tests of the outlier detector: worked examples and traps by name. The state table is in
//! `table`, the comparison with a naive model in `model`, the detectors beyond rates and rows of
//! failures, Envoy's rules and the settings in `detectors`.

mod detectors;
mod model;
mod table;

use super::*;
use crate::Mode;
use crate::endpoint::Slot;
use crate::outcome::Class;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, Instant};
use std::vec::Vec;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn slot(index: u32) -> Slot {
    Slot::new(index)
}

fn percent(percent: u32) -> Ratio {
    Ratio::from_percent(percent)
}

const fn evidence(class: Class) -> Evidence {
    Evidence { class, failure: None, latency: None, refused: false, draw: Draw::ZERO }
}

fn detector(settings: OutlierSettings, count: u32) -> Outliers {
    let mut outliers = Outliers::new(settings, Instant::EPOCH);
    (0..count).for_each(|index| outliers.insert(slot(index), Instant::EPOCH));
    outliers
}

/// Ejections of so many seconds that a test can look at them while they last.
fn long() -> OutlierSettings {
    OutlierSettings { base: Duration::from_secs(30), ..OutlierSettings::default() }
}

fn rates_only() -> OutlierSettings {
    OutlierSettings { consecutive: None, ..OutlierSettings::default() }
}

fn note(outliers: &mut Outliers, index: u32, class: Class, millis: u64) -> Vec<OutlierEvent> {
    let mut events = Vec::new();
    outliers.note(slot(index), evidence(class), at(millis), &mut events);
    outliers.invariants();
    events
}

fn fail(outliers: &mut Outliers, index: u32, times: u32, millis: u64) -> Vec<OutlierEvent> {
    (0..times).flat_map(|_| note(outliers, index, Class::Failure, millis)).collect()
}

/// Gives each endpoint 100 outcomes with this many successes between two judgements; returns what
/// the second one reports.
fn feed(outliers: &mut Outliers, successes: &[u32]) -> Vec<OutlierEvent> {
    let mut events = Vec::new();
    // The very first outcome brings a judgement, which finds too few; then none for 100 ms.
    for turn in 0..100 {
        for (index, good) in (0_u32..).zip(successes) {
            let class = if turn < *good { Class::Success } else { Class::Failure };
            events.extend(note(outliers, index, class, 0));
        }
    }
    assert_eq!(events, [], "a verdict before all outcomes were in");
    events.extend(note(outliers, 0, last_class(successes), 200));
    events
}

/// What the first endpoint answers most of the time, so that one more moves no threshold.
fn last_class(successes: &[u32]) -> Class {
    if successes[0] >= 50 { Class::Success } else { Class::Failure }
}

fn ejected(events: &[OutlierEvent]) -> Vec<u32> {
    let slots = events.iter().filter(|event| matches!(event, OutlierEvent::Ejected { .. }));
    slots.map(|event| u32::try_from(event.slot().index()).unwrap()).collect()
}

fn suppressed(events: &[OutlierEvent]) -> usize {
    events.iter().filter(|event| matches!(event, OutlierEvent::Suppressed { .. })).count()
}

fn capped(events: &[OutlierEvent]) -> usize {
    events.iter().filter(|event| matches!(event, OutlierEvent::Capped { .. })).count()
}

fn out(outliers: &Outliers, count: u32, millis: u64) -> Vec<u32> {
    (0..count).filter(|index| outliers.standing(slot(*index), at(millis)) != Standing::In).collect()
}

fn probe(outliers: &mut Outliers, index: u32, class: Class, millis: u64) -> Vec<OutlierEvent> {
    let mut events = Vec::new();
    let ticket = outliers.begin_probe(slot(index), at(millis)).expect("a probe is due");
    outliers.end_probe(ticket, evidence(class), at(millis), &mut events);
    outliers.invariants();
    events
}

fn until(outliers: &Outliers, index: u32) -> Instant {
    outliers.snapshot(slot(index), Instant::EPOCH).last.unwrap().until
}

#[test]
fn od_1_a_rate_far_below_the_median_is_ejected() {
    let mut outliers = detector(rates_only(), 5);
    let events = feed(&mut outliers, &[50, 100, 100, 100, 100]);
    assert_eq!(ejected(&events), [0]);
    let last = outliers.snapshot(slot(0), at(200)).last.unwrap();
    let Finding::SuccessRate { rate, threshold } = last.finding else { panic!("{last:?}") };
    assert_eq!((rate.ppm() / 10_000, threshold), (50, percent(90)));
}

#[test]
fn od_2_an_endpoint_that_is_ninety_percent_fine_stays() {
    let mut outliers = detector(rates_only(), 5);
    assert_eq!(feed(&mut outliers, &[90, 100, 100, 100, 100]), []);
}

#[test]
fn od_3_two_dead_of_five_are_both_ejected() {
    let mut outliers = detector(rates_only(), 5);
    let events = feed(&mut outliers, &[0, 0, 100, 100, 100]);
    assert_eq!(ejected(&events), [0, 1]);
}

#[test]
fn od_4_three_dead_of_five_are_the_fleet() {
    let mut outliers = detector(rates_only(), 5);
    let events = feed(&mut outliers, &[0, 0, 0, 100, 100]);
    assert!(matches!(events[..], [OutlierEvent::Suppressed { failing: 3, judged: 5, .. }]));
    assert_eq!(out(&outliers, 5, 200), []);
}

/// The endpoints that fail one after the other, which is no common fault, until the cap.
fn eject_all(settings: OutlierSettings, count: u32) -> usize {
    let mut outliers = detector(settings, count);
    for index in 0..count {
        fail(&mut outliers, index, 5, 1);
    }
    out(&outliers, count, 1).len()
}

#[test]
fn od_5_the_cap_counts_what_is_out_after_the_ejection() {
    for (count, cap) in [(1, 0), (2, 1), (3, 1), (9, 4), (10, 5)] {
        assert_eq!(eject_all(OutlierSettings::default(), count), cap, "n = {count}");
    }
}

#[test]
fn t136_the_cap_is_defined_for_one_to_twelve_endpoints() {
    let caps = |share: u32, min_healthy: u32| -> Vec<usize> {
        let max_ejected = percent(share);
        let settings = OutlierSettings { max_ejected, min_healthy, ..OutlierSettings::default() };
        (1..=12).map(|count| eject_all(settings, count)).collect()
    };
    assert_eq!(caps(50, 1), [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]);
    assert_eq!(caps(10, 1), [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(caps(0, 1), [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(caps(100, 1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(caps(100, 0), caps(100, 1));
    assert_eq!(caps(50, 10), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
}

#[test]
fn t136_an_outlier_beyond_the_cap_is_reported_once_in_a_window() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 5, 0);
    let events = fail(&mut outliers, 1, 9, 1);
    assert_eq!(capped(&events), 1);
    assert!(matches!(events[..], [OutlierEvent::Capped { out: 1, .. }]));
    assert_eq!(capped(&fail(&mut outliers, 1, 9, 10_000)), 0);
    assert_eq!(capped(&fail(&mut outliers, 1, 9, 10_001)), 1);
}

#[test]
fn t141_one_dead_of_four_and_two_dead_of_five_are_found() {
    let mut four = detector(rates_only(), 4);
    assert_eq!(ejected(&feed(&mut four, &[0, 100, 100, 100])), [0]);
    // Without the share of failures, too: by rate alone.
    let settings = OutlierSettings { failure_share: None, ..rates_only() };
    let mut five = detector(settings, 5);
    assert_eq!(ejected(&feed(&mut five, &[100, 0, 100, 0, 100])), [1, 3]);
}

#[test]
fn t142_a_common_fault_ejects_nobody_by_rate() {
    let mut outliers = detector(rates_only(), 4);
    let events = feed(&mut outliers, &[0, 5, 0, 10]);
    assert_eq!((ejected(&events).len(), suppressed(&events)), (0, 1));
}

#[test]
fn t142_a_common_fault_ejects_nobody_by_failures_in_a_row() {
    let mut outliers = detector(OutlierSettings::default(), 6);
    let mut events = Vec::new();
    for turn in 0..200 {
        for index in 0..6 {
            events.extend(note(&mut outliers, index, Class::Failure, turn * 100));
        }
    }
    assert_eq!(out(&outliers, 6, 20_000), []);
    // Twenty seconds of it: once at the start and once in each further window of ten.
    assert_eq!((ejected(&events).len(), suppressed(&events)), (0, 2));
}

#[test]
fn t142_the_first_with_enough_requests_is_not_ejected_for_all() {
    let mut outliers = detector(rates_only(), 3);
    let mut events = Vec::new();
    for turn in 0..40 {
        (0..3).for_each(|index| events.extend(note(&mut outliers, index, Class::Failure, turn)));
    }
    for turn in 0..20 {
        events.extend(note(&mut outliers, 0, Class::Failure, 200 + turn * 100));
    }
    assert_eq!((ejected(&events).len(), suppressed(&events)), (0, 1));
}

#[test]
fn t144_the_last_endpoint_is_never_ejected() {
    let mut outliers = detector(OutlierSettings::default(), 1);
    let events = fail(&mut outliers, 0, 500, 1);
    assert!(matches!(events[..], [OutlierEvent::Capped { out: 0, .. }]), "{events:?}");
    assert_eq!(outliers.standing(slot(0), at(1)), Standing::In);
}

#[test]
fn t144_removing_the_healthy_ones_spares_the_ejected() {
    let mut outliers = detector(OutlierSettings::default(), 4);
    fail(&mut outliers, 0, 5, 0);
    fail(&mut outliers, 1, 5, 1);
    assert_eq!(out(&outliers, 4, 1), [0, 1]);
    outliers.remove(slot(2), at(2));
    assert_eq!(out(&outliers, 4, 2), [1], "of three, one may be out: the one that ends later");
    assert!(outliers.snapshot(slot(0), at(2)).spared);
    outliers.remove(slot(3), at(3));
    outliers.remove(slot(0), at(3));
    assert_eq!(out(&outliers, 4, 3), [], "the last one serves");
    outliers.invariants();
    // Others come back: the ejection, which was not over, is in force again.
    outliers.insert(slot(0), at(4));
    assert_eq!(out(&outliers, 4, 4), [1]);
}

#[test]
fn a_spared_endpoint_returns_by_its_first_success_after_its_time() {
    let mut outliers = detector(OutlierSettings::default(), 2);
    fail(&mut outliers, 0, 5, 0);
    outliers.remove(slot(1), at(1));
    assert_eq!(note(&mut outliers, 0, Class::Success, 2), [], "its time is not over");
    let events = note(&mut outliers, 0, Class::Success, 30_000);
    assert!(matches!(events[..], [OutlierEvent::Returned { streak: 1, .. }]));
    assert!(!outliers.snapshot(slot(0), at(30_000)).spared);
}

#[test]
fn t146_an_ejection_outlives_the_registration() {
    let mut outliers = detector(long(), 4);
    fail(&mut outliers, 0, 5, 0);
    probe(&mut outliers, 0, Class::Failure, 24_000);
    let before = outliers.snapshot(slot(0), at(25_000));
    let remembered = outliers.remove(slot(0), at(25_000));
    assert_eq!(outliers.standing(slot(0), at(25_000)), Standing::In);
    outliers.insert(slot(7), at(26_000));
    outliers.restore(slot(7), remembered, at(26_000));
    outliers.invariants();
    let after = outliers.snapshot(slot(7), at(26_000));
    assert_eq!((after.standing, after.streak), (before.standing, 2));
    assert_eq!(after.last, before.last);
}

#[test]
fn t146_a_whole_registry_that_flaps_grants_no_amnesty() {
    let mut outliers = detector(OutlierSettings::default(), 4);
    fail(&mut outliers, 0, 5, 0);
    let kept: Vec<_> = (0..4).map(|index| outliers.remove(slot(index), at(1))).collect();
    for (index, remembered) in (0..).zip(kept) {
        outliers.insert(slot(index), at(2));
        outliers.restore(slot(index), remembered, at(2));
        outliers.invariants();
    }
    assert_eq!(out(&outliers, 4, 2), [0]);
}

#[test]
fn t147_a_passing_check_brings_the_probe_forward_but_lets_nobody_in() {
    let mut outliers = detector(long(), 3);
    fail(&mut outliers, 0, 5, 0);
    outliers.hasten(slot(0), at(5_000));
    assert_eq!(outliers.standing(slot(0), at(5_000)), Standing::ProbeDue);
    probe(&mut outliers, 0, Class::Failure, 300_000);
    // The check still passes while real traffic fails: the wait grows all the same.
    outliers.hasten(slot(0), at(305_000));
    assert_eq!(
        outliers.standing(slot(0), at(305_000)),
        Standing::Ejected { until: at(300_000 + 48_000) }
    );
}

#[test]
fn t145_an_ejection_heals_by_itself_however_late_the_traffic() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 5, 0);
    assert_eq!(outliers.standing(slot(0), at(86_400_000)), Standing::ProbeDue);
    let events = probe(&mut outliers, 0, Class::Success, 86_400_000);
    assert!(matches!(events[..], [OutlierEvent::Returned { .. }]));
    assert_eq!(outliers.standing(slot(0), at(86_400_000)), Standing::In);
}

#[test]
fn t145_a_lost_probe_gives_its_place_back_in_the_end() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 5, 0);
    let lost = outliers.begin_probe(slot(0), at(30_000)).unwrap();
    assert_eq!(outliers.begin_probe(slot(0), at(329_999)), None);
    let next = outliers.begin_probe(slot(0), at(330_000)).unwrap();
    let mut events = Vec::new();
    outliers.end_probe(lost, evidence(Class::Success), at(330_001), &mut events);
    assert_eq!(events, [], "the place is no longer its own");
    outliers.end_probe(next, evidence(Class::Success), at(330_002), &mut events);
    assert!(matches!(events[..], [OutlierEvent::Returned { .. }]));
}

/// How long the ejections of an endpoint last that fails every probe, each of them as soon as it
/// may, until one is as long as may be. The first draw is the least, all others the largest.
fn waits_of_one_that_stays_ill(settings: OutlierSettings) -> Vec<Duration> {
    let mut outliers = detector(settings, 3);
    fail(&mut outliers, 0, 5, 0);
    let mut waits = std::vec![until(&outliers, 0).since(at(0))];
    while waits.len() < 100 && waits.last().is_some_and(|wait| wait.as_secs() < 299) {
        let now = until(&outliers, 0);
        let ticket = outliers.begin_probe(slot(0), now).unwrap();
        let evidence = Evidence { draw: Draw::ALMOST_ONE, ..evidence(Class::Failure) };
        outliers.end_probe(ticket, evidence, now, &mut Vec::new());
        waits.push(until(&outliers, 0).since(now));
    }
    waits
}

#[test]
fn ejections_grow_with_the_illness_to_their_maximum() {
    let waits = waits_of_one_that_stays_ill(OutlierSettings::default());
    assert_eq!(waits.first(), Some(&Duration::from_millis(800)), "a fifth less, by the least draw");
    let mut ill = Duration::ZERO;
    for wait in &waits {
        let most = (ill / 4).max(Duration::from_secs(1)).min(Duration::from_secs(300));
        assert!(*wait <= most && *wait * 5 >= most * 4, "{wait:?} after {ill:?}");
        ill += *wait;
    }
    assert_eq!(waits.len(), 31, "probes until the longest: their number grows with its logarithm");
}

#[test]
fn an_ejection_is_at_most_twice_as_long_as_the_one_before() {
    let mut outliers = detector(long(), 3);
    fail(&mut outliers, 0, 5, 0);
    let mut waits = Vec::new();
    for hour in 1..6 {
        probe(&mut outliers, 0, Class::Failure, hour * 3_600_000);
        waits.push(until(&outliers, 0).since(at(hour * 3_600_000)).as_secs());
    }
    assert_eq!(waits, [48, 96, 192, 240, 240], "a fifth less than 60, 120, 240 and 300");
}

#[test]
fn a_probe_that_is_refused_at_once_makes_no_ejection_longer() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 5, 0);
    for second in 1..60 {
        let ticket = outliers.begin_probe(slot(0), at(second * 1_000)).unwrap();
        let refused = Evidence { refused: true, ..evidence(Class::Failure) };
        outliers.end_probe(ticket, refused, at(second * 1_000), &mut Vec::new());
        assert_eq!(outliers.snapshot(slot(0), at(second * 1_000)).streak, 1);
        assert!(outliers.refuses(slot(0)));
    }
    probe(&mut outliers, 0, Class::Failure, 60_000);
    assert_eq!(outliers.snapshot(slot(0), at(60_000)).streak, 2, "one that was not, does");
    assert!(!outliers.refuses(slot(0)));
}

/// Gives endpoints 1 and 2 two hundred outcomes, `percent` of them failures and none in a row.
fn others_fail(outliers: &mut Outliers, percent: u32) {
    for turn in 0..100 {
        for index in [1, 2] {
            let failed = turn * percent / 100 != (turn + 1) * percent / 100;
            let class = if failed { Class::Failure } else { Class::Success };
            note(outliers, index, class, u64::from(turn) * 10);
        }
    }
    // None of them is failing just now, which would be a common fault.
    for index in [1, 2].repeat(8) {
        note(outliers, index, Class::Success, 1_000);
    }
}

#[test]
fn a_row_of_failures_counts_once_it_is_no_chance_among_what_the_others_fail() {
    for (percent, row) in [(0, 5), (5, 5), (10, 6), (20, 9), (30, 11), (50, 18)] {
        let mut outliers = detector(rows_only(), 3);
        others_fail(&mut outliers, percent);
        assert_eq!(ejected(&fail(&mut outliers, 0, row - 1, 1_001)), [], "{percent} %");
        assert_eq!(ejected(&fail(&mut outliers, 0, 1, 1_002)), [0], "{percent} %");
    }
}

/// Rows of failures and nothing else.
fn rows_only() -> OutlierSettings {
    let usual = OutlierSettings::default();
    OutlierSettings { deviation: None, failure_share: None, latency: None, ..usual }
}

#[test]
fn a_minute_in_good_standing_forgives_one_ejection() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 5, 0);
    probe(&mut outliers, 0, Class::Failure, 30_000);
    probe(&mut outliers, 0, Class::Success, 100_000);
    let streak = |outliers: &Outliers, millis| outliers.snapshot(slot(0), at(millis)).streak;
    assert_eq!(streak(&outliers, 159_999), 2);
    assert_eq!(streak(&outliers, 160_000), 1);
    assert_eq!(streak(&outliers, 900_000), 0);
    fail(&mut outliers, 0, 5, 160_000);
    assert_eq!(streak(&outliers, 900_000), 2, "time out forgives nothing");
}

#[test]
fn what_was_ejected_together_does_not_come_back_together() {
    let mut outliers = detector(OutlierSettings { consecutive: None, ..long() }, 5);
    feed(&mut outliers, &[0, 0, 100, 100, 100]);
    let apart = until(&outliers, 1).since(until(&outliers, 0));
    assert!(apart > Duration::from_secs(1), "{apart:?}");
}

#[test]
fn several_detectors_in_one_instant_make_one_ejection() {
    let settings = OutlierSettings {
        min_requests: 5,
        window: Duration::from_secs(1),
        ..OutlierSettings::default()
    };
    let mut outliers = detector(settings, 3);
    for turn in 0..10 {
        (1..3).for_each(|index| drop(note(&mut outliers, index, Class::Success, turn)));
    }
    fail(&mut outliers, 0, 4, 10);
    let events = fail(&mut outliers, 0, 1, 100);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(outliers.snapshot(slot(0), at(100)).streak, 1);
}

#[test]
fn a_success_ends_a_row_of_failures_and_other_classes_do_not() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    for class in [Class::Ignored, Class::Abandoned] {
        fail(&mut outliers, 0, 4, 0);
        assert_eq!(note(&mut outliers, 0, class, 0), []);
        assert_eq!(outliers.snapshot(slot(0), at(0)).consecutive, 4);
        note(&mut outliers, 0, Class::Success, 0);
        assert_eq!(outliers.snapshot(slot(0), at(0)).consecutive, 0);
    }
    assert_eq!(outliers.snapshot(slot(0), at(0)).requests, 10);
    assert_eq!(ejected(&fail(&mut outliers, 0, 5, 0)), [0]);
}

#[test]
fn a_returned_endpoint_is_not_judged_by_what_it_did_before() {
    let mut outliers = detector(rates_only(), 3);
    feed(&mut outliers, &[0, 100, 100]);
    outliers.hasten(slot(0), at(300));
    probe(&mut outliers, 0, Class::Success, 300);
    assert_eq!(outliers.snapshot(slot(0), at(300)).requests, 0);
    assert_eq!(note(&mut outliers, 1, Class::Success, 1_000), []);
}

#[test]
fn outcomes_of_an_endpoint_that_is_out_do_not_count() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 5, 0);
    let before = outliers.snapshot(slot(0), at(40_000));
    assert_eq!(note(&mut outliers, 0, Class::Success, 40_000), []);
    assert_eq!(fail(&mut outliers, 0, 9, 40_000), []);
    assert_eq!(outliers.snapshot(slot(0), at(40_000)), before);
}

#[test]
fn shadow_reports_the_same_and_keeps_everyone_in() {
    let mode = Mode::Shadow;
    let mut outliers = detector(OutlierSettings { mode, ..OutlierSettings::default() }, 3);
    let events = fail(&mut outliers, 0, 9, 0);
    assert!(matches!(events[..], [OutlierEvent::Ejected { mode: Mode::Shadow, .. }]));
    assert_eq!(outliers.standing(slot(0), at(0)), Standing::In);
    assert_eq!(outliers.begin_probe(slot(0), at(30_000)), None);
    let events = fail(&mut outliers, 0, 3, 30_000);
    assert!(matches!(events[..], [OutlierEvent::Ejected { ejection, .. }] if ejection.streak == 2));
    let events = note(&mut outliers, 0, Class::Success, 90_000);
    assert!(matches!(events[..], [OutlierEvent::Returned { mode: Mode::Shadow, .. }]));
}

#[test]
fn off_keeps_nothing_and_reports_nothing() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 5, 0);
    let off = OutlierSettings { mode: Mode::Off, ..OutlierSettings::default() };
    outliers.reconfigure(off, at(1));
    assert_eq!(fail(&mut outliers, 1, 9, 1), []);
    outliers.reconfigure(OutlierSettings::default(), at(2));
    outliers.invariants();
    assert_eq!(out(&outliers, 3, 2), []);
    assert_eq!(outliers.snapshot(slot(1), at(2)).requests, 0);
}

#[test]
fn new_settings_keep_outcomes_ejections_and_rows() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 5, 500);
    for second in 0..10 {
        fail(&mut outliers, 1, 1, 500 + second * 1_000);
        note(&mut outliers, 1, Class::Success, 500 + second * 1_000);
    }
    fail(&mut outliers, 1, 3, 9_500);
    let window = Duration::from_secs(30);
    outliers.reconfigure(OutlierSettings { window, ..OutlierSettings::default() }, at(9_500));
    let snapshot = outliers.snapshot(slot(1), at(9_500));
    assert_eq!((snapshot.requests, snapshot.consecutive), (23, 3));
    assert_eq!(out(&outliers, 3, 9_500), [0]);
    let window = Duration::from_secs(2);
    outliers.reconfigure(OutlierSettings { window, ..OutlierSettings::default() }, at(9_500));
    assert!(outliers.snapshot(slot(1), at(9_500)).requests < 23, "a short window forgets");
    outliers.invariants();
}

#[test]
fn outcomes_just_after_the_epoch_move_to_a_new_window_once() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 3, 500);
    let window = Duration::from_secs(30);
    outliers.reconfigure(OutlierSettings { window, ..OutlierSettings::default() }, at(600));
    assert_eq!(outliers.snapshot(slot(0), at(600)).requests, 3);
}

#[test]
fn a_rate_exactly_at_the_threshold_stays() {
    let rated = |index, successes: u32| {
        let tally = record::Tally { successes, failures: 100 - successes };
        rates::Rated::new(slot(index), tally).unwrap()
    };
    let three = [rated(0, 90), rated(1, 100), rated(2, 100)];
    let threshold = rates::threshold(&three, percent(10), &mut Vec::new());
    assert_eq!(threshold, Some(percent(90)));
    let thresholds =
        rates::Thresholds { deviation: threshold, share: Some(percent(50)), mean: None };
    assert_eq!(thresholds.finding(&three[0]), None);
    let finding = thresholds.finding(&rated(0, 89)).unwrap();
    assert_eq!(finding.detector(), Detector::SuccessRate);
}

#[test]
fn the_only_endpoint_with_traffic_is_no_common_fault() {
    let mut outliers = detector(rates_only(), 3);
    fail(&mut outliers, 0, 60, 0);
    assert_eq!(ejected(&fail(&mut outliers, 0, 1, 200)), [0]);
}

#[test]
fn rates_wait_for_enough_requests_and_enough_endpoints() {
    let rate_alone = OutlierSettings { failure_share: None, ..rates_only() };
    let mut two = detector(rate_alone, 2);
    assert_eq!(feed(&mut two, &[0, 100]), [], "of two, neither is the odd one");
    let mut few = detector(OutlierSettings { min_requests: 102, ..rates_only() }, 3);
    assert_eq!(feed(&mut few, &[0, 100, 100]), [], "101 requests are too few");
}

#[test]
fn an_exact_half_of_failures_ejects_one_of_two() {
    let mut outliers = detector(rates_only(), 2);
    note(&mut outliers, 0, Class::Failure, 0);
    for turn in 0..99 {
        let class = if turn % 2 == 0 { Class::Success } else { Class::Failure };
        assert_eq!(note(&mut outliers, 0, class, 0), []);
        assert_eq!(note(&mut outliers, 1, Class::Success, 0), []);
    }
    let events = note(&mut outliers, 1, Class::Success, 200);
    let [OutlierEvent::Ejected { slot, ejection, .. }] = events[..] else { panic!("{events:?}") };
    let finding = Finding::FailureShare { share: percent(50), limit: percent(50) };
    assert_eq!((slot.index(), ejection.finding), (0, finding));
    assert_eq!(finding.detector(), Detector::FailureShare);
}

#[test]
fn unknown_slots_are_in_and_do_nothing() {
    let mut outliers = detector(OutlierSettings::default(), 2);
    assert_eq!(fail(&mut outliers, 9, 9, 0), []);
    assert_eq!(outliers.standing(slot(9), at(0)), Standing::In);
    assert_eq!(outliers.begin_probe(slot(9), at(0)), None);
    assert_eq!(outliers.remove(slot(9), at(0)), Remembered::default());
    assert_eq!(outliers.snapshot(slot(9), at(0)).requests, 0);
    outliers.hasten(slot(9), at(0));
    outliers.invariants();
}

#[test]
fn a_probe_of_a_slot_that_was_reused_changes_nothing() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 5, 0);
    let old = outliers.begin_probe(slot(0), at(30_000)).unwrap();
    outliers.remove(slot(0), at(30_001));
    outliers.insert(slot(0), at(30_002));
    fail(&mut outliers, 0, 5, 30_003);
    let mut events = Vec::new();
    outliers.end_probe(old, evidence(Class::Success), at(30_004), &mut events);
    assert_eq!(events, []);
    assert_eq!(out(&outliers, 3, 30_004), [0]);
}
