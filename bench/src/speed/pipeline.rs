//! The pipeline's row: rate limit, breaker, retry, bulkhead and timeout around a call that
//! succeeds, or as many of the five as a crate has. Which ones is in each entry's note.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use layered::{Execute, Stack as _};
use throttle_net::{Bulkhead, CallError, CircuitBreaker, Retry, RetryAction, Throttle};
use tower::{ServiceBuilder, service_fn};
use tower_resilience_bulkhead::BulkheadLayer;
use tower_resilience_core::{ResilienceError, UnifiedErrors as _};
use tower_resilience_ratelimiter::WindowType;
use tower_resilience_timelimiter::TimeLimiterLayer;

use super::{executed, served, through, timeout};
use crate::measure::{Answers, Entry, Row, awaited};
use crate::ours;
use crate::rivals::breaker::{self, Plan};
use crate::rivals::rate::{self, Plan as Rate};
use crate::rivals::retry::{self, TowerPolicy};
use crate::rivals::{Fault, LONG, answer, name, seatbelt_context};

const BREAKER: Plan = Plan { cool_down: LONG, probes: 1 };
const PERMITS: u32 = 1_000;
const LIMIT: Duration = Duration::from_secs(10);

pub(super) fn row() -> Row {
    Row {
        name: "pipeline",
        about: "rate limit, breaker, retry, bulkhead, timeout; a call that succeeds at once",
        answers: Answers::Admitted,
        entries: vec![
            through(|| ours::policy::pipeline(PERMITS)).note("all five"),
            tower(),
            tower_resilience(),
            seatbelt(),
            throttle_net(),
            bare(),
        ],
        our_clock_reads: ours::policy::CLOCK_READS,
        targets: (Some(150.0), Some(300.0)),
        bare: Some("bare call"),
        loss: "tower's stack has four of the five and no breaker, seatbelt's three, \
               without bulkhead and rate limit; neither has, as set up here, a budget \
               that calls share or a deadline of the whole call",
        floor: "two rounds under a lock, at whose ends two reads of the clock become instants, \
                are about 45 ns where a lock costs 14; the rest are 1,500 instructions of \
                all five. Tried and left: no wide arithmetic in durations (costs more), a \
                machine copied whole from a constant (as it was; 100 instructions more \
                than to write its fields). At two threads each round waits for the lock \
                and for the lines that the other has written under it",
    }
}

fn bare() -> Entry {
    let call = async |_: &mut (), input| black_box(answer(input).await).is_ok();
    Entry::new("bare call", awaited(|| (), |()| (), call)).reference()
}

fn tower() -> Entry {
    let build = || {
        ServiceBuilder::new()
            .load_shed()
            .concurrency_limit(PERMITS as usize)
            .retry(TowerPolicy::new())
            .timeout(LIMIT)
            .service(service_fn(answer))
    };
    served(name::TOWER, build)
        .note("four: load shed, concurrency limit, retry, timeout; it has no breaker")
}

fn tower_resilience() -> Entry {
    let build = || {
        let bulkhead = BulkheadLayer::builder().max_concurrent_calls(PERMITS as usize);
        let bulkhead = bulkhead.reject_when_full().build().expect("the limit is not 0");
        let timeout = TimeLimiterLayer::builder().timeout_duration(LIMIT).build();
        let limit = rate::tower_resilience(Rate::UNREACHED, WindowType::Fixed);
        ServiceBuilder::new()
            .layer(limit.unified::<Fault>())
            .layer(breaker::tower_resilience(BREAKER).unified::<Fault>())
            .layer(retry::tower_resilience::<ResilienceError<Fault>>())
            .layer(bulkhead.unified::<Fault>())
            .layer(timeout.unified::<Fault>())
            .service(service_fn(answer))
    };
    served(name::TOWER_RESILIENCE, build).note("all five")
}

fn seatbelt() -> Entry {
    let build = || {
        let context = seatbelt_context::on_tokio();
        let stack = (
            breaker::seatbelt(BREAKER, &context),
            retry::seatbelt(&context),
            timeout::layer(&context),
            Execute::new(answer),
        );
        stack.into_service()
    };
    executed(name::SEATBELT, build)
        .note("three: breaker, retry, timeout; it has no bulkhead and no rate limit")
}

/// What throttle-net's documentation puts together by hand.
struct ThrottleNet {
    retry: Retry,
    breaker: CircuitBreaker<Throttle>,
    bulkhead: Bulkhead,
}

impl ThrottleNet {
    fn new() -> Self {
        let limit = rate::throttle_net(Rate::UNREACHED);
        Self {
            retry: retry::throttle_net(),
            breaker: breaker::throttle_net(BREAKER, limit),
            bulkhead: Bulkhead::new(PERMITS),
        }
    }

    async fn call(&self, input: u64) -> Result<u64, CallError<Fault>> {
        let guarded = || async {
            let _place = self.bulkhead.acquire().await.map_err(CallError::Rejected)?;
            let limited = || async {
                let bounded = throttle_net::resilience::timeout(LIMIT, answer(input));
                bounded.await.unwrap_or(Err(Fault))
            };
            self.breaker.call(limited).await
        };
        self.retry.run(guarded, |_: &CallError<Fault>| RetryAction::Retry).await
    }
}

fn throttle_net() -> Entry {
    let call = async |policies: &mut Arc<ThrottleNet>, input| {
        black_box(policies.call(input).await).is_ok()
    };
    Entry::new(name::THROTTLE_NET, awaited(|| Arc::new(ThrottleNet::new()), Arc::clone, call))
        .note("all five, put together by hand as in its example")
}
