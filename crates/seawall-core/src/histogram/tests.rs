//! Tests of the histograms: against sorted lists and full logs, and at the ends of the range.

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

const HOUR: u64 = 3_600_000_000_000;
const HALF: Ratio = Ratio::from_percent(50);

/// Latencies spread evenly over the powers of two of the range, and its ends.
fn latency() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => (0_u32..32, 1_000_u64..2_000).prop_map(|(power, part)| (part << power).min(HOUR)),
        1 => Just(1_000),
        1 => Just(HOUR),
    ]
}

/// The nearest rank in a sorted list.
fn exact(sorted: &[u64], share: Ratio) -> u64 {
    let rank = (u64::from(share.ppm()) * sorted.len() as u64).div_ceil(1_000_000).max(1);
    sorted[usize::try_from(rank).unwrap() - 1]
}

fn assert_close(reported: Duration, exact: u64) {
    let reported = nanos(reported);
    assert!(reported >= exact, "{reported} ns is below {exact} ns");
    let error = reported - exact;
    assert!(error * 20 <= exact, "{reported} ns is more than 5 % above {exact} ns");
}

fn millis(reported: Option<Duration>) -> Option<u128> {
    reported.map(|latency| latency.as_millis())
}

#[test]
fn nothing_has_no_quantile() {
    assert_eq!(Histogram::new().quantile(HALF), None);
    let mut recent = RotatingHistogram::new(Duration::from_secs(60), Instant::EPOCH);
    assert_eq!(recent.quantile(Instant::EPOCH, HALF), None);
    assert_eq!(recent.count(Instant::EPOCH), 0);
}

#[test]
fn every_bucket_holds_exactly_what_its_edges_say() {
    let mut last = 1 << FIRST_POWER;
    for index in 0..BUCKETS {
        let edge = nanos(upper_edge(index));
        assert_eq!(bucket(Duration::from_nanos(last + 1)), index, "first of bucket {index}");
        assert_eq!(bucket(Duration::from_nanos(edge)), index, "last of bucket {index}");
        last = edge;
    }
    assert_eq!(last, 1 << END_POWER);
}

#[test]
fn latencies_out_of_range_count_at_its_ends() {
    let mut histogram = Histogram::new();
    histogram.record(Duration::ZERO);
    histogram.record(Duration::MAX);
    assert_eq!(histogram.count(), 2);
    assert_eq!(histogram.quantile(Ratio::ZERO), Some(upper_edge(0)));
    assert_eq!(histogram.quantile(Ratio::ONE), Some(Duration::from_nanos(1 << END_POWER)));
}

#[test]
fn shares_above_the_whole_report_the_largest() {
    let mut histogram = Histogram::new();
    histogram.record(Duration::from_millis(1));
    let whole = histogram.quantile(Ratio::ONE);
    assert!(whole.is_some());
    assert_eq!(histogram.quantile(Ratio::from_ppm(u32::MAX)), whole);
}

#[test]
fn a_full_bucket_stops_and_the_sum_stays_true() {
    let latency = Duration::from_millis(5);
    let mut recent = RotatingHistogram::new(Duration::from_secs(60), Instant::EPOCH);
    for histogram in [&mut recent.sum, slot(&mut recent.slots, 1)] {
        histogram.buckets[bucket(latency)] = SLOT_COUNT_MAX;
        histogram.count = u64::from(SLOT_COUNT_MAX);
    }
    recent.current = 1;
    recent.record(Instant::EPOCH, latency);
    recent.invariants();
    assert_eq!(recent.count(Instant::EPOCH), u64::from(SLOT_COUNT_MAX));
}

#[test]
fn a_clock_that_steps_back_counts_as_the_latest() {
    let mut recent = RotatingHistogram::new(Duration::from_secs(60), Instant::EPOCH);
    recent.record(Instant::from_millis(100_000), Duration::from_millis(5));
    recent.record(Instant::from_millis(1_000), Duration::from_millis(5));
    assert_eq!(recent.count(Instant::from_millis(150_000)), 2);
    assert_eq!(recent.count(Instant::NEVER), 0);
    recent.invariants();
}

#[test]
fn a_slot_leaves_after_six_widths() {
    let mut recent = RotatingHistogram::new(Duration::from_secs(60), Instant::EPOCH);
    recent.record(Instant::from_millis(9_999), Duration::from_millis(800));
    recent.record(Instant::from_millis(10_000), Duration::from_millis(64));
    assert_eq!(millis(recent.quantile(Instant::from_millis(59_999), Ratio::ONE)), Some(805));
    assert_eq!(millis(recent.quantile(Instant::from_millis(60_000), Ratio::ONE)), Some(65));
    assert_eq!(recent.count(Instant::from_millis(70_000)), 0);
}

proptest! {
    #[test]
    fn a_quantile_is_at_most_five_percent_above_the_sorted_list(
        mut latencies in prop::collection::vec(latency(), 1..400), share in 0_u32..=1_000_000,
    ) {
        let mut histogram = Histogram::new();
        for latency in &latencies {
            histogram.record(Duration::from_nanos(*latency));
        }
        latencies.sort_unstable();
        let share = Ratio::from_ppm(share);
        assert_close(histogram.quantile(share).unwrap(), exact(&latencies, share));
        prop_assert_eq!(histogram.count(), latencies.len() as u64);
    }

    #[test]
    fn the_rotating_histogram_agrees_with_a_full_log(
        steps in prop::collection::vec((0_u64..30_000, latency()), 1..200), origin in 0_u64..9_999,
    ) {
        let mut recent =
            RotatingHistogram::new(Duration::from_secs(60), Instant::from_millis(origin));
        let mut log: Vec<(u64, u64)> = Vec::new();
        let mut now = 0;
        for (wait, latency) in steps {
            now += wait;
            let at = Instant::from_millis(now);
            recent.record(at, Duration::from_nanos(latency));
            recent.invariants();
            log.push((now, latency));
            let slot = |at: u64| (at + 10_000 - origin) / 10_000;
            let live = log.iter().filter(|(at, _)| slot(*at) + 6 > slot(now));
            let mut live: Vec<u64> = live.map(|(_, latency)| *latency).collect();
            live.sort_unstable();
            prop_assert_eq!(recent.count(at), live.len() as u64);
            assert_close(recent.quantile(at, HALF).unwrap(), exact(&live, HALF));
        }
    }
}

#[test]
fn another_window_keeps_the_latencies_by_their_age() {
    let second = Duration::from_secs(1);
    let mut short = RotatingHistogram::new(second * 6, Instant::EPOCH);
    for at in [0, 1, 2, 3, 4, 5] {
        short.record(Instant::from_millis(at * 1_000 + 500), Duration::from_millis(10));
    }
    let now = Instant::from_millis(5_500);
    let mut long = short.rewindowed(second * 60, Instant::EPOCH, now);
    long.invariants();
    assert_eq!(long.count(now), 6);
    assert_eq!(long.count(Instant::from_millis(40_000)), 6);
    let mut shorter = long.rewindowed(second * 3, Instant::EPOCH, Instant::from_millis(59_000));
    shorter.invariants();
    assert_eq!(shorter.count(Instant::from_millis(59_000)), 0, "too old for it");
    long.clear();
    long.invariants();
    assert_eq!(long.count(now), 0);
}
