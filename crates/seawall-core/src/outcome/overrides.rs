//! What a user says otherwise about single statuses.
//!
//! Only what a service sent can be moved: a [`Row`] is an HTTP or gRPC status. Failures of the way
//! and refusals of our own have no row, so no list of overrides can count them against a
//! dependency. How overrides meet the table is in `judge.rs`.

use alloc::vec::Vec;

use super::judge::proves_unprocessed;
use super::{Class, GrpcCode, Observation, RetryRule};
use crate::invalid::Invalid;

/// The most overrides of one list. There are some forty statuses in use; more than this is a
/// program, not a table.
pub const OVERRIDES_MAX: usize = 64;

/// A row of the table that may be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// An HTTP status, 100–999.
    Status(u16),
    /// A gRPC status.
    Grpc(GrpcCode),
}

impl Row {
    /// The row of what was seen, if a service sent a status.
    pub(super) const fn of(seen: Observation) -> Option<Self> {
        if let Observation::Status { code, .. } = seen {
            return Some(Self::Status(code));
        }
        if let Observation::Grpc { code, .. } = seen {
            return Some(Self::Grpc(code));
        }
        None
    }
}

/// What a row is to be instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// The row.
    pub row: Row,
    /// What it says about the dependency: success, failure or ignored.
    pub class: Class,
    /// Which calls may try again. [`RetryRule::Always`] repeats calls that are not idempotent, for
    /// which only a proof will do that nothing was processed: it may be kept for 421 and 425, whose
    /// words say so, and is refused for every other row. A service that gives such a proof by
    /// other means needs a classifier that reads it, not a row of a table.
    pub retry: RetryRule,
}

/// At most [`OVERRIDES_MAX`] rows that a user has moved. Default: none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    sorted: Vec<Override>,
}

impl Overrides {
    /// A list that has been checked.
    ///
    /// # Errors
    ///
    /// More than [`OVERRIDES_MAX`] rows, a row twice, a status outside 100–999, the class
    /// abandoned, which only we can say of an attempt, or a retry of every call on a status that
    /// does not prove that nothing was processed.
    pub fn new(rows: &[Override]) -> Result<Self, Invalid> {
        if rows.len() > OVERRIDES_MAX {
            return Err(Invalid::new("overrides", rows.len(), "at most 64 rows"));
        }
        let mut sorted = rows.to_vec();
        sorted.sort_unstable_by_key(|one| one.row);
        for one in &sorted {
            check(one)?;
        }
        let twice =
            sorted.iter().zip(sorted.iter().skip(1)).find(|(one, next)| one.row == next.row);
        match twice {
            Some((one, _)) => Err(Invalid::new("overrides.row", name(one.row), "listed once")),
            None => Ok(Self { sorted }),
        }
    }

    /// Whether no row was moved.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// What a row was moved to.
    #[must_use]
    pub fn of(&self, row: Row) -> Option<&Override> {
        let place = self.sorted.binary_search_by_key(&row, |one| one.row).ok()?;
        self.sorted.get(place)
    }
}

fn check(one: &Override) -> Result<(), Invalid> {
    if let Row::Status(code) = one.row
        && !(100..=999).contains(&code)
    {
        return Err(Invalid::new("overrides.row", code, "a status from 100 to 999"));
    }
    if one.class == Class::Abandoned {
        return Err(Invalid::new("overrides.class", "abandoned", "success, failure or ignored"));
    }
    if one.retry == RetryRule::Always && !proves_unprocessed(one.row) {
        let value = alloc::format!("always, for {}", name(one.row));
        return Err(Invalid::new(
            "overrides.retry",
            value,
            "if_safe or never; always for 421, 425",
        ));
    }
    Ok(())
}

fn name(row: Row) -> alloc::string::String {
    match row {
        Row::Status(code) => alloc::format!("status {code}"),
        Row::Grpc(code) => alloc::format!("gRPC {}", code.number()),
    }
}
