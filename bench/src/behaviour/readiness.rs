//! M16: Tower's contract says that a service is called only after it said it was ready, and by
//! the very value that was asked. The inner service here panics when called otherwise; the first
//! attempt fails or is slow, so that retry and hedge call again.

use std::future::{Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tower::hedge::Hedge;
use tower::retry::RetryLayer;
use tower::{Layer as _, Service, ServiceExt as _};
use tower_resilience_hedge::HedgeLayer;

use super::{Care, Cell, Finding, block_on};
use crate::measure::OURS;
use crate::ours;
use crate::rivals::retry::{self, TowerPolicy};
use crate::rivals::{Answer, Fault, name, seatbelt_context};
use crate::speed::Always;

/// Well before the slow service answers.
const DELAY: Duration = Duration::from_millis(10);

/// Panics when called without having said it was ready; a clone is not ready.
#[derive(Debug, Default)]
struct Strict {
    ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false }
    }
}

impl Strict {
    fn take_readiness(&mut self) {
        assert!(self.ready, "called before it was ready");
        self.ready = false;
    }
}

/// Fails every attempt.
#[derive(Clone, Debug, Default)]
struct Failing(Strict);

impl Service<u64> for Failing {
    type Response = u64;
    type Error = Fault;
    type Future = Ready<Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.0.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u64) -> Self::Future {
        self.0.take_readiness();
        ready(Err(Fault))
    }
}

/// Answers after a tenth of a second.
#[derive(Clone, Debug, Default)]
struct Slow(Strict);

impl Service<u64> for Slow {
    type Response = u64;
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.0.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, input: u64) -> Self::Future {
        self.0.take_readiness();
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(input)
        })
    }
}

pub(super) fn find(_: Care) -> Vec<Finding> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let retries = retries();
    let hedges = hedges();
    std::panic::set_hook(hook);
    let ideal = "no panic";
    vec![
        Finding { id: "M16", row: "retry of a strict service".to_owned(), ideal, cells: retries },
        Finding { id: "M16", row: "hedge of a strict service".to_owned(), ideal, cells: hedges },
    ]
}

fn retries() -> Vec<Cell> {
    vec![
        cell(OURS, || ours::policy::retry().layer().layer(Failing::default())),
        cell(name::TOWER, || RetryLayer::new(TowerPolicy::new()).layer(Failing::default())),
        cell(name::TOWER_RESILIENCE, || {
            retry::tower_resilience::<Fault>().layer(Failing::default())
        }),
        cell(name::SEATBELT, || {
            let context = seatbelt_context::on_tokio();
            layered::Layer::layer(&retry::seatbelt(&context), Failing::default())
        }),
        Cell::absent(name::THROTTLE_NET, "no layer that retries"),
    ]
}

fn hedges() -> Vec<Cell> {
    vec![
        cell(OURS, || ours::policy::hedge(DELAY).layer().layer(Slow::default())),
        cell(name::TOWER, || {
            let fast = [1; 1_000];
            let window = Duration::from_secs(60);
            Hedge::new_with_mock_latencies(Slow::default(), Always, 10, 0.95, window, &fast)
        }),
        cell(name::TOWER_RESILIENCE, || {
            let layer = HedgeLayer::builder().delay(DELAY);
            layer.max_hedged_attempts(2).build().layer(Slow::default())
        }),
        cell(name::SEATBELT, || {
            let context = seatbelt_context::on_tokio();
            let layer = seatbelt::hedging::Hedging::layer("hedging", &context)
                .hedging_delay(DELAY)
                .max_hedged_attempts(1)
                .clone_input()
                .recovery_with(|output: &Answer, _| seatbelt_context::recovery(output));
            layered::Layer::layer(&layer, Slow::default())
        }),
        Cell::absent(name::THROTTLE_NET, "no layer that hedges"),
    ]
}

fn cell<S: Service<u64>>(name: &'static str, service: impl FnOnce() -> S) -> Cell {
    let run = || {
        // In real time, since seatbelt's clock knows no other; the waits are short.
        block_on(async {
            let mut service = service();
            let Ok(ready) = service.ready().await else { return };
            drop(ready.call(1).await);
        });
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(()) => Cell::new(name, "kept", true),
        Err(_) => Cell::new(name, "called before ready", false),
    }
}
