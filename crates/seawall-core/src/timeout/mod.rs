//! Timeouts: how long an attempt and a whole call may take, fixed by the kind of operation or
//! learnt from latency.
//!
//! # The problem
//!
//! A timeout that is too long holds resources while a dependency hangs; one that is too short
//! turns a slow dependency into a failing one. The right number depends on what is asked, so there
//! are [`OperationClass`]es and [`OperationKind`]s with numbers to start from; and it changes with
//! time, so there is an [`AdaptiveTimeout`].
//!
//! # The rule of the adaptive one
//!
//! Every 5 s, from the latencies of the last minute, the target is `2 · p99` within floor and
//! ceiling; the ceiling is the fixed timeout. Opening follows the target at once, tightening takes
//! steps of at most a fifth.
//!
//! # The guard against a general slowdown
//!
//! A timeout that learns only from answers that made it never learns that it is too short: when
//! latency rises above it, every sample it still gets is a fast one, and in the end everything
//! times out. Here an attempt that timed out is a sample *at the timeout* ([`Sample`]). Once more
//! than one in a hundred times out, p99 is the timeout itself and the target twice that, so it
//! doubles until answers fit, or the fixed timeout is in force again. With fewer samples than it
//! takes to tighten it still opens, so that the guard holds on a trickle of traffic as well.
//!
//! # Bounds
//!
//! An adaptive timeout is a few words; it allocates nothing. The latencies are in a histogram that
//! the owner lends to it, since the upstream keeps one in any case. A quantile is read once in 5 s.
//!
//! Which timer ends an attempt is decided by `call`; arithmetic on the time left is in `deadline`;
//! clocks of connections and of answers' bodies are the driver's, that of a request's body is an
//! [`Upload`].

mod adaptive;
mod class;
mod kind;
mod sample;
mod settings;
mod upload;

pub use adaptive::{AdaptiveSnapshot, AdaptiveTimeout, TimeoutAdapted};
pub use class::{Hedges, Limits, OperationClass, Retries};
pub use kind::{OperationKind, Preset};
pub use sample::Sample;
pub use settings::AdaptiveSettings;
pub use upload::{Upload, UploadRate, UploadSettings};

#[cfg(test)]
mod tests;
