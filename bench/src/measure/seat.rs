//! The loops around the measured calls: one for calls that return at once, one for calls that
//! are awaited. Both are generic, so that the call is compiled into its loop for every entry
//! alike. Who runs them, and for how long, is in `rounds`.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::task::unconstrained;

/// Runs that many calls and says how many of them were refused.
pub(crate) type Batch = Box<dyn FnMut(u64) -> u64>;

/// A measured object: makes, on the thread that asks, the batch which calls it from there.
pub(crate) type Object = Arc<dyn Fn() -> Batch + Send + Sync>;

/// An object whose calls return at once; they say whether they were admitted.
pub(crate) fn at_once<S, C>(build: impl Fn() -> S + 'static, call: C) -> super::Build
where
    S: Send + Sync + 'static,
    C: Fn(&S, u64) -> bool + Copy + Send + Sync + 'static,
{
    Box::new(move || {
        let shared = Arc::new(build());
        Arc::new(move || {
            let shared = Arc::clone(&shared);
            Box::new(move |calls| {
                let mut refused = 0;
                for input in 0..calls {
                    refused += u64::from(!call(black_box(&shared), black_box(input)));
                }
                refused
            })
        })
    })
}

/// An object whose calls are awaited. `seat` takes from it, once for each thread, what that
/// thread calls: a clone of a service, or a reference-counted pointer.
pub(crate) fn awaited<S, L, C>(
    build: impl Fn() -> S + 'static,
    seat: impl Fn(&S) -> L + Copy + Send + Sync + 'static,
    call: C,
) -> super::Build
where
    S: Send + Sync + 'static,
    L: 'static,
    C: AsyncFn(&mut L, u64) -> bool + Copy + Send + Sync + 'static,
{
    Box::new(move || {
        // Lives as long as the object: seatbelt's clock has a task in it.
        let home = runtime();
        let shared = within(&home, &build);
        Arc::new(move || {
            let _alive = &home;
            let runtime = runtime();
            let mut local = within(&runtime, || seat(&shared));
            Box::new(move |calls| run(&runtime, repeat(&mut local, calls, call)))
        })
    })
}

async fn repeat<L, C>(local: &mut L, calls: u64, call: C) -> u64
where
    C: AsyncFn(&mut L, u64) -> bool,
{
    let mut refused = 0;
    for input in 0..calls {
        refused += u64::from(!call(black_box(&mut *local), black_box(input)).await);
    }
    refused
}

/// Some constructors look for the runtime that surrounds them.
fn within<T>(runtime: &Runtime, build: impl Fn() -> T) -> T {
    let _entered = runtime.enter();
    build()
}

/// Without Tokio's budget of cooperation: a task that yields after every 128th operation would
/// add a fraction of a turn of the runtime to some entries and not to others.
fn run<T>(runtime: &Runtime, calls: impl Future<Output = T>) -> T {
    runtime.block_on(unconstrained(calls))
}

/// The same for every entry: one thread, with timers.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("timers need no system resource")
}
