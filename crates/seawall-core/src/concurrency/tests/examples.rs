//! The worked examples of the algorithms.

use super::service::Service;
use super::*;
use crate::concurrency::millionths::Millionths;
use crate::concurrency::{envoy, gradient2, steady, vegas};

const LEVEL: Millionths = Millionths::whole(100);

#[test]
fn ac_1_aimd_gives_a_tenth_on_a_drop_and_grows_only_with_use() {
    let settings = LimitSettings { min: 1, ..LimitSettings::aimd() };
    assert_eq!(Bench::new(settings).finish(dropped(millis(1), 1)), 18);
    assert_eq!(Bench::new(settings).finish(sample(millis(5_001), 20)), 18, "too slow is a drop");
    assert_eq!(Bench::new(settings).finish(sample(millis(5_000), 10)), 21);
    assert_eq!(Bench::new(settings).finish(sample(millis(10), 9)), 20);
}

#[test]
fn ac_2_vegas_keeps_the_queue_between_alpha_and_beta() {
    let after = |latency| {
        let mut bench = Bench::started_at(100, LimitSettings::vegas());
        assert_eq!(bench.finish(sample(millis(10), 100)), 100, "the first latency is the base");
        bench.finish(sample(micros(latency), 100))
    };
    assert_eq!(after(10_100), 112);
    assert_eq!(after(10_400), 102);
    assert_eq!(after(11_000), 100);
    assert_eq!(after(12_500), 98);
    assert_eq!(vegas::queue(100, millis(10), micros(12_500)), 20);
}

#[test]
fn ac_3_gradient2_adds_headroom_even_while_latency_is_up() {
    let after = |short| {
        let gradient = gradient2::gradient_of(millis(10), millis(short));
        gradient2::next(LEVEL, gradient).raw()
    };
    assert_eq!(after(12), 100_800_000);
    assert_eq!(after(16), 99_550_000);
    assert_eq!(after(20), 95_800_000);
    assert_eq!(after(40), 90_800_000);
}

#[test]
fn ac_4_envoy_adds_a_root_of_headroom() {
    let after = |short| {
        let gradient = envoy::gradient_of(millis(10), millis(short));
        envoy::next(LEVEL, gradient).permits()
    };
    assert_eq!((after(10), after(15), after(20), after(50)), (136, 92, 70, 57));
}

#[test]
fn ac_5_ours_adds_nothing_while_latency_is_up() {
    let after = |short, peak, drops| {
        let tolerance = Ratio::from_percent(150);
        let gradient = Some(steady::gradient_of(tolerance, (millis(10), millis(short))));
        let (level, _) = steady::next(LEVEL, steady::Reading { gradient, drops, peak });
        level.raw()
    };
    assert_eq!(after(20, 100, 0), 95_000_000);
    assert_eq!(after(12, 80, 0), 102_000_000);
    assert_eq!(after(12, 40, 0), 100_000_000);
    assert_eq!(after(12, 80, 1), 98_000_000, "one drop");
    assert_eq!(after(20, 80, 1), 95_000_000, "a drop never softens the answer to latency");
}

/// The capacity of a service halves for an hour, under more traffic than it then carries.
fn halved_for_an_hour(settings: LimitSettings) -> Service {
    let mut service = Service::new(settings, millis(100), 40);
    service.run(Duration::from_mins(2), millis(3));
    service.capacity(20);
    service.run(Duration::from_hours(1), millis(3));
    service
}

#[test]
fn ac_6_ours_falls_when_latency_doubles_and_stays_for_an_hour() {
    let service = halved_for_an_hour(LimitSettings::default());
    let log: Vec<_> = service.log.iter().filter(|(at, _)| *at > at_secs(120 + 60)).collect();
    let highest = log.iter().map(|(_, limit)| *limit).max().unwrap();
    assert!(highest <= 36, "{highest} in flight at a service that is busy with 20");
    assert!(service.limit() >= 20, "{} is too few for a service of 20", service.limit());
}

#[test]
fn ac_6_gradient2_is_above_its_start_again_within_200_updates() {
    let settings = LimitSettings { max: 1_000, min: 1, ..LimitSettings::gradient2() };
    let mut bench = Bench::started_at(100, settings);
    (0..1_000).for_each(|_| _ = bench.wait(millis(1)).finish(sample(millis(10), 10)));
    let (mut lowest, mut recovered) = (100, None);
    for update in 0..200 {
        let in_flight = bench.limit.limit();
        let limit = bench.wait(millis(1)).finish(sample(millis(20), in_flight));
        lowest = limit.min(lowest);
        if limit > 100 && lowest < 100 {
            recovered = recovered.or(Some(update));
        }
    }
    assert!(lowest < 90, "it saw the doubling at first: {lowest}");
    assert!(recovered.is_some(), "its average has followed the overload");
}

fn at_secs(secs: u64) -> Instant {
    at(secs * 1_000)
}
