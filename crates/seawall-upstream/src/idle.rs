//! The idle connections of one pool, newest last, and the rule for taking one out.
//!
//! Pure book-keeping over any connection type, with time as an argument; closing what falls out
//! is up to the caller, in `pool`.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Which connections a checkout accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// The newest idle connection, or a fresh one: for requests that may be sent again if the
    /// endpoint closes the connection at the same moment (the keep-alive race).
    Any,
    /// A connection idle for less than [`PoolSettings::unsafe_idle`], or a fresh one: for
    /// requests that cannot be repeated once they may have been sent.
    ///
    /// [`PoolSettings::unsafe_idle`]: crate::PoolSettings::unsafe_idle
    FreshOrYoung,
    /// A fresh connection only: after repeated stale resets.
    Fresh,
}

/// The ages that decide at take-out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ages {
    /// From this age on a connection of this endpoint has expired.
    pub(crate) limit: Duration,
    /// Below this age the caller accepts it.
    pub(crate) take_max: Duration,
}

/// A connection with what decides how long it may sit idle.
#[derive(Debug)]
pub(crate) struct Kept<C> {
    pub(crate) conn: C,
    /// When its last exchange ended; when it was opened, if it had none.
    pub(crate) since: Instant,
    /// What its peer announced, if anything.
    pub(crate) limit: Option<Duration>,
}

impl<C> Kept<C> {
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    fn is_expired(&self, limit: Duration, now: Instant) -> bool {
        self.age(now) >= self.limit.map_or(limit, |announced| announced.min(limit))
    }
}

/// Idle connections in the order of their return. Bounded by its owner.
#[derive(Debug)]
pub(crate) struct IdleStack<C> {
    entries: VecDeque<Kept<C>>,
}

impl<C> IdleStack<C> {
    pub(crate) fn new() -> Self {
        Self { entries: VecDeque::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn push(&mut self, entry: Kept<C>) {
        self.entries.push_back(entry);
    }

    /// Takes the newest connection if it is younger than `ages.take_max`. Expired and unusable
    /// ones met on the way fall out as the second part.
    pub(crate) fn take(
        &mut self,
        ages: Ages,
        now: Instant,
        mut is_usable: impl FnMut(&C) -> bool,
    ) -> (Option<Kept<C>>, Vec<C>) {
        let mut dropped = Vec::new();
        while let Some(newest) = self.entries.pop_back() {
            if newest.is_expired(ages.limit, now) || !is_usable(&newest.conn) {
                dropped.push(newest.conn);
            } else if newest.age(now) < ages.take_max {
                return (Some(newest), dropped);
            } else {
                self.entries.push_back(newest);
                break;
            }
        }
        (None, dropped)
    }

    /// Removes the connection that was returned longest ago.
    pub(crate) fn pop_oldest(&mut self) -> Option<C> {
        self.entries.pop_front().map(|entry| entry.conn)
    }

    /// Removes the connection that was returned longest ago, if it has expired.
    pub(crate) fn pop_expired(&mut self, limit: Duration, now: Instant) -> Option<C> {
        let is_expired = self.entries.front()?.is_expired(limit, now);
        if is_expired { self.pop_oldest() } else { None }
    }

    /// Removes the one connection that `is_it` names.
    pub(crate) fn remove(&mut self, mut is_it: impl FnMut(&C) -> bool) -> Option<C> {
        let index = self.entries.iter().position(|entry| is_it(&entry.conn))?;
        self.entries.remove(index).map(|entry| entry.conn)
    }

    /// Removes every connection that has sat for `limit`, or for what its peer announced.
    pub(crate) fn extract_expired(&mut self, limit: Duration, now: Instant) -> Vec<C> {
        let entries = std::mem::take(&mut self.entries).into_iter();
        let (gone, kept): (VecDeque<_>, _) =
            entries.partition(|entry| entry.is_expired(limit, now));
        self.entries = kept;
        gone.into_iter().map(|entry| entry.conn).collect()
    }

    /// Removes all.
    pub(crate) fn clear(&mut self) -> Vec<C> {
        self.entries.drain(..).map(|entry| entry.conn).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);
    const AGES: Ages = Ages { limit: Duration::from_secs(4), take_max: Duration::from_secs(4) };

    fn stack(t0: Instant, entries: &[(u32, u32, Option<Duration>)]) -> IdleStack<u32> {
        let mut stack = IdleStack::new();
        for &(conn, second, limit) in entries {
            stack.push(Kept { conn, since: t0 + second * S, limit });
        }
        stack
    }

    fn taken(found: (Option<Kept<u32>>, Vec<u32>)) -> (Option<u32>, Vec<u32>) {
        (found.0.map(|entry| entry.conn), found.1)
    }

    #[test]
    fn newest_is_taken_first() {
        let t0 = crate::clock::now();
        let mut stack = stack(t0, &[(1, 0, None), (2, 1, None)]);
        assert_eq!(taken(stack.take(AGES, t0 + S, |_| true)), (Some(2), vec![]));
        assert_eq!(taken(stack.take(AGES, t0 + S, |_| true)), (Some(1), vec![]));
        assert_eq!(taken(stack.take(AGES, t0 + S, |_| true)), (None, vec![]));
    }

    #[test]
    fn expired_ones_fall_out_at_take_out() {
        let t0 = crate::clock::now();
        let mut stack = stack(t0, &[(1, 0, None), (2, 1, None)]);
        assert_eq!(taken(stack.take(AGES, t0 + 5 * S, |_| true)), (None, vec![2, 1]));
    }

    #[test]
    fn closed_ones_fall_out_and_the_next_is_tried() {
        let t0 = crate::clock::now();
        let mut stack = stack(t0, &[(1, 0, None), (2, 1, None)]);
        let found = taken(stack.take(AGES, t0 + S, |&conn| conn != 2));
        assert_eq!(found, (Some(1), vec![2]));
    }

    #[test]
    fn connection_too_old_for_the_caller_stays() {
        let t0 = crate::clock::now();
        let mut stack = stack(t0, &[(1, 0, None)]);
        let young = Ages { take_max: S, ..AGES };
        assert_eq!(taken(stack.take(young, t0 + S, |_| true)), (None, vec![]));
        assert_eq!(stack.len(), 1);
        assert_eq!(taken(stack.take(AGES, t0 + S, |_| true)).0, Some(1));
    }

    #[test]
    fn announced_limit_shortens_and_never_lengthens() {
        let t0 = crate::clock::now();
        let mut stack = stack(t0, &[(1, 0, Some(2 * S)), (2, 0, Some(60 * S)), (3, 0, None)]);
        assert_eq!(stack.extract_expired(AGES.limit, t0 + 2 * S), vec![1]);
        assert_eq!(stack.extract_expired(AGES.limit, t0 + 4 * S), vec![2, 3]);
    }

    #[test]
    fn clock_that_steps_back_makes_nothing_expire() {
        let t0 = crate::clock::now();
        let mut stack = stack(t0 + 9 * S, &[(1, 0, None)]);
        assert_eq!(taken(stack.take(AGES, t0, |_| true)).0, Some(1));
    }
}
