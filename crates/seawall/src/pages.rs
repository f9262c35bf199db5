//! The Rust programs on the pages of the guide and on the front page, compiled and run as doc
//! tests, so that none goes stale. Only `cargo test` sees this file: the pages lie outside of the
//! package, and its documentation is in `lib`.

#[doc = include_str!("../../../README.md")]
mod readme {}

#[doc = include_str!("../../../docs/policies/backoff.md")]
mod backoff {}

#[doc = include_str!("../../../docs/policies/balancing.md")]
mod balancing {}

#[doc = include_str!("../../../docs/policies/breaker.md")]
mod breaker {}

#[doc = include_str!("../../../docs/policies/brownout.md")]
mod brownout {}

#[doc = include_str!("../../../docs/policies/budget.md")]
mod budget {}

#[doc = include_str!("../../../docs/policies/bulkhead.md")]
mod bulkhead {}

#[doc = include_str!("../../../docs/policies/concurrency.md")]
mod concurrency {}

#[doc = include_str!("../../../docs/policies/deadlines.md")]
mod deadlines {}

#[doc = include_str!("../../../docs/policies/detection.md")]
mod detection {}

#[doc = include_str!("../../../docs/policies/fallback.md")]
mod fallback {}

#[doc = include_str!("../../../docs/policies/hedging.md")]
mod hedging {}

#[doc = include_str!("../../../docs/policies/holding.md")]
mod holding {}

#[doc = include_str!("../../../docs/policies/idempotency.md")]
mod idempotency {}

#[doc = include_str!("../../../docs/policies/order.md")]
mod order {}

#[doc = include_str!("../../../docs/policies/outliers.md")]
mod outliers {}

#[doc = include_str!("../../../docs/policies/quorum.md")]
mod quorum {}

#[doc = include_str!("../../../docs/policies/rate-limits.md")]
mod rate_limits {}

#[doc = include_str!("../../../docs/policies/retry.md")]
mod retry {}

#[doc = include_str!("../../../docs/policies/shedding.md")]
mod shedding {}

#[doc = include_str!("../../../docs/policies/throttling.md")]
mod throttling {}

#[doc = include_str!("../../../docs/policies/timeouts.md")]
mod timeouts {}
