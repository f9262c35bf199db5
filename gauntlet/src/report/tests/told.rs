//! Text, Markdown, JSON and the sentences.

use super::made::{of, results};
use crate::measure::Regret;
use crate::peer::Product;
use crate::report::{json, markdown, read, sentence, table};

fn summary(results: &crate::report::Results, id: &str) -> String {
    let told = results.scenarios.iter().find(|told| told.id == id).unwrap();
    sentence::summary(results, told)
}

#[test]
fn the_table_of_a_terminal() {
    assert_eq!(table(&results()), include_str!("table.txt"));
}

#[test]
fn the_page_of_the_repository() {
    assert_eq!(markdown(&results()), include_str!("page.md.txt"));
}

#[test]
fn json_is_read_back_as_it_was_and_is_the_same_each_time() {
    let results = results();
    let text = json(&results);
    assert_eq!(read(&text).unwrap(), results);
    assert_eq!(json(&read(&text).unwrap()), text);
    let keys = ["format", "summaries", "failings", "targets", "beside_best_peer", "results"];
    let places = keys.map(|key| text.find(&format!("\"{key}\":")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn what_is_no_result_says_why() {
    let other = json(&results()).replacen("\"format\":1", "\"format\":9", 1);
    assert_eq!(read(&other).unwrap_err().to_string(), {
        "format 9, and this version reads 1: make the results anew"
    });
    assert!(read("{}").unwrap_err().to_string().starts_with("no results of a gauntlet: missing"));
}

#[test]
fn where_a_peer_is_ahead_the_summary_says_so() {
    let mut results = results();
    assert!(!summary(&results, "G1").contains("Peers ahead: nginx in user errors"));
    for run in of(&mut results, Product::Seawall, "G1") {
        run.errors = 900;
        run.regret = Regret::Of(9_000.0);
    }
    let told = summary(&results, "G1");
    assert!(told.contains("BEHIND"), "{told}");
    assert!(told.contains("Peers ahead: nginx in regret per 100 000"), "{told}");
}

#[test]
fn differences_within_the_noise_of_g0_are_no_lead() {
    let mut results = results();
    // nginx without a fault has between 0 and 9 000: nothing can be told from less.
    let noise = [Regret::Of(0.0), Regret::Of(9_000.0), Regret::Of(10.0)];
    for (run, regret) in of(&mut results, Product::Nginx, "G0").zip(noise) {
        run.regret = regret;
    }
    assert!(summary(&results, "G1").contains("a tie"), "{}", summary(&results, "G1"));
}

#[test]
fn a_cell_without_runs_is_never_a_figure() {
    let mut results = results();
    results.runs.retain(|run| run.key.product != Product::Seawall || run.key.scenario != "G1");
    let told = summary(&results, "G1");
    assert_eq!(told, "crash of one replica: Seawall was not run (not asked for).");
    for run in of(&mut results, Product::Seawall, "G0") {
        run.flaws.push("the host slept".to_owned());
    }
    let told = summary(&results, "G0");
    assert_eq!(told, "control: Seawall has no run that counts (the host slept).");
}

#[test]
fn fewer_errors_than_the_floor_are_told_as_our_mistake() {
    let mut results = results();
    for run in of(&mut results, Product::Seawall, "G1") {
        run.regret = Regret::AccountingError(3);
    }
    assert!(summary(&results, "G1").contains("an accounting error of the gauntlet"));
    assert!(table(&results).contains("accounting error"));
}

#[test]
fn a_control_that_is_far_off_does_not_count() {
    let mut results = results();
    results.mark_odd_controls();
    assert_eq!(results.invalid().count(), 0);
    of(&mut results, Product::Nginx, "G1").next().unwrap().control.p99 = Some(31_000_000);
    results.mark_odd_controls();
    let odd: Vec<_> = results.invalid().collect();
    assert_eq!(odd.len(), 1);
    let flaw = "its control has a p99 of 31.0 ms, others of it 20.0 ms";
    assert_eq!(odd[0].figures.flaws, [flaw]);
}

#[test]
fn a_report_of_nothing_is_still_a_report() {
    let mut nothing = results();
    nothing.runs.clear();
    assert!(table(&nothing).contains("not run"));
    nothing.scenarios.clear();
    nothing.entrants.clear();
    for text in [table(&nothing), markdown(&nothing), json(&nothing)] {
        assert!(text.ends_with('\n') && !text.contains("NaN"));
    }
}
