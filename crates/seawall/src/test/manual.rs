//! A clock that stands still until it is moved.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A clock that stands still until it is moved: by [`advance`](Self::advance), or by
/// [`run`](Self::run), which skips every wait. Clones are the same clock.
///
/// Give it to a policy with [`PolicyBuilder::clock`](crate::PolicyBuilder::clock). Needs no
/// runtime. It holds one entry for each wait in progress.
#[derive(Clone)]
pub struct ManualClock {
    epoch: tokio::time::Instant,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    now: Duration,
    waits: u64,
    /// By time, and in the order in which they began.
    waiting: BTreeMap<Key, Waker>,
}

type Key = (Duration, u64);

impl ManualClock {
    /// A clock that has not moved.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a name for the epoch, which stands still")]
    pub fn new() -> Self {
        Self { epoch: tokio::time::Instant::now(), state: Arc::default() }
    }

    /// How far it has been moved.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.lock().now
    }

    /// Moves it, and wakes whoever waited for a time that has come, earliest first.
    pub fn advance(&self, by: Duration) {
        let target = self.elapsed().saturating_add(by);
        self.move_to(target);
    }

    /// Moves it to the time that somebody waits for first. `false` if nobody waits.
    pub fn advance_to_next(&self) -> bool {
        let next = self.lock().waiting.first_key_value().map(|((at, _), _)| *at);
        next.map(|at| self.move_to(at)).is_some()
    }

    /// Waits until it has been moved by so much.
    pub async fn sleep(&self, wait: Duration) {
        let at = self.elapsed().saturating_add(wait);
        let mut timer = Timer::default();
        poll_fn(|cx| timer.poll_until(self, at, cx)).await;
    }

    /// Runs `future` to its end on this thread, and moves the clock to the next time that anybody
    /// waits for whenever the future has nothing else to do.
    ///
    /// # Panics
    ///
    /// If the future waits for something that is not a time of this clock, and is not brought about
    /// by the future itself: it would wait for ever.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            if woken.0.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    return output;
                }
            } else {
                assert!(self.advance_to_next(), "the future waits for no time of this clock");
            }
        }
    }

    pub(crate) const fn epoch(&self) -> tokio::time::Instant {
        self.epoch
    }

    /// One wait after the other, so that each sees the time that it waited for.
    fn move_to(&self, target: Duration) {
        loop {
            let mut state = self.lock();
            let due = state.waiting.first_entry().filter(|entry| entry.key().0 <= target);
            let Some(due) = due else {
                state.now = state.now.max(target);
                return;
            };
            let ((at, _), waker) = due.remove_entry();
            state.now = state.now.max(at);
            drop(state);
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("ManualClock")
            .field("elapsed", &state.now)
            .field("waiting", &state.waiting.len())
            .finish()
    }
}

/// The place of one wait in the queue of a clock. Dropping it leaves the queue.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    place: Option<(ManualClock, Key)>,
}

impl Timer {
    /// Ready when `at` has come.
    pub(crate) fn poll_until(
        &mut self,
        clock: &ManualClock,
        at: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let waker = cx.waker().clone();
        let stale = self.place.take_if(|(_, (time, _))| *time != at);
        let mut state = clock.lock();
        let outlived = if state.now >= at {
            self.place.take().and_then(|(_, key)| state.waiting.remove(&key))
        } else {
            let key = self.place.as_ref().map(|(_, key)| *key);
            let key = key.unwrap_or_else(|| state.next_key(at));
            self.place.get_or_insert_with(|| (clock.clone(), key));
            state.waiting.insert(key, waker)
        };
        let poll = if state.now >= at { Poll::Ready(()) } else { Poll::Pending };
        drop(state);
        // Dropping a waker may run anything, and leaving the queue takes the lock.
        drop((outlived, stale.map(|place| Self { place: Some(place) })));
        poll
    }
}

impl State {
    fn next_key(&mut self, at: Duration) -> Key {
        self.waits += 1;
        (at, self.waits)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some((clock, key)) = self.place.take() {
            let waker = clock.lock().waiting.remove(&key);
            drop(waker);
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}
