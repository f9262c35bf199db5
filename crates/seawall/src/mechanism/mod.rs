//! Single mechanisms for those who need one, not a whole [`Policy`](crate::Policy).
//!
//! | type | bounds | refuses with |
//! | --- | --- | --- |
//! | [`Breaker`] | calls of what keeps failing | `breaker_open` |
//! | [`KeyedBreaker`] | the same for each key, in bounded memory | `breaker_open` |
//! | [`Bulkhead`] | calls at once, with a queue | `bulkhead_full`, `queue_full`, `queue_wait` |
//! | [`AdaptiveLimit`] | calls at once, by what their latency tells | `concurrency_limited` |
//! | [`BlockingPool`] | blocking closures at once, in threads of their own | the same |
//! | [`RateLimiter`] | the rate of calls | `rate_limited`, `cost_exceeds_limit` |
//! | [`QueuedRateLimiter`] | the rate of calls, which wait for it | `queue_full`, `queue_wait` |
//! | [`KeyedRateLimiter`] | the rate of calls of each key | `rate_limited` |
//! | [`Throttle`] | calls that the dependency would refuse | `throttled` |
//! | [`Brownout`] | optional work, by steps | `shed` |
//! | [`FailureDetector`] | trust in a peer that has gone quiet | (nothing) |
//!
//! Each is the machine of the core behind one lock, with the part that is the same for every call
//! published in an atomic, so that a call that nothing stops takes no lock to be admitted. Clones
//! share the state and are `Send + Sync`. What they hand out gives everything back when it is
//! dropped, wherever that happens: by a cancelled future, an early return, a panic.
//!
//! They compose in any order, and that is their danger: a bulkhead outside of a retry loop holds
//! its permit during backoff, a breaker inside of a time-out sees abandoned calls instead of
//! failures. A [`Policy`](crate::Policy) has the order right. Deadlines, retries and hedges alone
//! are policies with one mechanism: [`Policy::timeout`](crate::Policy::timeout),
//! [`Policy::retry`](crate::Policy::retry), [`Policy::hedge`](crate::Policy::hedge).
//!
//! ```
//! use seawall::BreakerSettings;
//! use seawall::mechanism::Breaker;
//!
//! # fn read() -> Result<u32, std::io::Error> { Ok(7) }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let breaker = Breaker::new(BreakerSettings::for_endpoint())?;
//! let pass = breaker.try_admit()?; // Or: not now, and until when.
//! match read() {
//!     Ok(_value) => pass.succeed(),
//!     Err(_error) => pass.fail(),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Each may be given a name, listeners and a seed ([`Setup`]); what it reports is what a policy
//! reports of the same mechanism.
//!
//! Every method but those that wait also works outside of a runtime.
//!
//! What is shared between threads without a lock is in `atomic`, small enough that its tests walk
//! through every interleaving.

mod adaptive;
mod atomic;
mod blocking;
mod breaker;
mod brownout;
mod bulkhead;
mod detector;
mod guarded;
mod hold;
mod keyed_breaker;
mod lane;
mod pass;
mod permit;
mod policies;
mod rate;
mod rejected;
mod report;
mod throttle;

#[cfg(test)]
mod tests;

pub use adaptive::{AdaptiveLimit, Place};
pub(crate) use atomic::woken::Woken;
pub use blocking::{BlockingError, BlockingPool, BlockingSettings, BlockingSnapshot};
pub use breaker::{Breaker, BreakerBuilder};
pub use brownout::{Brownout, Feature};
pub use bulkhead::Bulkhead;
pub use detector::FailureDetector;
pub use keyed_breaker::{KeyedBreaker, KeyedPass};
pub use pass::Pass;
pub use permit::Permit;
pub use rate::keyed::KeyedRateLimiter;
pub use rate::limiter::RateLimiter;
pub use rate::queued::QueuedRateLimiter;
pub use rejected::Rejected;
pub use report::Setup;
pub use throttle::{Leave, Throttle};

pub use seawall_core::breaker::{
    KeyClass, KeyedEvent, KeyedSettings as KeyedBreakerSettings,
    KeyedSnapshot as KeyedBreakerSnapshot, Probing,
};
pub use seawall_core::brownout::{
    BrownoutEvent, BrownoutSettings, BrownoutSnapshot, Level, LevelSet, Refused as FeatureRefused,
    Signal,
};
pub use seawall_core::bulkhead::BlockingEvent;
pub use seawall_core::detect::{
    Beat, DetectEvent, Phi, PhiSettings, PhiSnapshot, Status, TimeoutSettings,
};
pub use seawall_core::rate::{
    Capacity, KeyedSettings, KeyedSnapshot, QueueSettings, Quota, Rate, RateSnapshot,
};
