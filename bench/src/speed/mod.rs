//! The rows of the speed table, one file for each mechanism. How a row is measured is in
//! `crate::measure`; how the rivals are set up is in `crate::rivals` and beside each row.

mod atomic;
mod breaker;
mod budget;
mod bulkhead;
mod clock;
mod hashing;
mod hedge;
mod pipeline;
mod rate;
mod rate_keyed;
mod retry;
mod timeout;

use std::future::Future;
use std::hint::black_box;
use std::sync::{Arc, Mutex};

use seawall::Policy;
use tower::{Service, ServiceExt as _};

use crate::measure::{Entry, OURS, Row, awaited};
use crate::ours;
use crate::rivals::Answer;
use crate::rivals::breaker::REJECTED;

pub(crate) use clock::{ROW as CLOCK, STD as CLOCK_STD};
pub(crate) use hedge::Always;

/// All rows, in the order of the printed table.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = vec![clock::row(), atomic::row()];
    rows.extend(breaker::rows());
    rows.push(bulkhead::row());
    rows.push(rate::row());
    rows.push(rate_keyed::row());
    rows.push(budget::row());
    rows.push(retry::row());
    rows.push(timeout::row());
    rows.push(hedge::row());
    rows.push(pipeline::row());
    rows.extend(hashing::rows());
    rows
}

/// What a thread takes from a service that clones share.
fn clone_of<S: Clone>(service: &Mutex<S>) -> S {
    service.lock().expect("no build panics").clone()
}

/// One call as Tower's contract wants it: readiness first, from the value that is called.
async fn call_ready<S: Service<u64>>(service: &mut S, input: u64) -> Result<S::Response, S::Error> {
    service.ready().await?.call(input).await
}

/// An entry whose object is a service of Tower's; each thread has a clone.
fn served<S>(name: &'static str, build: impl Fn() -> S + 'static) -> Entry
where
    S: Service<u64> + Clone + Send + 'static,
{
    let call = async |service: &mut S, input| black_box(call_ready(service, input).await).is_ok();
    Entry::new(name, awaited(move || Mutex::new(build()), clone_of, call))
}

/// An entry whose object is a service of seatbelt's own kind, which is shared by reference and
/// boxes nothing: its best interface.
fn executed<S>(name: &'static str, build: impl Fn() -> S + 'static) -> Entry
where
    S: layered::Service<u64, Out = Answer> + 'static,
{
    let call = async |service: &mut Arc<S>, input| {
        let answer = black_box(service.execute(input).await);
        !matches!(answer, Ok(REJECTED))
    };
    Entry::new(name, awaited(move || Arc::new(build()), Arc::clone, call))
}

/// Our entry where the shape is a call: a policy around the guarded operation.
fn through(build: fn() -> Policy) -> Entry {
    let call = async |policy: &mut Policy, input| ours::policy::call(policy, input).await;
    Entry::new(OURS, awaited(build, Policy::clone, call))
}

/// Runs what sets an object up, outside of any measurement.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("timers need no system resource");
    runtime.block_on(future)
}
