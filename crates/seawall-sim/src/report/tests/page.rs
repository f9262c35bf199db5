//! The page: whether its markup is sound, and whether it has what it should.

use super::made::{mixed, single, sweep};
use crate::report::{compare, html, html_against};
use seawall_plot::markup::faults;

#[test]
fn pages_balance_and_ask_for_nothing_from_outside() {
    let (mixed, single, sweep) = (mixed(), single(), sweep());
    let pages = [
        html(&mixed),
        html(&single),
        html(&sweep),
        html_against(&mixed, &single),
        compare(&mixed, &single).html(),
        compare(&sweep, &sweep).html(),
    ];
    for page in pages {
        assert_eq!(faults(&page), Vec::<String>::new());
    }
}

#[test]
fn names_never_become_markup() {
    let evil = "<script>alert('\"&\u{1b}')</script>";
    let mut outcome = sweep();
    outcome.title = evil.into();
    outcome.command = evil.into();
    outcome.axes[0].name = evil.into();
    outcome.axes[0].values = vec![evil.into(), evil.into(), evil.into()];
    for point in &mut outcome.points {
        point.plan.loads[0].name = evil.into();
        point.plan.services[0].name = evil.into();
        point.plan.gateways[0].name = evil.into();
        point.plan.gateways[0].upstreams[0].name = evil.into();
    }
    for page in [html(&outcome), compare(&outcome, &mixed()).html()] {
        assert_eq!(faults(&page), Vec::<String>::new());
        assert!(page.contains("&lt;script&gt;alert(&#39;&quot;&amp; &#39;)"));
    }
}

#[test]
fn sections_stand_in_the_order_in_which_they_are_read() {
    let page = html(&mixed());
    let headings: Vec<&str> = page
        .split("<h2>")
        .skip(1)
        .filter_map(|part| part.split_once("</h2>").map(|(heading, _)| heading))
        .collect();
    let order = [
        "Verdict",
        "Timeline",
        "Latency",
        "Attempts per tier",
        "Breakers and endpoints",
        "Numbers",
        "To repeat this",
    ];
    assert_eq!(headings, order);
    let page = html(&sweep());
    let turns = page.find("<h2>Where it turns</h2>").expect("it has a threshold");
    assert!(page.find("<h2>Sweep</h2>").is_some_and(|sweep| turns < sweep));
}

#[test]
fn both_kinds_of_runs_are_drawn_where_there_are_both() {
    let page = html(&mixed());
    for run in ["A run that works at its end (seed 1)", "A run that stays down (seed 3)"] {
        assert!(page.contains(run), "{run}");
    }
    assert!(!html(&single()).contains("A run that stays down"));
}

#[test]
fn a_sweep_over_two_axes_has_a_cell_for_each_point_and_its_edge() {
    let mut outcome = sweep();
    let second =
        crate::outcome::Axis { name: "width".into(), values: vec!["1s".into(), "2s".into()] };
    outcome.axes.push(second);
    let points = outcome.points.iter().flat_map(|point| {
        [0, 1].map(|other| {
            let values = vec![point.values[0], other];
            crate::outcome::Point { values, ..point.clone() }
        })
    });
    outcome.points = points.collect();
    let page = html(&outcome);
    assert_eq!(faults(&page), Vec::<String>::new());
    assert_eq!(page.matches("<title>load = ").count(), 6);
    assert_eq!(page.matches("class=\"edge\"").count(), 2);
    assert!(page.contains("load = 20, width = 1s: 50 % of 4 runs (between 15 and 85 %)"), "{page}");
}

#[test]
fn the_control_is_drawn_beside() {
    let (mixed, single) = (mixed(), single());
    assert!(!html(&mixed).contains("the control"));
    assert!(html_against(&mixed, &single).contains("the control"));
}
