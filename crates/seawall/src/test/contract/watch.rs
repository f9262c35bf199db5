//! How a caller is watched: which of its wake-ups come, and whether it gets on.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

use super::{Breach, Breaches, Probe, Request};

/// No call of a check takes as long, unless it never ends. Backoffs and cool-downs are shorter.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counts the wake-ups of a future that is polled by hand, and hands them on.
pub(super) struct Wakes {
    count: AtomicU32,
    outer: Waker,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.outer.wake_by_ref();
    }
}

impl Wakes {
    /// A counter that also wakes the task that runs this.
    pub(super) async fn new() -> Arc<Self> {
        poll_fn(|cx| {
            let (count, outer) = (AtomicU32::new(0), cx.waker().clone());
            Poll::Ready(Arc::new(Self { count, outer }))
        })
        .await
    }

    /// How many there were since this was asked last.
    pub(super) fn take(&self) -> u32 {
        self.count.swap(0, Ordering::AcqRel)
    }

    /// Polls `future` once; `true` when it has ended.
    pub(super) fn poll<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> bool {
        let waker = Waker::from(Arc::clone(self));
        future.poll(&mut Context::from_waker(&waker)).is_ready()
    }
}

/// Uses a service as its contract asks: polls it ready, and calls that value. `false` when it
/// failed to become ready; it must not be used again then.
pub(super) async fn request<S: Service<Request>>(service: &mut S, number: u32) -> bool {
    if poll_fn(|cx| service.poll_ready(cx)).await.is_err() {
        return false;
    }
    let _whatever_it_came_to = service.call(Request(number)).await;
    true
}

/// The same with a service of its own.
pub(super) async fn request_once<S: Service<Request>>(mut service: S, number: u32) -> bool {
    request(&mut service, number).await
}

/// Waits for the end of `future`, or notes that it is stuck.
pub(super) async fn patiently<F: Future>(
    scenario: &'static str,
    found: &mut Breaches,
    future: F,
) -> Option<F::Output> {
    let ended = tokio::time::timeout(PATIENCE, future).await.ok();
    if ended.is_none() {
        found.note(scenario, Breach::Stuck);
    }
    ended
}

/// A layer on a probe, as a service.
pub(super) fn stack<L: Layer<Probe>>(make: &impl Fn() -> L, probe: Probe) -> L::Service {
    make().layer(probe)
}

/// Lets tasks that a layer may have spawned come to rest.
pub(super) async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}
