//! Failure detection: who has gone quiet, and what may be done about it.
//!
//! # The problem
//!
//! Silence has many causes: a dead peer, a cut line, a starved observer. A detector that answers
//! yes or no after a fixed time is either slow or jumpy, and acting on one kind of evidence alone
//! fails over a healthy primary because somebody's check was broken. So there are three layers:
//!
//! - **Suspicion from silence.** [`PhiDetector`] learns how regular the beats of one peer are and
//!   suspects it when a silence has become improbable (φ accrual; Hayashibara et al., SRDS 2004);
//!   [`TimeoutDetector`] does so after a fixed time. Both know start-up, restarts and late beats,
//!   and both leave out the time in which the observer itself stood still.
//! - **Suspicion among members.** [`SuspicionTimes`] is the formula by which SWIM with Lifeguard
//!   waits before it believes a suspicion.
//! - **Fusion.** [`Fusion`] collects evidence of several kinds about many targets. One kind takes
//!   a target out of a pool; a stateful role moves only on two kinds or a quorum of observers; and
//!   who sees most of its targets dead suspects itself first, visibly and for a bounded time.
//!
//! # Bounds
//!
//! A φ detector holds at most 10 000 intervals of eight bytes; a fusion one record for each target
//! and a bounded list of accusations; [`DeadList`] as many peers as it was built for.
//!
//! Sending beats and checks is the driver's. Judging by the outcomes of real attempts is in
//! `outlier`, active checks in `health.rs`.

mod accrual;
mod dead;
mod event;
mod fusion;
mod intervals;
mod phi;
mod settings;
mod silence;
mod suspicion;
mod target;
mod watch;

pub use accrual::{PhiDetector, PhiSnapshot};
pub use dead::DeadList;
pub use event::{DetectEvent, FusionEvent};
pub use fusion::{Fusion, FusionSnapshot, SelfSuspicion};
pub use phi::{Phi, Rhythm};
pub use settings::{FusionSettings, PhiSettings, TimeoutSettings};
pub use silence::TimeoutDetector;
pub use suspicion::{LocalHealth, SuspicionTimes};
pub use target::{Accusation, EvidenceKind, EvidenceKinds, Judgement, Sign};
pub use watch::{Beat, Status};

#[cfg(test)]
mod tests;
