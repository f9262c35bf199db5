//! The worked examples of the breaker's specification, by their id. BR-6 is with `cool_down.rs`.

use super::*;

#[test]
fn br_1_half_of_the_last_hundred_must_fail_whatever_came_before() {
    for (successes, failures) in [(0, 20), (30, 30), (100, 50), (100_000, 50)] {
        let mut bench = Bench::new(by_count(100));
        bench.run(Class::Success, successes);
        assert_eq!(bench.run_until_open(Class::Failure, 1_000), Some(failures), "{successes}");
    }
}

#[test]
fn br_2_a_time_window_opens_on_the_fiftieth_failure() {
    let mut bench = Bench::new(BreakerSettings::for_upstream());
    let opened = (0_u64..200).find(|tenth| {
        bench.now = Instant::from_millis(tenth * 100);
        let class = if *tenth < 100 { Class::Success } else { Class::Failure };
        bench.run(class, 1);
        bench.phase() != Phase::Closed
    });
    assert_eq!(opened, Some(149));
    let (rate, cause) = (Ratio::from_percent(50), Cause::FailureRate);
    let until = Instant::from_millis(14_900 + 5_000);
    let event = BreakerEvent::Opened { cause, rate, calls: 100, openings: 1, until };
    assert_eq!(bench.events, [event]);
}

#[test]
fn br_3_opens_on_the_success_that_completes_min_calls() {
    let mut bench = Bench::new(by_count(100));
    bench.run(Class::Failure, 10);
    assert_eq!(bench.run_until_open(Class::Success, 100), Some(10));
}

#[test]
fn br_4_nine_of_twenty_stay_closed() {
    let mut bench = Bench::new(by_count(20));
    bench.run(Class::Failure, 9);
    bench.run(Class::Success, 11);
    assert_eq!(bench.phase(), Phase::Closed);
    assert_eq!((bench.snapshot().failures, bench.snapshot().calls), (9, 20));
}

fn with_slow() -> BreakerSettings {
    let slow_calls = Some(SlowCalls { limit: SECOND, rate: Ratio::from_percent(80) });
    BreakerSettings { slow_calls, ..by_count(100) }
}

#[test]
fn br_5_sixteen_slow_calls_of_twenty_open() {
    let mut bench = Bench::new(with_slow());
    bench.run(Class::Success, 4);
    bench.run_for(Class::Success, SECOND, 15);
    assert_eq!(bench.phase(), Phase::Closed);
    bench.run_for(Class::Success, SECOND, 1);
    let snapshot = bench.snapshot();
    assert_eq!(snapshot.cause, Some(Cause::SlowRate));
    let (rate, calls) = (Ratio::from_percent(80), 20);
    let until = Instant::from_millis(5_000);
    let cause = Cause::SlowRate;
    assert_eq!(bench.events, [BreakerEvent::Opened { cause, rate, calls, openings: 1, until }]);
}

#[test]
fn br_5_t17_slow_and_failed_is_one_call_once_in_each_rate() {
    let settings = BreakerSettings { failure_rate: None, ..with_slow() };
    let mut bench = Bench::new(settings);
    bench.run_for(Class::Failure, SECOND, 10);
    bench.run(Class::Success, 10);
    let snapshot = bench.snapshot();
    assert_eq!((snapshot.calls, snapshot.failures, snapshot.slow), (20, 10, 10));
    let half = Ratio::from_percent(50);
    assert_eq!((snapshot.failure_rate, snapshot.slow_rate), (half, half));
}

#[test]
fn br_7_t4_t5_t6_sixty_four_callers_at_the_edge_give_three_probes() {
    let mut bench = Bench::due(by_count(20));
    let answers: Vec<_> = (0..64).map(|_| bench.admit(Probing::Allowed)).collect();
    let (probes, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((probes.len(), refused.len()), (3, 61));
    assert!(probes.into_iter().flatten().all(|ticket| ticket.is_probe()));
    let end = bench.now.after(SECOND * 30);
    assert!(refused.into_iter().all(|answer| answer.is_err_and(|refused| refused.until == end)));
}

#[test]
fn br_8_a_call_admitted_while_closed_says_nothing_while_half_open() {
    let mut bench = Bench::new(touchy());
    let (late, fatal) = (bench.pass(), bench.pass());
    bench.end(fatal, Class::Failure);
    bench.cool();
    let probe = bench.pass();
    bench.take_events();
    let before = bench.snapshot();
    bench.end(late, Class::Success);
    assert_eq!(bench.snapshot(), before);
    assert_eq!(bench.events, [BreakerEvent::StaleOutcome { ticket: 0, current: 2 }]);
    bench.end(probe, Class::Success);
    assert_eq!(bench.phase(), Phase::Closed);
}

#[test]
fn br_9_the_place_of_a_dropped_probe_goes_to_the_next_caller() {
    let mut bench = Bench::due(touchy());
    let dropped = bench.pass();
    assert!(bench.admit(Probing::Allowed).is_err());
    bench.take_events();
    bench.end(dropped, Class::Abandoned);
    assert_eq!(bench.events, [BreakerEvent::ProbeAbandoned]);
    assert!(bench.pass().is_probe());
}

/// The chance, in parts per million, that `calls` calls of which one in ten fails trip at 50 %:
/// the weights of all the numbers of failures that do.
fn chance_of_tripping(calls: u32) -> u128 {
    let trips = |failures: u32| {
        let mut bench = Bench::new(BreakerSettings { min_calls: calls, ..by_count(100) });
        bench.run(Class::Success, calls - failures);
        bench.run_until_open(Class::Failure, failures).is_some()
    };
    let ways = |failures: u32| {
        (0..failures).fold(1_u128, |ways, i| ways * u128::from(calls - i) / u128::from(i + 1))
    };
    let weight = |failures: u32| ways(failures) * 9_u128.pow(calls - failures);
    let total: u128 = (0..=calls).filter(|failures| trips(*failures)).map(weight).sum();
    total * 1_000_000 / 10_u128.pow(calls)
}

#[test]
fn br_10_min_calls_of_twenty_hardly_ever_trip_by_chance() {
    assert_eq!(chance_of_tripping(5), 8_560);
    assert_eq!(chance_of_tripping(10), 1_634);
    assert_eq!(chance_of_tripping(20), 7);
}
