//! Attempt budget: the bound on extra attempts as a share of recent calls.
//!
//! # The problem
//!
//! Retries help against failures that are rare and independent, and finish off a dependency that
//! fails as a whole: three attempts a call are three times the load in the worst moment, and layers
//! multiply. A limit per call cannot see that; a budget per upstream can. It is spent by **every**
//! attempt beyond the first of a call, retry or hedge alike; a request that provably never left on
//! a stale connection goes out again for free, twice at most.
//!
//! # The rule
//!
//! Over a window W of ten buckets, F first and X extra attempts are counted, x of the extra ones in
//! the current bucket. One more is granted if
//!
//! - `X + 1 ≤ ratio · F`, or
//! - `X + 1 ≤ floor · W` and `x + 1 ≤ floor · W/10`,
//!
//! so that X ≤ max(ratio · F, floor · W) at every grant, and the floor cannot be spent in one
//! burst. Shares are exact, in parts per million. `ratio · F` and `floor · W` are allowances and
//! round down; `floor · W/10` only spreads the floor and rounds up, or a floor below one a bucket
//! would grant nothing at all. The numbers are those of the Gateway API's retry constraint
//! (GEP-3388).
//!
//! Two things are deliberate: floor and ratio are alternatives, not summands, so the bound stays
//! provable; and failures do not shrink the budget, so it does not vanish when calls fail fast.
//! When *every* call fails, any windowed budget pulses with period W. Give instances of a fleet
//! different origins, so that they do not pulse together.
//!
//! # Bounds
//!
//! Ten buckets of two counters, allocated never; every step takes constant time.
//!
//! What counts as a retry and when one is worth asking for is decided by the call; locks are the
//! driver's.

mod event;
mod machine;
mod settings;

pub use event::{BudgetEvent, Purpose};
pub use machine::{Budget, BudgetSnapshot, Denied, Reservation};
pub use settings::BudgetSettings;

#[cfg(test)]
mod tests;
