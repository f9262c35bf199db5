//! Majority reads: ask several replicas, take the answer that enough of them agree on, and tell
//! which one was wrong.
//!
//! # The problem
//!
//! An endpoint that answers fast and wrongly passes every check that looks at errors and time. Two
//! things find it: an answer that fails validation, and an answer that differs from what the other
//! replicas say. With n asked and m > n/2 agreeing there is at most one answer to take, and up to
//! n − m of them may lie, fail or stay silent (Lamport, Shostak and Pease, "The Byzantine Generals
//! Problem", 1982, for oral messages that are not relayed: who asks trusts itself alone).
//!
//! - **Decided as early as possible**: with the m-th equal answer, or as soon as no answer can get
//!   m any more. Nobody waits for the slowest of n.
//! - **The odd one is found even when it comes late**: answers after the decision are compared for
//!   a bounded time.
//! - **No majority accuses nobody**: where all differ, nobody knows who lied.
//!
//! A read is a machine for one call; it holds at most [`REPLICAS_MAX`] replies in place and never
//! allocates. What the driver compares (which parts of an answer, hashed how) is its own choice; it
//! should leave out dates, request ids and the order of unordered things. The record of who is odd
//! how often is the outlier detector's (`outlier`).

mod read;
mod settings;

#[cfg(test)]
mod tests;

pub use read::{MajorityRead, QuorumEvent, ReadSnapshot, Tally, Verdict};
pub use settings::{QuorumSettings, REPLICAS_MAX};
