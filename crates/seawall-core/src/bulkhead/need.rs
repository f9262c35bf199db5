//! What an arrival at a bulkhead asks for.
//!
//! What it gets is decided in `machine.rs`.

use core::error::Error;
use core::fmt;

use crate::shed::Class;
use crate::time::Instant;

/// What an arrival asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// So many permits at once; none counts as one.
    pub weight: u32,
    /// After this they would be of no use: the deadline, less the least time that an attempt
    /// needs. It bounds waiting only.
    pub useful_until: Instant,
    /// How important it is, which decides in the order [`super::QueueOrder::Priority`] alone.
    pub class: Class,
    /// How long it would wait.
    pub patience: Patience,
}

/// How long an arrival would wait for its permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// No longer than anybody, by the settings.
    Usual,
    /// For as long as a permit is of use: one that has waited for something else already, together
    /// with many who all come at once now.
    Long,
    /// For as long as a permit is of use, but nobody is to make room for it: whether there is any
    /// is being found out.
    Unsure,
}

/// More permits were asked for than there are: waiting would not help. Whether it ever can depends
/// on [`super::BulkheadSnapshot::permits`]; the limit may be lower for the time being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooHeavy {
    /// So many were asked for.
    pub weight: u32,
    /// So many may be in use.
    pub limit: u32,
}

impl fmt::Display for TooHeavy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} permits were asked for where {} may be in use", self.weight, self.limit)
    }
}

impl Error for TooHeavy {}
