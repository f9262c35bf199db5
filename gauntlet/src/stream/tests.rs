//! Tests of the drawing: the same for the same seed, and as the scenario says.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::scenario::{
    Arrivals, Checks, Disturbance, Fault, Load, Mix, Path, Phases, Replicas, Scenario, Target,
};

const PHASES: Phases = Phases {
    warm_up: Duration::from_secs(5),
    control: Duration::from_secs(20),
    fault: Duration::from_secs(20),
    observation: Duration::from_secs(15),
};

fn scenario(rate: f64, arrivals: Arrivals, faults: Vec<Disturbance>) -> Scenario {
    Scenario {
        id: "G0".to_owned(),
        name: "control".to_owned(),
        about: String::new(),
        load: Load {
            rate,
            arrivals,
            mix: Mix::Mixed,
            deadline: Duration::from_secs(2),
            patience: Duration::from_secs(5),
            routes: 3,
            tenants: 10,
            high: 1.0 / 3.0,
            low: 1.0 / 3.0,
            bytes: 100,
        },
        replicas: Replicas {
            count: 3,
            aside: 0,
            workers: 20,
            queue: 100,
            service: Duration::from_millis(20),
        },
        phases: PHASES,
        quick: PHASES,
        path: Path::Direct,
        faults,
        health_checks: Checks::Off,
    }
}

fn disturbance(at: u64, lasts: Option<u64>, fault: Fault) -> Disturbance {
    let at = Duration::from_secs(at);
    Disturbance { at, lasts: lasts.map(Duration::from_secs), target: Target::All, fault }
}

const SEED: Seed = Seed { master: 1, number: 2 };

fn between(stream: &[Planned], from: u64, until: u64) -> usize {
    let second = 1_000_000_000;
    stream.iter().filter(|p| (from * second..until * second).contains(&p.at)).count()
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Within five standard deviations of a Poisson count: one seed in two million fails, and the
/// seeds here are fixed.
fn about(count: usize, expected: f64) -> bool {
    (float(count) - expected).abs() <= 5.0 * expected.sqrt()
}

#[test]
fn constant_arrivals_are_at_equal_distances() {
    let stream = draw(&scenario(100.0, Arrivals::Constant, Vec::new()), SEED, PHASES);
    assert!((5_999..=6_000).contains(&stream.len()), "{}", stream.len());
    assert!(stream.windows(2).all(|p| (p[1].at - p[0].at).abs_diff(10_000_000) <= 2));
}

#[test]
fn overload_multiplies_the_rate_in_its_window_alone() {
    let faults = vec![disturbance(5, Some(10), Fault::Overload { times: 3.0 })];
    let stream = draw(&scenario(300.0, Arrivals::Poisson, faults), SEED, PHASES);
    assert!(about(between(&stream, 0, 30), 9_000.0));
    assert!(about(between(&stream, 30, 40), 9_000.0));
    assert!(about(between(&stream, 40, 60), 6_000.0));
}

#[test]
fn a_fault_without_a_length_ends_with_the_fault_phase() {
    let faults = vec![disturbance(0, None, Fault::Overload { times: 2.0 })];
    let stream = draw(&scenario(100.0, Arrivals::Constant, faults), SEED, PHASES);
    assert_eq!(between(&stream, 25, 45).abs_diff(4_000) / 3, 0);
    assert_eq!(between(&stream, 45, 60).abs_diff(1_500) / 3, 0);
}

#[test]
fn a_hot_tenant_adds_its_own_requests_and_takes_none_of_others() {
    let faults = vec![disturbance(0, None, Fault::HotTenant { times: 20.0 })];
    let stream = draw(&scenario(300.0, Arrivals::Poisson, faults), SEED, PHASES);
    let fault: Vec<&Planned> =
        stream.iter().filter(|p| (25_000_000_000..45_000_000_000).contains(&p.at)).collect();
    let hot = fault.iter().filter(|p| p.tenant == HOT_TENANT).count();
    assert!(about(hot, 12_000.0), "{hot} of 20 times 30 a second");
    assert!(about(fault.len() - hot, 5_400.0));
    let cool = stream.iter().filter(|p| p.at < 25_000_000_000 && p.tenant == HOT_TENANT).count();
    assert!(about(cool, 750.0));
}

#[test]
fn bursts_leave_silence_between_them() {
    let arrivals =
        Arrivals::Bursts { every: Duration::from_secs(5), lasts: Duration::from_millis(500) };
    let stream = draw(&scenario(200.0, arrivals, Vec::new()), SEED, PHASES);
    assert!(about(stream.len(), 12.0 * 100.0), "{}", stream.len());
    assert!(stream.iter().all(|p| p.at % 5_000_000_000 <= 500_000_000));
}

#[test]
fn a_closed_loop_has_thinking_times_and_enough_of_them() {
    let arrivals = Arrivals::Closed { users: 10, think: Duration::from_millis(100) };
    let stream = draw(&scenario(0.0, arrivals, Vec::new()), SEED, PHASES);
    // 10 users for 60 s at 114 ms a round, and a quarter more.
    assert!((6_500..=6_600).contains(&stream.len()), "{}", stream.len());
    let mean = stream.iter().map(|p| p.at).sum::<u64>() / 6_500;
    assert!((90_000_000..=110_000_000).contains(&mean), "{mean}");
}

#[test]
fn rates_that_are_no_rates_draw_nothing() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let stream = draw(&scenario(rate, Arrivals::Poisson, Vec::new()), SEED, PHASES);
        assert!(stream.is_empty(), "{rate}");
    }
}

#[test]
fn the_mix_has_its_shares() {
    let stream = draw(&scenario(500.0, Arrivals::Poisson, Vec::new()), SEED, PHASES);
    let all = float(stream.len());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for p in &stream {
        let verb = if p.keyed { "keyed" } else { p.verb.name() };
        let priority = ["high", "normal", "low"][p.priority as usize];
        let route = ["r0", "r1", "r2"][usize::from(p.route)];
        [verb, priority, route].into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
    }
    let third = 1.0 / 3.0;
    for (key, share) in [("GET", 0.7), ("PUT", 0.1), ("POST", 0.15), ("keyed", 0.05)] {
        assert!(about(counts[key], all * share), "{key}: {}", counts[key]);
    }
    for key in ["high", "normal", "low", "r0", "r1", "r2"] {
        assert!(about(counts[key], all * third), "{key}: {}", counts[key]);
    }
    assert!(stream.iter().all(|p| (p.body == 0) == (p.verb == Verb::Get) && p.answer == 100));
    assert!(stream.iter().all(|p| !p.keyed || p.verb == Verb::Post));
}

#[test]
fn a_stream_never_changes() {
    let stream = draw(&scenario(300.0, Arrivals::Poisson, Vec::new()), SEED, PHASES);
    assert_eq!((stream.len(), digest(&stream)), (GOLDEN.0, GOLDEN.1), "a new stream is a new run");
}

/// Length and hash of the stream above. Committed results name such hashes: were the drawing to
/// change, they could not be remade.
const GOLDEN: (usize, u64) = (18_183, 6_290_884_650_580_598_652);

#[test]
fn a_file_gives_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream");
    let stream = draw(&scenario(20.0, Arrivals::Poisson, Vec::new()), SEED, PHASES);
    write(&path, &stream).unwrap();
    assert_eq!(read(&path).unwrap(), stream);
    assert_ne!(digest(&stream), digest(&stream[1..]));
}

proptest! {
    // Each case draws some twelve thousand requests, several times.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn equal_seeds_give_equal_streams_and_others_differ(
        master: u64,
        number: u64,
        rate in 1.0..400.0,
    ) {
        let scenario = scenario(rate, Arrivals::Poisson, Vec::new());
        let seed = Seed { master, number };
        let stream = draw(&scenario, seed, PHASES);
        prop_assert_eq!(digest(&stream), digest(&draw(&scenario, seed, PHASES)));
        let other = Seed { master, number: number.wrapping_add(1) };
        prop_assert_ne!(digest(&stream), digest(&draw(&scenario, other, PHASES)));
        let mut renamed = scenario;
        renamed.id = "G1".to_owned();
        prop_assert_ne!(digest(&stream), digest(&draw(&renamed, seed, PHASES)));
    }

    #[test]
    fn requests_are_in_order_within_the_phases_and_services_within_their_bounds(
        number: u64,
        rate in 1.0..400.0,
    ) {
        let scenario = scenario(rate, Arrivals::Poisson, Vec::new());
        let stream = draw(&scenario, Seed { master: 0, number }, PHASES);
        // Nine standard deviations: no seed that proptest can try falls outside.
        let expected = rate * 60.0;
        prop_assert!((float(stream.len()) - expected).abs() <= 9.0 * expected.sqrt() + 9.0);
        prop_assert!(stream.windows(2).all(|p| p[0].at <= p[1].at && p[0].id + 1 == p[1].id));
        prop_assert!(stream.iter().all(|p| p.at < 60_000_000_000));
        prop_assert!(stream.iter().all(|p| (14_000_000..=26_000_000).contains(&p.service)));
    }

    #[test]
    fn a_change_of_the_rate_changes_no_service_time(number: u64) {
        let seed = Seed { master: 9, number };
        let slow = draw(&scenario(50.0, Arrivals::Poisson, Vec::new()), seed, PHASES);
        let fast = draw(&scenario(80.0, Arrivals::Constant, Vec::new()), seed, PHASES);
        let alike = |(a, b): (&Planned, &Planned)| a.service == b.service && a.verb == b.verb;
        prop_assert!(slow.iter().zip(&fast).all(alike));
    }
}
