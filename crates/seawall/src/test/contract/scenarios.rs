//! The ways in which a layer is used.

use std::future::Future;
use std::pin::pin;

use tower_layer::Layer;
use tower_service::Service;

use super::probe::World;
use super::watch::{Wakes, patiently, request, request_once, settle, stack};
use super::{Breach, Breaches, Probe, Request};

/// So many polls in a row that all end with a wake-up are a loop.
const SPIN: u32 = 16;
/// The deepest await point at which a call is dropped.
const DEPTH: u32 = 12;

/// Calls one after the other, by one value and by clones of it.
pub(super) async fn in_a_row<M, L>(make: &M, found: &mut Breaches)
where
    M: Fn() -> L,
    L: Layer<Probe>,
    L::Service: Service<Request> + Clone,
{
    const NAME: &str = "calls in a row";
    let world = World::new(1);
    let mut service = stack(make, world.probe());
    let calls = async {
        for number in 0..4 {
            if !request(&mut service, number).await || !request_once(service.clone(), number).await
            {
                return;
            }
        }
    };
    patiently(NAME, found, calls).await;
    world.report(NAME, found);
}

/// Several calls at once, by clones, for one place.
pub(super) async fn side_by_side<M, L>(make: &M, found: &mut Breaches)
where
    M: Fn() -> L,
    L: Layer<Probe>,
    L::Service: Service<Request> + Clone,
{
    const NAME: &str = "calls side by side";
    let world = World::new(1);
    world.lock().slowness = 2;
    let service = stack(make, world.probe());
    let (a, b, c) = (service.clone(), service.clone(), service);
    let calls = all([request_once(a, 1), request_once(b, 2), request_once(c, 3)]);
    patiently(NAME, found, calls).await;
    world.report(NAME, found);
}

/// Waits for the end of all.
async fn all<F: Future>(futures: [F; 3]) {
    let mut futures = futures.map(|future| Some(Box::pin(future)));
    std::future::poll_fn(|cx| {
        for running in &mut futures {
            if running.as_mut().is_some_and(|future| future.as_mut().poll(cx).is_ready()) {
                *running = None;
            }
        }
        match futures.iter().all(Option::is_none) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
}

/// A value that was used and now rests must not keep the only place from another.
pub(super) async fn idle_beside_busy<M, L>(make: &M, found: &mut Breaches)
where
    M: Fn() -> L,
    L: Layer<Probe>,
    L::Service: Service<Request> + Clone,
{
    const NAME: &str = "one value rests while another is used";
    let world = World::new(1);
    let mut idle = stack(make, world.probe());
    let mut other = idle.clone();
    patiently(NAME, found, request(&mut idle, 1)).await;
    settle().await;
    if world.lock().ready > 0 {
        found.note(NAME, Breach::LeakedReadiness);
    }
    patiently(NAME, found, request(&mut other, 2)).await;
    world.report(NAME, found);
}

/// The inner service becomes ready late: the caller sleeps until then, and is woken.
pub(super) async fn late_readiness<M, L>(make: &M, found: &mut Breaches)
where
    M: Fn() -> L,
    L: Layer<Probe>,
    L::Service: Service<Request> + Clone,
{
    const NAME: &str = "the inner service becomes ready late";
    let world = World::new(0);
    let mut service = stack(make, world.probe());
    let mut call = pin!(request(&mut service, 1));
    let wakes = Wakes::new().await;
    if wakes.poll(call.as_mut()) || spins(&wakes, call.as_mut(), found, NAME) {
        world.report(NAME, found);
        return;
    }
    settle().await;
    let awaited = world.is_awaited();
    wakes.take();
    world.free(|facts| facts.places = 1);
    settle().await;
    if awaited && wakes.take() == 0 {
        found.note(NAME, Breach::LostWake);
    }
    patiently(NAME, found, call).await;
    world.report(NAME, found);
}

/// Polls on while each poll wakes. `true` when the call has ended.
fn spins<F: Future>(
    wakes: &std::sync::Arc<Wakes>,
    mut call: std::pin::Pin<&mut F>,
    found: &mut Breaches,
    name: &'static str,
) -> bool {
    for _ in 0..SPIN {
        if wakes.take() == 0 {
            return false;
        }
        if wakes.poll(call.as_mut()) {
            return true;
        }
    }
    found.note(name, Breach::SpuriousWakes);
    false
}

/// Calls fail, once, twice and three times in a row.
pub(super) async fn failing_calls<M, L>(make: &M, found: &mut Breaches)
where
    M: Fn() -> L,
    L: Layer<Probe>,
    L::Service: Service<Request> + Clone,
{
    const NAME: &str = "calls fail";
    for failures in 1..=3 {
        let world = World::new(1);
        world.lock().failing = failures;
        let mut service = stack(make, world.probe());
        let calls = async {
            let _usable = request(&mut service, 1).await && request(&mut service, 2).await;
        };
        patiently(NAME, found, calls).await;
        world.report(NAME, found);
    }
}

/// The inner service fails to become ready. Whoever sees that takes another value.
pub(super) async fn failing_readiness<M, L>(make: &M, found: &mut Breaches)
where
    M: Fn() -> L,
    L: Layer<Probe>,
    L::Service: Service<Request> + Clone,
{
    const NAME: &str = "the inner service fails to become ready";
    for failures in 1..=3 {
        let world = World::new(1);
        world.lock().unready = failures;
        let calls = async {
            let mut service = stack(make, world.probe());
            let _usable = request(&mut service, 1).await && request(&mut service, 2).await;
        };
        patiently(NAME, found, calls).await;
        world.report(NAME, found);
    }
}

/// A call is dropped at each await point; nothing of it may stay, and the next one must work.
pub(super) async fn dropped_anywhere<M, L>(make: &M, found: &mut Breaches)
where
    M: Fn() -> L,
    L: Layer<Probe>,
    L::Service: Service<Request> + Clone,
{
    const NAME: &str = "a call is dropped";
    for depth in 0..DEPTH {
        let world = World::new(1);
        world.lock().slowness = 2;
        world.lock().failing = 1;
        let service = stack(make, world.probe());
        poll_and_drop(service.clone(), depth).await;
        settle().await;
        world.report_rest(NAME, found);
        patiently(NAME, found, request_once(service, 2)).await;
        world.report(NAME, found);
    }
}

/// Runs a call for so many polls, and drops it with its service.
async fn poll_and_drop<S: Service<Request>>(service: S, depth: u32) {
    let wakes = Wakes::new().await;
    let mut call = Box::pin(request_once(service, 1));
    for _ in 0..depth {
        if wakes.poll(call.as_mut()) {
            return;
        }
        if wakes.take() == 0 {
            // It waits for a time; with a paused clock this ends when nothing else can happen.
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

impl World {
    /// Notes what the probes have seen. All services and calls are at rest.
    fn report(&self, name: &'static str, found: &mut Breaches) {
        let seen = std::mem::take(&mut self.lock().breaches);
        seen.into_iter().for_each(|breach| found.note(name, breach));
    }

    /// Notes what is still held.
    fn report_rest(&self, name: &'static str, found: &mut Breaches) {
        let facts = self.lock();
        let (ready, running) = (facts.ready, facts.running);
        drop(facts);
        if ready > 0 {
            found.note(name, Breach::LeakedReadiness);
        }
        if running > 0 {
            found.note(name, Breach::LeakedCall);
        }
    }
}
