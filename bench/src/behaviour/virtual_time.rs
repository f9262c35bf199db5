//! M17: whether tests in virtual time reach the end of a cool-down, or the next token of a
//! limiter, without waiting. Paused runtime time first; where that does nothing, a clock that the
//! crate lets its users put in.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter as Governor};
use rate_net::RateLimiter as RateNet;
use seawall::mechanism::RateLimiter;
use throttle_net::{CircuitBreaker, ManualClock, TokioClock, Trip};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use super::{Care, Cell, Finding, block_on_paused};
use crate::clock;
use crate::measure::OURS;
use crate::ours;
use crate::rivals::breaker::{self, Blocking, NoLimit, Plan, WINDOW};
use crate::rivals::{Answer, Fault, answer, name};

const COOL_DOWN: Duration = Duration::from_secs(600);
const PLAN: Plan = Plan { cool_down: COOL_DOWN, probes: 1 };

pub(super) fn find(_: Care) -> Vec<Finding> {
    let ideal = "paused runtime time, or an injected clock";
    vec![
        Finding { id: "M17", row: "breaker's cool-down".to_owned(), ideal, cells: breakers() },
        Finding { id: "M17", row: "limiter's refill".to_owned(), ideal, cells: limiters() },
    ]
}

fn runtime(name: &'static str, follows: bool) -> Cell {
    let value = if follows { "paused runtime time" } else { "no: real time only" };
    Cell::new(name, value, follows)
}

fn injected(name: &'static str, follows: bool) -> Cell {
    let value = if follows { "an injected clock" } else { "no" };
    Cell::new(name, value, follows)
}

fn breakers() -> Vec<Cell> {
    vec![
        runtime(OURS, blocking(&ours::breaker::new(PLAN))),
        runtime(name::TOWER_RESILIENCE, block_on_paused(tower_resilience())),
        Cell::new(name::SEATBELT, "a control of its clock (read, not run); paused time: no", true),
        injected(name::THROTTLE_NET, block_on_paused(throttle_net())),
        runtime(name::RECLOSER, blocking(&breaker::recloser(PLAN))),
        runtime(name::FAILSAFE, blocking(&breaker::failsafe_consecutive(PLAN))),
        runtime(name::BREAKER_RS, blocking(&breaker::circuitbreaker_rs(PLAN))),
        Cell::new(name::RELIAKIT, "time is an argument", true),
    ]
}

/// Trips it, lets virtual time pass, and asks again.
fn blocking(breaker: &impl Blocking) -> bool {
    block_on_paused(async {
        for _ in 0..2 * WINDOW {
            let _answer = breaker.call(|| Err(Fault));
        }
        tokio::time::sleep(2 * COOL_DOWN).await;
        breaker.call(|| Ok(1)).is_some()
    })
}

async fn tower_resilience() -> bool {
    let mut service = breaker::tower_resilience(PLAN).layer(service_fn(answer));
    service.force_open().await;
    tokio::time::sleep(2 * COOL_DOWN).await;
    let Ok(ready) = service.ready().await else { return false };
    ready.call(1).await.is_ok()
}

async fn throttle_net() -> bool {
    let breaker = CircuitBreaker::builder().trip(Trip::Consecutive(1)).cooldown(COOL_DOWN);
    let breaker = breaker.build(NoLimit).with_clock(TokioClock::new());
    drop(breaker.call(|| async { Answer::Err(Fault) }).await);
    tokio::time::sleep(2 * COOL_DOWN).await;
    breaker.call(|| async { Answer::Ok(1) }).await.is_ok()
}

fn limiters() -> Vec<Cell> {
    vec![
        runtime(OURS, block_on_paused(ours_limits())),
        injected(name::GOVERNOR, governor()),
        Cell::new(name::RATELIMIT, "an injected clock, by its trait", true),
        injected(name::RATE_NET, rate_net()),
        Cell::new(name::BETTER_BUCKET, "an injected clock, the same as rate-net's", true),
        runtime(name::LEAKY_BUCKET, leaky_bucket()),
        runtime(name::TOWER_RESILIENCE, limiter_of_tower_resilience()),
    ]
}

async fn ours_limits() -> bool {
    let quota = ours::rate::once_in(COOL_DOWN);
    let limiter = RateLimiter::new(quota).expect("the period is in range");
    let first = limiter.try_acquire().is_ok() && limiter.try_acquire().is_err();
    tokio::time::sleep(COOL_DOWN).await;
    first && limiter.try_acquire().is_ok()
}

fn governor() -> bool {
    let time = FakeRelativeClock::default();
    let quota = Quota::with_period(COOL_DOWN).expect("not 0").allow_burst(NonZeroU32::MIN);
    let limiter = Governor::direct_with_clock(quota, time.clone());
    let first = limiter.check().is_ok() && limiter.check().is_err();
    time.advance(COOL_DOWN);
    first && limiter.check().is_ok()
}

fn rate_net() -> bool {
    let time = Arc::new(ManualClock::new());
    let limiter = RateNet::builder().quota(1, COOL_DOWN).build().with_clock(Arc::clone(&time));
    let first = limiter.check("k").is_allow() && !limiter.check("k").is_allow();
    time.advance(COOL_DOWN);
    first && limiter.check("k").is_allow()
}

fn leaky_bucket() -> bool {
    block_on_paused(async {
        let limiter =
            leaky_bucket::RateLimiter::builder().max(1).initial(1).interval(COOL_DOWN).build();
        let first = limiter.try_acquire(1) && !limiter.try_acquire(1);
        let real = clock::now();
        limiter.acquire_one().await;
        first && clock::since(real) < COOL_DOWN / 10
    })
}

fn limiter_of_tower_resilience() -> bool {
    block_on_paused(async {
        let layer = tower_resilience_ratelimiter::RateLimiterLayer::builder()
            .limit_for_period(1)
            .refresh_period(COOL_DOWN)
            .timeout_duration(Duration::ZERO)
            .build()
            .expect("the limit is not 0");
        let mut service = layer.layer(service_fn(answer));
        let first = service.ready().await.is_ok() && service.call(1).await.is_ok();
        tokio::time::sleep(2 * COOL_DOWN).await;
        first && service.ready().await.is_ok() && service.call(1).await.is_ok()
    })
}
