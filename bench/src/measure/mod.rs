//! What a speed row is, and how it is measured: in `rounds` the interleaving, in `seat` the loops
//! around the calls, in `stats` median and interval. Which rows there are is in `crate::speed`.

mod rounds;
mod seat;
mod stats;

pub(crate) use rounds::{Effort, measure};
pub(crate) use seat::{Batch, Object, at_once, awaited};
pub(crate) use stats::Spread;

/// The name under which Seawall's own entry stands in every row.
pub(crate) const OURS: &str = "seawall";

/// Builds the measured object anew. One object may serve several threads.
pub(crate) type Build = Box<dyn Fn() -> Object>;

/// What the object answers in this row. One side's rejections are never compared with the other
/// side's admissions, so an answer of the other kind stops the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Every call is admitted.
    Admitted,
    /// Every call is refused.
    Refused,
}

/// How often an object can be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Any number of threads.
    Threads,
    /// Its interface takes it by exclusive reference and it cannot be cloned.
    Exclusive,
}

/// One entry of a row.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) build: Build,
    pub(crate) sharing: Sharing,
    /// What a reader must know before comparing this entry: an inexact translation, another kind
    /// of window, a different shape. Empty when there is nothing.
    pub(crate) note: &'static str,
    /// A baseline or a lesser mechanism: shown, but never the best rival.
    pub(crate) reference: bool,
}

impl Entry {
    pub(crate) fn new(name: &'static str, build: Build) -> Self {
        Self { name, build, sharing: Sharing::Threads, note: "", reference: false }
    }

    pub(crate) fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    /// Cannot be shared, so it has no row of two threads.
    pub(crate) fn exclusive(self) -> Self {
        Self { sharing: Sharing::Exclusive, ..self }
    }

    /// Shown for orientation only.
    pub(crate) fn reference(self) -> Self {
        Self { reference: true, ..self }
    }
}

/// A row before it is measured.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What one call is.
    pub(crate) about: &'static str,
    pub(crate) answers: Answers,
    pub(crate) entries: Vec<Entry>,
    /// How many times our entry reads the clock in one call.
    pub(crate) our_clock_reads: u32,
    /// The target for our entry, without clock reads, at one thread and at two on one object.
    pub(crate) targets: (Option<f64>, Option<f64>),
    /// The entry whose time is the cost of the call itself.
    pub(crate) bare: Option<&'static str>,
    /// Why we lose this row, where we do and the reason is known.
    pub(crate) loss: &'static str,
    /// What our entry comes up against where it misses its target, and what has been tried.
    pub(crate) floor: &'static str,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    /// One thread.
    One,
    /// Two threads, one object.
    TwoShared,
    /// Two threads, each with an object of its own.
    TwoApart,
}

impl Callers {
    pub(crate) const ALL: [Self; 3] = [Self::One, Self::TwoShared, Self::TwoApart];

    pub(crate) fn threads(self) -> usize {
        if self == Self::One { 1 } else { 2 }
    }

    /// The end of the row's name.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::One => "1 thread",
            Self::TwoShared => "2 threads",
            Self::TwoApart => "2 threads apart",
        }
    }
}

/// One entry, measured.
pub(crate) struct Timing {
    pub(crate) name: &'static str,
    pub(crate) note: &'static str,
    pub(crate) reference: bool,
    /// Nanoseconds that a calling thread spends on one call.
    pub(crate) ns: Spread,
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
}

/// One row with one number of callers, measured.
pub(crate) struct Measured {
    pub(crate) row: &'static str,
    pub(crate) about: &'static str,
    pub(crate) callers: Callers,
    pub(crate) our_clock_reads: u32,
    pub(crate) target: Option<f64>,
    pub(crate) bare: Option<&'static str>,
    pub(crate) loss: &'static str,
    pub(crate) floor: &'static str,
    pub(crate) timings: Vec<Timing>,
}

impl Measured {
    pub(crate) fn timing(&self, name: &str) -> Option<&Timing> {
        self.timings.iter().find(|timing| timing.name == name)
    }

    pub(crate) fn ours(&self) -> Option<&Timing> {
        self.timing(OURS)
    }

    /// The fastest entry that is neither ours nor a reference.
    pub(crate) fn best_rival(&self) -> Option<&Timing> {
        let rivals = self.timings.iter().filter(|timing| timing.name != OURS && !timing.reference);
        rivals.min_by(|one, other| one.ns.median.total_cmp(&other.ns.median))
    }
}
