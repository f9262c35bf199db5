//! Hedging: an extra attempt beside a slow one, and the bound on how many.
//!
//! # The problem
//!
//! The slowest hundredth of answers is mostly bad luck: a full queue, a pause, a lost packet on one
//! endpoint. A second attempt elsewhere, sent once the first has taken longer than most, is seldom
//! unlucky too ("The Tail at Scale", Dean and Barroso, 2013). When the whole upstream slows down
//! that turns round: every call takes longer than most, and hedging doubles the load on what is
//! already too slow. So the bound on hedges matters more than the rule that sends them.
//!
//! # The rule
//!
//! A hedge starts once the delay has passed without a head. The delay is the p95 of the last
//! minute, at least 1 ms and twice the median, and at most half the attempt timeout, or a fixed
//! one; without enough samples there is no quantile and no hedge. It starts only if, in this order,
//! the request may be executed twice, nothing of an answer was handed on, the call has hedges left,
//! an attempt can still finish, an endpoint is left that was not tried, nothing signals overload,
//! and hedges in the window stay within their share of first attempts: `(h + 1) · 10⁶ ≤ share · F`.
//!
//! Hedging at p95 costs 5 % while all is well, so 5 % is the share. Unlike the attempt budget it
//! has no floor: a rare call that is not hedged has lost nothing.
//!
//! # Who does what
//!
//! [`Hedging::may_fire`] asks everything above and counts the hedge. The caller then takes a
//! permit and a token of the common attempt budget as for any extra attempt, chooses the endpoint,
//! and either reports [`Hedging::fired`] or gives the hedge back by [`Hedging::withdraw`].
//! Attempts, their order and their ends belong to `call`, endpoints to `upstream`. Nothing here
//! ever ends an attempt that runs.
//!
//! # Bounds
//!
//! Ten buckets of two counters and one counter for each reason; it allocates nothing. A quantile is
//! read once in 3 s, from a histogram that the owner lends.

mod event;
mod machine;
mod settings;
mod suppressed;

pub use event::HedgeEvent;
pub use machine::{Hedge, HedgeSnapshot, Hedging, Race};
pub use settings::{EXTRA_MAX, HedgeDelay, HedgeSettings};
pub use suppressed::{Conditions, Load, Response, Suppressed};

#[cfg(test)]
mod tests;
