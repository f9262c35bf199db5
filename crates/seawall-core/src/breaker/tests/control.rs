//! Modes, manual control, ramp, reload, and the forgiving of earlier openings.

use super::*;
use crate::Mode;

#[test]
fn forced_closed_records_and_never_trips() {
    let mut bench = Bench::new(by_count(20));
    bench.force(Manual::ForcedClosed);
    bench.run(Class::Failure, 100);
    let snapshot = bench.snapshot();
    assert_eq!((snapshot.phase, snapshot.calls, snapshot.failures), (Phase::Closed, 20, 20));
    assert_eq!(bench.events, [BreakerEvent::Forced { mode: Manual::ForcedClosed }]);
}

#[test]
fn disabled_records_nothing() {
    let mut bench = Bench::new(touchy());
    bench.force(Manual::Disabled);
    bench.run(Class::Failure, 100);
    let snapshot = bench.snapshot();
    assert_eq!((snapshot.phase, snapshot.calls, snapshot.consecutive), (Phase::Closed, 0, 0));
}

#[test]
fn back_under_its_rules_it_is_closed_and_empty() {
    for manual in [Manual::ForcedOpen, Manual::ForcedClosed, Manual::Disabled] {
        let ramp = Some(SECOND * 5);
        let mut bench = Bench::opened(BreakerSettings { ramp, ..touchy() });
        bench.force(manual);
        bench.force(Manual::Auto);
        let snapshot = bench.snapshot();
        assert_eq!((snapshot.phase, snapshot.calls), (Phase::Closed, 0), "{manual:?}");
        assert_eq!((snapshot.openings, snapshot.admitted), (0, Ratio::ONE), "{manual:?}");
    }
}

#[test]
fn forcing_what_is_in_force_changes_nothing() {
    let mut bench = Bench::opened(touchy());
    let before = (bench.snapshot(), bench.take_events().len());
    bench.force(Manual::Auto);
    assert_eq!((bench.snapshot(), 1), before);
    assert_eq!(bench.events, []);
}

#[test]
fn a_ticket_from_before_a_manual_change_is_stale() {
    let mut bench = Bench::new(touchy());
    let late = bench.pass();
    bench.force(Manual::ForcedClosed);
    bench.take_events();
    bench.end(late, Class::Failure);
    assert_eq!(bench.events, [BreakerEvent::StaleOutcome { ticket: 0, current: 1 }]);
    assert_eq!(bench.snapshot().calls, 0);
}

fn ramping() -> Bench {
    let mut bench = Bench::due(BreakerSettings { ramp: Some(SECOND * 10), ..touchy() });
    bench.run(Class::Success, 1);
    bench
}

#[test]
fn the_ramp_admits_a_tenth_and_then_a_growing_share() {
    let mut bench = ramping();
    let end = bench.now.after(SECOND * 10);
    for (second, percent) in [(0, 10), (1, 10), (1, 20), (5, 70), (2, 90), (1, 100)] {
        bench.wait(SECOND * second);
        let share = Ratio::from_percent(percent);
        assert_eq!(bench.snapshot().admitted, share);
        bench.draw = Draw::from_bits(u64::MAX / 100 * u64::from(percent - 1));
        let _below = bench.pass();
        if percent < 100 {
            bench.draw = Draw::from_bits(u64::MAX / 100 * u64::from(percent + 1));
            assert_eq!(bench.refused_until(), end);
        }
    }
    bench.draw = Draw::ALMOST_ONE;
    let _all = bench.pass();
}

#[test]
fn a_trip_during_the_ramp_continues_the_openings() {
    let mut bench = ramping();
    bench.draw = Draw::ZERO;
    bench.run(Class::Failure, 1);
    assert_eq!(bench.snapshot().openings, 2);
    assert_eq!(bench.refused_until(), bench.now.after(SECOND * 8));
}

#[test]
fn openings_are_forgiven_after_the_longest_cool_down_closed() {
    for (wait, openings) in [(SECOND * 60 - Duration::from_nanos(1), 2), (SECOND * 60, 1)] {
        let mut bench = Bench::due(touchy());
        bench.run(Class::Success, 1);
        bench.wait(wait);
        assert_eq!(bench.snapshot().openings, openings - 1);
        bench.run(Class::Failure, 1);
        assert_eq!(bench.snapshot().openings, openings);
    }
}

#[test]
fn openings_are_not_forgiven_while_a_longer_ramp_runs() {
    let mut bench = Bench::due(BreakerSettings { ramp: Some(SECOND * 100), ..touchy() });
    bench.run(Class::Success, 1);
    bench.draw = Draw::ZERO;
    bench.wait(SECOND * 99);
    bench.run(Class::Failure, 1);
    assert_eq!(bench.snapshot().openings, 2);
}

#[test]
fn closing_starts_with_an_empty_window_and_says_how_long_it_took() {
    let mut bench = Bench::due(by_count(20));
    bench.take_events();
    bench.run(Class::Success, 3);
    let closed = BreakerEvent::Closed { after: SECOND * 5 };
    assert_eq!(bench.events, [BreakerEvent::HalfOpened, closed]);
    assert_eq!(bench.snapshot().calls, 0);
    assert_eq!(bench.run_until_open(Class::Failure, 99), Some(20));
}

#[test]
fn a_failed_probe_reports_its_share_of_the_probes() {
    let mut bench = Bench::due(by_count(20));
    bench.run(Class::Success, 1);
    bench.take_events();
    bench.run(Class::Failure, 1);
    let (cause, rate, until) =
        (Cause::ProbeFailed, Ratio::from_percent(50), bench.now.after(SECOND * 10));
    let opened = BreakerEvent::Opened { cause, rate, calls: 2, openings: 2, until };
    assert_eq!(bench.events, [opened]);
}

fn shadow(settings: BreakerSettings) -> BreakerSettings {
    BreakerSettings { mode: Mode::Shadow, ..settings }
}

#[test]
fn a_shadow_opens_and_lets_everything_pass() {
    let mut bench = Bench::new(shadow(touchy()));
    bench.run(Class::Failure, 1);
    let until = Instant::from_millis(5_000);
    assert_eq!(bench.snapshot().phase, Phase::Open { until });
    assert_eq!(bench.phase(), Phase::Closed);
    bench.take_events();
    bench.run(Class::Success, 1);
    assert_eq!(bench.events, [BreakerEvent::WouldReject { until }]);
    assert_eq!(bench.snapshot().phase, Phase::Open { until });
}

#[test]
fn the_first_calls_of_a_shadow_that_would_be_half_open_are_its_probes() {
    let settings = BreakerSettings { max_probes: 2, success_threshold: 2, ..shadow(touchy()) };
    let mut bench = Bench::new(settings);
    bench.run(Class::Failure, 1);
    bench.cool();
    let first = bench.admit(Probing::Forbidden).expect("a shadow refuses nothing");
    let (second, third) = (bench.pass(), bench.pass());
    assert!(first.is_probe() && second.is_probe() && !third.is_probe());
    bench.take_events();
    bench.end(third, Class::Failure);
    assert_eq!((bench.snapshot().probes, bench.events.len()), (2, 0));
    bench.end(first, Class::Success);
    bench.end(second, Class::Success);
    assert_eq!(bench.snapshot().phase, Phase::Closed);
}

#[test]
fn a_shadow_that_is_forced_open_only_reports() {
    let mut bench = Bench::new(shadow(touchy()));
    bench.force(Manual::ForcedOpen);
    bench.take_events();
    bench.run(Class::Success, 1);
    assert_eq!(bench.events, [BreakerEvent::WouldReject { until: Instant::NEVER }]);
    assert_eq!(bench.phase(), Phase::Closed);
}

#[test]
fn a_breaker_that_is_off_keeps_no_state() {
    let mut bench = Bench::new(BreakerSettings { mode: Mode::Off, ..touchy() });
    bench.run(Class::Failure, 100);
    let snapshot = bench.snapshot();
    assert_eq!((snapshot.phase, snapshot.calls, snapshot.generation), (Phase::Closed, 0, 0));
    assert_eq!(bench.events, []);
}

#[test]
fn switching_off_forgets_and_leaves_old_tickets_stale() {
    let mut bench = Bench::new(touchy());
    let (late, fatal) = (bench.pass(), bench.pass());
    bench.end(fatal, Class::Failure);
    let off = BreakerSettings { mode: Mode::Off, ..touchy() };
    bench.breaker.reconfigure(off, bench.now);
    assert_eq!(bench.phase(), Phase::Closed);
    let bystander = bench.pass();
    bench.breaker.reconfigure(touchy(), bench.now);
    bench.take_events();
    bench.end(bystander, Class::Failure);
    assert_eq!((bench.phase(), bench.events.len()), (Phase::Closed, 0));
    bench.end(late, Class::Failure);
    assert_eq!(bench.phase(), Phase::Closed);
    assert_eq!(bench.events, [BreakerEvent::StaleOutcome { ticket: 0, current: 2 }]);
}

#[test]
fn a_reload_while_open_keeps_the_cool_down() {
    let mut bench = Bench::opened(touchy());
    let cool_down = CoolDown { base: SECOND, ..touchy().cool_down };
    bench.breaker.reconfigure(BreakerSettings { cool_down, ..touchy() }, bench.now);
    assert_eq!(bench.refused_until(), Instant::from_millis(5_000));
    bench.cool();
    bench.run(Class::Failure, 1);
    assert_eq!(bench.refused_until(), bench.now.after(SECOND * 2));
}

#[test]
fn a_reload_while_half_open_keeps_its_terms() {
    let mut bench = Bench::due(by_count(20));
    let _probes = (bench.pass(), bench.pass());
    bench.breaker.reconfigure(touchy(), bench.now);
    assert_eq!(bench.phase(), Phase::HalfOpen { free_places: 1 });
}

#[test]
fn a_smaller_count_window_keeps_the_latest_calls_in_order() {
    let mut bench = Bench::new(by_count(100));
    bench.run(Class::Failure, 5);
    bench.run(Class::Success, 10);
    bench.breaker.reconfigure(BreakerSettings { min_calls: 12, ..by_count(12) }, bench.now);
    assert_eq!((bench.snapshot().calls, bench.snapshot().failures), (12, 2));
    bench.run(Class::Success, 1);
    assert_eq!((bench.snapshot().calls, bench.snapshot().failures), (12, 1));
}

#[test]
fn a_longer_time_window_keeps_the_age_of_its_counts() {
    let mut bench = Bench::new(BreakerSettings::for_upstream());
    bench.wait(SECOND * 100);
    bench.run(Class::Failure, 3);
    bench.wait(SECOND * 8);
    bench.run(Class::Success, 2);
    let by_time = |seconds| BreakerSettings {
        window: WindowKind::Time(SECOND * seconds),
        ..BreakerSettings::for_upstream()
    };
    bench.breaker.reconfigure(by_time(40), bench.now);
    assert_eq!((bench.snapshot().calls, bench.snapshot().failures), (5, 3));
    bench.wait(SECOND * 30);
    assert_eq!(bench.snapshot().calls, 5);
    bench.wait(SECOND * 4);
    assert_eq!((bench.snapshot().calls, bench.snapshot().failures), (2, 0));
    bench.breaker.reconfigure(by_time(5), bench.now);
    assert_eq!(bench.snapshot().calls, 0);
}

#[test]
fn turning_a_count_into_time_and_back_keeps_the_rates() {
    let mut bench = Bench::new(by_count(100));
    bench.run(Class::Success, 60);
    bench.run(Class::Failure, 20);
    bench.breaker.reconfigure(BreakerSettings::for_upstream(), bench.now);
    assert_eq!((bench.snapshot().calls, bench.snapshot().failures), (80, 20));
    bench.breaker.reconfigure(by_count(40), bench.now);
    assert_eq!((bench.snapshot().calls, bench.snapshot().failures), (40, 10));
    // Spread evenly: pushing a quarter of the calls out takes a quarter of the failures along.
    bench.run(Class::Success, 20);
    assert_eq!(bench.snapshot().failures, 5);
}

#[test]
fn a_reload_keeps_slow_calls_and_runs_of_abandoned_ones() {
    let limit = SlowCalls { limit: SECOND, rate: Ratio::ONE };
    let with = |window| BreakerSettings {
        window,
        min_calls: 30,
        slow_calls: Some(limit),
        abandoned: AbandonedPolicy::All,
        ..BreakerSettings::for_upstream()
    };
    let (count, time) = (WindowKind::Calls(40), WindowKind::Time(SECOND * 10));
    for (from, to) in [(count, WindowKind::Calls(30)), (count, time), (time, count)] {
        let mut slow = Bench::new(with(from));
        slow.run(Class::Success, 6);
        slow.run_for(Class::Success, SECOND, 4);
        slow.breaker.reconfigure(with(to), slow.now);
        assert_eq!((slow.snapshot().calls, slow.snapshot().slow), (10, 4), "{from:?} {to:?}");
        let mut abandoned = Bench::new(with(from));
        abandoned.run(Class::Abandoned, 29);
        abandoned.breaker.reconfigure(with(to), abandoned.now);
        assert_eq!(abandoned.snapshot().failures, 29, "{from:?} {to:?}");
        assert_eq!(abandoned.run_until_open(Class::Abandoned, 99), Some(1));
    }
}

#[test]
fn reading_an_earlier_instant_reads_the_latest() {
    let mut bench = Bench::due(BreakerSettings { ramp: Some(SECOND * 10), ..touchy() });
    bench.run(Class::Success, 1);
    bench.wait(SECOND * 5);
    bench.breaker.on_timer(bench.now, &mut bench.events);
    let latest = bench.snapshot();
    assert_eq!(latest.admitted, Ratio::from_percent(50));
    assert_eq!(bench.breaker.snapshot(Instant::EPOCH), latest);
}

#[test]
fn a_window_of_the_same_shape_is_left_alone() {
    let mut bench = Bench::new(by_count(20));
    bench.run(Class::Failure, 9);
    let settings = BreakerSettings { min_calls: 9, ..by_count(20) };
    bench.breaker.reconfigure(settings, bench.now);
    assert_eq!((bench.snapshot().calls, bench.phase()), (9, Phase::Closed));
    // Nothing trips before the next outcome, whatever that is.
    assert_eq!(bench.run_until_open(Class::Success, 9), Some(1));
}

#[test]
fn min_calls_beyond_a_count_window_are_its_size() {
    let mut bench = Bench::new(by_count(3));
    assert_eq!(bench.run_until_open(Class::Failure, 99), Some(3));
}

#[test]
fn counts_of_zero_are_taken_as_one() {
    let zero = BreakerSettings {
        consecutive: Some(0),
        min_calls: 0,
        max_probes: 0,
        success_threshold: 0,
        window: WindowKind::Calls(0),
        ..touchy()
    };
    let mut bench = Bench::due(zero);
    assert_eq!(bench.pass().generation(), 2);
    assert_eq!(bench.phase(), Phase::HalfOpen { free_places: 0 });
}

#[test]
fn the_next_deadline_lies_after_the_wake_it_asked_for() {
    let mut bench = Bench::new(touchy());
    assert_eq!(bench.breaker.next_deadline(), None);
    bench.run(Class::Failure, 1);
    let until = Instant::from_millis(5_000);
    assert_eq!(bench.breaker.next_deadline(), Some(until));
    bench.breaker.on_timer(until, &mut bench.events);
    assert_eq!(bench.breaker.next_deadline(), None);
    bench.now = until;
    let _hung = bench.pass();
    let end = Instant::from_millis(35_000);
    assert_eq!(bench.breaker.next_deadline(), Some(end));
    bench.breaker.on_timer(end, &mut bench.events);
    assert_eq!(bench.breaker.next_deadline(), Some(Instant::from_millis(40_000)));
}

#[test]
fn failures_that_are_chance_by_what_is_usual_do_not_trip() {
    for (percent, row) in [(0, 5), (6, 5), (30, 12), (50, 20)] {
        let mut bench = Bench::new(BreakerSettings::for_endpoint());
        bench.breaker.expect(Ratio::from_percent(percent));
        assert_eq!(bench.run_until_open(Class::Failure, 100), Some(row), "{percent} %");
    }
    let half = |usual: Ratio| {
        let mut bench = Bench::new(BreakerSettings::for_endpoint());
        bench.breaker.expect(usual);
        let trip = |pair: &u32| {
            bench.run(Class::Success, 1);
            bench.run(Class::Failure, 1);
            *pair == 100 || bench.phase() != Phase::Closed
        };
        (1..=100).find(trip)
    };
    assert_eq!(half(Ratio::ZERO), Some(10), "ten of twenty");
    assert_eq!(half(Ratio::from_percent(30)), Some(61), "61 of 122 are no chance at 30 %");
    assert_eq!(half(Ratio::from_percent(50)), Some(100), "nor ever a sign where half is usual");
}
