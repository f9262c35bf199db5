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
//! the current bucket, and V of them that were in vain: that have not, or not yet, brought an
//! answer where the attempt before had failed. One more is granted if
//!
//! - `V + 1 ≤ ratio · F` and `X + 1 ≤ ceiling · F`, or
//! - `X + 1 ≤ floor · W` and `x + 1 ≤ floor · W/10`,
//!
//! so that at every grant X ≤ max(ceiling · F, floor · W) whatever happens, and
//! X ≤ max(ratio · F, floor · W) while extra attempts do not help; the floor cannot be spent in one
//! burst. Shares are exact, in parts per million. `ratio · F`, `ceiling · F` and `floor · W` are
//! allowances and round down; `floor · W/10` only spreads the floor and rounds up, or a floor below
//! one a bucket would grant nothing at all. The numbers of ratio, floor and window are those of the
//! Gateway API's retry constraint (GEP-3388).
//!
//! # Why what helped is not charged
//!
//! Two faults look alike at first and want opposite things. A service that is *overloaded* answers
//! late or not at all, retries are more of the same, and the fewer the better. A service that fails
//! *at random* answers every second or third attempt, and a retry is all that it takes. What tells
//! them apart is what became of the retries themselves. A retry whose answer is good gives its
//! token back, one that fails too, or runs out of time, does not: in an overload nothing comes back and
//! the bound is the ratio, against errors at random a call may have what it needs, up to the
//! ceiling. A hedge gets nothing back: that it was quicker does not say that it was needed.
//!
//! Two things are deliberate: floor and ratio are alternatives, not summands, so the bound stays
//! provable; and failures do not shrink the budget, so it does not vanish when calls fail fast.
//! When *every* call fails, any windowed budget pulses with period W. Give instances of a fleet
//! different origins, so that they do not pulse together.
//!
//! # Bounds
//!
//! Ten buckets of three counters, allocated never; every step takes constant time.
//!
//! What counts as a retry and when one is worth asking for is decided by the call; locks are the
//! driver's.

mod event;
mod machine;
mod settings;

pub use event::{BudgetEvent, Purpose};
pub use machine::{Budget, BudgetSnapshot, Denied, HELPING_MIN, Reservation, Spent};
pub use settings::BudgetSettings;

#[cfg(test)]
mod tests;
