//! Bugs that others shipped, by the number of their trap. T17 and parts of T4 to T6 are among the
//! worked examples, T32 is with `cool_down.rs`.

use super::*;

fn three_probes() -> BreakerSettings {
    BreakerSettings { max_probes: 3, success_threshold: 3, ..touchy() }
}

fn opened_events(bench: &Bench) -> Vec<(Cause, u32)> {
    let opened = |event: &BreakerEvent| match *event {
        BreakerEvent::Opened { cause, openings, .. } => Some((cause, openings)),
        BreakerEvent::HalfOpened
        | BreakerEvent::Closed { .. }
        | BreakerEvent::StaleOutcome { .. }
        | BreakerEvent::Forced { .. }
        | BreakerEvent::ProbeAbandoned
        | BreakerEvent::WouldReject { .. } => None,
    };
    bench.events.iter().filter_map(opened).collect()
}

#[test]
fn t1_the_place_of_a_probe_comes_back_whatever_its_outcome() {
    for class in [Class::Success, Class::Ignored, Class::Abandoned] {
        let mut bench = Bench::due(three_probes());
        let first = bench.pass();
        let _others = (bench.pass(), bench.pass());
        assert_eq!(bench.phase(), Phase::HalfOpen { free_places: 0 });
        bench.end(first, class);
        assert_eq!(bench.phase(), Phase::HalfOpen { free_places: 1 }, "{class:?}");
    }
}

#[test]
fn t1_a_failed_probe_leaves_all_places_to_the_next_half_open() {
    let mut bench = Bench::due(three_probes());
    let (first, _second) = (bench.pass(), bench.pass());
    bench.end(first, Class::Failure);
    bench.cool();
    let _next = bench.pass();
    assert_eq!(bench.phase(), Phase::HalfOpen { free_places: 2 });
}

#[test]
fn t2_probes_that_never_settle_do_not_reject_for_ever() {
    let mut bench = Bench::due(touchy());
    let hung = bench.pass();
    let (end, before) = (bench.now.after(SECOND * 30), bench.snapshot().generation);
    assert_eq!(bench.refused_until(), end);
    bench.now = end;
    assert_eq!(bench.refused_until(), end.after(SECOND * 5));
    assert_eq!(bench.snapshot().generation, before + 1);
    let causes = [(Cause::Consecutive, 1), (Cause::ProbesUndecided, 1)];
    assert_eq!(opened_events(&bench), causes);
    bench.cool();
    assert!(bench.pass().is_probe());
    bench.end(hung, Class::Success);
    assert_eq!(bench.phase(), Phase::HalfOpen { free_places: 0 });
}

#[test]
fn t2_the_end_of_half_open_is_caught_up_however_late() {
    let mut bench = Bench::due(touchy());
    let _hung = bench.pass();
    bench.wait(SECOND * 3_600);
    bench.take_events();
    assert!(bench.pass().is_probe());
    assert_eq!(opened_events(&bench), [(Cause::ProbesUndecided, 1)]);
    assert_eq!(bench.events.last(), Some(&BreakerEvent::HalfOpened));
}

#[test]
fn t3_an_outcome_that_says_nothing_decides_nothing() {
    let mut bench = Bench::due(touchy());
    bench.run(Class::Ignored, 10);
    assert_eq!(bench.phase(), Phase::HalfOpen { free_places: 1 });
    bench.run(Class::Success, 1);
    assert_eq!(bench.phase(), Phase::Closed);
}

#[test]
fn t4_places_are_taken_at_admission_not_at_the_end() {
    let mut bench = Bench::due(three_probes());
    let hung: Vec<_> = (0..1_000).filter_map(|_| bench.admit(Probing::Allowed).ok()).collect();
    assert_eq!(hung.len(), 3);
}

#[test]
fn t6_never_more_probes_at_once_than_places() {
    let mut bench = Bench::due(BreakerSettings { success_threshold: 100, ..three_probes() });
    let mut running = Vec::new();
    for round in 0..200 {
        running.extend(bench.admit(Probing::Allowed).ok());
        assert!(running.len() <= 3);
        if round % 3 == 0 {
            let probe = running.remove(0);
            bench.end(probe, Class::Success);
        }
    }
}

#[test]
fn t7_places_and_the_success_threshold_are_both_honoured() {
    let settings = BreakerSettings { max_probes: 2, success_threshold: 5, ..touchy() };
    let mut bench = Bench::due(settings);
    bench.run(Class::Success, 4);
    assert_eq!(bench.snapshot().probe_successes, 4);
    assert_eq!(bench.phase(), Phase::HalfOpen { free_places: 2 });
    bench.run(Class::Success, 1);
    assert_eq!(bench.phase(), Phase::Closed);
}

#[test]
fn t8_hedges_and_later_attempts_of_a_probing_call_never_probe() {
    let mut bench = Bench::due(three_probes());
    let refused = bench.admit(Probing::Forbidden).expect_err("refused");
    assert_eq!(refused.until, bench.now);
    assert_eq!(bench.phase(), Phase::ProbeDue);
    let _probe = bench.pass();
    let refused = bench.admit(Probing::Forbidden).expect_err("refused");
    assert_eq!(refused.until, bench.now.after(SECOND * 30));
    assert_eq!(bench.phase(), Phase::HalfOpen { free_places: 2 });
}

#[test]
fn t9_t11_a_late_outcome_of_closed_changes_nothing_and_is_reported() {
    for class in [Class::Success, Class::Failure, Class::Ignored, Class::Abandoned] {
        let mut bench = Bench::new(three_probes());
        let (late, fatal) = (bench.pass(), bench.pass());
        bench.end(fatal, Class::Failure);
        bench.cool();
        let _probe = bench.pass();
        bench.take_events();
        let before = bench.snapshot();
        bench.end_after(late, class, SECOND * 60);
        assert_eq!(bench.snapshot(), before);
        assert_eq!(bench.events, [BreakerEvent::StaleOutcome { ticket: 0, current: 2 }]);
    }
}

#[test]
fn t10_a_probe_of_an_earlier_half_open_neither_votes_nor_frees() {
    for class in [Class::Success, Class::Failure, Class::Ignored, Class::Abandoned] {
        let mut bench = Bench::due(three_probes());
        let (superseded, fatal) = (bench.pass(), bench.pass());
        bench.end(fatal, Class::Failure);
        bench.cool();
        let _probes = (bench.pass(), bench.pass(), bench.pass());
        let before = bench.snapshot();
        bench.take_events();
        bench.end(superseded, class);
        assert_eq!(bench.snapshot(), before, "{class:?}");
        assert_eq!(bench.events, [BreakerEvent::StaleOutcome { ticket: 2, current: 4 }]);
    }
}

#[test]
fn t12_the_count_window_slides() {
    let mut bench = Bench::new(by_count(100));
    bench.run(Class::Success, 100_000);
    assert_eq!(bench.run_until_open(Class::Failure, 100_000), Some(50));
}

#[test]
fn t13_a_time_window_holds_any_number_of_calls_in_ten_buckets() {
    let mut bench = Bench::new(BreakerSettings::for_upstream());
    for _ in 0..40_000 {
        bench.wait(Duration::from_micros(200));
        bench.run(Class::Success, 1);
    }
    assert_eq!(bench.snapshot().calls, 40_000);
    // A time window holds no pointer to anything that could grow: the breaker is all of it.
    assert!(size_of::<Breaker>() <= 768);
}

#[test]
fn t14_windows_of_one_and_two_calls_trip_on_what_they_hold() {
    let mut one = Bench::new(by_count(1));
    one.run(Class::Success, 3);
    assert_eq!(one.run_until_open(Class::Failure, 9), Some(1));
    let mut two = Bench::new(BreakerSettings { failure_rate: Some(Ratio::ONE), ..by_count(2) });
    for _ in 0..5 {
        two.run(Class::Success, 1);
        two.run(Class::Failure, 1);
    }
    assert_eq!(two.phase(), Phase::Closed);
    assert_eq!(two.run_until_open(Class::Failure, 9), Some(1));
}

#[test]
fn t15_a_tie_at_exactly_min_calls_opens() {
    let mut tie = Bench::new(by_count(100));
    tie.run(Class::Success, 10);
    assert_eq!(tie.run_until_open(Class::Failure, 100), Some(10));
}

#[test]
fn t16_after_a_long_idle_all_buckets_are_empty() {
    let mut bench = Bench::new(BreakerSettings::for_upstream());
    bench.run(Class::Failure, 19);
    bench.now = Instant::from_nanos(u64::MAX / 2);
    assert_eq!(bench.snapshot().calls, 0);
    bench.run(Class::Failure, 1);
    assert_eq!((bench.snapshot().calls, bench.phase()), (1, Phase::Closed));
}

#[test]
fn t16_a_bucket_leaves_exactly_at_its_edge() {
    let mut bench = Bench::new(BreakerSettings::for_upstream());
    bench.run(Class::Failure, 1);
    let calls = |nanos| bench.breaker.snapshot(Instant::from_nanos(nanos)).calls;
    assert_eq!((calls(9_999_999_999), calls(10_000_000_000)), (1, 0));
}

#[test]
fn t16_the_cool_down_is_obeyed_over_a_suspended_host() {
    let mut bench = Bench::opened(touchy());
    bench.now = Instant::from_millis(4_999);
    assert_eq!(bench.refused_until(), Instant::from_millis(5_000));
    bench.now = Instant::from_nanos(u64::MAX - 1);
    assert!(bench.pass().is_probe());
    assert_eq!(bench.breaker.next_deadline(), None);
}

#[test]
fn t16_a_clock_that_steps_back_stood_still() {
    let mut bench = Bench::opened(touchy());
    bench.cool();
    let _probe = bench.pass();
    bench.now = Instant::EPOCH;
    assert_eq!(bench.phase(), Phase::HalfOpen { free_places: 0 });
    assert_eq!(bench.refused_until(), Instant::from_millis(35_000));
}

#[test]
fn t18_a_total_outage_within_one_instant_is_seen() {
    let mut bench = Bench::new(BreakerSettings::for_upstream());
    for _ in 0..10 {
        bench.wait(SECOND);
        bench.run(Class::Success, 2);
    }
    // Each second 2 good calls; then a burst that all fails, at one instant.
    let held = u32::try_from(bench.snapshot().calls).expect("few");
    assert_eq!(bench.run_until_open(Class::Failure, 1_000), Some(held));
}

fn abandoning(abandoned: AbandonedPolicy) -> BreakerSettings {
    BreakerSettings { abandoned, ..by_count(20) }
}

#[test]
fn t19_attempts_that_all_lose_to_a_hedge_after_long_open_the_breaker() {
    let half_the_timeout = Duration::from_millis(1_500);
    let mut bench = Bench::new(abandoning(AbandonedPolicy::Slow));
    bench.run_for(Class::Abandoned, half_the_timeout - Duration::from_nanos(1), 100);
    assert_eq!((bench.snapshot().calls, bench.phase()), (0, Phase::Closed));
    bench.run_for(Class::Abandoned, half_the_timeout, 20);
    assert_ne!(bench.phase(), Phase::Closed);
}

#[test]
fn t19_the_slow_limit_comes_before_half_the_timeout() {
    let slow_calls = Some(SlowCalls { limit: SECOND, rate: Ratio::ONE });
    let settings = BreakerSettings { slow_calls, ..abandoning(AbandonedPolicy::Slow) };
    let mut bench = Bench::new(settings);
    bench.run_for(Class::Abandoned, SECOND, 19);
    let snapshot = bench.snapshot();
    assert_eq!((snapshot.calls, snapshot.failures, snapshot.slow), (19, 19, 19));
}

#[test]
fn t19_when_all_calls_are_abandoned_they_are_failures() {
    for window in [WindowKind::Calls(20), WindowKind::Time(SECOND * 10)] {
        let mut bench = Bench::new(BreakerSettings { window, ..abandoning(AbandonedPolicy::All) });
        bench.run(Class::Abandoned, 19);
        assert_eq!(bench.phase(), Phase::Closed);
        bench.run(Class::Abandoned, 1);
        assert_eq!(opened_events(&bench), [(Cause::FailureRate, 1)]);
    }
}

#[test]
fn t19_one_answer_in_the_window_makes_abandoned_calls_say_nothing() {
    let mut bench = Bench::new(abandoning(AbandonedPolicy::All));
    bench.run(Class::Success, 1);
    bench.run(Class::Abandoned, 19);
    let snapshot = bench.snapshot();
    assert_eq!((snapshot.calls, snapshot.failures, snapshot.phase), (1, 0, Phase::Closed));
    // The twentieth pushes the answer out of the last twenty calls.
    bench.run(Class::Abandoned, 1);
    assert_ne!(bench.phase(), Phase::Closed);
}

#[test]
fn t19_abandoned_calls_in_a_row_are_failures_in_a_row_where_there_is_nothing_else() {
    let mut bench =
        Bench::new(BreakerSettings { consecutive: Some(5), ..abandoning(AbandonedPolicy::All) });
    assert_eq!(bench.run_until_open(Class::Abandoned, 99), Some(5));
    assert_eq!(opened_events(&bench), [(Cause::Consecutive, 1)]);
}

#[test]
fn t20_impatient_callers_do_not_open_a_healthy_endpoint() {
    for policy in [AbandonedPolicy::Ignore, AbandonedPolicy::Slow] {
        let settings = BreakerSettings { consecutive: Some(5), ..abandoning(policy) };
        let mut bench = Bench::new(settings);
        bench.run_for(Class::Abandoned, SECOND, 1_000);
        assert_eq!((bench.snapshot().calls, bench.phase()), (0, Phase::Closed));
    }
}

#[test]
fn t20_abandoning_is_a_failure_only_where_the_policy_says_so() {
    let mut bench = Bench::new(abandoning(AbandonedPolicy::Failure));
    assert_eq!(bench.run_until_open(Class::Abandoned, 99), Some(20));
}

#[test]
fn t23_a_success_that_arrives_while_open_is_ignored() {
    let mut bench = Bench::new(touchy());
    let (late, fatal) = (bench.pass(), bench.pass());
    bench.end(fatal, Class::Failure);
    let before = bench.snapshot();
    bench.end(late, Class::Success);
    assert_eq!(bench.snapshot(), before);
}

#[test]
fn t27_state_is_computed_from_time_when_it_is_read() {
    let mut bench = Bench::opened(touchy());
    let until = Instant::from_millis(5_000);
    assert_eq!(bench.phase(), Phase::Open { until });
    bench.now = Instant::from_nanos(until.as_nanos() - 1);
    assert_eq!(bench.phase(), Phase::Open { until });
    bench.now = until;
    assert_eq!((bench.phase(), bench.snapshot().phase), (Phase::ProbeDue, Phase::ProbeDue));
    let _hung = bench.pass();
    let (end, again) = (Instant::from_millis(35_000), Instant::from_millis(40_000));
    bench.now = end;
    assert_eq!(bench.phase(), Phase::Open { until: again });
    assert_eq!(bench.snapshot().cause, Some(Cause::ProbesUndecided));
    bench.now = again;
    assert_eq!(bench.phase(), Phase::ProbeDue);
    // Reading changed nothing: the event is still to come, and says what was read.
    bench.breaker.on_timer(end, &mut bench.events);
    assert_eq!(opened_events(&bench).last(), Some(&(Cause::ProbesUndecided, 1)));
    assert_eq!(bench.phase(), Phase::ProbeDue);
}

#[test]
fn t30_forced_open_outlasts_time_timers_and_reload() {
    let mut bench = Bench::new(touchy());
    let before = bench.snapshot().generation;
    bench.force(Manual::ForcedOpen);
    assert_eq!(bench.snapshot().generation, before + 1);
    bench.wait(SECOND * 86_400);
    bench.breaker.on_timer(bench.now, &mut bench.events);
    bench.breaker.reconfigure(by_count(7), bench.now);
    assert!(bench.refused_until().is_never());
    assert_eq!(bench.phase(), Phase::Open { until: Instant::NEVER });
    assert_eq!(bench.breaker.next_deadline(), None);
    bench.force(Manual::Auto);
    assert_eq!((bench.phase(), bench.snapshot().generation), (Phase::Closed, before + 2));
}

/// One outage from trip to recovery, as the events it gives with times counted from `start`.
fn outage_from(start: Instant) -> Vec<(u64, BreakerEvent)> {
    let mut bench = Bench::new(touchy());
    bench.now = start;
    bench.run(Class::Failure, 1);
    bench.cool();
    bench.run(Class::Failure, 1);
    bench.cool();
    bench.run(Class::Success, 1);
    let relative = |event| match event {
        BreakerEvent::Opened { cause, rate, calls, openings, until } => {
            let until_after = until.as_nanos() - start.as_nanos();
            let until = Instant::EPOCH;
            (until_after, BreakerEvent::Opened { cause, rate, calls, openings, until })
        }
        BreakerEvent::HalfOpened
        | BreakerEvent::Closed { .. }
        | BreakerEvent::StaleOutcome { .. }
        | BreakerEvent::Forced { .. }
        | BreakerEvent::ProbeAbandoned
        | BreakerEvent::WouldReject { .. } => (0, event),
    };
    bench.take_events().into_iter().map(relative).collect()
}

#[test]
fn t31_only_the_time_that_is_passed_in_drives_it() {
    let today = outage_from(Instant::EPOCH);
    assert_eq!(today.last(), Some(&(0, BreakerEvent::Closed { after: SECOND * 15 })));
    assert_eq!(outage_from(Instant::from_millis(86_400_000 * 365)), today);
}

#[test]
fn t32_an_open_time_beyond_the_clock_never_ends_and_never_wraps() {
    let cool_down =
        CoolDown { base: Duration::MAX, growth: Ratio::from_percent(200), max: Duration::MAX };
    let mut bench = Bench::new(BreakerSettings { cool_down, ..touchy() });
    bench.wait(SECOND);
    bench.run(Class::Failure, 1);
    assert!(bench.refused_until().is_never());
    assert_eq!(bench.breaker.next_deadline(), None);
}

#[test]
fn t32_failed_probes_grow_the_cool_down_to_its_maximum() {
    let mut bench = Bench::opened(touchy());
    let mut waits = Vec::new();
    for _ in 0..7 {
        let until = bench.refused_until();
        waits.push(until.since(bench.now).as_secs());
        bench.cool();
        bench.run(Class::Failure, 1);
    }
    assert_eq!(waits, [5, 10, 20, 40, 60, 60, 60]);
}

#[test]
fn t33_breakers_that_open_together_do_not_probe_together() {
    let until = |draw| {
        let mut bench = Bench::new(touchy());
        bench.draw = draw;
        bench.run(Class::Failure, 1);
        bench.refused_until().as_nanos()
    };
    assert_eq!(until(Draw::ZERO), 4_000_000_000);
    assert_eq!(until(Draw::HALF), 4_500_000_000);
    assert_eq!(until(Draw::ALMOST_ONE), 5_000_000_000);
}

#[test]
fn t33_an_undecided_half_open_reopens_with_a_draw_of_its_own() {
    let until = |draw| {
        let mut bench = Bench::due(touchy());
        bench.draw = draw;
        let _hung = bench.pass();
        bench.wait(SECOND * 30);
        bench.refused_until().as_nanos()
    };
    assert_eq!(until(Draw::ALMOST_ONE) - until(Draw::ZERO), 1_000_000_000);
}

#[test]
fn t34_what_we_refused_ourselves_moves_no_counter() {
    let mut bench = Bench::new(touchy());
    bench.run(Class::Ignored, 100);
    let snapshot = bench.snapshot();
    assert_eq!((snapshot.phase, snapshot.calls, snapshot.consecutive), (Phase::Closed, 0, 0));
}

#[test]
fn t36_a_synthetic_probe_can_spare_the_callers() {
    let mut bench = Bench::due(touchy());
    // Callers are told not to probe, so none of them pays for learning ...
    let refused = bench.admit(Probing::Forbidden).expect_err("no caller probes");
    assert_eq!(refused.until, bench.now);
    // ... and a request that the driver makes up decides for all of them.
    let probe = bench.pass();
    assert!(probe.is_probe());
    assert!(bench.admit(Probing::Forbidden).is_err());
    bench.end(probe, Class::Success);
    bench.admit(Probing::Forbidden).map(drop).expect("closed again");
}
