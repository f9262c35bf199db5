//! What one read of the clock costs. Most entries of the other rows read it once or twice, so
//! targets without clock reads are computed from this row.

use std::hint::black_box;

use crate::clock;
use crate::measure::{Answers, Entry, Row, at_once};

/// The row's name.
pub(crate) const ROW: &str = "clock_read";
/// The entry whose time is subtracted for each read.
pub(crate) const STD: &str = "std::time::Instant::now";

pub(super) fn row() -> Row {
    let std = at_once(
        || (),
        |&(), _| {
            black_box(clock::now());
            true
        },
    );
    let tokio = at_once(
        || (),
        |&(), _| {
            black_box(tokio_now());
            true
        },
    );
    Row {
        name: ROW,
        about: "one read of a monotonic clock",
        answers: Answers::Admitted,
        entries: vec![
            Entry::new(STD, std).reference(),
            Entry::new("tokio::time::Instant::now", tokio).reference(),
        ],
        our_clock_reads: 0,
        targets: (None, None),
        bare: None,
        loss: "",
        floor: "",
    }
}

#[expect(clippy::disallowed_methods, reason = "the read itself is what this row measures")]
fn tokio_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}
