//! Fallback: the ladder of substitute answers, and what it may serve.
//!
//! # The problem
//!
//! When a service fails, an old answer, another service or a fixed value is often better than an
//! error, but only if somebody has said so: a fallback nobody asked for hides outages. And a
//! substitute is a new way to fail. It can be too old, belong to somebody else, depend on what has
//! just failed, start when the deadline is over, or send every caller off to refresh at once.
//!
//! # The parts
//!
//! - [`Ladder`]: the rungs after the primary, in order: stale, another upstream, a default value.
//!   [`Descent`] walks it for one call; each answer has its [`Provenance`]. A rung is tried when
//!   the one above failed or we refused, never for a mistake of the caller ([`Above`]).
//! - [`Freshness`]: whether a stored answer may be served as fresh, as stale, or not at all
//!   (RFC 9111, RFC 5861).
//! - [`Shelf`]: stored values, bounded by entries and bytes.
//! - [`Flights`]: one refresh per key at a time.
//! - [`lint`]: ladders that share what fails, or lead back to themselves.
//!
//! # Bounds
//!
//! A ladder has at most [`RUNGS_MAX`] rungs and a descent a few words. Shelf and flights are
//! bounded by their settings; their steps take O(log n), evictions included.
//!
//! That a call descends at all is decided by the call machine (`call`); storing and waiting are the
//! driver's.

mod above;
mod flights;
mod freshness;
mod ladder;
mod lint;
mod shelf;

pub use above::Above;
pub use flights::{
    Flight, FlightEvent, FlightSettings, Flights, FlightsSnapshot, Follower, Joined, Landing,
    Polled, Stock,
};
pub use freshness::{Directive, Forbids, Freshness, Serve, Sharing, Terms, Unservable};
pub use ladder::{
    Descent, FallbackEvent, Ladder, LadderSettings, Offer, Provenance, RESERVE_MIN, RESERVE_SHARE,
    RUNGS_MAX, Rung, Scene, Source,
};
pub use lint::{Finding, Guarded, lint};
pub use shelf::{Kept, Shelf, ShelfSettings, ShelfSnapshot};

#[cfg(test)]
mod tests;
