//! Deadlines: arithmetic on the time that a call has left.
//!
//! # The problem
//!
//! A caller that waits ten seconds at a gateway whose service waits thirty for a database pays for
//! twenty seconds of work that nobody reads. A deadline fixes that only if it is handed on with
//! every attempt, as what is left *then*: a retry that sends the original budget promises time
//! that is already spent.
//!
//! # The rules
//!
//! - What is handed between hosts is a duration, never a point of time: their wall clocks are not
//!   compared. Ours and the caller's are minimised ([`begin`]); a deadline only ever shortens.
//! - Zero left is refused at once and never means "no limit". No limit is `None` in settings and
//!   [`Instant::NEVER`] as a deadline, and a sum that overflows is that as well.
//! - What is sent on is what is left at that moment less [`HOP_MARGIN`], at least [`LEAST_SENT`]
//!   ([`outgoing`]).
//! - No retry, hedge or wait in a queue starts that cannot finish ([`can_finish`]). A first attempt
//!   does: nobody knows that it cannot.
//!
//! Pure functions only. Which timers a call has and which of them ends it is decided by `call`;
//! which headers are read, and from whom, by the gateway; timeouts that learn are in `timeout`.

mod fits;
mod grpc;

#[cfg(test)]
mod tests;

pub use fits::{Shortfall, Tries, fits};
pub use grpc::{GrpcTimeout, parse_grpc_timeout};

use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};

/// Kept back from what the next hop is told, so that its refusal still arrives before our own
/// timer fires. 5 ms is a round trip within a region, with something for a busy scheduler.
pub const HOP_MARGIN: Duration = Duration::from_millis(5);

/// The least that is sent: zero would mean "already over" to some peers and "no limit" to others.
pub const LEAST_SENT: Duration = Duration::from_millis(1);

/// The least time in which an attempt is worth starting, where nothing is known of the service.
pub const LEAST_USEFUL: Duration = Duration::from_millis(1);

/// A call that had no time left when it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired;

/// The deadline of a call that arrives at `now`: the earlier of `own` total and what a trusted
/// caller says that it has left; [`Instant::NEVER`] where neither sets a limit.
///
/// # Errors
///
/// [`Expired`] when either is zero: refuse the call, nobody would read its answer.
#[inline]
pub fn begin(
    now: Instant,
    own: Option<Duration>,
    incoming: Option<Duration>,
) -> Result<Instant, Expired> {
    let Some(left) = shortest(own, incoming) else {
        return Ok(Instant::NEVER);
    };
    if left.is_zero() { Err(Expired) } else { Ok(now.after(left)) }
}

/// The shorter of two limits, `None` being none.
#[must_use]
#[inline]
pub fn shortest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (limit, None) | (None, limit) => limit,
    }
}

/// What is left at `now`; `None` without a limit, zero once it is over.
#[must_use]
pub fn left(now: Instant, deadline: Instant) -> Option<Duration> {
    (!deadline.is_never()).then(|| deadline.since(now))
}

/// By when an attempt that starts at `now` must have brought a head: its own timeout, cut to the
/// deadline of the call.
#[must_use]
#[inline]
pub fn of_attempt(now: Instant, timeout: Duration, deadline: Instant) -> Instant {
    now.after(timeout).min(deadline)
}

/// What an attempt tells the next hop that it has: what is [`left`] when it is sent, less
/// [`HOP_MARGIN`], never below [`LEAST_SENT`]. Compute it anew for every attempt.
#[must_use]
pub fn outgoing(left: Duration) -> Duration {
    left.saturating_sub(HOP_MARGIN).max(LEAST_SENT)
}

/// By when the attempts of a call that begins at `start` must have ended, so that a rung of its
/// ladder can still answer: the deadline less `max(least, share · total)`, rounded up, but never
/// more than half of the total: a caller in a hurry still gets an attempt.
#[must_use]
pub fn before_rungs(start: Instant, deadline: Instant, least: Duration, share: Ratio) -> Instant {
    if deadline.is_never() {
        return deadline;
    }
    let total = nanos(deadline.since(start));
    let share = (u128::from(total) * u128::from(share.ppm())).div_ceil(1_000_000);
    let share = u64::try_from(share).unwrap_or(u64::MAX);
    let reserve = share.max(nanos(least)).min(total / 2);
    Instant::from_nanos(deadline.as_nanos().saturating_sub(reserve))
}

/// The time that an attempt needs to be of any use: the typical latency of late, at least
/// [`LEAST_USEFUL`]. `typical` is the median; `None` where nothing was measured.
#[must_use]
pub fn min_useful(typical: Option<Duration>) -> Duration {
    typical.map_or(LEAST_USEFUL, |typical| typical.max(LEAST_USEFUL))
}

/// Whether an attempt that starts `wait` after `now` can still be of use before the deadline.
/// Exactly enough is enough.
#[must_use]
pub fn can_finish(now: Instant, wait: Duration, useful: Duration, deadline: Instant) -> bool {
    now.after(wait).after(useful) <= deadline
}

/// By when a place in a queue must have been left, so that the attempt behind it can be of use;
/// the epoch when even that is too early.
#[must_use]
pub fn of_queue(deadline: Instant, useful: Duration) -> Instant {
    if deadline.is_never() {
        return deadline;
    }
    Instant::EPOCH.after(deadline.since(Instant::EPOCH).saturating_sub(useful))
}
