//! Whether a layer keeps the contract of Tower's [`Service`].
//!
//! The contract is in words, so most breaches of it compile: a retry that calls a service which was
//! polled ready once, a hedge that calls a fresh clone, a pool that keeps a ready connection from
//! everybody else. [`check`] stacks a layer on a [`Probe`] and uses it as any caller may. It
//! reports:
//!
//! - [`CalledUnready`](Breach::CalledUnready): a call of a value that had not been polled ready
//!   since its last call;
//! - [`BorrowedReadiness`](Breach::BorrowedReadiness): the same, while another clone was ready;
//! - [`UsedAfterError`](Breach::UsedAfterError): a value was used after it had failed to become
//!   ready;
//! - [`LeakedReadiness`](Breach::LeakedReadiness): a value stayed ready, and was neither called nor
//!   dropped;
//! - [`LeakedCall`](Breach::LeakedCall): a response was still awaited after its caller had left;
//! - [`LostWake`](Breach::LostWake): the probe woke the layer, which did not wake its caller;
//! - [`SpuriousWakes`](Breach::SpuriousWakes): the layer woke its caller again and again, while
//!   nothing had happened;
//! - [`Stuck`](Breach::Stuck): a call did not end within a minute, though nothing was in its way.
//!
//! ```
//! use seawall::test::contract;
//! use seawall::{Policy, Retry};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), contract::Breaches> {
//! contract::check(|| {
//!     let policy = Policy::builder().retry(Retry::attempts(3)).idempotent().build();
//!     policy.expect("these settings work").layer()
//! })
//! .await?;
//! # Ok(())
//! # }
//! ```
//!
//! The probe is in `probe.rs`, how the layer is used in `scenarios.rs`, how its caller is watched
//! in `watch.rs`.

mod breach;
mod probe;
mod scenarios;
mod watch;

#[cfg(test)]
mod tests;

pub use breach::{Breach, Breaches};
pub use probe::{Answering, Probe, ProbeError, Request, Response};

use tower_layer::Layer;
use tower_service::Service;

/// Uses the layers that `make` makes, a fresh one for each scenario, as any caller may.
///
/// Runs in a Tokio runtime with time; with its clock paused (`start_paused = true`) the waits of
/// the layer take no time. What the calls come to is not judged: a layer may refuse, fail or
/// answer by itself.
///
/// # Errors
///
/// [`Breaches`] with each breach of the contract, and the scenario in which it was seen.
pub async fn check<M, L>(make: M) -> Result<(), Breaches>
where
    M: Fn() -> L,
    L: Layer<Probe>,
    L::Service: Service<Request> + Clone,
{
    let mut found = Breaches::default();
    scenarios::in_a_row(&make, &mut found).await;
    scenarios::side_by_side(&make, &mut found).await;
    scenarios::idle_beside_busy(&make, &mut found).await;
    scenarios::late_readiness(&make, &mut found).await;
    scenarios::failing_calls(&make, &mut found).await;
    scenarios::failing_readiness(&make, &mut found).await;
    scenarios::dropped_anywhere(&make, &mut found).await;
    found.into_result()
}
