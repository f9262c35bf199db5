//! Timers that calls borrow from their worker. When one rings, and what follows, the machine says.
//!
//! A timer that is used again stays registered with the runtime, and a later time takes but a
//! store; one made for each call would be registered and taken out again with each.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, Sleep, sleep_until};

/// Timers kept for the next calls: as many as run at once in a busy worker. More than these are
/// made and dropped as they are needed.
const SPARE_MAX: usize = 256;

/// The timers of a worker that no call uses.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    spare: RefCell<Vec<Pin<Box<Sleep>>>>,
}

impl Alarms {
    /// Lends a timer, which is made when it is first set.
    pub(crate) const fn lend(&self) -> Alarm<'_> {
        Alarm { alarms: self, sleep: None }
    }
}

/// A timer of one call. It goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Alarm<'a> {
    alarms: &'a Alarms,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm<'_> {
    /// Completes at `at`.
    pub(crate) fn at(&mut self, at: Instant) -> impl Future<Output = ()> {
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                sleep.as_mut().reset(at);
                sleep
            }
            empty => empty.insert(self.alarms.take(at)),
        };
        Ringing(sleep.as_mut())
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        let Some(mut sleep) = self.sleep.take() else { return };
        forget_waker(sleep.as_mut());
        let mut spare = self.alarms.spare.borrow_mut();
        if spare.len() < SPARE_MAX {
            spare.push(sleep);
        }
    }
}

/// Puts an idle waker in the place of the last caller's: until the timer rings, which may take a
/// whole deadline, it would keep that caller's task in memory.
fn forget_waker(sleep: Pin<&mut Sleep>) {
    // Whether it has rung is of no more interest.
    let _rung: Poll<()> = sleep.poll(&mut Context::from_waker(Waker::noop()));
}

impl Alarms {
    fn take(&self, at: Instant) -> Pin<Box<Sleep>> {
        match self.spare.borrow_mut().pop() {
            Some(mut sleep) => {
                sleep.as_mut().reset(at);
                sleep
            }
            None => Box::pin(sleep_until(at)),
        }
    }
}

struct Ringing<'a>(Pin<&'a mut Sleep>);

impl Future for Ringing<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::Wake;
    use std::time::Duration;

    use super::*;
    use crate::clock::now;

    #[tokio::test(start_paused = true)]
    async fn a_borrowed_timer_rings_at_its_own_time() {
        let alarms = Alarms::default();
        let begun = now();
        for seconds in [5, 1, 3] {
            let (set, mut alarm) = (now(), alarms.lend());
            alarm.at(set + Duration::from_secs(seconds)).await;
            assert_eq!(now() - set, Duration::from_secs(seconds));
        }
        assert_eq!(now() - begun, Duration::from_secs(9));
        assert_eq!(alarms.spare.borrow().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_is_set_again_forgets_the_earlier_time() {
        let alarms = Alarms::default();
        let (begun, mut alarm) = (now(), alarms.lend());
        drop(alarm.at(begun + Duration::from_secs(1)));
        alarm.at(begun + Duration::from_secs(4)).await;
        assert_eq!(now() - begun, Duration::from_secs(4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_was_given_back_keeps_no_task_alive() {
        struct Task;
        impl Wake for Task {
            fn wake(self: Arc<Self>) {}
        }
        let (alarms, task) = (Alarms::default(), Arc::new(Task));
        let mut alarm = alarms.lend();
        {
            let waker = Waker::from(Arc::clone(&task));
            let ringing = pin!(alarm.at(now() + Duration::from_secs(60)));
            assert!(ringing.poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(Arc::strong_count(&task), 2, "while it is lent it wakes its borrower");
        drop(alarm);
        assert_eq!((Arc::strong_count(&task), alarms.spare.borrow().len()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_timers_are_kept_than_the_bound() {
        let (alarms, begun) = (Alarms::default(), now());
        let mut lent: Vec<_> = (0..SPARE_MAX + 9).map(|_| alarms.lend()).collect();
        for alarm in &mut lent {
            drop(alarm.at(begun + Duration::from_secs(1)));
        }
        drop(lent);
        assert_eq!(alarms.spare.borrow().len(), SPARE_MAX);
    }
}
