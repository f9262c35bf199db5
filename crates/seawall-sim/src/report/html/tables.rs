//! The numbers behind the pictures: measures of each kind of runs, and how each load fared.

use super::{escaped, section as framed};
use crate::outcome::{Outcome, Point};
use crate::report::words;
use crate::verdict::{Fate, MEASURES, Measure};

pub(super) fn section(outcome: &Outcome) -> String {
    let [point] = outcome.points.as_slice() else { return String::new() };
    let fates: Vec<Fate> =
        Fate::ALL.into_iter().filter(|fate| point.of(*fate).next().is_some()).collect();
    if fates.is_empty() {
        return String::new();
    }
    let mut body = measures(point, &fates);
    for fate in fates.iter().filter(|_| point.plan.loads.len() > 1) {
        body.push_str(&loads(point, *fate));
    }
    framed("Numbers", &body)
}

fn measures(point: &Point, fates: &[Fate]) -> String {
    let head = fates.iter().map(|fate| {
        let runs = words::count(point.of(*fate).count(), "run");
        format!("<th>{}, {runs}</th>", fate.name())
    });
    let rows = MEASURES.iter().map(|measure| {
        let cells: String =
            fates.iter().map(|fate| format!("<td>{}</td>", cell(point, *fate, measure))).collect();
        format!("<tr><td>{}</td>{cells}</tr>\n", measure.name)
    });
    let (head, rows) = (head.collect::<String>(), rows.collect::<String>());
    format!(
        "<table class=\"numbers\"><tr><th></th>{head}</tr>\n{rows}</table>\n\
         <p class=\"origin\">Means over runs of one kind with their 95 % intervals; where runs are \
         too few for digits, the interval alone.</p>\n"
    )
}

fn cell(point: &Point, fate: Fate, measure: &Measure) -> String {
    let of = point.estimate(fate, measure);
    of.map_or_else(|| "–".to_owned(), |of| escaped(&words::estimate(measure.unit, &of)))
}

fn loads(point: &Point, fate: Fate) -> String {
    let Some(run) = point.typical(fate).or_else(|| point.of(fate).next()) else {
        return String::new();
    };
    let rows = run.verdict.loads.iter().map(|load| {
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            escaped(&load.name),
            load.calls,
            escaped(&words::share(load.success_rate)),
            words::rate(load.goodput),
            words::time(load.p99)
        )
    });
    let rows: String = rows.collect();
    format!(
        "<h3>Loads of a typical run: {}</h3>\n<table class=\"numbers\"><tr><th>load</th>\
         <th>calls</th><th>ended well</th><th>goodput</th><th>p99</th></tr>\n{rows}</table>\n",
        fate.name()
    )
}
