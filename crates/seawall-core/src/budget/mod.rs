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
//! - `X + 1 ≤ ratio · F`, or
//! - `V + 1 ≤ ratio · F` and `X + 1 ≤ ceiling · F`, as long as extra attempts bring the calls
//!   through that need them: of the calls in need, no more than 5 % were lost in the window, or
//! - `X + 1 ≤ floor · W` and `x + 1 ≤ floor · W/10`,
//!
//! so that at every grant X ≤ max(ceiling · F, floor · W) whatever happens, and X ≤ max(ratio ·
//! F, floor · W) while calls are lost; the floor cannot be spent in one burst. Shares are
//! exact, in parts per million. `ratio · F`, `ceiling · F` and `floor · W` are allowances and
//! round down; `floor · W/10` only spreads the floor and rounds up, or a floor below one a
//! bucket would grant nothing at all. The numbers of ratio, floor and window are those of the
//! Gateway API's retry constraint (GEP-3388).
//!
//! # Why what helped is not charged, and when it is
//!
//! Two faults look alike at first and want opposite things. A service that is *overloaded*
//! answers late or refuses, retries are more of the same, and the fewer the better. A service
//! that fails *at random* answers every second or third attempt, and a retry is all that it
//! takes. What becomes of a single retry does not tell them apart: a service that refuses what
//! is too much serves many retries, each in the place of somebody else. What tells them apart
//! is what becomes of the *calls*. Against errors at random next to none is lost as long as
//! there are attempts enough; in an overload as many are lost as are too many, however often
//! they ask. So what helped is free while calls come through, and charged like the rest as soon
//! as they do not, denied ones included. A hedge gets nothing back: that it was quicker does
//! not say that it was needed.
//!
//! So it takes a good start: where errors at random are there from the first call on, or need
//! more than the ceiling, calls are lost before it is known that retries help, and the ratio
//! holds.
//!
//! Two things are deliberate: floor and ratio are alternatives, not summands, so the bound stays
//! provable; and failures do not shrink the budget, so it does not vanish when calls fail fast.
//! When *every* call fails, any windowed budget pulses with period W. Give instances of a fleet
//! different origins, so that they do not pulse together.
//!
//! # Bounds
//!
//! Ten buckets of five counters, allocated never; every step takes constant time.
//!
//! What counts as a retry and when one is worth asking for is decided by the call; locks are the
//! driver's.

mod event;
mod machine;
mod settings;

pub use event::{BudgetEvent, Purpose};
pub use machine::{
    Budget, BudgetSnapshot, Denied, HELPING_MIN, LOST_MAX, LOST_WHEN_CHARGED, Reservation, Spent,
};
pub use settings::BudgetSettings;

#[cfg(test)]
mod tests;
