//! M4: a call that is dropped at any of its polls, or panics, gives its place back. Ten thousand
//! calls each dropped somewhere, then as many at once as there are places.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use seawall::Error;
use throttle_net::{Bulkhead, CallError};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};
use tower_resilience_bulkhead::BulkheadLayer;

use super::{Care, Cell, Finding, runtime};
use crate::clock;
use crate::measure::OURS;
use crate::ours;
use crate::rivals::breaker::{self, NoLimit, Plan, WINDOW};
use crate::rivals::{Answer, Fault, name};

/// Places of each bulkhead, and probes of each breaker.
const PLACES: u16 = 4;
/// The most polls of a call before it is ready.
const POLLS: u32 = 3;

/// What the call does in the place that it got.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// Ready after so many polls.
    Ready(u32),
    /// Panics after so many polls.
    Panic(u32),
    Never,
    /// Fails at once.
    Fail,
}

async fn live(fate: Fate) -> Answer {
    let mut left = match fate {
        Fate::Ready(polls) | Fate::Panic(polls) => polls,
        Fate::Never => u32::MAX,
        Fate::Fail => return Err(Fault),
    };
    poll_fn(|_| match left.checked_sub(1) {
        Some(less) => {
            left = less;
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
    assert!(!matches!(fate, Fate::Panic(_)), "asked to panic");
    Ok(1)
}

/// One call; its outcome is whether it was admitted.
type Call = Pin<Box<dyn Future<Output = bool>>>;

/// Starts calls of one bulkhead or breaker.
type Start = Box<dyn Fn(Fate) -> Call>;

pub(super) fn find(care: Care) -> Vec<Finding> {
    let cycles = care.pick(1_000, 10_000);
    let runtime = runtime(false);
    let cell = |(name, start): (&'static str, Start)| cell(name, &start, cycles, &runtime);
    let _entered = runtime.enter();
    // The panics are part of the procedure and would fill the screen.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let bulkheads = bulkheads().into_iter().map(cell).collect();
    let mut probes: Vec<Cell> = breakers().into_iter().map(cell).collect();
    std::panic::set_hook(hook);
    probes.push(Cell::absent(name::SEATBELT, "one probe for each break, whatever becomes of it"));
    let ideal = "all places free at the end";
    vec![
        Finding { id: "M4", row: "bulkhead places lost".to_owned(), ideal, cells: bulkheads },
        Finding { id: "M4", row: "half-open places lost".to_owned(), ideal, cells: probes },
    ]
}

fn cell(name: &'static str, start: &Start, cycles: u32, runtime: &Runtime) -> Cell {
    for _ in 0..cycles {
        live_and_drop(start);
    }
    // Whoever counts a dropped probe as a failure is open now, and half-open again after this.
    clock::pause(Duration::from_millis(5));
    let mut held: Vec<Call> = (0..PLACES + 1).map(|_| start(Fate::Never)).collect();
    let inside = held.iter_mut().take(usize::from(PLACES)).map(is_inside);
    let free = inside.filter(|inside| *inside).count();
    let beyond = held.last_mut().is_some_and(|call| stays_inside(call, runtime));
    let lost = usize::from(PLACES) - free;
    let value = match (lost, beyond) {
        (0, false) => format!("0 of {PLACES} after {cycles} drops"),
        (0, true) => format!("none lost, but {} at once", PLACES + 1),
        _ => format!("{lost} of {PLACES} after {cycles} drops"),
    };
    Cell::new(name, value, lost == 0 && !beyond)
}

/// A call that has neither answered nor been refused holds a place, or waits for one; none of the
/// candidates is set up to wait.
fn is_inside(call: &mut Call) -> bool {
    poll(call).is_pending()
}

/// Some refuse only after they have waited for no time at all, which takes a turn of the runtime.
fn stays_inside(call: &mut Call, runtime: &Runtime) -> bool {
    let answer = async { tokio::time::timeout(Duration::from_millis(50), call).await };
    runtime.block_on(answer).is_err()
}

fn poll(call: &mut Call) -> Poll<bool> {
    call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn live_and_drop(start: &Start) {
    let polls = fastrand::u32(0..=POLLS);
    let fate = if fastrand::bool() { Fate::Ready(polls) } else { Fate::Panic(polls) };
    let mut call = start(fate);
    let until = fastrand::u32(0..=POLLS + 1);
    let run = || {
        for _ in 0..until {
            if poll(&mut call).is_ready() {
                break;
            }
        }
    };
    // A panic is one of the ways to lose a place.
    drop(catch_unwind(AssertUnwindSafe(run)));
}

fn bulkheads() -> Vec<(&'static str, Start)> {
    let places = usize::from(PLACES);
    let bulkhead = ours::bulkhead::new(u32::from(PLACES));
    let ours: Start = Box::new(move |fate| {
        let bulkhead = bulkhead.clone();
        Box::pin(async move {
            let Ok(_permit) = bulkhead.try_acquire() else { return false };
            live(fate).await.is_ok()
        })
    });
    let semaphore = Arc::new(Semaphore::new(places));
    let tokio: Start = Box::new(move |fate| {
        let semaphore = Arc::clone(&semaphore);
        Box::pin(async move {
            let Ok(_permit) = semaphore.try_acquire() else { return false };
            live(fate).await.is_ok()
        })
    });
    let layer = ConcurrencyLimitLayer::new(places);
    let shed = tower::load_shed::LoadShedLayer::new();
    let tower = start_of(shed.layer(layer.layer(service_fn(live))));
    let layer = BulkheadLayer::builder().max_concurrent_calls(places).reject_when_full();
    let layer = layer.build().expect("the limit is not 0");
    let tower_resilience = start_of(layer.layer(service_fn(live)));
    let bulkhead = Arc::new(Bulkhead::new(u32::from(PLACES)));
    let throttle_net: Start = Box::new(move |fate| {
        let bulkhead = Arc::clone(&bulkhead);
        Box::pin(async move { matches!(bulkhead.try_call(|| live(fate)).await, Ok(Ok(_))) })
    });
    vec![
        (OURS, ours),
        (name::TOKIO, tokio),
        (name::TOWER, tower),
        (name::TOWER_RESILIENCE, tower_resilience),
        (name::THROTTLE_NET, throttle_net),
    ]
}

fn start_of<S>(service: S) -> Start
where
    S: Service<Fate, Response = u64> + Clone + 'static,
{
    Box::new(move |fate| {
        let service = service.clone();
        Box::pin(async move { service.oneshot(fate).await.is_ok() })
    })
}

/// Half-open, with as many probes as places.
fn breakers() -> Vec<(&'static str, Start)> {
    let plan = Plan { cool_down: Duration::from_millis(1), probes: PLACES };
    let guarded = ours::breaker::new(plan);
    let ours: Start = Box::new(move |fate| {
        let breaker = guarded.clone();
        Box::pin(async move {
            !matches!(breaker.call(|| live(fate)).await, Err(Error::Rejected { .. }))
        })
    });
    let layer = breaker::tower_resilience(plan);
    let tower_resilience = start_of(layer.layer(service_fn(live)));
    let guarded = Arc::new(breaker::throttle_net(plan, NoLimit));
    let throttle_net: Start = Box::new(move |fate| {
        let breaker = Arc::clone(&guarded);
        Box::pin(async move {
            let answer = breaker.call(|| live(fate)).await;
            !matches!(answer, Err(CallError::Rejected(_)))
        })
    });
    vec![
        (OURS, half_open(ours)),
        (name::TOWER_RESILIENCE, half_open(tower_resilience)),
        (name::THROTTLE_NET, half_open(throttle_net)),
    ]
}

/// Trips it and waits until probes are due. From then on all calls hang until they are dropped: a
/// success or a panic would decide the state.
fn half_open(start: Start) -> Start {
    for _ in 0..2 * WINDOW {
        let _admitted = poll(&mut start(Fate::Fail));
    }
    clock::pause(Duration::from_millis(5));
    Box::new(move |_| start(Fate::Never))
}
