//! The page: whether its markup is sound, and whether it has what it should.

use seawall_plot::markup::faults;

use super::made::results;
use crate::peer::Product;
use crate::report::html;

#[test]
fn pages_balance_and_ask_for_nothing_from_outside() {
    let whole = results();
    let mut none = whole.clone();
    none.runs.clear();
    let mut empty = none.clone();
    empty.scenarios.clear();
    empty.entrants.clear();
    let mut odd = whole.clone();
    odd.runs.iter_mut().for_each(|run| run.figures.course.seconds.clear());
    for results in [whole, none, empty, odd] {
        assert_eq!(faults(&html(&results)), Vec::<String>::new());
    }
}

#[test]
fn names_never_become_markup() {
    let evil = "<script>alert('\"&\u{1b}')</script>";
    let mut results = results();
    results.command = evil.into();
    results.host.processor = evil.into();
    results.entrants[0].version = evil.into();
    results.entrants[0].lacks = vec![evil.into()];
    results.scenarios[0].name = evil.into();
    results.scenarios[1].about = evil.into();
    results.not_run[0].reason = evil.into();
    results.runs[0].figures.flaws = vec![evil.into()];
    assert_eq!(faults(&html(&results)), Vec::<String>::new());
}

#[test]
fn each_scenario_has_its_pictures_and_the_way_there() {
    let page = html(&results());
    for id in ["G0", "G1", "G4-200ms", "G10-3s", "G18"] {
        assert!(page.contains(&format!("<h2 id=\"{id}\">")), "{id}");
        assert!(page.contains(&format!("<a href=\"#{id}\">")), "{id}");
    }
    // Three products took part: goodput, attempts and latency together, errors and shares apart.
    assert_eq!(page.matches("aria-label=\"Goodput over time\"").count(), 5);
    assert_eq!(page.matches("aria-label=\"Share of each replica\"").count(), 15);
    assert_eq!(page.matches("aria-label=\"Latency over time\"").count(), 15);
    // The noise of each metric, from the runs of G0.
    assert_eq!(page.matches("<h2>Noise</h2>").count(), 1);
    // In two scenarios somebody failed nothing at all; in G0 and G4 nobody failed anything.
    assert_eq!(page.matches("aria-label=\"Errors over time\"").count(), 9);
    assert_eq!(page.matches("No product failed a request").count(), 2);
}

#[test]
fn faults_stand_behind_every_course() {
    let page = html(&results());
    let bands = page.matches("<rect class=\"band\"").count();
    // Two pictures together, three shares and three maps of each of four scenarios with a fault,
    // and three times the errors where there were any.
    assert_eq!(bands, 4 * (2 + 3 + 3) + 9);
}

#[test]
fn a_product_that_was_not_run_has_no_line() {
    let page = html(&results());
    assert!(!page.contains("path class=\"of-pingora\""));
    assert!(page.contains("title=\"no cargo to build it with\">not run"));
    let mut without = results();
    without.runs.retain(|run| run.key.product != Product::Nginx);
    assert!(!html(&without).contains("path class=\"of-nginx\""));
}
