//! What the tests share: settings that act at once, and a way to poll by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use seawall::{BackoffSettings, BreakerSettings, BulkheadSettings, Jitter, Policy, Retry};
use tokio::time::Instant;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn s(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Now, on the paused clock.
#[expect(clippy::disallowed_methods, reason = "this is the clock of the tests")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Retries after exactly 100 ms, 200 ms, 400 ms.
pub(crate) fn steady(attempts: u32) -> Retry {
    let backoff =
        BackoffSettings { base: ms(100), jitter: Jitter::None, ..BackoffSettings::transient() };
    Retry::attempts(attempts).backoff(backoff)
}

/// Trips on two failures in a row.
pub(crate) fn touchy() -> BreakerSettings {
    BreakerSettings { consecutive: Some(2), failure_rate: None, ..BreakerSettings::for_endpoint() }
}

pub(crate) fn permits(permits: u32, queue: u32) -> BulkheadSettings {
    BulkheadSettings { permits, queue, max_wait: s(1), ..BulkheadSettings::default() }
}

/// Everything that a call may hold has come back.
#[track_caller]
pub(crate) fn assert_nothing_held<C>(policy: &Policy<C>) {
    let snapshot = policy.snapshot();
    let bulkhead = snapshot.bulkhead;
    assert_eq!((bulkhead.in_use, bulkhead.queued, bulkhead.unclaimed), (0, 0, 0), "{bulkhead:?}");
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicU32);

impl Wakes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once.
pub(crate) fn poll_with<F: Future>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(wakes))))
}

/// Polls once; nobody hears a wake-up.
pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
