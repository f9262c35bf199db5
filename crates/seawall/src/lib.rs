//! Keeps programs alive while the things they depend on fail.
//!
//! A [`Policy`] stands between your code and one dependency. It bounds how long a call takes, tries
//! again where that is safe and does not add to an overload, stops calling what is down, and bounds
//! how much of your program one slow dependency can hold:
//!
//! ```
//! use std::time::Duration;
//! use seawall::{BreakerSettings, Policy, Retry};
//!
//! # async fn query(id: u64) -> Result<String, std::io::Error> { Ok(format!("user {id}")) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let users = Policy::builder()
//!     .name("users")
//!     .total_timeout(Duration::from_secs(2))
//!     .retry(Retry::attempts(3))
//!     .idempotent() // Queries may be repeated.
//!     .breaker(BreakerSettings::for_upstream())
//!     .build()?;
//!
//! let user = users.call(|_attempt| query(7)).await?;
//! # assert_eq!(user, "user 7");
//! # Ok(())
//! # }
//! ```
//!
//! # What to know
//!
//! - **One policy for each dependency, built once.** It learns; clones share what it has learned
//!   and cost a count of references. A policy that is built for each call knows nothing.
//! - **The operation is any closure that returns a future of `Result<T, E>`.** It runs once for
//!   each attempt. `E` stays what it is: no boxing, no `Clone`, no `'static`.
//! - **Operations are unsafe to repeat until you say otherwise.** Without `.idempotent()`, on the
//!   policy or on a call, [`retry`](PolicyBuilder::retry) repeats only what provably never reached
//!   the dependency ([`Outcome::unsent`]). A payment is not made twice because a reply got lost.
//! - **A mechanism is absent until asked for**, but for the deadline: without a word a call ends
//!   after 10 s. A limit that nobody knows of makes refusals that nobody can explain; a missing
//!   deadline makes everybody wait at once. [`Policy::standard`] begins with retries and a breaker,
//!   as policy files and the gateway do.
//! - **Not every error is a failure.** "Not found" says that the dependency works. By default any
//!   `Err` counts as its failure; [`PolicyBuilder::classify`] says better, and [`Io`] and `Http`
//!   (feature `http`) know what the errors and statuses of these mean.
//! - **The order of mechanisms is fixed** and [`Policy::describe`] prints it with the values in
//!   force.
//!
//! # What there is
//!
//! All of it is asked for at the [`PolicyBuilder`], but for what is said in brackets.
//!
//! | against | ask for |
//! | --- | --- |
//! | waiting for ever | `total_timeout`, `attempt_timeout`, `adaptive_timeout`, `class`, `kind` |
//! | failures that pass | `retry` |
//! | slow answers now and then | `hedge` |
//! | a dependency that is down | `breaker`, `hold` (and for each call `fallback`, [`Stale`]) |
//! | too much at once | `bulkhead`, `concurrency`, `shed` |
//! | too much in a time | `rate_limit`, `throttle` |
//! | bad endpoints | `endpoints`, `balance`, `outlier` |
//! | wrong answers | ([`Policy::quorum`]) |
//! | doing things twice | ([`Call::idempotency_key`], [`IdempotencyKeys`]) |
//! | surprises | `mode` (and [`Policy::describe`], [`Policy::events`], [`Policy::decisions`]) |
//!
//! # What comes back
//!
//! `Ok` is the value of the attempt that settled the call. [`Error::Failed`] has the operation's
//! own error and why there was no further attempt; [`Error::TimedOut`] says that nothing came in
//! time; [`Error::Rejected`] that nothing was tried, and until when. Each has a stable
//! [`Reason`].
//!
//! ```
//! use seawall::{Error, Policy, Reason};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall::BuildError> {
//! let policy = Policy::builder().build()?;
//! match policy.call(|_| async { Err::<(), _>("boom") }).await {
//!     Err(Error::Failed { error, reason, attempts, .. }) => {
//!         assert_eq!((error, reason, attempts), ("boom", Reason::NotIdempotent, 1));
//!     }
//!     other => unreachable!("{other:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Time
//!
//! Timers and the clock are Tokio's, so `#[tokio::test(start_paused = true)]` drives every wait of
//! a policy in your tests. A deadline is kept to the millisecond of Tokio's timers.
//!
//! # Dropping
//!
//! A call may be dropped at any point, by `select!`, by a time-out around it, by a panic. The
//! running attempt is dropped with it, and permits, probe places and budget come back. A policy
//! survives panics of operations, classifiers and listeners.
//!
//! # Cost
//!
//! A call that succeeds at once takes two short locks and two readings of the clock, and allocates
//! nothing. No timer is made before an attempt has to be waited for.
//!
//! # Features
//!
//! None is on by default. Each adds names and changes nothing else.
//!
//! | feature | adds |
//! | --- | --- |
//! | `tower` | `Policy::layer`, `seawall::tower` |
//! | `config` | `Policy::from_toml`, `PolicyBuilder::settings`: policies from files |
//! | `http` | `Http`, and `tower::HttpReplay` |
//! | `reqwest` | `Reqwest`, `ReqwestValue` |
//! | `tonic` | `Grpc`, `GrpcHeads` |
//! | `tracing` | `PolicyBuilder::tracing` |
//! | `metrics` | `PolicyBuilder::metrics`, `Policy::publish_gauges` |
//! | `test` | `seawall::test`: a manual clock, a scripted dependency, a check of Tower layers |
//!
//! The decisions are those of `seawall-core`, the same that the gateway makes.

mod adaptive_timeout;
mod attempt;
mod build_error;
mod builder;
mod call;
mod classify;
mod clock;
#[cfg(feature = "config")]
mod config;
mod describe;
mod describe_gates;
mod endpoint_settings;
mod error;
mod event;
mod hedge;
mod keys;
pub mod mechanism;
mod policy;
mod quorum;
mod rate_limit;
mod retry;
mod seed;
mod settings;
mod shared;
mod stale;
mod step;
mod timer;
mod validate;

#[cfg(doctest)]
mod pages;

pub mod observe;
pub mod only;
#[cfg(feature = "test")]
pub mod test;
#[cfg(feature = "tower")]
pub mod tower;

#[cfg(test)]
mod tests;

pub use adaptive_timeout::AdaptiveTimeout;
pub use attempt::{Attempt, Endpoint};
pub use build_error::BuildError;
pub use builder::{Change, New, PolicyBuilder};
pub use call::{
    Answer, Asked, Below, Call, Fallback, FallbackWith, Handle, Ladder, Lengthen, NoFallback,
    Operation, Provenance, Why,
};
#[cfg(feature = "http")]
pub use classify::Http;
pub use classify::{AnyResult, Classify, Io, Outcome};
#[cfg(feature = "tonic")]
pub use classify::{Grpc, GrpcHeads};
#[cfg(feature = "reqwest")]
pub use classify::{Reqwest, ReqwestValue};
pub use endpoint_settings::EndpointSettings;
pub use error::{Error, Spent, Until};
pub use event::{Decision, Event, Events, Heard};
pub use hedge::Hedge;
pub use keys::{IdempotencyKeys, KeyError, Once};
pub use policy::Policy;
pub use quorum::{Agreed, Late, Quorum, Undecided};
pub use rate_limit::RateLimit;
pub use retry::Retry;
pub use stale::{Stale, StaleError, StaleSettings, Supply};

pub use seawall_core::Mode;
pub use seawall_core::backoff::{BackoffSettings, FirstRetry, Jitter};
pub use seawall_core::balance::{Algorithm, BalanceSettings};
pub use seawall_core::breaker::{
    AbandonedPolicy, BreakerEvent, BreakerSettings, CoolDown, Manual, SlowCalls, WindowKind,
};
pub use seawall_core::budget::BudgetSettings;
pub use seawall_core::bulkhead::{BulkheadSettings, QueueOrder};
pub use seawall_core::call::{Role, StepKind};
pub use seawall_core::concurrency::{Algorithm as LimitAlgorithm, LimitSettings};
pub use seawall_core::fallback::{FlightSettings, ShelfSettings};
pub use seawall_core::hedge::{HedgeDelay, HedgeEvent, HedgeSettings};
pub use seawall_core::hold::{HoldEvent, HoldSettings};
pub use seawall_core::idempotency::{Ending, IdempotencySettings, KeyFault, Policy as Unknowns};
pub use seawall_core::invalid::Invalid;
pub use seawall_core::outcome::{Class, Observation, OptIn, OptIns, Override, RetryRule, Row};
pub use seawall_core::outlier::OutlierSettings;
pub use seawall_core::quorum::{QuorumSettings, Tally};
pub use seawall_core::rate::{
    Algorithm as RateAlgorithm, LimiterSettings, Quota, Rate, WarmUpSettings, WindowLimit,
};
pub use seawall_core::ratio::Ratio;
pub use seawall_core::reason::Reason;
pub use seawall_core::shed::{Class as Importance, Priority, ShedSettings};
pub use seawall_core::throttle::ThrottleSettings;
pub use seawall_core::timeout::{AdaptiveSettings, OperationClass, OperationKind};
pub use seawall_core::upstream::{UpstreamSnapshot, What, WhenAllDown};
