//! The only reader of clocks in this crate.
//!
//! The clock is Tokio's, so that a test that pauses it drives every wait of a policy. Outside
//! tests it is the system's monotonic clock, read once at the start and once at the end of a call.
//! A policy may be given a clock that is moved by hand instead (feature `test`); that clock is in
//! `test/manual.rs`.

use std::task::{Context, Poll};

use seawall_core::time::Instant;

#[cfg(feature = "test")]
use crate::test::ManualClock;

/// Turns the runtime's clock into instants of the core. Clones agree with each other.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    epoch: tokio::time::Instant,
    #[cfg(feature = "test")]
    manual: Option<ManualClock>,
}

/// A present that was read of a clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    at: tokio::time::Instant,
    #[cfg(feature = "test")]
    by_hand: Option<Instant>,
}

/// The place of a wait in the queue of a manual clock; nothing where there are none.
#[derive(Debug, Default)]
pub(crate) struct ManualTimer {
    #[cfg(feature = "test")]
    timer: crate::test::Timer,
}

impl Clock {
    /// A clock whose epoch is now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub(crate) fn start() -> Self {
        Self {
            epoch: tokio::time::Instant::now(),
            #[cfg(feature = "test")]
            manual: None,
        }
    }

    /// A clock that `manual` moves.
    #[cfg(feature = "test")]
    pub(crate) fn by_hand(manual: &ManualClock) -> Self {
        Self { epoch: manual.epoch(), manual: Some(manual.clone()) }
    }

    /// The present.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.at(self.read())
    }

    /// The present, for who may never ask which instant it is: that costs a fifth of the reading.
    #[inline]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub(crate) fn read(&self) -> Reading {
        #[cfg(feature = "test")]
        if let Some(manual) = &self.manual {
            let by_hand = Some(Instant::EPOCH.after(manual.elapsed()));
            return Reading { at: self.epoch, by_hand };
        }
        Reading {
            at: tokio::time::Instant::now(),
            #[cfg(feature = "test")]
            by_hand: None,
        }
    }

    /// The instant of a reading of this clock.
    #[inline]
    pub(crate) fn at(&self, reading: Reading) -> Instant {
        #[cfg(feature = "test")]
        if let Some(by_hand) = reading.by_hand {
            return by_hand;
        }
        self.of(reading.at)
    }

    /// Whether `at` has come, on a manual clock; `None` on the runtime's.
    #[cfg_attr(not(feature = "test"), expect(clippy::unused_self, reason = "there is no other"))]
    pub(crate) fn poll_manual(
        &self,
        timer: &mut ManualTimer,
        at: Option<tokio::time::Instant>,
        cx: &mut Context<'_>,
    ) -> Option<Poll<()>> {
        #[cfg(feature = "test")]
        if let Some(manual) = &self.manual {
            let Some(at) = at else { return Some(Poll::Pending) };
            let at = at.saturating_duration_since(self.epoch);
            return Some(timer.timer.poll_until(manual, at, cx));
        }
        let _unused = (timer, at, cx);
        None
    }

    /// Waits for `future`, and no longer than until `until`.
    pub(crate) async fn within<F: Future>(&self, until: Instant, future: F) -> Option<F::Output> {
        match self.runtime(until) {
            Some(at) => tokio::time::timeout_at(at, future).await.ok(),
            None => Some(future.await),
        }
    }

    /// The core's name for an instant of the runtime.
    #[inline]
    pub(crate) fn of(&self, instant: tokio::time::Instant) -> Instant {
        Instant::EPOCH.after(instant.saturating_duration_since(self.epoch))
    }

    /// The runtime's name for an instant of the core; `None` for one that never comes.
    pub(crate) fn runtime(&self, instant: Instant) -> Option<tokio::time::Instant> {
        if instant.is_never() {
            return None;
        }
        self.epoch.checked_add(instant.since(Instant::EPOCH))
    }

    /// The same for an instant that has been; the epoch where the runtime has no name for it.
    pub(crate) fn runtime_or_epoch(&self, instant: Instant) -> tokio::time::Instant {
        self.runtime(instant).unwrap_or(self.epoch)
    }
}
