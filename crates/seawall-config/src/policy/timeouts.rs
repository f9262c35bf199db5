//! The table `timeouts` of a policy, and what class and kind fill in.
//!
//! The attempt timeout that follows latency is the upstream's (`upstream/timeout.rs`).

use crate::reader::{Given, Reading, Scope, TableReader, or};
use crate::units::print_duration;
use seawall_core::time::Duration;
use seawall_core::timeout::{OperationClass, OperationKind};

/// The longest durations of a call and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the start of the call to the head of its answer; `None` means no limit. A body that
    /// flows is bounded by `body_idle`.
    pub total: Option<Duration>,
    /// From the start of an attempt to the head of its response; never above `total`.
    pub attempt: Duration,
    /// Between two pieces of a response body.
    pub body_idle: Duration,
    /// How long an attempt waits for a connection; never above `attempt`, nor above the `connect`
    /// of the upstream's pool.
    pub connect: Duration,
}

/// What one layer says; `None` is silence.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TimeoutsLayer {
    total: Option<Given<Option<Duration>>>,
    attempt: Option<Given<Duration>>,
    body_idle: Option<Given<Duration>>,
    connect: Option<Given<Duration>>,
}

impl TimeoutsLayer {
    pub(super) fn read(table: &mut TableReader<'_>) -> Self {
        let common = Self {
            total: table.duration_or_off("total", "\"10s\""),
            attempt: table.duration("attempt", "\"3s\""),
            ..Self::default()
        };
        match table.reading().scope() {
            Scope::Library => {
                table.refuse("body_idle", "is for bodies of HTTP, which the program reads");
                table.refuse("connect", "is for connections, which the program opens");
                common
            }
            Scope::Gateway => Self {
                body_idle: table.duration("body_idle", "\"10s\""),
                connect: table.duration("connect", "\"1s\""),
                ..common
            },
        }
    }

    pub(super) fn over(self, below: Self) -> Self {
        Self {
            total: self.total.or(below.total),
            attempt: self.attempt.or(below.attempt),
            body_idle: self.body_idle.or(below.body_idle),
            connect: self.connect.or(below.connect),
        }
    }

    /// The kind fills in what no layer gives, and the class what no kind does. An attempt longer
    /// than the total is cut to it; the two written so are a mistake, for one of the numbers is
    /// then not what was meant.
    pub(super) fn resolve(
        self,
        preset: (OperationClass, Option<OperationKind>),
        pool_connect: Duration,
        reading: &Reading<'_>,
    ) -> Timeouts {
        let (total, attempt) = usual(preset);
        let total = or(self.total, total);
        let longest = total.unwrap_or(Duration::MAX);
        if let (Some(_), Some(given)) = (self.total, self.attempt)
            && given.value > longest
        {
            let (long, short) = (print_duration(given.value), print_duration(longest));
            let what = format!("timeouts.attempt ({long}) is above timeouts.total ({short})");
            reading.wrong(given.place, what, "shorten attempt or lengthen total");
        }
        let attempt = or(self.attempt, attempt).min(longest);
        let connect = or(self.connect, pool_connect).min(pool_connect).min(attempt);
        let body_idle = or(self.body_idle, preset.0.limits().body_idle);
        Timeouts { total, attempt, body_idle, connect }
    }
}

/// Total and attempt timeout of a class, or of a kind where one is named.
pub(crate) fn usual(
    (class, kind): (OperationClass, Option<OperationKind>),
) -> (Option<Duration>, Duration) {
    match kind.map(OperationKind::preset) {
        Some(preset) => (Some(preset.total), preset.attempt),
        None => (class.limits().total, class.limits().attempt),
    }
}
