//! Waits on the host's monotonic clock that end some tens of microseconds after their time.
//!
//! The runtime's own timers count in milliseconds: a service of 20 ms would take 20.5 on average,
//! a replica would have less capacity than its scenario says, and a generator would be late
//! before any product had done anything. Here one timer of the kernel (timerfd) serves all waits
//! of a process.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::net::unix::pipe;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::stamp::Stamp;

/// The waits of a process. Memory is that of the waits, also of those whose waiter has left, until
/// their time.
#[derive(Debug)]
pub struct Timers {
    shared: Arc<Shared>,
    driver: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    /// A descriptor that becomes readable, which is all that is asked of a pipe.
    alarm: pipe::Receiver,
    waits: Mutex<Waits>,
}

#[derive(Debug, Default)]
struct Waits {
    /// Who waits until when; the number keeps waits of one time apart, first come first served.
    queue: BTreeMap<(Stamp, u64), oneshot::Sender<()>>,
    next: u64,
}

impl Timers {
    /// No waits yet. To be called within a runtime; a task of it rings until this is dropped.
    ///
    /// # Errors
    /// When the kernel gives no timer.
    #[expect(clippy::disallowed_methods, reason = "the task is aborted when this is dropped")]
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let alarm = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let alarm = pipe::Receiver::from_owned_fd_unchecked(alarm)?;
        let shared = Arc::new(Shared { alarm, waits: Mutex::default() });
        let driver = tokio::spawn(ring(Arc::clone(&shared))).abort_handle();
        Ok(Self { shared, driver })
    }

    /// Waits until `at`; not at all where that has passed.
    pub async fn until(&self, at: Stamp) {
        if at <= Stamp::now() {
            return;
        }
        let rung = self.shared.enter(at);
        // An error would mean that the driver is gone, and with it the process.
        rung.await.ok();
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Shared {
    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, at: Stamp) -> oneshot::Receiver<()> {
        let (ring, rung) = oneshot::channel();
        let mut waits = self.waits();
        let is_first = waits.queue.first_key_value().is_none_or(|((first, _), _)| at < *first);
        let number = waits.next;
        waits.next += 1;
        waits.queue.insert((at, number), ring);
        if is_first {
            self.arm(at);
        }
        rung
    }

    fn arm(&self, at: Stamp) {
        // A time of zero would disarm it; nobody waits for the host's start.
        let at = at.0.max(1);
        let seconds = i64::try_from(at / 1_000_000_000).unwrap_or(i64::MAX);
        let rest = i64::try_from(at % 1_000_000_000).unwrap_or(0);
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let it_value = Timespec { tv_sec: seconds, tv_nsec: rest };
        let when = Itimerspec { it_interval, it_value };
        // It only fails for a descriptor or a time that is none, and these are both.
        let set = timerfd_settime(&self.alarm, TimerfdTimerFlags::ABSTIME, &when);
        debug_assert!(set.is_ok(), "an absolute time on a timer of ours: {set:?}");
    }

    /// Rings for all that are due, and arms for the next.
    fn ring_due(&self) {
        let mut waits = self.waits();
        while let Some(entry) = waits.queue.first_entry() {
            let at = entry.key().0;
            if at > Stamp::now() {
                self.arm(at);
                return;
            }
            // Whoever does not wait any more needs no bell.
            entry.remove().send(()).ok();
        }
    }
}

/// The body of the driver.
async fn ring(shared: Arc<Shared>) {
    let mut expirations = [0_u8; 8];
    while shared.alarm.readable().await.is_ok() {
        if shared.alarm.try_read(&mut expirations).is_ok() {
            shared.ring_due();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_end_in_the_order_of_their_times_and_never_early() {
        let timers = Arc::new(Timers::new().unwrap());
        let start = Stamp::now();
        let mut waits = tokio::task::JoinSet::new();
        for millis in [30_u64, 10, 20, 0] {
            let timers = Arc::clone(&timers);
            let at = start.after(millis * 1_000_000);
            waits.spawn(async move {
                timers.until(at).await;
                (millis, at <= Stamp::now())
            });
        }
        let mut order = Vec::new();
        while let Some(ended) = waits.join_next().await {
            order.push(ended.unwrap());
        }
        assert_eq!(order, [(0, true), (10, true), (20, true), (30, true)]);
    }

    #[tokio::test]
    async fn a_waiter_that_left_does_not_hold_up_the_others() {
        let timers = Timers::new().unwrap();
        let start = Stamp::now();
        let left = timers.until(start.after(5_000_000));
        tokio::select! {
            biased;
            () = left => unreachable!("five milliseconds have not passed"),
            () = std::future::ready(()) => {}
        }
        timers.until(start.after(8_000_000)).await;
        assert!(timers.shared.waits().queue.is_empty());
    }
}
