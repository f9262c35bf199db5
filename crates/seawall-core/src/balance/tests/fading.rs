//! What failures are charged, how it fades, and how an endpoint comes back.

use super::*;

const CHARGE: Duration = Duration::from_secs(3);

fn failed() -> LoadSample {
    LoadSample::Failed { latency: ms(1), penalty: CHARGE }
}

fn refused() -> LoadSample {
    LoadSample::Refused { penalty: CHARGE }
}

fn answered() -> LoadSample {
    LoadSample::Answered { latency: ms(20) }
}

/// How long after a failure at `millis` the endpoint costs more than another of 20 ms with two
/// attempts in flight.
fn away(balancer: &Balancer, slot: Slot, millis: u64) -> u64 {
    let costs = |after: &u64| latency_ms(balancer, slot, at(millis + after)) > 60.0;
    (0..100_000).step_by(10).take_while(costs).count() as u64 * 10
}

/// The times away after so many failures, each when the one before has faded, or so much later.
fn times_away(sample: LoadSample, count: usize, later: u64) -> Vec<u64> {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 1, Joins::Warm);
    let mut now = 0;
    let mut one = || {
        balancer.finished(slots[0], sample, at(now));
        let away = away(&balancer, slots[0], now);
        now += away + later;
        away
    };
    (0..count).map(|_| one()).collect()
}

#[test]
fn each_failure_keeps_calls_away_for_twice_as_long() {
    let away = times_away(failed(), 8, 3_600_000);
    assert_eq!(away, [980, 1_960, 3_920, 7_830, 15_650, 31_300, 39_130, 39_130]);
}

#[test]
fn failures_keep_calls_away_for_a_quarter_of_the_illness() {
    let mut ill = 0;
    for away in times_away(failed(), 40, 0) {
        // 3.912 = ln(3 s / 60 ms) times a sixteenth, in steps of 10 ms.
        let most = (ill * 3_912 / 16_000).clamp(980, 39_130);
        assert!(away.abs_diff(most) <= 20, "{away} ms after {ill} ms, not {most}");
        ill += away;
    }
    assert!(ill > 160_000, "{ill} ms are enough to see it end at the decay itself");
}

#[test]
fn refusals_never_keep_calls_away_for_long() {
    assert_eq!(times_away(refused(), 5, 0), [980; 5]);
    assert_eq!(times_away(refused(), 5, 3_600_000), [980, 1_960, 1_960, 1_960, 1_960]);
}

#[test]
fn one_good_answer_does_not_undo_a_failure_and_twenty_in_a_row_do() {
    for (good, next) in [(1, 1_960), (19, 1_960), (20, 980)] {
        let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 1, Joins::Warm);
        balancer.finished(slots[0], failed(), at(0));
        (0..good).for_each(|_| balancer.finished(slots[0], answered(), at(100)));
        let still = latency_ms(&balancer, slots[0], at(100));
        assert_near(still, 2_018.0, 1.0);
        balancer.finished(slots[0], failed(), at(60_000));
        assert_eq!(away(&balancer, slots[0], 60_000), next, "after {good} answers");
    }
}

#[test]
fn who_comes_back_is_not_held_to_its_charge() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 3, Joins::Warm);
    balancer.finished(slots[0], failed(), at(0));
    balancer.welcome_back(slots[0], at(10));
    assert_near(latency_ms(&balancer, slots[0], at(10)), 30.0, 0.1);
}

#[test]
fn good_answers_in_a_row_end_the_slow_start_of_who_comes_back() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 3, Joins::Warm);
    balancer.welcome_back(slots[0], at(0));
    let mut weights = Vec::new();
    for answers in 0..=20 {
        if answers % 5 == 0 {
            weights.push(balancer.snapshot(slots[0], at(0)).weight.ppm() / 10_000);
        }
        balancer.finished(slots[0], answered(), at(0));
    }
    assert_eq!(weights, [10, 20, 40, 80, 100]);
    balancer.finished(slots[0], failed(), at(0));
    let weight = balancer.snapshot(slots[0], at(0)).weight;
    assert_eq!(weight, Ratio::ONE, "a failure takes back one of twenty-one");
    (0..20).for_each(|_| balancer.finished(slots[0], failed(), at(0)));
    let weight = balancer.snapshot(slots[0], at(0)).weight;
    assert_eq!(weight, Ratio::from_percent(10), "so many take back all");
    assert_eq!(balancer.snapshot(slots[0], at(15_000)).weight, Ratio::from_percent(50), "by time");
}

#[test]
fn good_answers_do_not_shorten_the_slow_start_of_who_is_new() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 3, Joins::Warm);
    balancer.restart_slow(slots[0], at(0));
    (0..100).for_each(|_| balancer.finished(slots[0], answered(), at(0)));
    assert_eq!(balancer.snapshot(slots[0], at(0)).weight, Ratio::from_percent(10));
}

#[test]
fn who_comes_back_takes_part_in_a_share_of_the_choices_while_the_others_are_idle() {
    let (mut balancer, slots) = balancer(Algorithm::PeakEwma, 3, Joins::Warm);
    slots.iter().for_each(|slot| answer(&mut balancer, *slot, ms(30), at(0)));
    balancer.welcome_back(slots[0], at(0));
    // Drawn in two choices of three, it wins half of those in which it takes part.
    for (good, share) in [(0, 0.1), (5, 0.2), (5, 0.4), (5, 0.8), (5, 1.0)] {
        let sample = LoadSample::Answered { latency: ms(30) };
        (0..good).for_each(|_| balancer.finished(slots[0], sample, at(0)));
        assert_near(shares(&mut balancer, &slots, at(0), 20_000)[0], share / 3.0, 0.02);
    }
}
