//! Breakers: all trip at 50 % failures of the last 100 calls, at least 100 of them, or at what
//! comes nearest to that. Where it is not exact, [`Translation`] says so.

use std::sync::Mutex;
use std::time::Duration;

use circuitbreaker_rs::{BreakerError, CircuitBreaker as BreakerRs, DefaultPolicy};
use failsafe::failure_policy::{
    ConsecutiveFailures, SuccessRateOverTimeWindow, consecutive_failures,
    success_rate_over_time_window,
};
use failsafe::{FailurePolicy, StateMachine, backoff};
use recloser::Recloser;
use reliakit_circuit::RollingBreaker;
use seatbelt::breaker::{Breaker as Seatbelt, BreakerLayer, HalfOpenMode};
use throttle_net::{CircuitBreaker as ThrottleNet, Decision, Limiter, Trip};
use tower_resilience_circuitbreaker::{CircuitBreakerLayer, DefaultClassifier};

use super::{Answer, Fault, seatbelt_context};
use crate::clock;

/// What differs between measurements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How long the breaker stays open.
    pub(crate) cool_down: Duration,
    /// Probes at once, and successes that close it.
    pub(crate) probes: u16,
}

/// Calls in the window, and as few as that are judged.
pub(crate) const WINDOW: u32 = 100;
/// Failures of a full window that trip.
pub(crate) const HALF: u32 = 50;
/// Where the window is one of time.
pub(crate) const PERIOD: Duration = Duration::from_secs(30);

/// A breaker whose calls are closures.
pub(crate) trait Blocking: Send + Sync + 'static {
    /// Runs `operation` if it may; `None` when the breaker rejects.
    fn call(&self, operation: impl FnOnce() -> Answer) -> Option<Answer>;
}

impl Blocking for Recloser {
    fn call(&self, operation: impl FnOnce() -> Answer) -> Option<Answer> {
        match self.call(operation) {
            Ok(value) => Some(Ok(value)),
            Err(recloser::Error::Inner(fault)) => Some(Err(fault)),
            Err(recloser::Error::Rejected) => None,
        }
    }
}

pub(crate) fn recloser(plan: Plan) -> Recloser {
    Recloser::custom()
        .error_rate(0.5)
        .closed_len(WINDOW as usize)
        .half_open_len(usize::from(plan.probes))
        .open_wait(plan.cool_down)
        .build()
}

impl<P: FailurePolicy + Send + Sync + 'static> Blocking for StateMachine<P, ()> {
    fn call(&self, operation: impl FnOnce() -> Answer) -> Option<Answer> {
        match failsafe::CircuitBreaker::call(self, operation) {
            Ok(value) => Some(Ok(value)),
            Err(failsafe::Error::Inner(fault)) => Some(Err(fault)),
            Err(failsafe::Error::Rejected) => None,
        }
    }
}

/// failsafe under its rate policy, with waits that do not grow. It judges once the period is over.
pub(crate) fn failsafe(
    plan: Plan,
) -> StateMachine<SuccessRateOverTimeWindow<backoff::Constant>, ()> {
    let waits = backoff::constant(plan.cool_down);
    let policy = success_rate_over_time_window(0.5, WINDOW, PERIOD, waits);
    failsafe::Config::new().failure_policy(policy).build()
}

/// failsafe under its other policy, which trips at once.
pub(crate) fn failsafe_consecutive(
    plan: Plan,
) -> StateMachine<ConsecutiveFailures<backoff::Constant>, ()> {
    let policy = consecutive_failures(HALF, backoff::constant(plan.cool_down));
    failsafe::Config::new().failure_policy(policy).build()
}

impl Blocking for BreakerRs<DefaultPolicy, Fault> {
    fn call(&self, operation: impl FnOnce() -> Answer) -> Option<Answer> {
        match self.call(operation) {
            Ok(value) => Some(Ok(value)),
            Err(BreakerError::Operation(fault)) => Some(Err(fault)),
            Err(_) => None,
        }
    }
}

pub(crate) fn circuitbreaker_rs(plan: Plan) -> BreakerRs<DefaultPolicy, Fault> {
    BreakerRs::<DefaultPolicy, Fault>::builder()
        .failure_threshold(0.5)
        .min_throughput(u64::from(WINDOW))
        .consecutive_failures(u64::MAX)
        .consecutive_successes(u64::from(plan.probes))
        .cooldown(plan.cool_down)
        .probe_interval(u32::from(plan.probes))
        .build()
}

/// reliakit's breaker takes exclusive access and the time; both come from outside here.
#[derive(Debug)]
pub(crate) struct Reliakit {
    breaker: Mutex<RollingBreaker<{ WINDOW as usize }>>,
    start: std::time::Instant,
}

impl Reliakit {
    fn now(&self) -> u64 {
        u64::try_from(clock::since(self.start).as_micros()).unwrap_or(u64::MAX)
    }
}

impl Blocking for Reliakit {
    fn call(&self, operation: impl FnOnce() -> Answer) -> Option<Answer> {
        let now = self.now();
        if !self.breaker.lock().expect("no call panics under it").allow(now) {
            return None;
        }
        let answer = operation();
        let mut breaker = self.breaker.lock().expect("no call panics under it");
        match answer {
            Ok(_) => breaker.on_success(),
            Err(_) => breaker.on_failure(self.now()),
        }
        Some(answer)
    }
}

pub(crate) fn reliakit(plan: Plan) -> Reliakit {
    let cool_down = u64::try_from(plan.cool_down.as_micros()).unwrap_or(u64::MAX);
    let breaker =
        RollingBreaker::new(HALF, cool_down).with_success_threshold(u32::from(plan.probes));
    Reliakit { breaker: Mutex::new(breaker), start: clock::now() }
}

/// tower-resilience's layer; it guards any service.
pub(crate) fn tower_resilience(plan: Plan) -> CircuitBreakerLayer<DefaultClassifier> {
    CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(WINDOW as usize)
        .minimum_number_of_calls(WINDOW as usize)
        .permitted_calls_in_half_open(usize::from(plan.probes))
        .wait_duration_in_open(plan.cool_down)
        .build()
        .expect("the settings are those of its documentation")
}

/// What seatbelt is told to answer in place of a rejection; no input is as large.
pub(crate) const REJECTED: u64 = u64::MAX;

/// A layer of seatbelt's with all that it must be told.
pub(crate) type SeatbeltLayer<In> = BreakerLayer<In, Answer>;

/// seatbelt's layer. It knows windows of time only, and one probe at a time.
pub(crate) fn seatbelt<In: Send + 'static>(
    plan: Plan,
    context: &seatbelt::ResilienceContext<In, Answer>,
) -> SeatbeltLayer<In> {
    Seatbelt::layer("breaker", context)
        .failure_threshold(0.5)
        .min_throughput(WINDOW)
        .sampling_duration(PERIOD)
        .break_duration(plan.cool_down)
        .half_open_mode(HalfOpenMode::quick())
        .recovery_with(|output, _| seatbelt_context::recovery(output))
        .rejected_input(|_, _| Ok(REJECTED))
}

/// throttle-net's breaker stands over a limiter; this one lets everything pass.
#[derive(Debug)]
pub(crate) struct NoLimit;

impl Limiter for NoLimit {
    fn peek(&self, _: u32) -> Decision {
        Decision::Acquired
    }

    fn acquire_cost(&self, _: u32) -> Decision {
        Decision::Acquired
    }

    fn available(&self) -> u32 {
        u32::MAX
    }

    fn capacity(&self) -> u32 {
        u32::MAX
    }
}

pub(crate) fn throttle_net<L: Limiter>(plan: Plan, limiter: L) -> ThrottleNet<L> {
    ThrottleNet::builder()
        .trip(Trip::Ratio { window: WINDOW, ratio: 0.5, min_calls: WINDOW })
        .cooldown(plan.cool_down)
        .half_open(u32::from(plan.probes), u32::from(plan.probes))
        .build(limiter)
}
