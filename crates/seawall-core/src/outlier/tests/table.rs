//! Every state against every event, as a reviewed snapshot in `table.txt`.

use super::*;
use core::fmt::Write;
use std::string::String;

const STATES: [&str; 4] = ["in", "ejected", "probe due", "probing"];

const EVENTS: [&str; 10] = [
    "success",
    "failure (5th)",
    "ignored",
    "abandoned",
    "begin probe",
    "probe succeeds",
    "probe fails",
    "probe abandoned",
    "check passes",
    "re-registered",
];

const NOW: u64 = 30_000;

/// A detector of three whose first endpoint is in a state at [`NOW`], and its probe if it has one.
fn prepare(state: &str) -> (Outliers, Option<ProbeTicket>) {
    let mut outliers = detector(long(), 3);
    match state {
        "in" => drop(fail(&mut outliers, 0, 4, NOW)),
        "ejected" => drop(fail(&mut outliers, 0, 5, NOW - 1)),
        _ => drop(fail(&mut outliers, 0, 5, 0)),
    }
    let ticket = (state == "probing").then(|| outliers.begin_probe(slot(0), at(NOW)).unwrap());
    (outliers, ticket)
}

fn apply(event: &str, outliers: &mut Outliers, probe: Option<ProbeTicket>) -> Option<String> {
    let mut events = Vec::new();
    let end = |class| {
        let mut events = Vec::new();
        outliers.end_probe(probe?, evidence(class), at(NOW), &mut events);
        Some(events)
    };
    match event {
        "probe succeeds" => events = end(Class::Success)?,
        "probe fails" => events = end(Class::Failure)?,
        "probe abandoned" => events = end(Class::Abandoned)?,
        "success" => events = note(outliers, 0, Class::Success, NOW),
        "failure (5th)" => events = note(outliers, 0, Class::Failure, NOW),
        "ignored" => events = note(outliers, 0, Class::Ignored, NOW),
        "abandoned" => events = note(outliers, 0, Class::Abandoned, NOW),
        "begin probe" => drop(outliers.begin_probe(slot(0), at(NOW))?),
        "check passes" => outliers.hasten(slot(0), at(NOW)),
        _ => {
            let remembered = outliers.remove(slot(0), at(NOW));
            outliers.insert(slot(0), at(NOW));
            outliers.restore(slot(0), remembered, at(NOW));
        }
    }
    outliers.invariants();
    Some(events.iter().map(|event| format_event(*event)).collect())
}

fn format_event(event: OutlierEvent) -> String {
    match event {
        OutlierEvent::Ejected { ejection, .. } => std::format!(", ejected k={}", ejection.streak),
        OutlierEvent::Capped { .. } => String::from(", capped"),
        OutlierEvent::Suppressed { .. } => String::from(", suppressed"),
        OutlierEvent::NotEnforced { .. } => String::from(", not enforced"),
        OutlierEvent::Returned { .. } => String::from(", returned"),
    }
}

fn standing(outliers: &Outliers) -> String {
    match outliers.standing(slot(0), at(NOW)) {
        Standing::In => String::from("in"),
        Standing::Ejected { until } => {
            std::format!("ejected {} s", until.since(at(NOW)).as_secs_f32().round())
        }
        Standing::ProbeDue => String::from("probe due"),
        Standing::Probing => String::from("probing"),
    }
}

#[test]
fn every_state_answers_every_event_as_reviewed() {
    let mut table = String::new();
    for state in STATES {
        for event in EVENTS {
            let (mut outliers, ticket) = prepare(state);
            let cell = apply(event, &mut outliers, ticket)
                .map_or_else(|| String::from("impossible"), |events| standing(&outliers) + &events);
            writeln!(table, "{state:<10} | {event:<15} | {cell}").unwrap();
        }
    }
    assert_eq!(table, include_str!("table.txt"), "\n{table}");
}
