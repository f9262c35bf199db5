//! Tests of the balancer: the latency estimate, slow start and choices of two. Tables are in
//! `tables`, levels, zones and margins in `shares`, turns and draws in `turns`, edges in `edges`,
//! and every algorithm against a naive one in `model`.

#![expect(clippy::float_arithmetic, reason = "shares and tolerances are compared as floats")]

use super::*;
use crate::endpoint::Slot;
use crate::ratio::Ratio;
use crate::rng::{Draw, Stream};
use crate::time::{Duration, Instant};
use proptest::prelude::*;
use std::vec::Vec;

mod edges;
mod fading;
mod model;
mod shares;
mod tables;
mod turns;

const SEED: u64 = 20_260_301;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn stream() -> Stream {
    Stream::new(SEED, "balance")
}

fn slots(count: u32) -> Vec<Slot> {
    (0..count).map(Slot::new).collect()
}

fn balancer(algorithm: Algorithm, count: u32, joins: Joins) -> (Balancer, Vec<Slot>) {
    let settings = BalanceSettings { algorithm, ..BalanceSettings::default() };
    let mut balancer = Balancer::new(settings, &mut stream());
    for slot in slots(count) {
        balancer.insert(slot, Instant::EPOCH, joins);
    }
    (balancer, slots(count))
}

/// The hash of an endpoint's name, which the slot must not decide.
fn name(slot: Slot) -> u64 {
    crate::hash::hash(1, &[b'a' + u8::try_from(slot.index()).unwrap()])
}

fn described(settings: BalanceSettings, weights: &[u32]) -> (Balancer, Vec<Slot>) {
    let mut balancer = Balancer::new(settings, &mut stream());
    let slots = slots(u32::try_from(weights.len()).unwrap());
    for (slot, weight) in slots.iter().zip(weights) {
        balancer.insert(*slot, Instant::EPOCH, Joins::Warm);
        let info = EndpointInfo { weight: *weight, ..EndpointInfo::default() };
        balancer.describe(*slot, name(*slot), info);
    }
    balancer.rebuild();
    (balancer, slots)
}

fn answer(balancer: &mut Balancer, slot: Slot, latency: Duration, now: Instant) {
    balancer.started(slot);
    balancer.finished(slot, LoadSample::Answered { latency }, now);
}

fn latency_ms(balancer: &Balancer, slot: Slot, now: Instant) -> f64 {
    balancer.snapshot(slot, now).latency.as_secs_f64() * 1e3
}

fn assert_near(actual: f64, expected: f64, tolerance: f64) {
    assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected} ± {tolerance}");
}

fn shares(balancer: &mut Balancer, candidates: &[Slot], now: Instant, picks: u32) -> Vec<f64> {
    let mut rng = Stream::new(SEED, "shares");
    let mut counts = std::vec![0_u32; candidates.len()];
    for _ in 0..picks {
        counts[balancer.pick(candidates, None, now, &mut rng).unwrap().index()] += 1;
    }
    counts.iter().map(|count| f64::from(*count) / f64::from(picks)).collect()
}

#[test]
fn lb_3_peaks_are_taken_at_once_and_decay_with_time() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 1, Joins::Warm);
    let slot = slots[0];
    answer(&mut balancer, slot, ms(10), at(0));
    assert_near(latency_ms(&balancer, slot, at(0)), 10.0, 1e-6);
    answer(&mut balancer, slot, ms(100), at(0));
    assert_near(latency_ms(&balancer, slot, at(0)), 100.0, 1e-6);
    assert_near(latency_ms(&balancer, slot, at(10_000)), 36.8, 0.05);
    answer(&mut balancer, slot, ms(10), at(10_000));
    assert_near(latency_ms(&balancer, slot, at(10_000)), 43.1, 0.05);
}

#[test]
fn lb_3_cost_grows_with_attempts_in_flight() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 2, Joins::Warm);
    // 36.8 ms with two active costs 110.4: dearer than 110 idle, cheaper than 111 idle.
    answer(&mut balancer, slots[0], Duration::from_micros(36_800), at(0));
    balancer.started(slots[0]);
    balancer.started(slots[0]);
    answer(&mut balancer, slots[1], ms(110), at(0));
    assert_near(shares(&mut balancer, &slots, at(0), 50)[1], 1.0, 0.0);
    answer(&mut balancer, slots[1], ms(111), at(0));
    assert_near(shares(&mut balancer, &slots, at(0), 50)[0], 1.0, 0.0);
}

#[test]
fn lb_4_a_fast_failure_costs_its_penalty() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 1, Joins::Warm);
    let sample = LoadSample::Penalty { latency: ms(1), penalty: ms(3_000) };
    balancer.started(slots[0]);
    balancer.finished(slots[0], sample, at(0));
    assert_near(latency_ms(&balancer, slots[0], at(0)), 3_000.0, 1e-6);
    assert_near(latency_ms(&balancer, slots[0], at(30_000)), 149.0, 0.5);
}

#[test]
fn a_penalty_is_at_most_five_minutes() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 1, Joins::Warm);
    let sample = LoadSample::Penalty { latency: ms(1), penalty: Duration::MAX };
    balancer.finished(slots[0], sample, at(0));
    assert_eq!(balancer.snapshot(slots[0], at(0)).latency, Duration::from_secs(300));
}

#[test]
fn lb_8_slow_start_ramps_from_a_tenth() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 3, Joins::Warm);
    balancer.restart_slow(slots[0], at(0));
    let weight = |millis| balancer.snapshot(slots[0], at(millis)).weight;
    assert_eq!(weight(0), Ratio::from_percent(10));
    assert_eq!(weight(3_000), Ratio::from_percent(10));
    assert_eq!(weight(15_000), Ratio::from_percent(50));
    assert_eq!(weight(29_999).ppm(), 999_966);
    assert_eq!(weight(30_000), Ratio::ONE);
    assert_eq!(balancer.snapshot(slots[1], at(0)).weight, Ratio::ONE);
}

#[test]
fn t143_the_endpoint_that_fails_fastest_does_not_win() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 3, Joins::Warm);
    let mut rng = stream();
    let mut failing = 0;
    for step in 0..3_000_u64 {
        let now = at(step * 10);
        let slot = balancer.pick(&slots, None, now, &mut rng).unwrap();
        let broken = slot == slots[0];
        failing += u32::from(broken);
        let sample = if broken {
            LoadSample::Penalty { latency: ms(1), penalty: ms(3_000) }
        } else {
            LoadSample::Answered { latency: ms(50) }
        };
        balancer.started(slot);
        balancer.finished(slot, sample, now);
    }
    // Once in some 41 s (10 s · ln(3 000/50)) its estimate falls back to that of the others.
    assert!(failing <= 3, "{failing} of 3 000 attempts went to the broken endpoint");
}

#[test]
fn t153_no_one_and_two_candidates_are_defined() {
    for algorithm in [Algorithm::RoundRobin, Algorithm::PeakEwma] {
        let (mut balancer, slots) = balancer(algorithm, 2, Joins::Warm);
        let mut rng = stream();
        assert_eq!(balancer.pick(&[], None, at(0), &mut rng), None);
        assert_eq!(balancer.pick(&slots[1..], None, at(0), &mut rng), Some(slots[1]));
        let picked: Vec<_> =
            (0..64).filter_map(|_| balancer.pick(&slots, None, at(0), &mut rng)).collect();
        assert!(slots.iter().all(|slot| picked.contains(slot)), "{algorithm:?} herds");
    }
}

#[test]
fn t153_all_new_in_slow_start_share_evenly_at_full_weight() {
    for algorithm in [Algorithm::RoundRobin, Algorithm::PeakEwma] {
        let (mut balancer, slots) = balancer(algorithm, 4, Joins::Cold);
        assert_eq!(balancer.snapshot(slots[0], at(0)).weight, Ratio::ONE);
        for share in shares(&mut balancer, &slots, at(0), 8_000) {
            assert_near(share, 0.25, 0.02);
        }
    }
}

#[test]
fn slow_start_is_skipped_only_when_over_half_are_new() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 4, Joins::Warm);
    balancer.restart_slow(slots[0], at(0));
    balancer.restart_slow(slots[1], at(0));
    assert_eq!(balancer.snapshot(slots[0], at(0)).weight, Ratio::from_percent(10));
    balancer.restart_slow(slots[2], at(1_000));
    assert_eq!(balancer.snapshot(slots[0], at(1_000)).weight, Ratio::ONE);
    assert_eq!(balancer.snapshot(slots[2], at(30_000)).weight.ppm(), 966_666);
}

#[test]
fn p2c_serves_each_rank_its_known_share() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 10, Joins::Warm);
    for (rank, slot) in (1_u64..).zip(&slots) {
        answer(&mut balancer, *slot, ms(10 * rank), at(0));
    }
    let shares = shares(&mut balancer, &slots, at(0), 100_000);
    for (rank, share) in (1_i32..).zip(shares) {
        assert_near(share, 2.0 * f64::from(10 - rank) / 90.0, 0.005);
    }
}

#[test]
fn p2c_ties_are_split_evenly() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 5, Joins::Warm);
    // Far beyond every decay, all estimates read the floor and attempts in flight still count.
    let late = at(100_000_000);
    for share in shares(&mut balancer, &slots, late, 50_000) {
        assert_near(share, 0.2, 0.01);
    }
    balancer.started(slots[0]);
    assert_near(shares(&mut balancer, &slots, late, 1_000)[0], 0.0, 0.0);
}

#[test]
fn an_unanswered_newcomer_is_not_starved_by_fast_endpoints() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 2, Joins::Warm);
    let mut rng = stream();
    let mut newcomer = None;
    for step in 0..6_000_u64 {
        let now = at(step * 10);
        let slot = balancer.pick(&slots, None, now, &mut rng).unwrap();
        if slot == slots[1] {
            newcomer = Some(step);
            break;
        }
        answer(&mut balancer, slot, ms(1), now);
    }
    assert!(newcomer.is_some(), "a first value of 30 ms kept the newcomer out for a minute");
}

#[test]
fn the_first_sample_replaces_the_first_value() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 1, Joins::Warm);
    assert_eq!(balancer.snapshot(slots[0], at(0)).latency, ms(30));
    answer(&mut balancer, slots[0], ms(2), at(0));
    assert_eq!(balancer.snapshot(slots[0], at(0)).latency, ms(2));
}

#[test]
fn an_attempt_given_up_counts_only_above_the_estimate() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 1, Joins::Warm);
    answer(&mut balancer, slots[0], ms(100), at(0));
    balancer.finished(slots[0], LoadSample::GivenUp { elapsed: ms(99) }, at(0));
    balancer.finished(slots[0], LoadSample::None, at(0));
    assert_eq!(balancer.snapshot(slots[0], at(0)).latency, ms(100));
    balancer.finished(slots[0], LoadSample::GivenUp { elapsed: ms(101) }, at(0));
    assert_eq!(balancer.snapshot(slots[0], at(0)).latency, ms(101));
}

#[test]
fn an_attempt_given_up_early_leaves_the_estimate_to_decay() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 1, Joins::Warm);
    answer(&mut balancer, slots[0], ms(100), at(0));
    balancer.finished(slots[0], LoadSample::GivenUp { elapsed: ms(10) }, at(5_000));
    assert_near(latency_ms(&balancer, slots[0], at(10_000)), 36.8, 0.05);
}

#[test]
fn round_robin_is_an_exact_rotation() {
    let (mut balancer, slots) = balancer(Algorithm::RoundRobin, 5, Joins::Warm);
    let mut rng = stream();
    let mut round = || -> Vec<_> {
        (0..5).filter_map(|_| balancer.pick(&slots, None, at(0), &mut rng)).collect()
    };
    let first = round();
    let mut members = first.clone();
    members.sort();
    assert_eq!(members, slots);
    for _ in 0..100 {
        assert_eq!(round(), first);
    }
}

#[test]
fn round_robin_starts_at_a_random_place() {
    let mut starts = [0_u32; 4];
    let mut rng = stream();
    for _ in 0..400 {
        let settings = BalanceSettings { algorithm: Algorithm::RoundRobin, ..Default::default() };
        let mut balancer = Balancer::new(settings, &mut rng);
        slots(4).into_iter().for_each(|slot| balancer.insert(slot, at(0), Joins::Warm));
        starts[balancer.pick(&slots(4), None, at(0), &mut rng).unwrap().index()] += 1;
    }
    assert!(starts.iter().all(|start| (60..=140).contains(start)), "{starts:?}");
}

#[test]
fn round_robin_stays_fair_while_candidates_change() {
    let (mut balancer, slots) = balancer(Algorithm::RoundRobin, 3, Joins::Warm);
    let mut rng = stream();
    let mut counts = [0_u32; 3];
    // Every other pick excludes the endpoint picked before, as a retry does.
    let mut previous = slots[0];
    for step in 0..3_000 {
        let candidates: Vec<_> =
            slots.iter().copied().filter(|slot| step % 2 == 0 || *slot != previous).collect();
        previous = balancer.pick(&candidates, None, at(0), &mut rng).unwrap();
        counts[previous.index()] += 1;
    }
    assert_eq!(counts, [1_000; 3]);
}

#[test]
fn round_robin_grants_no_backlog_to_an_endpoint_that_was_out() {
    let (mut balancer, slots) = balancer(Algorithm::RoundRobin, 3, Joins::Warm);
    let mut rng = stream();
    (0..300).for_each(|_| assert!(balancer.pick(&slots[..2], None, at(0), &mut rng).is_some()));
    let back: Vec<_> =
        (0..6).filter_map(|_| balancer.pick(&slots, None, at(0), &mut rng)).collect();
    assert_eq!(back.iter().filter(|slot| **slot == slots[2]).count(), 2);
}

#[test]
fn round_robin_honours_slow_start_as_a_share_of_turns() {
    let (mut balancer, slots) = balancer(Algorithm::RoundRobin, 4, Joins::Warm);
    balancer.restart_slow(slots[3], at(0));
    let early = shares(&mut balancer, &slots, at(3_000), 3_100);
    assert_near(early[3] / early[0], 0.1, 0.005);
    let half = shares(&mut balancer, &slots, at(15_000), 3_500);
    assert_near(half[3] / half[0], 0.5, 0.005);
}

#[test]
fn p2c_spares_an_endpoint_in_slow_start() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 2, Joins::Warm);
    slots.iter().for_each(|slot| answer(&mut balancer, *slot, ms(10), at(0)));
    balancer.restart_slow(slots[1], at(0));
    (0..10).for_each(|_| balancer.started(slots[0]));
    // 10 ms · 11 active against 10 ms / 0.1: the new one is cheaper; with 9 active it is dearer.
    assert_near(shares(&mut balancer, &slots, at(0), 100)[1], 1.0, 0.0);
    (0..2).for_each(|_| balancer.finished(slots[0], LoadSample::None, at(0)));
    assert_near(shares(&mut balancer, &slots, at(0), 100)[1], 0.0, 0.0);
}

#[test]
fn settings_without_a_time_constant_stay_free_of_nan() {
    let settings = BalanceSettings {
        decay: Duration::ZERO,
        slow_start: Some(Duration::ZERO),
        ..BalanceSettings::default()
    };
    let mut balancer = Balancer::new(settings, &mut stream());
    slots(2).into_iter().for_each(|slot| balancer.insert(slot, at(0), Joins::Cold));
    answer(&mut balancer, Slot::new(0), Duration::MAX, at(0));
    answer(&mut balancer, Slot::new(0), Duration::ZERO, Instant::NEVER);
    balancer.invariants();
    assert!(balancer.pick(&slots(2), None, at(0), &mut stream()).is_some());
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u32, bool),
    Remove(u32),
    Start(u32),
    Finish(u32, u64),
    Restart(u32),
    Reconfigure(bool),
    Pick(Vec<u32>),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u32..8, any::<bool>()).prop_map(|(slot, cold)| Step::Insert(slot, cold)),
        (0_u32..8).prop_map(Step::Remove),
        (0_u32..8).prop_map(Step::Start),
        (0_u32..8, any::<u64>()).prop_map(|(slot, nanos)| Step::Finish(slot, nanos)),
        (0_u32..8).prop_map(Step::Restart),
        any::<bool>().prop_map(Step::Reconfigure),
        prop::collection::btree_set(0_u32..10, 0..8)
            .prop_map(|set| Step::Pick(set.into_iter().collect())),
        (0_u64..60_000_000_000).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn a_pick_is_always_a_candidate(seed: u64, steps in prop::collection::vec(step(), 1..120)) {
        let mut rng = Stream::new(seed, "balance");
        let mut balancer = Balancer::new(BalanceSettings::default(), &mut rng);
        let mut now = 0_u64;
        for step in steps {
            let at = Instant::from_nanos(now);
            match step {
                Step::Insert(slot, cold) => {
                    let joins = if cold { Joins::Cold } else { Joins::Warm };
                    balancer.insert(Slot::new(slot), at, joins);
                }
                Step::Remove(slot) => balancer.remove(Slot::new(slot)),
                Step::Start(slot) => balancer.started(Slot::new(slot)),
                Step::Finish(slot, nanos) => {
                    let latency = Duration::from_nanos(nanos);
                    balancer.finished(Slot::new(slot), LoadSample::Answered { latency }, at);
                }
                Step::Restart(slot) => balancer.restart_slow(Slot::new(slot), at),
                Step::Reconfigure(turns) => balancer.reconfigure(BalanceSettings {
                    algorithm: if turns { Algorithm::RoundRobin } else { Algorithm::PeakEwma },
                    ..BalanceSettings::default()
                }),
                Step::Pick(set) => {
                    let set: Vec<_> = set.into_iter().map(Slot::new).collect();
                    match balancer.pick(&set, None, at, &mut rng) {
                        Some(slot) => prop_assert!(set.contains(&slot)),
                        None => prop_assert!(set.is_empty()),
                    }
                }
                Step::Wait(nanos) => now += nanos,
            }
            balancer.invariants();
        }
    }
}
