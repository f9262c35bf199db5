//! A policy around a Tower service: the layer, the service, and what a request is to it.
//!
//! Decisions are made nowhere here: a service makes calls of its policy, and each attempt is a
//! request to the inner service. One attempt is in `serve.rs`, what makes the attempts of a call in
//! `sending.rs`, copies of requests in `replay.rs`, layers of a single mechanism in `../only.rs`
//! and `admission.rs`.
//!
//! # Readiness
//!
//! Tower asks of whoever calls a service to poll that very value ready before, and lets a ready
//! value hold something for the call to come: a place, a connection. So
//!
//! - **every attempt**, retries and hedges included, gets a clone of the inner service of its own,
//!   polls it until it is ready, calls *that* value, and drops it. No two attempts share readiness,
//!   and a value that has failed is not used again;
//! - **[`PolicyService::poll_ready`](tower_service::Service::poll_ready) is always ready** and
//!   polls nothing. A place that the inner service hands out on polling would otherwise be held by
//!   a call that the breaker refuses or that waits for a permit, which is how stacks of services
//!   come to a standstill. And only a wait inside the call is one that its deadline bounds: a
//!   connection that does not come up is a failed attempt, which the breaker sees.
//!
//! The price: whoever polls this service learns nothing of the inner one's backpressure. What
//! bounds the calls that wait is the policy's bulkhead, which also refuses when its queue is full;
//! give it one where the inner service can be busy for long.

mod admission;
mod layer;
mod replay;
mod sending;
mod serve;
mod service;

#[cfg(test)]
mod tests;

pub use admission::{
    Admission, AdmissionFuture, AdmissionLayer, AdmissionService, ByKey, Settle, Throttled,
};
pub use layer::PolicyLayer;
#[cfg(feature = "http")]
pub use replay::HttpReplay;
pub use replay::{Cloned, Once, Replay};
pub use sending::Sending;
pub use serve::Serve;
pub use service::{PolicyFuture, PolicyService};
