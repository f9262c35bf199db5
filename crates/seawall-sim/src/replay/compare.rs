//! What was, beside what would have been.

use super::{Recording, Replay, Tally};
use crate::observe::Record;

/// The recorded day beside the simulated one.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Each route that was replayed, in the order in which they were first called.
    pub routes: Vec<Row>,
    /// All of them together.
    pub all: Row,
}

/// One route, or all.
#[derive(Clone, Debug)]
pub struct Row {
    /// The name of the route.
    pub name: String,
    /// What its calls came to.
    pub was: Tally,
    /// What they would have come to.
    pub would: Tally,
}

/// Puts the calls that were replayed beside what became of them in `record`, which the plan of
/// `replay` gave. Calls that were left out are on neither side.
#[must_use]
pub fn compare(recording: &Recording, replay: &Replay, record: &Record) -> Comparison {
    let loads = replay.plan.loads.iter().zip(&record.loads);
    let rows = loads.zip(&replay.routes).map(|((load, seen), route)| Row {
        name: load.name.clone(),
        was: recording.tally(*route),
        would: Tally::of(seen),
    });
    let routes: Vec<Row> = rows.collect();
    let (mut was, mut would) = (Tally::default(), Tally::default());
    for row in &routes {
        was.add(&row.was);
        would.add(&row.would);
    }
    Comparison { routes, all: Row { name: "all".to_owned(), was, would } }
}
