//! Outcomes that hardly are any: nothing run, nothing kept, nothing called, no end.

use proptest::prelude::*;

use super::made::{back, down, mixed, outcome, plan, record, run, sweep};
use crate::outcome::{Axis, Outcome, Point};
use crate::plan::Plan;
use crate::report::{compare, html, json, text};
use crate::verdict::{Course, Verdict};
use seawall_core::time::Duration;
use seawall_plot::markup::faults;

/// All reports of an outcome, judged; the text is returned.
fn judged(outcome: &Outcome) -> String {
    assert_eq!(faults(&html(outcome)), Vec::<String>::new());
    let _: serde_json::Value = serde_json::from_str(&json(outcome)).expect("it is JSON");
    let other = compare(outcome, outcome);
    assert_eq!(faults(&other.html()), Vec::<String>::new());
    let _: serde_json::Value = serde_json::from_str(&other.json()).expect("it is JSON");
    let text = text(outcome);
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    text
}

fn of_runs(runs: Vec<crate::outcome::Run>) -> Outcome {
    outcome(Vec::new(), vec![Point { values: Vec::new(), plan: plan(10.0), runs }])
}

#[test]
fn nothing_that_was_run_is_said_to_be_nothing() {
    for empty in [outcome(Vec::new(), Vec::new()), of_runs(Vec::new())] {
        let text = judged(&empty);
        assert!(text.contains("Nothing was run."), "{text}");
    }
}

#[test]
fn runs_without_records_are_told_in_numbers_alone() {
    let text = judged(&of_runs(vec![run(1, back(0.1), None), run(2, back(0.1), None)]));
    assert!(text.contains("All 2 runs come back."), "{text}");
}

#[test]
fn an_unstable_run_says_so() {
    let mut seen = record([10, 10, 10, 10]);
    seen.unstable = Some(super::made::at(3));
    let verdict = Verdict { unstable: true, ..back(0.1) };
    let text = judged(&of_runs(vec![run(1, verdict, Some(seen))]));
    assert!(
        text.contains("Unstable: the queues of this run grow without bound: after 3 s"),
        "{text}"
    );
}

#[test]
fn a_run_that_stays_down_is_called_metastable() {
    let text = judged(&of_runs(vec![run(1, down(), None)]));
    assert!(text.contains("This is a metastable state."), "{text}");
}

#[test]
fn a_world_without_loads_services_or_time_has_reports() {
    for plan in [Plan::lasting(Duration::ZERO), Plan::lasting(Duration::from_secs(1))] {
        let record = crate::world::World::run(plan.clone(), crate::chance::Seed::new(1));
        let verdict = Verdict::of(&plan, &record);
        let runs = vec![run(1, verdict, Some(record))];
        judged(&outcome(Vec::new(), vec![Point { values: Vec::new(), plan, runs }]));
    }
}

#[test]
fn a_record_that_is_cut_short_is_drawn_as_far_as_it_goes() {
    let mut seen = record([1, 2, 3, 4]);
    seen.series.tallies.truncate(2);
    seen.series.heat.clear();
    seen.services.clear();
    seen.marks_lost = 7;
    judged(&of_runs(vec![run(1, back(0.1), Some(seen))]));
}

#[test]
fn one_value_and_one_run_make_a_sweep_too() {
    let mut outcome = sweep();
    outcome.points.truncate(1);
    outcome.axes[0].values.truncate(1);
    outcome.points[0].runs.truncate(1);
    judged(&outcome);
}

#[test]
fn a_sweep_over_words_has_no_threshold_but_a_row_of_cells() {
    let mut outcome = sweep();
    outcome.axes[0].values = ["fifo", "lifo", "codel"].map(String::from).into();
    for point in &mut outcome.points {
        point.plan = plan(10.0);
    }
    let text = judged(&outcome);
    assert!(text.contains("In 2 of 3 combinations runs stay down."), "{text}");
    assert_eq!(html(&outcome).matches("<title>load = ").count(), 3);
}

#[test]
fn three_axes_have_a_field_for_each_value_of_the_third() {
    let mut outcome = sweep();
    for name in ["b", "c"] {
        let values = vec!["x".into(), "y".into()];
        outcome.axes.push(Axis { name: name.into(), values });
        let points = outcome.points.iter().flat_map(|point| {
            [0, 1].map(|value| Point {
                values: [point.values.clone(), vec![value]].concat(),
                ..point.clone()
            })
        });
        outcome.points = points.collect();
    }
    judged(&outcome);
    let page = html(&outcome);
    assert_eq!(page.matches("<p class=\"run\">At load = ").count(), 2, "{page}");
}

#[test]
fn outcomes_of_other_seeds_are_not_compared() {
    let (old, mut new) = (mixed(), mixed());
    for run in &mut new.points[0].runs {
        run.seed += 100;
    }
    let text = compare(&old, &new).text();
    assert!(text.contains("No run of one has the seed"), "{text}");
}

/// Any number, however odd.
fn odd() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(0.0), Just(f64::NAN), Just(f64::INFINITY), 0.0..1.0, Just(-0.0)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_number_breaks_a_report(numbers in prop::collection::vec(odd(), 40)) {
        let runs = numbers.chunks(8).zip(0..).map(|(n, seed)| {
            let course = Course {
                recovered: Some(n[0]),
                end: n[1],
                worst: n[2],
                before: Some(n[3]),
                ..Course::default()
            };
            let quantiles = [n[4], n[5], n[6], n[7]];
            run(seed, Verdict { course, quantiles, goodput: n[0], mean: n[1], ..back(0.1) }, None)
        });
        let runs: Vec<_> = runs.collect();
        let mut outcome = sweep();
        for point in &mut outcome.points {
            point.runs.clone_from(&runs);
        }
        judged(&outcome);
        judged(&of_runs(runs));
    }
}
