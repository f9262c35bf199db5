//! The timeout's row: a call that is ready at once under a limit of ten seconds.

use std::hint::black_box;
use std::time::Duration;

use layered::{Execute, Stack as _};
use tower::timeout::TimeoutLayer;
use tower::{Layer as _, service_fn};
use tower_resilience_timelimiter::TimeLimiterLayer;

use super::{executed, served, through};
use crate::measure::{Answers, Entry, Row, awaited};
use crate::ours;
use crate::rivals::{Answer, Fault, answer, name, seatbelt_context};

const LIMIT: Duration = Duration::from_secs(10);

pub(super) fn row() -> Row {
    Row {
        name: "timeout_ready",
        about: "a call that is ready at its first poll, under a timeout of 10 s",
        answers: Answers::Admitted,
        entries: vec![
            through(ours::policy::timeout),
            tokio(),
            tower(),
            tower_resilience(),
            seatbelt(),
            throttle_net(),
            bare(),
        ],
        our_clock_reads: ours::policy::CLOCK_READS,
        targets: (None, None),
        bare: Some("bare call"),
        loss: "a timer that is set and dropped reads the clock once. A policy runs the \
               same call machine whether it has one mechanism or all (compare the \
               pipeline): two steps under its lock, each with a reading of the clock",
        floor: "",
    }
}

fn bare() -> Entry {
    let call = async |_: &mut (), input| black_box(answer(input).await).is_ok();
    Entry::new("bare call", awaited(|| (), |()| (), call)).reference()
}

fn tokio() -> Entry {
    let call = async |_: &mut (), input| {
        black_box(tokio::time::timeout(LIMIT, answer(input)).await).is_ok()
    };
    Entry::new(name::TOKIO, awaited(|| (), |()| (), call)).note("the primitive itself")
}

fn tower() -> Entry {
    let build = || TimeoutLayer::new(LIMIT).layer(service_fn(answer));
    served(name::TOWER, build)
}

fn tower_resilience() -> Entry {
    let build = || {
        let layer = TimeLimiterLayer::builder().timeout_duration(LIMIT).build();
        layer.layer(service_fn(answer))
    };
    served(name::TOWER_RESILIENCE, build)
}

fn seatbelt() -> Entry {
    let build = || {
        let context = seatbelt_context::on_tokio();
        (layer(&context), Execute::new(answer)).into_service()
    };
    executed(name::SEATBELT, build)
}

/// seatbelt's layer, here and in the pipeline.
pub(super) fn layer(
    context: &seatbelt::ResilienceContext<u64, Answer>,
) -> seatbelt::timeout::TimeoutLayer<u64, Answer> {
    seatbelt::timeout::Timeout::layer("timeout", context)
        .timeout(LIMIT)
        .timeout_output(|_| Err(Fault))
}

fn throttle_net() -> Entry {
    let call = async |_: &mut (), input| {
        black_box(throttle_net::resilience::timeout(LIMIT, answer(input)).await).is_ok()
    };
    Entry::new(name::THROTTLE_NET, awaited(|| (), |()| (), call))
}
