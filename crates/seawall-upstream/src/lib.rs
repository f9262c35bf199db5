//! Endpoints of Seawall: connection pools, dialling and active health checks.
//!
//! This crate reports facts and decides nothing about resilience: it says whether a request can
//! have reached its endpoint ([`Sent`]), why a connection failed, and what a health check saw.
//! Whether to try again, eject or trip is decided in `seawall-core`; the proxy loop that asks is
//! in `seawall-gateway`.
//!
//! Everything here lives on one thread. Each worker of the gateway runs a current-thread runtime
//! inside a [`tokio::task::LocalSet`] and owns its pools, so nothing is locked or shared.
//! Upstream connections speak HTTP/1.1, one exchange at a time, or HTTP/2, many at once ([`h2`]);
//! in clear text. [`AnyPool`] is either.
//!
//! ```no_run
//! use http_body_util::{BodyExt, Empty};
//! use seawall_upstream::{Reuse, SendError};
//!
//! # async fn attempt(
//! #     pool: &seawall_upstream::Pool<Empty<bytes::Bytes>>,
//! #     request: http::Request<Empty<bytes::Bytes>>,
//! #     deadline: tokio::time::Instant,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let mut lease = pool.checkout(Reuse::Any, deadline).await?;
//! match lease.send(request).await {
//!     Ok(response) => {
//!         response.into_body().collect().await?;
//!         lease.give_back();
//!     }
//!     Err(SendError::Closed { reused: true }) => lease.report_stale(),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```

mod any;
mod check;
mod clock;
mod conn;
mod dial;
pub mod h2;
mod idle;
mod lease;
mod ledger;
mod limit;
mod meter;
mod pool;
mod send;
mod settings;
#[cfg(test)]
mod testing;

pub use any::{AnyBody, AnyLease, AnyPool, PoolProtocol};
pub use check::{
    CheckFailure, CheckKind, CheckProtocol, CheckResult, CheckSettings, CheckTurns, check_once,
    run_checks,
};
pub use dial::DialError;
pub use idle::Reuse;
pub use lease::Lease;
pub use ledger::PoolSnapshot;
pub use pool::{CheckoutError, Exhausted, Pool};
pub use seawall_core::outcome::Sent;
pub use send::SendError;
pub use settings::PoolSettings;
