//! The service under the layer: strict about its contract, and slow or broken where told so.
//!
//! Polling a value ready takes one of a few places, as in `tower::limit::ConcurrencyLimit`; the
//! call takes it over, and the end of the response gives it back.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tower_service::Service;

use super::Breach;

/// What a [`Probe`] is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request(pub(super) u32);

/// What a [`Probe`] answers: the number of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response(pub(super) u32);

/// What a [`Probe`] fails with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeError(pub(super) &'static str);

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ProbeError {}

/// The service that [`check`](super::check) puts under a layer. Each clone has a readiness of its
/// own.
#[derive(Debug)]
pub struct Probe {
    world: World,
    id: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Ready,
    Failed,
}

/// What all clones of a probe share.
#[derive(Clone, Debug, Default)]
pub(super) struct World(Arc<Mutex<Facts>>);

#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Values that can be ready or busy at once.
    pub(super) places: usize,
    /// Values that will fail to become ready, from now on.
    pub(super) unready: u32,
    /// Calls that will fail, from now on.
    pub(super) failing: u32,
    /// How often a response has to be polled before it is there.
    pub(super) slowness: u32,
    /// Values that are ready and not called.
    pub(super) ready: usize,
    /// Responses that are awaited.
    pub(super) running: usize,
    pub(super) breaches: Vec<Breach>,
    ids: u64,
    waiting: BTreeMap<u64, Waker>,
}

impl World {
    pub(super) fn new(places: usize) -> Self {
        let world = Self::default();
        world.lock().places = places;
        world
    }

    pub(super) fn probe(&self) -> Probe {
        let mut facts = self.lock();
        facts.ids += 1;
        Probe { world: self.clone(), id: facts.ids, state: State::Idle }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody waits for a place.
    pub(super) fn is_awaited(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    /// Makes places free, and wakes who waits for one.
    pub(super) fn free(&self, act: impl FnOnce(&mut Facts)) {
        let mut facts = self.lock();
        act(&mut facts);
        let woken = std::mem::take(&mut facts.waiting);
        drop(facts);
        woken.into_values().for_each(Waker::wake);
    }
}

impl Facts {
    fn has_place(&self) -> bool {
        self.ready + self.running < self.places
    }

    /// Counts one down; `false` once it is at its end.
    fn takes(left: &mut u32) -> bool {
        let takes = *left > 0;
        *left = left.saturating_sub(1);
        takes
    }
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        self.world.probe()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let outlived = self.world.lock().waiting.remove(&self.id);
        drop(outlived);
        if self.state == State::Ready {
            self.world.free(|facts| facts.ready -= 1);
        }
    }
}

impl Service<Request> for Probe {
    type Response = Response;
    type Error = ProbeError;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ProbeError>> {
        let waker = cx.waker().clone();
        let mut facts = self.world.lock();
        match self.state {
            State::Ready => return Poll::Ready(Ok(())),
            State::Failed => facts.breaches.push(Breach::UsedAfterError),
            State::Idle => {}
        }
        if Facts::takes(&mut facts.unready) {
            self.state = State::Failed;
            return Poll::Ready(Err(ProbeError("cannot become ready")));
        }
        if !facts.has_place() {
            let outlived = facts.waiting.insert(self.id, waker);
            drop(facts);
            drop(outlived);
            return Poll::Pending;
        }
        facts.ready += 1;
        self.state = State::Ready;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        let mut facts = self.world.lock();
        match self.state {
            State::Ready => facts.ready -= 1,
            State::Failed => facts.breaches.push(Breach::UsedAfterError),
            State::Idle if facts.ready > 0 => facts.breaches.push(Breach::BorrowedReadiness),
            State::Idle => facts.breaches.push(Breach::CalledUnready),
        }
        self.state = State::Idle;
        facts.running += 1;
        let result = match Facts::takes(&mut facts.failing) {
            true => Err(ProbeError("failed")),
            false => Ok(Response(request.0)),
        };
        Answering { world: self.world.clone(), polls: facts.slowness, result }
    }
}

/// The response of a [`Probe`].
#[derive(Debug)]
pub struct Answering {
    world: World,
    polls: u32,
    result: Result<Response, ProbeError>,
}

impl Future for Answering {
    type Output = Result<Response, ProbeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if Facts::takes(&mut self.polls) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.result.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.world.free(|facts| facts.running -= 1);
    }
}
