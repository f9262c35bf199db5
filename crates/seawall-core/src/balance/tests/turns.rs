//! Turns and draws: smooth weighted round robin, weights, least request, few of many, slow start.

use super::*;
use crate::balance::least::Pressure;
use crate::balance::{ramp, random, two};
use std::string::String;

fn named(algorithm: Algorithm, weights: &[u32], picks: usize) -> String {
    let settings = BalanceSettings { algorithm, ..BalanceSettings::default() };
    let (mut balancer, slots) = described(settings, weights);
    let mut rng = stream();
    let letter = |slot: Slot| char::from(b"abcdefgh"[slot.index()]);
    (0..picks).map(|_| letter(balancer.pick(&slots, None, at(0), &mut rng).unwrap())).collect()
}

#[test]
fn lb_1_smooth_weighted_turns_are_spread() {
    assert_eq!(named(Algorithm::SmoothWeighted, &[5, 1, 1], 14), "aabacaaaabacaa");
    assert_eq!(named(Algorithm::SmoothWeighted, &[3, 2], 10), "ababaababa");
    assert_eq!(named(Algorithm::SmoothWeighted, &[1, 1, 1], 6), "abcabc");
}

#[test]
fn smooth_weighted_turns_grant_no_backlog() {
    let settings =
        BalanceSettings { algorithm: Algorithm::SmoothWeighted, ..BalanceSettings::default() };
    let (mut balancer, slots) = described(settings, &[1, 1, 1]);
    let mut rng = stream();
    (0..300).for_each(|_| assert!(balancer.pick(&slots[..2], None, at(0), &mut rng).is_some()));
    let back: Vec<_> =
        (0..6).filter_map(|_| balancer.pick(&slots, None, at(0), &mut rng)).collect();
    assert_eq!(back.iter().filter(|slot| **slot == slots[2]).count(), 2);
}

#[test]
fn weights_are_shares_of_the_attempts() {
    let by_draw = [(Algorithm::Random, 0.01), (Algorithm::RING, 0.06), (Algorithm::MAGLEV, 0.01)];
    let in_turn = [(Algorithm::RoundRobin, 0.0001), (Algorithm::SmoothWeighted, 0.0001)];
    for (algorithm, tolerance) in by_draw.into_iter().chain(in_turn) {
        let settings = BalanceSettings { algorithm, ..BalanceSettings::default() };
        let (mut balancer, slots) = described(settings, &[5, 3, 2]);
        let shares = shares(&mut balancer, &slots, at(0), 100_000);
        for (share, expected) in shares.into_iter().zip([0.5, 0.3, 0.2]) {
            assert_near(share, expected, tolerance);
        }
    }
}

#[test]
fn least_request_takes_the_idlest_for_its_weight() {
    let settings = BalanceSettings {
        algorithm: Algorithm::LeastRequest(Compare::All),
        ..BalanceSettings::default()
    };
    let (mut balancer, slots) = described(settings, &[1, 1, 4]);
    for slot in [0, 0, 1, 2, 2, 2] {
        balancer.started(slots[slot]);
    }
    // (2 + 1)/1, (1 + 1)/1 and (3 + 1)/4.
    assert_near(shares(&mut balancer, &slots, at(0), 100)[2], 1.0, 0.0);
    (0..5).for_each(|_| balancer.started(slots[2]));
    assert_near(shares(&mut balancer, &slots, at(0), 100)[1], 1.0, 0.0);
}

#[test]
fn least_request_splits_ties_evenly() {
    for compare in [Compare::All, Compare::Drawn(2), Compare::Drawn(3), Compare::Drawn(16)] {
        let algorithm = Algorithm::LeastRequest(compare);
        let (mut balancer, slots) = balancer(algorithm, 5, Joins::Warm);
        for share in shares(&mut balancer, &slots, at(0), 50_000) {
            assert_near(share, 0.2, 0.01);
        }
    }
}

/// Of n candidates, d drawn: rank r is the best of them with C(n − r, d − 1) / C(n, d).
#[test]
fn few_of_many_serve_each_rank_its_known_share() {
    let choose = |n: i32, k: i32| {
        (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product::<f64>().max(0.0)
    };
    for (algorithm, drawn) in [
        (Algorithm::PowerOfTwo, 2),
        (Algorithm::LeastRequest(Compare::Drawn(2)), 2),
        (Algorithm::LeastRequest(Compare::Drawn(4)), 4),
    ] {
        let (mut balancer, slots) = balancer(algorithm, 10, Joins::Warm);
        for (rank, slot) in (1..).zip(&slots) {
            (0..rank).for_each(|_| balancer.started(*slot));
        }
        let shares = shares(&mut balancer, &slots, at(0), 100_000);
        for (rank, share) in (1..).zip(shares) {
            assert_near(share, choose(10 - rank, drawn - 1) / choose(10, drawn), 0.006);
        }
    }
}

#[test]
fn lb_8_a_bent_slow_start_is_steeper() {
    let settings =
        BalanceSettings { slow_start_bend: Ratio::from_percent(200), ..Default::default() };
    let (mut balancer, slots) = described(settings, &[1, 1]);
    balancer.restart_slow(slots[0], at(0));
    let weight = |millis| balancer.snapshot(slots[0], at(millis)).weight;
    assert_eq!(weight(7_500), Ratio::from_percent(50));
    assert_eq!(weight(0).ppm(), 182_573, "the root of 33 333 ppm");
    assert_eq!(weight(30_000), Ratio::ONE);
}

#[test]
fn random_spares_an_endpoint_in_slow_start() {
    let (mut balancer, slots) = balancer(Algorithm::Random, 2, Joins::Warm);
    balancer.restart_slow(slots[1], at(0));
    assert_near(shares(&mut balancer, &slots, at(3_000), 50_000)[1], 0.1 / 1.1, 0.005);
}

/// Draws of one number for ever.
struct Always(u64);

impl crate::rng::Rng for Always {
    fn next_u64(&mut self) -> u64 {
        self.0
    }
}

#[test]
fn no_draw_falls_on_an_endpoint_without_weight() {
    let candidates = slots(3);
    let weight = |slot: Slot| [0, 1, 0][slot.index()];
    for draw in [0, u64::MAX / 2, u64::MAX] {
        let picked = random::by_weight(&candidates, &mut Always(draw), weight);
        assert_eq!(picked, Some(candidates[1]));
    }
}

#[test]
fn a_few_that_are_drawn_are_all_different() {
    let candidates = slots(9);
    let mut rng = stream();
    for _ in 0..500 {
        let mut seen = Vec::new();
        let cost = |slot: Slot| {
            seen.push(slot);
            slot.index()
        };
        let best = two::of_few(&candidates, 5, &mut rng, cost).unwrap();
        assert_eq!(Some(&best), seen.iter().min());
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 5);
    }
}

#[test]
fn pressures_are_equal_where_neither_is_less() {
    let pressure = |active, weight| Pressure { active, weight };
    assert_eq!(pressure(1, 2), pressure(0, 1));
    assert_ne!(pressure(1, 2), pressure(1, 1));
    assert!(pressure(1, 2) < pressure(1, 1) && pressure(0, 1) < pressure(1, 1));
}

#[test]
fn a_bend_of_none_is_a_straight_ramp() {
    for bend in [Ratio::ZERO, Ratio::ONE] {
        let half = ramp::weight(ms(15_000), ms(30_000), bend);
        assert_eq!(half, Ratio::from_percent(50));
    }
}
