//! M6: how much more than burst + rate · time a limiter admits in two seconds of the real clock,
//! with four threads asking as fast as they can.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_resilience_ratelimiter::{RateLimiterLayer, WindowType};

use super::{Care, Cell, Finding, runtime};
use crate::clock;
use crate::measure::OURS;
use crate::ours;
use crate::rivals::rate::{self, Plan};
use crate::rivals::{answer, name};

const PLAN: Plan = Plan { rate: 10_000, burst: 100 };
const THREADS: usize = 4;

type Ask = Box<dyn Fn() -> bool + Send + Sync>;

pub(super) fn find(care: Care) -> Vec<Finding> {
    let length = Duration::from_millis(care.pick(300, 2_000));
    let limiters = limiters().into_iter();
    let cells = limiters.map(|(name, ask)| cell(name, ask.as_ref(), length)).collect();
    let row = format!(
        "over-admission in percent, {THREADS} threads, {length:?}, {} a second, burst {}",
        PLAN.rate, PLAN.burst
    );
    vec![Finding { id: "M6", row, ideal: "at most 0", cells }]
}

fn limiters() -> Vec<(&'static str, Ask)> {
    let ours = ours::rate::direct(PLAN);
    let governor = rate::governor(PLAN);
    let ratelimit = rate::ratelimit(PLAN);
    let rate_net = rate::rate_net(PLAN);
    let better_bucket = rate::better_bucket(PLAN);
    let leaky_bucket = rate::leaky_bucket(PLAN);
    let throttle_net = rate::throttle_net(PLAN);
    vec![
        (OURS, Box::new(move || ours.try_acquire().is_ok())),
        (name::GOVERNOR, Box::new(move || governor.check().is_ok())),
        (name::RATELIMIT, Box::new(move || ratelimit.try_wait().is_ok())),
        (name::RATE_NET, Box::new(move || rate_net.check().is_allow())),
        (name::BETTER_BUCKET, Box::new(move || better_bucket.try_acquire(1))),
        (name::LEAKY_BUCKET, Box::new(move || leaky_bucket.try_acquire(1))),
        (name::THROTTLE_NET, Box::new(move || throttle_net.try_acquire())),
        (name::TOWER_RESILIENCE, tower_resilience()),
    ]
}

/// As a fixed window of 10 ms with 100 calls: the same rate and the same burst.
fn tower_resilience() -> Ask {
    let layer = RateLimiterLayer::builder()
        .limit_for_period(PLAN.burst as usize)
        .refresh_period(Duration::from_millis(u64::from(1_000 * PLAN.burst / PLAN.rate)))
        .timeout_duration(Duration::ZERO)
        .window_type(WindowType::Fixed)
        .build()
        .expect("the plan holds no 0");
    let service = Mutex::new(layer.layer(service_fn(answer)));
    Box::new(move || {
        let clone = service.lock().expect("no clone panics").clone();
        thread_local! {
            static LOCAL: tokio::runtime::Runtime = runtime(false);
        }
        LOCAL.with(|local| local.block_on(clone.oneshot(1))).is_ok()
    })
}

fn cell(name: &'static str, ask: &(dyn Fn() -> bool + Send + Sync), length: Duration) -> Cell {
    let stop = AtomicBool::new(false);
    let admitted = AtomicU64::new(0);
    let start = clock::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    admitted.fetch_add(u64::from(ask()), Ordering::Relaxed);
                }
            });
        }
        clock::pause(length);
        stop.store(true, Ordering::Relaxed);
    });
    let took = clock::since(start).as_secs_f64();
    let bound = f64::from(PLAN.burst) + f64::from(PLAN.rate) * took;
    let over = 100.0 * (admitted.load(Ordering::Relaxed) as f64 / bound - 1.0);
    Cell::new(name, format!("{over:+.2} %"), over <= 0.0)
}
