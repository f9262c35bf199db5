//! Client throttling: not sending what the upstream would refuse.
//!
//! # The problem
//!
//! An overloaded upstream that answers "too much" has read, parsed and answered the request; past
//! some load, refusing is all that it still does. Its callers can refuse for it, at no cost to
//! anyone, as long as they know how much it takes.
//!
//! # The rule
//!
//! Over a window, `requests` are the attempts wished for, those refused here included, and
//! `accepts` those that the upstream did not refuse for overload. An attempt is refused with
//!
//! `p = max(0, (requests − K · accepts) / (requests + 1))`, at most 90 %,
//!
//! once there are ten requests (Beyer et al., *Site Reliability Engineering*, 2016, chapter 21). It
//! settles where K times the accepted rate is sent, without any coordination: the larger K, the
//! sooner recovery is seen, and the more is sent in vain. More important attempts use a larger K,
//! so less important ones are throttled first.
//!
//! The book's window is 2 minutes. Ours is 30 s, because it is also the time to recover. With p
//! below 1 a tenth passes even in a total outage, or nobody would learn that it is over.
//!
//! # Bounds
//!
//! Ten buckets of two counters, allocated never; every step takes constant time.
//!
//! Which answers are refusals for overload is classified elsewhere; locks and draws are the
//! driver's.

mod machine;
mod settings;

pub use machine::{Answer, Passed, Throttle, ThrottleEvent, ThrottleSnapshot, Throttled};
pub use settings::ThrottleSettings;

#[cfg(test)]
mod tests;
