//! Retry loops: three attempts in all, exponential backoff from 50 ms to 2 s, full jitter or
//! what the crate has instead. Also Tower's policy, which its users have to write themselves.

use std::time::Duration;

use backon::ExponentialBuilder;
use throttle_net::{Backoff, Jitter, Retry};
use tower::retry::backoff::{
    Backoff as _, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff as _,
};
use tower::util::rng::HasherRng;
use tower_resilience_retry::{ExponentialRandomBackoff, RetryLayer};

use super::Answer;

/// Attempts, the first included.
pub(crate) const ATTEMPTS: u32 = 3;
/// The raw wait before the first retry.
pub(crate) const BASE: Duration = Duration::from_millis(50);
/// No raw wait is longer.
pub(crate) const CAP: Duration = Duration::from_secs(2);

pub(crate) fn backon() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(BASE)
        .with_max_delay(CAP)
        .with_max_times(ATTEMPTS as usize - 1)
        .with_jitter()
}

pub(crate) fn throttle_net() -> Retry {
    Retry::new(throttle_net_backoff(Jitter::Full)).max_attempts(ATTEMPTS)
}

pub(crate) fn throttle_net_backoff(jitter: Jitter) -> Backoff {
    Backoff::exponential(BASE, 2.0).with_max(CAP).with_jitter(jitter)
}

/// The waits of tokio-retry: powers of two milliseconds, stretched to the base.
pub(crate) fn tokio_retry() -> impl Iterator<Item = Duration> {
    tokio_retry::strategy::ExponentialBackoff::from_millis(2)
        .factor(25)
        .max_delay(CAP)
        .map(tokio_retry::strategy::jitter)
}

pub(crate) fn tokio_retry2() -> impl Iterator<Item = Duration> {
    tokio_retry2::strategy::ExponentialFactorBackoff::from_millis(50, 2.0)
        .max_delay(CAP)
        .map(tokio_retry2::strategy::jitter)
}

/// tower-resilience: half the raw wait up or down.
pub(crate) fn tower_resilience_backoff() -> ExponentialRandomBackoff {
    ExponentialRandomBackoff::new(BASE, 0.5).expect("0.5 is in range").max_interval(CAP)
}

pub(crate) fn tower_resilience<E>() -> RetryLayer<u64, u64, E>
where
    E: Send + 'static,
{
    RetryLayer::builder()
        .max_attempts(ATTEMPTS as usize)
        .backoff(tower_resilience_backoff())
        .build()
}

pub(crate) fn tower_backoff(base: Duration, jitter: f64) -> ExponentialBackoffMaker {
    ExponentialBackoffMaker::new(base, CAP.max(base * 8), jitter, HasherRng::default())
        .expect("the base is below the cap")
}

/// A policy as Tower's documentation shows it: attempts left, and the library's backoff.
#[derive(Clone, Debug)]
pub(crate) struct TowerPolicy {
    left: u32,
    backoff: ExponentialBackoff,
}

impl TowerPolicy {
    pub(crate) fn new() -> Self {
        Self { left: ATTEMPTS - 1, backoff: tower_backoff(BASE, 0.99).make_backoff() }
    }
}

impl<Req: Clone, Res, E> tower::retry::Policy<Req, Res, E> for TowerPolicy {
    type Future = tokio::time::Sleep;

    fn retry(&mut self, _: &mut Req, result: &mut Result<Res, E>) -> Option<Self::Future> {
        if result.is_ok() {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        Some(self.backoff.next_backoff())
    }

    fn clone_request(&mut self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }
}

/// seatbelt's layer.
pub(crate) fn seatbelt(
    context: &seatbelt::ResilienceContext<u64, Answer>,
) -> seatbelt::retry::RetryLayer<u64, Answer> {
    seatbelt::retry::Retry::layer("retry", context)
        .max_retry_attempts(ATTEMPTS - 1)
        .base_delay(BASE)
        .max_delay(CAP)
        .clone_input()
        .recovery_with(|output, _| super::seatbelt_context::recovery(output))
}
