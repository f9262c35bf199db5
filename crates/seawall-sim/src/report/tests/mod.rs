//! Reports of outcomes made by hand, and of worlds that were run.

mod made;
mod odd;
mod page;

use super::{compare, json, summary, text};
use made::{mixed, single, sweep};

/// Snapshots say nothing of the version.
fn unversioned(text: &str) -> String {
    text.replace(super::VERSION, "VERSION")
}

#[test]
fn the_text_of_a_mixed_outcome_is_as_reviewed() {
    let text = unversioned(&text(&mixed()));
    assert_eq!(text, include_str!("mixed.txt"), "\n{text}");
}

#[test]
fn the_text_of_a_sweep_is_as_reviewed() {
    let text = unversioned(&text(&sweep()));
    assert_eq!(text, include_str!("sweep.txt"), "\n{text}");
}

#[test]
fn the_text_of_a_comparison_is_as_reviewed() {
    let (old, new) = (mixed(), single());
    let text = unversioned(&compare(&old, &new).text());
    assert_eq!(text, include_str!("compare.txt"), "\n{text}");
}

#[test]
fn the_json_of_a_mixed_outcome_is_as_reviewed() {
    let json = unversioned(&json(&mixed()));
    assert!(json == include_str!("mixed.json"), "\n{json}");
}

#[test]
fn json_is_read_by_others_and_knows_each_series() {
    let read: serde_json::Value = serde_json::from_str(&json(&mixed())).expect("it is JSON");
    let record = &read["points"][0]["runs"][0]["record"];
    assert_eq!(record["loads"][0]["timeline"]["started"], serde_json::json!([10, 10, 10, 10]));
    assert_eq!(record["strips"][0]["stretches"][0]["condition"], "open");
    assert_eq!(read["points"][0]["down"]["runs"], 1);
    assert_eq!(read["seed"], "18446744073709551615");
}

#[test]
fn equal_outcomes_give_equal_bytes() {
    let of = |outcome| (json(&outcome), text(&outcome), super::html(&outcome));
    assert!(of(mixed()) == of(mixed()) && of(sweep()) == of(sweep()));
}

#[test]
fn the_text_is_its_pieces_one_after_the_other() {
    let outcome = mixed();
    let joined: String = summary(&outcome).into_iter().map(|piece| piece.text).collect();
    assert_eq!(joined, text(&outcome));
    assert!(joined.ends_with('\n'));
}

#[test]
fn no_mean_over_runs_of_both_kinds_is_told() {
    // Goodputs 10, 10 and 1: their mean of 7 is a state that no run is in.
    let (text, json) = (text(&mixed()), json(&mixed()));
    assert!(!text.contains("goodput 7"), "{text}");
    let read: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    let measures = &read["points"][0]["measures"];
    assert_eq!(measures["works"]["goodput"]["mean"], 10.0);
    assert_eq!(measures["down"]["goodput"]["mean"], 1.0);
}
