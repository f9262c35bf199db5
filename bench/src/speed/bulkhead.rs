//! The bulkhead's row: take a permit that is free and give it back. The limit is far above the
//! number of callers, so no entry ever waits or refuses.

use std::hint::black_box;
use std::sync::Arc;

use seawall::mechanism::Bulkhead as Ours;
use throttle_net::Bulkhead;
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer as _, service_fn};
use tower_resilience_bulkhead::BulkheadLayer;

use super::served;
use crate::measure::{Answers, Entry, OURS, Row, awaited};
use crate::ours;
use crate::rivals::{answer, name};

/// Permits of every entry.
const PERMITS: u32 = 1_000;

pub(super) fn row() -> Row {
    Row {
        name: "bulkhead",
        about: "take a free permit, a call that is ready, give it back",
        answers: Answers::Admitted,
        entries: vec![ours(), semaphore(), tower(), tower_resilience(), throttle_net(), bare()],
        // Without a queue nobody asks how long permits are held.
        our_clock_reads: 0,
        targets: (Some(15.0), None),
        bare: Some("bare call"),
        loss: "threads swap one word to get a permit and to give it back, and each takes \
               its cache line from the other; the semaphore gives back through a lock, \
               which keeps the others off the word meanwhile",
        floor: "two swaps of a shared word, one to take the permit and one to give it back; to \
                give it back by a subtraction is a locked instruction as well, and could \
                not tell a count that has gone to the queue's lock",
    }
}

fn bare() -> Entry {
    let call = async |_: &mut (), input| black_box(answer(input).await).is_ok();
    Entry::new("bare call", awaited(|| (), |()| (), call)).reference()
}

fn ours() -> Entry {
    let build = || ours::bulkhead::new(PERMITS);
    let call = async |bulkhead: &mut Ours, input| {
        let Ok(_permit) = bulkhead.try_acquire() else { return false };
        black_box(answer(input).await).is_ok()
    };
    Entry::new(OURS, awaited(build, Ours::clone, call))
}

fn semaphore() -> Entry {
    let build = || Arc::new(Semaphore::new(PERMITS as usize));
    let call = async |semaphore: &mut Arc<Semaphore>, input| {
        let Ok(_permit) = semaphore.try_acquire() else { return false };
        black_box(answer(input).await).is_ok()
    };
    Entry::new(name::TOKIO, awaited(build, Arc::clone, call))
        .note("the primitive itself: Semaphore::try_acquire")
}

fn tower() -> Entry {
    let build = || {
        let layer = ConcurrencyLimitLayer::new(PERMITS as usize);
        layer.layer(service_fn(answer))
    };
    served(name::TOWER, build)
}

fn tower_resilience() -> Entry {
    let build = || {
        let builder = BulkheadLayer::builder().max_concurrent_calls(PERMITS as usize);
        let layer = builder.reject_when_full().build().expect("the limit is not 0");
        layer.layer(service_fn(answer))
    };
    served(name::TOWER_RESILIENCE, build)
}

fn throttle_net() -> Entry {
    let build = || Arc::new(Bulkhead::new(PERMITS));
    let call = async |bulkhead: &mut Arc<Bulkhead>, input| {
        let Some(_permit) = bulkhead.try_acquire() else { return false };
        black_box(answer(input).await).is_ok()
    };
    Entry::new(name::THROTTLE_NET, awaited(build, Arc::clone, call))
}
