//! The hedge's row: the first attempt answers at once, so no hedge is sent.

use std::hint::black_box;
use std::time::Duration;

use layered::{Execute, Stack as _};
use tower::hedge::{Hedge, Policy};
use tower::{Layer as _, ServiceBuilder, service_fn};
use tower_resilience_hedge::HedgeLayer;

use super::{call_ready, executed, served, through};
use crate::measure::{Answers, Entry, Row, awaited};
use crate::ours;
use crate::rivals::{Answer, answer, name, seatbelt_context};

const DELAY: Duration = Duration::from_millis(100);

pub(super) fn row() -> Row {
    Row {
        name: "hedge_idle",
        about: "a first attempt that is ready at once under a hedge after 100 ms",
        answers: Answers::Admitted,
        entries: vec![
            through(|| ours::policy::hedge(DELAY)),
            tower(),
            tower_resilience(),
            seatbelt(),
            throttle_net(),
            bare(),
        ],
        our_clock_reads: ours::policy::CLOCK_READS,
        targets: (None, None),
        bare: Some("bare call"),
        loss: "throttle-net polls the first attempt before it looks at the clock, learns \
               no latencies and bounds no hedges (M13), as tower and seatbelt do not; a \
               policy runs its whole call machine, two steps under its lock",
        floor: "",
    }
}

fn bare() -> Entry {
    let call = async |_: &mut (), input| black_box(answer(input).await).is_ok();
    Entry::new("bare call", awaited(|| (), |()| (), call)).reference()
}

/// Every request may be hedged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Always;

impl<Req: Clone> Policy<Req> for Always {
    fn clone_request(&self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }

    fn can_retry(&self, _: &Req) -> bool {
        true
    }
}

fn tower() -> Entry {
    let seat = |_: &()| {
        let service = ServiceBuilder::new().service(service_fn(answer));
        Hedge::new(service, Always, 10, 0.95, Duration::from_secs(10))
    };
    let call = async |service: &mut _, input| black_box(call_ready(service, input).await).is_ok();
    Entry::new(name::TOWER, awaited(|| (), seat, call))
        .exclusive()
        .note("hedges after a percentile of past latencies; no Clone, so no row of two threads")
}

fn tower_resilience() -> Entry {
    let build = || {
        let layer = HedgeLayer::builder().delay(DELAY).max_hedged_attempts(2).build();
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

fn layer(
    context: &seatbelt::ResilienceContext<u64, Answer>,
) -> seatbelt::hedging::HedgingLayer<u64, Answer> {
    seatbelt::hedging::Hedging::layer("hedging", context)
        .hedging_delay(DELAY)
        .max_hedged_attempts(1)
        .clone_input()
        .recovery_with(|output, _| seatbelt_context::recovery(output))
}

fn throttle_net() -> Entry {
    let call = async |_: &mut (), input| {
        black_box(throttle_net::resilience::hedge(DELAY, || answer(input)).await).is_ok()
    };
    Entry::new(name::THROTTLE_NET, awaited(|| (), |()| (), call))
}
