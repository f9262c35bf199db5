//! Idempotency keys: requests that bear one key are one request.
//!
//! # The problem
//!
//! A caller that gets no answer cannot know whether its payment was made. With a key it may ask
//! again; but then somebody must remember, and that memory has its own ways to fail: an owner that
//! dies and leaves the key locked for ever, or free for a second run; a late owner that overwrites
//! the newer result; one key for two payloads; an error that is kept and replayed for a day.
//!
//! # The machine
//!
//! A [`Record`] is in progress, done or indeterminate; absent is none at all. [`arrive`],
//! [`complete`] and [`probed`] are pure: from a record and a fact they make a [`Step`], the record
//! to put in its place and what to tell the caller. A shared store carries out the step by
//! compare-and-set on the record that was read; [`Records`] is a bounded store in memory that does
//! so under the driver's lock.
//!
//! - Execution has a **mandatory deadline**. Past it the record is indeterminate, not free; what
//!   then happens is the route's [`Policy`], manual by default.
//! - Owner and attempt are the **fencing token** ([`Claim`]): a completion counts only if the claim
//!   is still the record's, so the result of a late owner is discarded once another has taken over.
//! - **Kept** are answers that would be the same again: 2xx and deterministic 4xx ([`Ending::of`]).
//!   Answers that say "later" free the key; where nobody knows whether the work was done, the
//!   record becomes indeterminate at once.
//!
//! # The promise
//!
//! Exactly once only where record and effect commit in one transaction. Else at most once
//! ([`Policy::Manual`]) or at least once ([`Policy::RetrySafe`]).
//!
//! Sources: draft-ietf-httpapi-idempotency-key-header; Stripe's idempotent requests for the length
//! of keys and the 24 hours. Reading bodies, hashing and stripping credentials are the driver's.

mod ending;
mod key;
mod record;
mod records;
mod settings;

pub use ending::{BODY_MAX, Ending};
pub use key::{KEY_MAX, Key, KeyFault};
pub use record::{
    Arrival, Arrived, Claim, Completed, Fingerprint, Found, Next, Record, Step, arrive, complete,
    probed,
};
pub use records::{
    IdempotencyEvent, Protection, RecordKey, Records, RecordsSnapshot, without_store,
};
pub use settings::{IdempotencySettings, Need, Policy};

#[cfg(test)]
mod tests;
