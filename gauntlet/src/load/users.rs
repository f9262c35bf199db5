//! The users: an open loop whose requests come whatever becomes of others, and a closed loop of
//! users who wait for their answer, think, and try again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time;

use super::client::{Client, Turns};
use super::judge::is_content;
use crate::record::{Answered, Seen, Writer};
use crate::stamp::Stamp;
use crate::stream::Planned;
use crate::timer::Timers;

/// A user of a closed loop tries so many times again after a failure.
const RETRIES_MAX: u32 = 3;
/// And so long after it, in nanoseconds.
const RETRY_AFTER: u64 = 1_000_000_000;

/// What all users of a run share.
#[derive(Debug)]
pub(super) struct Crowd {
    pub(super) client: Client,
    /// Who is asked.
    pub(super) to: Turns,
    /// Who is asked on the last route, where that has replicas of its own and users know them.
    pub(super) aside: Option<Turns>,
    /// The last route.
    pub(super) last_route: u8,
    pub(super) timers: Timers,
    pub(super) records: Writer<Answered>,
    /// When the load begins.
    pub(super) start: Stamp,
    /// How long a user waits from the intended start on.
    pub(super) patience: Duration,
    pub(super) counts: Counts,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) sent: AtomicU64,
    pub(super) outstanding: AtomicUsize,
    pub(super) outstanding_max: AtomicUsize,
}

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All that was planned was done.
    Complete,
    /// More requests were under way than the safety stop allows.
    Stopped,
    /// Users of a closed loop had no requests left to ask.
    Exhausted,
}

impl Crowd {
    /// Sends each request of `stream` at its time, and waits for none of them until all are sent.
    pub(super) async fn open(
        self: &Arc<Self>,
        stream: Vec<Planned>,
        outstanding_max: usize,
    ) -> Ending {
        let mut under_way = JoinSet::new();
        let mut ending = Ending::Complete;
        for planned in stream {
            let intended = self.start.after(planned.at);
            self.timers.until(intended).await;
            while under_way.try_join_next().is_some() {}
            if under_way.len() >= outstanding_max {
                ending = Ending::Stopped;
                break;
            }
            let crowd = Arc::clone(self);
            under_way.spawn(async move { crowd.one(&planned, intended, 0).await });
        }
        while under_way.join_next().await.is_some() {}
        ending
    }

    /// Lets so many users ask, each when it has thought, until `end`.
    pub(super) async fn closed(
        self: &Arc<Self>,
        stream: Vec<Planned>,
        users: u32,
        end: Stamp,
    ) -> Ending {
        let stream: Arc<[Planned]> = stream.into();
        let next = Arc::new(AtomicUsize::new(0));
        let mut under_way = JoinSet::new();
        for _ in 0..users {
            let (crowd, stream, next) = (Arc::clone(self), Arc::clone(&stream), Arc::clone(&next));
            under_way.spawn(async move { crowd.user(&stream, &next, end).await });
        }
        let mut ending = Ending::Complete;
        while let Some(user) = under_way.join_next().await {
            if user.is_ok_and(|user| user == Ending::Exhausted) {
                ending = Ending::Exhausted;
            }
        }
        ending
    }

    /// The life of one user.
    async fn user(&self, stream: &[Planned], next: &AtomicUsize, end: Stamp) -> Ending {
        let mut free = self.start;
        loop {
            let mut tries_before = 0;
            loop {
                // Each try is a request of its own: for a service it is one that came later, and
                // must not be taken for a repetition by the product.
                let Some(planned) = stream.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    return Ending::Exhausted;
                };
                let pause = if tries_before == 0 { planned.at } else { RETRY_AFTER };
                let intended = free.after(pause);
                if intended >= end {
                    return Ending::Complete;
                }
                self.timers.until(intended).await;
                let seen = self.one(planned, intended, tries_before).await;
                free = Stamp::now();
                if is_content(seen) || tries_before == RETRIES_MAX {
                    break;
                }
                tries_before += 1;
            }
        }
    }

    /// Sends one request now and writes down what came of it.
    async fn one(&self, planned: &Planned, intended: Stamp, tries_before: u32) -> Seen {
        let begun = Stamp::now();
        self.counts.sent.fetch_add(1, Ordering::Relaxed);
        let outstanding = self.counts.outstanding.fetch_add(1, Ordering::Relaxed) + 1;
        self.counts.outstanding_max.fetch_max(outstanding, Ordering::Relaxed);
        let left = self.patience.saturating_sub(Duration::from_nanos(begun.since(intended)));
        let seen = match self.to(planned).next() {
            Some(to) => {
                let asked = time::timeout(left, self.client.ask(to, planned)).await;
                asked.unwrap_or(Seen::TimedOut)
            }
            None => Seen::NoAnswer,
        };
        self.counts.outstanding.fetch_sub(1, Ordering::Relaxed);
        let ended = Stamp::now();
        self.records.put(Answered { id: planned.id, intended, begun, ended, seen, tries_before });
        seen
    }

    fn to(&self, planned: &Planned) -> &Turns {
        match &self.aside {
            Some(aside) if planned.route == self.last_route => aside,
            _ => &self.to,
        }
    }
}
