//! Cells over seeds and comparisons of products.

use proptest::prelude::*;

use crate::measure::made::Made;
use crate::measure::{Figures, METRICS, Metric, Outcome, Spread, compare, noise, over_seeds};
use crate::record::Seen;

fn errors() -> &'static Metric {
    Metric::named("errors").unwrap()
}

#[test]
fn keys_of_metrics_are_unique() {
    for metric in &METRICS {
        assert_eq!(METRICS.iter().filter(|one| one.key == metric.key).count(), 1);
    }
}

#[test]
fn fewer_attempts_than_requests_are_no_merit() {
    let mut made = Made::steady(10);
    made.asked(6.0, 31.0).iter().step_by(2).for_each(|id| made.forget_attempts(*id));
    let (figures, metric) = (made.figures(), Metric::named("amplification").unwrap());
    assert_eq!((metric.of)(&figures), Some(0.5));
    assert_eq!(metric.compared(&figures), Some(1.0));
}

#[test]
fn a_cell_has_median_and_range_of_each_metric() {
    let runs = [3, 1, 8].map(|failing: u64| {
        let mut made = Made::steady(10);
        (0..failing).for_each(|extra| made.see(700 + extra, 1, Seen::Cut));
        made.figures()
    });
    let cell = over_seeds(&runs.iter().collect::<Vec<_>>());
    let of = |key| cell.iter().find(|(metric, _)| metric.key == key).unwrap().1;
    let wanted = Spread { median: 3.0, least: 1.0, most: 8.0, seeds: 3 };
    assert_eq!(of("errors"), Some(wanted));
    assert_eq!(of("detect"), None);
    assert_eq!(over_seeds(&[]).len(), METRICS.len());
}

#[test]
fn the_noise_is_the_widest_range_of_any_product_at_rest() {
    let run = |failing: u64| {
        let mut made = Made::steady(10);
        (0..failing).for_each(|extra| made.see(700 + extra, 1, Seen::Cut));
        made.figures()
    };
    let (a, b, c, d) = (run(0), run(2), run(10), run(13));
    let told = |calm: &[Vec<&Figures>]| format!("{}", noise(errors(), calm));
    assert_eq!(told(&[vec![&a, &b], vec![&c, &d]]), "3");
    assert_eq!(told(&[]), "0");
}

#[test]
fn differences_within_the_noise_are_ties() {
    let pairs = [(10.0, 12.0), (11.0, 14.0), (9.0, 12.0), (10.0, 12.0), (10.0, 13.0)];
    let told = |noise| compare(errors(), &pairs, noise).unwrap();
    assert_eq!(told(0.0).outcome, Outcome::Better);
    assert_eq!(told(3.0).outcome, Outcome::Tie);
    assert!((told(0.0).difference + 3.0).abs() < 1e-9);
    assert!((-3.0..=-2.0).contains(&told(0.0).low) && told(0.0).high <= -2.0);
    let turned = pairs.map(|(a, b)| (b, a));
    assert_eq!(compare(errors(), &turned, 0.0).unwrap().outcome, Outcome::Worse);
    // More is better of goodput.
    let goodput = Metric::named("goodput").unwrap();
    assert_eq!(compare(goodput, &turned, 0.0).unwrap().outcome, Outcome::Better);
}

#[test]
fn an_interval_with_zero_in_it_is_a_tie() {
    let pairs = [(10.0, 2.0), (1.0, 9.0), (10.0, 3.0), (1.0, 8.0), (5.0, 2.0)];
    assert_eq!(compare(errors(), &pairs, 0.0).unwrap().outcome, Outcome::Tie);
    assert_eq!(compare(errors(), &[(4.0, 4.0)], 0.0).unwrap().outcome, Outcome::Tie);
    assert_eq!(compare(errors(), &[], 0.0), None);
}

proptest! {
    #[test]
    fn intervals_lie_within_the_differences_and_around_their_median(
        pairs in prop::collection::vec((0.0_f64..1e3, 0.0_f64..1e3), 1..9),
    ) {
        let told = compare(errors(), &pairs, 0.0).unwrap();
        let differences = pairs.iter().map(|(a, b)| a - b);
        let least = differences.clone().fold(f64::INFINITY, f64::min);
        let most = differences.fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(least <= told.low && told.low <= told.difference);
        prop_assert!(told.difference <= told.high && told.high <= most);
        prop_assert_eq!(compare(errors(), &pairs, 0.0), Some(told));
    }
}
