//! The retry's row: a first attempt that succeeds, so that nothing is retried and nothing waits.
//! Parameters are in `rivals::retry`.

use std::hint::black_box;
use std::sync::Arc;

use backon::Retryable as _;
use layered::{Execute, Stack as _};
use throttle_net::{Retry, RetryAction};
use tower::retry::RetryLayer;
use tower::{Layer as _, service_fn};

use super::{executed, served, through};
use crate::measure::{Answers, Entry, Row, awaited};
use crate::ours;
use crate::rivals::retry::{self, ATTEMPTS, BASE, CAP, TowerPolicy};
use crate::rivals::{Fault, answer, name, seatbelt_context};

pub(super) fn row() -> Row {
    Row {
        name: "retry_happy",
        about: "a first attempt that succeeds under a policy of three attempts",
        answers: Answers::Admitted,
        entries: vec![
            through(ours::policy::retry),
            backon(),
            tokio_retry2(),
            tokio_retry(),
            tryhard(),
            throttle_net(),
            tower(),
            tower_resilience(),
            seatbelt(),
            bare(),
        ],
        our_clock_reads: ours::policy::CLOCK_READS,
        targets: (None, None),
        bare: Some("bare call"),
        loss: "a loop around a call costs nothing while nothing fails. A policy runs the \
               same call machine whether it has one mechanism or all (compare the \
               pipeline): two steps under its lock, each with a reading of the clock, \
               which pay a budget that all its calls share and bound the attempt",
        floor: "",
    }
}

fn bare() -> Entry {
    let call = async |_: &mut (), input| black_box(answer(input).await).is_ok();
    Entry::new("bare call", awaited(|| (), |()| (), call)).reference()
}

fn backon() -> Entry {
    let call = async |policy: &mut backon::ExponentialBuilder, input| {
        black_box((|| answer(input)).retry(*policy).await).is_ok()
    };
    Entry::new(name::BACKON, awaited(retry::backon, |policy| *policy, call))
}

fn tokio_retry2() -> Entry {
    let call = async |_: &mut (), input| {
        let attempt = async || answer(input).await.map_err(tokio_retry2::RetryError::transient);
        let delays = retry::tokio_retry2().take(ATTEMPTS as usize - 1);
        black_box(tokio_retry2::Retry::spawn(delays, attempt).await).is_ok()
    };
    Entry::new(name::TOKIO_RETRY2, awaited(|| (), |()| (), call))
}

fn tokio_retry() -> Entry {
    let call = async |_: &mut (), input| {
        let delays = retry::tokio_retry().take(ATTEMPTS as usize - 1);
        black_box(tokio_retry::Retry::start(delays, || answer(input)).await).is_ok()
    };
    Entry::new(name::TOKIO_RETRY, awaited(|| (), |()| (), call))
}

fn tryhard() -> Entry {
    let call = async |_: &mut (), input| {
        let retry = tryhard::retry_fn(|| answer(input)).retries(ATTEMPTS - 1);
        black_box(retry.exponential_backoff(BASE).max_delay(CAP).await).is_ok()
    };
    Entry::new(name::TRYHARD, awaited(|| (), |()| (), call)).note("knows no jitter")
}

fn throttle_net() -> Entry {
    let call = async |policy: &mut Arc<Retry>, input| {
        let retried = policy.run(|| answer(input), |_: &Fault| RetryAction::Retry);
        black_box(retried.await).is_ok()
    };
    Entry::new(name::THROTTLE_NET, awaited(|| Arc::new(retry::throttle_net()), Arc::clone, call))
}

fn tower() -> Entry {
    let build = || RetryLayer::new(TowerPolicy::new()).layer(service_fn(answer));
    served(name::TOWER, build)
        .note("the policy is written by the user, here around the crate's own backoff")
}

fn tower_resilience() -> Entry {
    let build = || retry::tower_resilience::<Fault>().layer(service_fn(answer));
    served(name::TOWER_RESILIENCE, build)
}

fn seatbelt() -> Entry {
    let build = || {
        let context = seatbelt_context::on_tokio();
        (retry::seatbelt(&context), Execute::new(answer)).into_service()
    };
    executed(name::SEATBELT, build)
}
