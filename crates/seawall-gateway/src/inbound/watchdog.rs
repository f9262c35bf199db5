//! The one timer of a connection. It reads the gauge and says when the connection must end; how
//! it ends is in `connection`.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::gauge::{Gauge, Verdict};
use super::settings::InboundSettings;
use crate::clock;

/// Completes with a verdict; it may be awaited again after one that the connection outlives.
///
/// The timer is registered again only where the gauge's deadline is earlier than the set one, or
/// when it fires. A call that ends moves the deadline away, so calls that follow each other
/// leave the timer alone.
#[derive(Debug)]
pub(super) struct Watchdog {
    gauge: Rc<Gauge>,
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
    /// The longest pause between two looks: the shortest wait that can begin in a stream's task,
    /// where nobody moves the timer forward.
    cadence: Duration,
}

impl Watchdog {
    pub(super) fn new(gauge: Rc<Gauge>, settings: &InboundSettings, now: Instant) -> Self {
        let cadence = settings.idle_timeout.min(settings.write_stall);
        let armed = now + cadence;
        Self { gauge, sleep: Box::pin(sleep_until(armed)), armed, cadence }
    }

    fn arm(&mut self, at: Instant) {
        self.armed = at;
        self.sleep.as_mut().reset(at);
    }
}

impl Future for Watchdog {
    type Output = Verdict;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Verdict> {
        let this = self.get_mut();
        this.gauge.wake(cx);
        loop {
            if let Some(reason) = this.gauge.doomed() {
                return Poll::Ready(Verdict::Close(reason));
            }
            let next = this.gauge.next();
            if let Some((at, _)) = next.filter(|(at, _)| *at < this.armed) {
                this.arm(at);
            }
            ready!(this.sleep.as_mut().poll(cx));
            let now = clock::now();
            let latest = now + this.cadence;
            this.arm(next.map_or(latest, |(at, _)| at.clamp(now, latest)));
            if let Some((_, verdict)) = next.filter(|(at, _)| *at <= now) {
                return Poll::Ready(verdict);
            }
        }
    }
}
