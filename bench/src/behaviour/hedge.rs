//! M13: when every answer is slower than the hedge's delay, hedging everything doubles the load
//! on a service that is slow already. One thousand calls in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use layered::{Execute, Service as _, Stack as _};
use tower::hedge::Hedge;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_resilience_hedge::HedgeLayer;

use super::{Care, Cell, Finding, block_on, block_on_paused};
use crate::measure::OURS;
use crate::ours;
use crate::rivals::{Answer, name, seatbelt_context};
use crate::speed::Always;

const CALLS: u32 = 1_000;
/// For seatbelt, whose clock is real.
const FEW: u32 = 30;
const DELAY: Duration = Duration::from_millis(10);
const SLOW: Duration = Duration::from_millis(100);

/// Counts attempts, all of them slow.
#[derive(Clone, Default)]
struct Slow(Arc<AtomicU32>);

impl Slow {
    async fn answer(self, input: u64) -> Answer {
        self.0.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(SLOW).await;
        Ok(input)
    }
}

pub(super) fn find(_: Care) -> Vec<Finding> {
    let cells = vec![
        cell(OURS, CALLS, |slow| block_on_paused(ours(slow))),
        cell(name::TOWER, CALLS, |slow| block_on_paused(tower(slow))),
        cell(name::TOWER_RESILIENCE, CALLS, |slow| block_on_paused(tower_resilience(slow))),
        cell(name::SEATBELT, FEW, |slow| block_on(seatbelt(slow))),
        cell(name::THROTTLE_NET, CALLS, |slow| block_on_paused(throttle_net(slow))),
    ];
    let row = "extra attempts when every answer is ten times slower than the delay".to_owned();
    vec![Finding { id: "M13", row, ideal: "bounded by a budget, say 20 %", cells }]
}

fn cell(name: &'static str, calls: u32, run: impl Fn(Slow)) -> Cell {
    let slow = Slow::default();
    run(slow.clone());
    let attempts = slow.0.load(Ordering::Relaxed);
    let extra = 100.0 * (f64::from(attempts) / f64::from(calls) - 1.0);
    Cell::new(name, format!("{extra:.0} %"), extra <= 25.0)
}

/// Within the budget that it has unless told otherwise.
async fn ours(slow: Slow) {
    let policy = ours::policy::hedge(DELAY);
    for input in 0..u64::from(CALLS) {
        drop(policy.call(|_| slow.clone().answer(input)).await);
    }
}

/// Hedges after the 95th percentile of the past: told of fast answers before they slowed down.
async fn tower(slow: Slow) {
    let service = service_fn(move |input| slow.clone().answer(input));
    let fast = [1; 1_000];
    let window = Duration::from_secs(3_600);
    let mut hedge = Hedge::new_with_mock_latencies(service, Always, 10, 0.95, window, &fast);
    for input in 0..u64::from(CALLS) {
        let ready = hedge.ready().await.expect("always ready");
        drop(ready.call(input).await);
    }
}

async fn tower_resilience(slow: Slow) {
    let layer = HedgeLayer::builder().delay(DELAY).max_hedged_attempts(2).build();
    let mut service = layer.layer(service_fn(move |input| slow.clone().answer(input)));
    for input in 0..u64::from(CALLS) {
        let ready = service.ready().await.expect("always ready");
        drop(ready.call(input).await);
    }
}

async fn seatbelt(slow: Slow) {
    let context = seatbelt_context::on_tokio();
    let layer = seatbelt::hedging::Hedging::layer("hedging", &context)
        .hedging_delay(DELAY)
        .max_hedged_attempts(1)
        .clone_input()
        .recovery_with(|output, _| seatbelt_context::recovery(output));
    let service = (layer, Execute::new(move |input| slow.clone().answer(input))).into_service();
    for input in 0..u64::from(FEW) {
        drop(service.execute(input).await);
    }
}

async fn throttle_net(slow: Slow) {
    for input in 0..u64::from(CALLS) {
        let attempt = || slow.clone().answer(input);
        drop(throttle_net::resilience::hedge(DELAY, attempt).await);
    }
}
