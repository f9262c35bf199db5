//! Rate limits: so many calls in such a time.
//!
//! # The problem
//!
//! Somebody sends more than was agreed: a loop, a crawler, a fleet that restarts. What it sends
//! takes capacity from everybody else until it is refused, and it should be refused where that is
//! cheapest, told when to come back, and hold nobody else's place meanwhile.
//!
//! # The promise
//!
//! For **every** interval t at most `burst + rate · t` calls pass, counted by cost, but for the two
//! windows of which the table says otherwise. Rates are exact
//! fractions from one a year to ten a nanosecond; nothing drifts.
//!
//! | algorithm | state | at worst |
//! | --- | --- | --- |
//! | [`Gcra`], the default | one instant | the burst |
//! | [`Pace`], the same on one word | 64 bits | the burst |
//! | [`TokenBucket`] | a level, an instant | the burst |
//! | [`WarmUp`] | both | the burst |
//! | [`SlidingLog`] | an entry a call | the limit |
//! | [`SlidingCounter`] | two counts | about the limit, if calls are spread evenly |
//! | [`FixedWindow`] | a count | twice the limit around a boundary |
//! | [`LeakyBucket`] | one instant | nothing: calls wait and leave evenly |
//!
//! # What goes wrong elsewhere
//!
//! - **The interval cut to nanoseconds** admits 43 % too much at 7·10⁸ a second.
//! - **A limit that is checked, then taken**: threads pass in between. Here one step does both, or
//!   [`Pace`] does within a compare-and-swap; of several limits all are charged or none
//!   ([`decide_all`]).
//! - **Maps of keys that grow**, or that forget debt when they do not ([`Keyed`]).
//! - **Waiters that wake each other**, are charged twice, or not at all ([`RateQueue`]).
//! - **A clock that steps back** refuses those it should not: here it stood still.
//!
//! A call is asked for once, whatever its retries; a refusal is ours, and says nothing about the
//! upstream. Header fields, key extraction, locks and shared stores are elsewhere.

mod account;
mod adaptive;
mod decision;
mod event;
mod fixed_window;
mod gcra;
mod keyed;
mod layers;
mod leaky_bucket;
mod limiter;
mod pace;
mod queue;
mod quota;
#[expect(clippy::module_inception, reason = "the file of the type that gave the module its name")]
mod rate;
mod sliding_counter;
mod sliding_log;
mod token_bucket;
mod warm_up;
mod windows;

pub use adaptive::{Adaptive, AdaptiveSettings};
pub use decision::{Admitted, Decision, Layer, RateSnapshot, Refused};
pub use event::RateEvent;
pub use fixed_window::FixedWindow;
pub use gcra::{Charge, Gcra};
pub use keyed::{Caller, Capacity, Keyed, KeyedCharge, KeyedLayer, KeyedSettings, KeyedSnapshot};
pub use layers::{RefusedBy, decide_all};
pub use leaky_bucket::{LeakyBucket, LeakySettings};
pub use limiter::{Algorithm, Limiter, LimiterSettings, LimiterSnapshot};
pub use pace::Pace;
pub use queue::{Claimed, Moved, QueueSettings, RateQueue, RateWaiter, Reserved, WAITERS_MAX};
pub use quota::Quota;
pub use rate::{PER_NANO_MAX, PERIOD_MAX, Rate};
pub use sliding_counter::SlidingCounter;
pub use sliding_log::{LOG_MAX, SlidingLog};
pub use token_bucket::TokenBucket;
pub use warm_up::{WarmUp, WarmUpSettings};
pub use windows::WindowLimit;

#[cfg(test)]
mod tests;
