//! Latency, odd answers, Envoy's rules, enforcement in part, the question why not, and settings.

use super::*;
use crate::outcome::FailureKind;
use crate::time::nanos;

fn timed(millis: u64) -> Evidence {
    let latency = Some(Duration::from_millis(millis));
    Evidence { latency, ..evidence(Class::Success) }
}

/// Gives each endpoint 20 answers that take so many milliseconds, then lets them be compared.
fn serve(outliers: &mut Outliers, latencies: &[u64]) -> Vec<OutlierEvent> {
    let mut events = Vec::new();
    // Three turns a second apart, so that at least one comparison sees every answer.
    for turn in 0..3 {
        for _ in 0..20 {
            for (index, latency) in (0_u32..).zip(latencies) {
                outliers.note(slot(index), timed(*latency), at(turn * 1_000), &mut events);
            }
        }
        outliers.invariants();
    }
    events
}

fn failed(outliers: &mut Outliers, kind: FailureKind, times: u32) -> Vec<OutlierEvent> {
    let mut events = Vec::new();
    let failure = Evidence { failure: Some(kind), ..evidence(Class::Failure) };
    for _ in 0..times {
        outliers.note(slot(0), failure, at(1), &mut events);
        outliers.invariants();
    }
    events
}

fn detectors(events: &[OutlierEvent]) -> Vec<Detector> {
    let of = |event: &OutlierEvent| match event {
        OutlierEvent::Ejected { ejection, .. } => Some(ejection.finding.detector()),
        OutlierEvent::Capped { .. }
        | OutlierEvent::Suppressed { .. }
        | OutlierEvent::NotEnforced { .. }
        | OutlierEvent::Returned { .. } => None,
    };
    events.iter().filter_map(of).collect()
}

fn why(outliers: &Outliers, index: u32, detector: Detector, millis: u64) -> WhyNot {
    let answers = outliers.why_not(slot(index), at(millis));
    answers.into_iter().find(|(by, _)| *by == detector).expect("every detector answers").1
}

#[test]
fn t140_a_slow_endpoint_is_ejected_by_its_median() {
    let mut outliers = detector(OutlierSettings::default(), 4);
    let events = serve(&mut outliers, &[400, 100, 90, 110]);
    assert_eq!(detectors(&events), [Detector::Latency]);
    assert_eq!(ejected(&events), [0]);
    let last = outliers.snapshot(slot(0), at(3_000)).last.unwrap();
    let Finding::Latency { median, threshold } = last.finding else { panic!("{last:?}") };
    assert!(median >= Duration::from_millis(400) && median <= Duration::from_millis(420));
    assert!(threshold >= Duration::from_millis(300) && threshold <= Duration::from_millis(315));
}

#[test]
fn t140_of_two_endpoints_the_slow_one_is_found() {
    let mut outliers = detector(OutlierSettings::default(), 2);
    assert_eq!(ejected(&serve(&mut outliers, &[10, 200])), [1]);
}

#[test]
fn three_times_almost_nothing_is_not_slow() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    assert_eq!(serve(&mut outliers, &[40, 2, 3]), []);
}

#[test]
fn less_than_three_times_as_slow_stays() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    assert_eq!(serve(&mut outliers, &[280, 100, 100]), []);
}

#[test]
fn latency_waits_for_twenty_answers() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    let mut events = Vec::new();
    for turn in 0..19 {
        outliers.note(slot(0), timed(900), at(turn * 100), &mut events);
        outliers.note(slot(1), timed(10), at(turn * 100), &mut events);
    }
    outliers.note(slot(2), timed(10), at(5_000), &mut events);
    assert_eq!(events, []);
    let needed = WhyNot::FewRequests { had: 19, needed: 20 };
    assert_eq!(why(&outliers, 0, Detector::Latency, 5_000), needed);
}

#[test]
fn two_slow_of_four_are_both_ejected_and_a_slow_fleet_is_not() {
    let mut outliers = detector(OutlierSettings::default(), 4);
    let mut slow = ejected(&serve(&mut outliers, &[900, 800, 10, 10]));
    slow.sort_unstable();
    assert_eq!(slow, [0, 1]);
    let mut fleet = detector(OutlierSettings::default(), 4);
    assert_eq!(serve(&mut fleet, &[900, 950, 990, 1_000]), []);
}

#[test]
fn t142_latency_ejects_nobody_while_most_fail() {
    let settings = OutlierSettings {
        consecutive: None,
        failure_share: None,
        deviation: None,
        ..OutlierSettings::default()
    };
    let mut outliers = detector(settings, 3);
    let mut events = Vec::new();
    for turn in 0..60 {
        for index in 0..3 {
            let latency = Some(Duration::from_millis(if index == 0 { 900 } else { 10 }));
            let class = if turn % 4 == 0 { Class::Success } else { Class::Failure };
            let evidence = Evidence { latency, ..evidence(class) };
            outliers.note(slot(index), evidence, at(turn * 50), &mut events);
        }
    }
    assert!(suppressed(&events) >= 1, "{events:?}");
    assert_eq!(ejected(&events), []);
}

#[test]
fn a_returned_endpoint_is_not_judged_by_its_old_latencies() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    serve(&mut outliers, &[400, 10, 10]);
    let due = nanos(until(&outliers, 0).since(Instant::EPOCH)).div_ceil(1_000_000);
    probe(&mut outliers, 0, Class::Success, due);
    assert_eq!(outliers.snapshot(slot(0), at(due)).latency, None);
}

#[test]
fn a_new_window_keeps_the_latencies() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    serve(&mut outliers, &[100, 100, 100]);
    let window = Duration::from_secs(30);
    let longer = OutlierSettings { window, ..OutlierSettings::default() };
    outliers.reconfigure(longer, at(2_500));
    let mut events = Vec::new();
    (0..3).for_each(|index| outliers.note(slot(index), timed(100), at(6_000), &mut events));
    let why = why(&outliers, 0, Detector::Latency, 6_000);
    assert!(matches!(why, WhyNot::Within(Finding::Latency { .. })), "{why:?}");
}

#[test]
fn the_outcome_of_an_attempt_says_what_is_a_sample() {
    use crate::outcome::{Observation, RetryOn500, Sent, classify};
    let of = |seen| {
        let outcome = classify(seen, RetryOn500::Never);
        Evidence::of(&outcome, Duration::from_secs(1), Draw::ZERO)
    };
    let status = |code| Observation::Status { code, retry_after: None, exhausted: false };
    let second = Some(Duration::from_secs(1));
    assert_eq!(of(status(200)).latency, second);
    assert_eq!(of(status(500)).latency, None);
    assert_eq!(of(status(503)).failure, Some(FailureKind::Gateway));
    assert_eq!(of(Observation::TimedOut { sent: Sent::Yes }).latency, second);
    assert_eq!(of(Observation::CallerGone).latency, None);
    assert_eq!(of(status(429)).class, Class::Ignored);
}

#[test]
fn the_odd_one_of_majority_reads_is_ejected_on_its_third_disagreement() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    let mut events = Vec::new();
    let mut compare = |outliers: &mut Outliers, agreement| {
        outliers.compared(slot(2), agreement, (at(1), Draw::ZERO), &mut events);
    };
    for agreement in [Agreement::Odd, Agreement::Agreed, Agreement::Odd, Agreement::Agreed] {
        compare(&mut outliers, agreement);
    }
    assert_eq!(out(&outliers, 3, 1), []);
    compare(&mut outliers, Agreement::Odd);
    assert_eq!(out(&outliers, 3, 1), [2]);
    assert_eq!(detectors(&events), [Detector::OddOne]);
}

#[test]
fn disagreements_beyond_the_last_reads_are_forgotten() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    let mut events = Vec::new();
    for round in 0..20 {
        let agreement = if round % 5 == 0 { Agreement::Odd } else { Agreement::Agreed };
        outliers.compared(slot(0), agreement, (at(round), Draw::ZERO), &mut events);
    }
    assert_eq!(events, []);
    let snapshot = outliers.snapshot(slot(0), at(20));
    assert_eq!((snapshot.disagreements, snapshot.compared), (2, 10));
}

#[test]
fn invalid_answers_are_failures_and_no_odd_ones_by_themselves() {
    let mut outliers = detector(OutlierSettings { consecutive: None, ..Default::default() }, 3);
    assert_eq!(failed(&mut outliers, FailureKind::Invalid, 20), []);
    let mut outliers = detector(OutlierSettings::default(), 3);
    let events = failed(&mut outliers, FailureKind::Invalid, 5);
    assert_eq!(detectors(&events), [Detector::Consecutive]);
}

#[test]
fn gateway_failures_have_a_row_of_their_own() {
    let settings = OutlierSettings { consecutive: None, gateway: Some(3), ..Default::default() };
    let mut outliers = detector(settings, 3);
    failed(&mut outliers, FailureKind::Gateway, 2);
    failed(&mut outliers, FailureKind::Service, 1);
    assert_eq!(failed(&mut outliers, FailureKind::Gateway, 2), []);
    // Unsplit, no answer in time is what a gateway would call a 504.
    let events = failed(&mut outliers, FailureKind::LocalOrigin, 1);
    assert_eq!(detectors(&events), [Detector::Gateway]);
}

#[test]
fn split_off_failures_of_local_origin_count_nowhere_else() {
    let settings = OutlierSettings { local_origin: Some(4), ..Default::default() };
    let mut outliers = detector(settings, 3);
    failed(&mut outliers, FailureKind::Service, 4);
    failed(&mut outliers, FailureKind::LocalOrigin, 3);
    let snapshot = outliers.snapshot(slot(0), at(1));
    assert_eq!((snapshot.consecutive, snapshot.local_origin), (4, 3));
    assert_eq!(snapshot.requests, 4);
    let events = failed(&mut outliers, FailureKind::LocalOrigin, 1);
    assert_eq!(detectors(&events), [Detector::LocalOrigin]);
}

#[test]
fn an_answer_ends_a_row_of_local_failures_even_a_bad_one() {
    let settings = OutlierSettings { local_origin: Some(4), ..Default::default() };
    let mut outliers = detector(settings, 3);
    failed(&mut outliers, FailureKind::LocalOrigin, 3);
    failed(&mut outliers, FailureKind::Service, 1);
    assert_eq!(failed(&mut outliers, FailureKind::LocalOrigin, 3), []);
}

/// What Envoy's rule for success rates makes of these, with nothing else set: the threshold in
/// hundredths of a percent, where anybody is ejected, and who.
fn by_envoy(successes: &[u32]) -> (Vec<u32>, Option<u32>) {
    let settings = OutlierSettings {
        consecutive: None,
        gateway: None,
        failure_share: None,
        max_ejected: percent(50),
        ..OutlierSettings::envoy()
    };
    let count = u32::try_from(successes.len()).unwrap();
    let mut outliers = detector(settings, count);
    let mut events = feed(&mut outliers, successes);
    // The comparison within `feed` saw the last outcome of one endpoint only just arrive.
    for (index, good) in (0_u32..).zip(successes) {
        let class = if *good >= 50 { Class::Success } else { Class::Failure };
        events.extend(note(&mut outliers, index, class, 400));
    }
    let found = |event: &OutlierEvent| {
        let OutlierEvent::Ejected { ejection, .. } = event else { return None };
        let Finding::SuccessRate { threshold, .. } = ejection.finding else { return None };
        Some((threshold.ppm() + 50) / 100)
    };
    let threshold = events.iter().find_map(found);
    (ejected(&events), threshold)
}

#[test]
fn od_1_envoys_threshold_is_the_mean_less_1_9_deviations() {
    let (ejected, threshold) = by_envoy(&[50, 100, 100, 100, 100]);
    assert_eq!(ejected, [0]);
    let threshold = threshold.unwrap();
    assert!(threshold.abs_diff(5_200) <= 60, "{threshold}");
}

#[test]
fn od_2_envoys_rule_ejects_an_endpoint_that_is_ninety_percent_fine() {
    let (ejected, threshold) = by_envoy(&[90, 100, 100, 100, 100]);
    assert_eq!(ejected, [0]);
    assert!(threshold.unwrap().abs_diff(9_040) <= 10, "{threshold:?}");
}

#[test]
fn od_3_od_4_envoys_rule_is_blind_to_several_dead_ones() {
    assert_eq!(by_envoy(&[0, 0, 100, 100, 100]), (Vec::new(), None));
    assert_eq!(by_envoy(&[0, 0, 0, 100, 100]), (Vec::new(), None));
}

#[test]
fn od_5_envoys_cap_rounds_down_to_nobody_and_ours_never_does() {
    let cap = |settings: OutlierSettings| [1, 2, 3, 9, 10].map(|n| settings.allowed(n));
    assert_eq!(cap(OutlierSettings::envoy()), [0, 0, 0, 0, 1]);
    assert_eq!(cap(OutlierSettings::default()), [0, 1, 1, 4, 5]);
}

#[test]
fn envoys_defaults_judge_failure_shares_among_five_and_do_not_enforce_them() {
    let settings = OutlierSettings {
        consecutive: None,
        gateway: None,
        mean: None,
        max_ejected: percent(50),
        ..OutlierSettings::envoy()
    };
    let events = feed(&mut detector(settings, 5), &[10, 100, 100, 100, 100]);
    let unenforced = |event: &OutlierEvent| matches!(event, OutlierEvent::NotEnforced { .. });
    assert!(events.iter().all(unenforced) && events.len() == 1, "{events:?}");
    assert_eq!(feed(&mut detector(settings, 4), &[10, 100, 100, 100]), []);
}

#[test]
fn t136_what_can_never_fire_can_be_told_beforehand() {
    let envoy = OutlierSettings::envoy();
    assert!(!envoy.can_fire(Detector::Consecutive, 9));
    assert!(envoy.can_fire(Detector::Consecutive, 10));
    let mean = OutlierSettings { max_ejected: percent(50), ..envoy };
    assert!(!mean.can_fire(Detector::SuccessRate, 4), "one dead of four has z = 1.73");
    assert!(mean.can_fire(Detector::SuccessRate, 5));
    let ours = OutlierSettings::default();
    assert!(!ours.can_fire(Detector::Consecutive, 1));
    assert!(ours.can_fire(Detector::Consecutive, 2));
    assert!(!ours.can_fire(Detector::SuccessRate, 2));
    assert!(!ours.can_fire(Detector::Gateway, 9), "it is off");
}

/// The share of a thousand detectors with draws of their own that eject after five failures.
fn share_enforced(enforced: u32) -> usize {
    let enforcement = Enforcement { consecutive: percent(enforced), ..Enforcement::default() };
    let settings = OutlierSettings { enforcement, ..OutlierSettings::default() };
    let run = |turn: u64| {
        let mut outliers = detector(settings, 2);
        let mut events = Vec::new();
        // Many more failures than it takes: the lot is drawn once in a window.
        for step in 0..50_u64 {
            let bits = (turn * 50 + step).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let draw = Draw::from_bits(bits);
            let failure = Evidence { draw, ..evidence(Class::Failure) };
            outliers.note(slot(0), failure, at(1), &mut events);
        }
        usize::from(!ejected(&events).is_empty())
    };
    (0..1_000).map(run).sum()
}

#[test]
fn a_detector_enforced_in_part_ejects_that_share_of_outliers() {
    assert_eq!(share_enforced(0), 0);
    assert_eq!(share_enforced(100), 1_000);
    let share = share_enforced(30);
    assert!((250..350).contains(&share), "{share} of 1000");
}

#[test]
fn t139_every_class_of_failure_counts_and_timeouts_of_ours_too() {
    for kind in
        [FailureKind::Service, FailureKind::Gateway, FailureKind::LocalOrigin, FailureKind::Invalid]
    {
        let mut outliers = detector(OutlierSettings { odd: None, ..Default::default() }, 3);
        assert_eq!(ejected(&failed(&mut outliers, kind, 5)), [0], "{kind:?}");
    }
}

#[test]
fn t139_why_not_ejected_is_answered_by_each_detector() {
    let mut outliers = detector(OutlierSettings::default(), 3);
    fail(&mut outliers, 0, 3, 1);
    let consecutive = Finding::Consecutive { failures: 3, limit: 5 };
    let why_not = |outliers: &Outliers, detector| why(outliers, 0, detector, 1);
    assert_eq!(why_not(&outliers, Detector::Consecutive), WhyNot::Within(consecutive));
    assert_eq!(why_not(&outliers, Detector::Gateway), WhyNot::Off);
    let few = WhyNot::FewRequests { had: 3, needed: 50 };
    assert_eq!(why_not(&outliers, Detector::SuccessRate), few);
    assert_eq!(why_not(&outliers, Detector::FailureShare), few);
    let few = WhyNot::FewRequests { had: 0, needed: 20 };
    assert_eq!(why_not(&outliers, Detector::Latency), few);
    let few = WhyNot::FewRequests { had: 0, needed: 3 };
    assert_eq!(why_not(&outliers, Detector::OddOne), few);
    fail(&mut outliers, 0, 2, 1);
    assert_eq!(why_not(&outliers, Detector::Consecutive), WhyNot::Out);
    assert_eq!(why(&outliers, 9, Detector::Consecutive, 1), WhyNot::Unknown);
}

#[test]
fn t139_the_cap_a_common_fault_and_chance_are_named_as_obstacles() {
    let mut capped = detector(OutlierSettings::default(), 3);
    fail(&mut capped, 0, 5, 1);
    fail(&mut capped, 1, 5, 1);
    let finding = Finding::Consecutive { failures: 5, limit: 5 };
    assert_eq!(why(&capped, 1, Detector::Consecutive, 1), WhyNot::Capped(finding, 1));

    let mut common = detector(OutlierSettings::default(), 4);
    (0..3).for_each(|index| drop(fail(&mut common, index, 4, 1)));
    fail(&mut common, 0, 1, 1);
    let why_not = why(&common, 0, Detector::Consecutive, 1);
    assert_eq!(why_not, WhyNot::CommonFault(finding, (3, 4)));

    let enforcement = Enforcement { consecutive: Ratio::ZERO, ..Enforcement::default() };
    let settings = OutlierSettings { enforcement, ..OutlierSettings::default() };
    let mut spared = detector(settings, 3);
    fail(&mut spared, 0, 5, 1);
    let why_not = why(&spared, 0, Detector::Consecutive, 1);
    assert_eq!(why_not, WhyNot::NotEnforced(finding, Ratio::ZERO));
}

#[test]
fn defaults_are_valid_and_contradictions_are_not() {
    let ours = OutlierSettings::default();
    assert_eq!(ours.validate(), Ok(()));
    assert_eq!(OutlierSettings::envoy().validate(), Ok(()));
    let odd = |disagreements, reads| Some(OddRule { disagreements, reads });
    let latency = |factor| Some(LatencyRule { factor, ..LatencyRule::default() });
    let over = Enforcement { odd: percent(101), ..Enforcement::default() };
    for (settings, field) in [
        (OutlierSettings { consecutive: Some(0), ..ours }, "consecutive"),
        (OutlierSettings { gateway: Some(0), ..ours }, "gateway"),
        (OutlierSettings { min_healthy: 0, ..ours }, "min_healthy"),
        (OutlierSettings { min_requests: 0, ..ours }, "min_requests"),
        (OutlierSettings { failure_share: Some(Ratio::ZERO), ..ours }, "failure_share"),
        (OutlierSettings { failure_share: Some(percent(101)), ..ours }, "failure_share"),
        (OutlierSettings { max_ejected: percent(101), ..ours }, "max_ejected"),
        (OutlierSettings { latency: latency(percent(99)), ..ours }, "latency.factor"),
        (OutlierSettings { odd: odd(1, 0), ..ours }, "odd.reads"),
        (OutlierSettings { odd: odd(1, 65), ..ours }, "odd.reads"),
        (OutlierSettings { odd: odd(4, 3), ..ours }, "odd.disagreements"),
        (OutlierSettings { window: Duration::ZERO, ..ours }, "window"),
        (OutlierSettings { base: Duration::ZERO, ..ours }, "base"),
        (OutlierSettings { max: Duration::from_millis(999), ..ours }, "max"),
        (OutlierSettings { enforcement: over, ..ours }, "enforcement.odd"),
    ] {
        assert_eq!(settings.validate().unwrap_err().field(), field);
    }
}
