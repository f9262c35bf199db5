//! The check finds each breach in a layer that commits it, and nothing in those that do not: ours,
//! and Tower's own.

#![expect(clippy::disallowed_methods, reason = "tasks of tests end with their runtime")]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tower::limit::ConcurrencyLimitLayer;
use tower::{Service, ServiceExt};
use tower_layer::{Identity, Layer, layer_fn};

use super::{Breach, Breaches, Probe, ProbeError, Request, Response, check};
use crate::mechanism::{AdaptiveLimit, Brownout, BrownoutSettings, KeyedBreaker, Level, Throttle};
use crate::{
    BackoffSettings, BreakerSettings, BulkheadSettings, Hedge, Importance, LimitSettings,
    PolicyBuilder, Retry, ThrottleSettings, only,
};

type Answered = Pin<Box<dyn Future<Output = Result<Response, ProbeError>> + Send>>;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A service made of two functions, over any inner one.
#[derive(Clone)]
struct Made<F, G> {
    inner: Probe,
    poll: F,
    call: G,
}

impl<F, G> Service<Request> for Made<F, G>
where
    F: Fn(&mut Probe, &mut Context<'_>) -> Poll<Result<(), ProbeError>>,
    G: Fn(&mut Probe, Request) -> Answered,
{
    type Response = Response;
    type Error = ProbeError;
    type Future = Answered;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ProbeError>> {
        (self.poll)(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request) -> Answered {
        (self.call)(&mut self.inner, request)
    }
}

async fn check_made<F, G>(poll: F, call: G) -> Breaches
where
    F: Fn(&mut Probe, &mut Context<'_>) -> Poll<Result<(), ProbeError>> + Clone,
    G: Fn(&mut Probe, Request) -> Answered + Clone,
{
    let make = || layer_fn(|inner| Made { inner, poll: poll.clone(), call: call.clone() });
    check(make).await.expect_err("the layer breaks the contract")
}

fn forward(inner: &mut Probe, cx: &mut Context<'_>) -> Poll<Result<(), ProbeError>> {
    inner.poll_ready(cx)
}

fn pass(inner: &mut Probe, request: Request) -> Answered {
    Box::pin(inner.call(request))
}

#[tokio::test(start_paused = true)]
async fn layers_that_do_nothing_wrong_pass() {
    check(Identity::new).await.unwrap();
    check(|| ConcurrencyLimitLayer::new(1)).await.unwrap();
    check(|| layer_fn(tower::util::BoxCloneService::new)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_without_readiness_is_found() {
    let found = check_made(|_, _| Poll::Ready(Ok(())), pass).await;
    assert!(found.contains(Breach::CalledUnready), "{found}");
}

#[tokio::test(start_paused = true)]
async fn m16_a_fresh_clone_that_is_called_is_found() {
    let found = check_made(forward, |inner, request| pass(&mut inner.clone(), request)).await;
    assert!(found.contains(Breach::BorrowedReadiness), "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_polls_only_once_is_found() {
    let retry = |inner: &mut Probe, request: Request| -> Answered {
        let clone = inner.clone();
        let mut ready = std::mem::replace(inner, clone);
        Box::pin(async move {
            match ready.call(request.clone()).await {
                Ok(response) => Ok(response),
                Err(_) => ready.call(request).await,
            }
        })
    };
    let found = check_made(forward, retry).await;
    assert_eq!(found.iter().collect::<Vec<_>>(), [Breach::CalledUnready; 2], "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_value_used_after_its_error_is_found() {
    let again = |inner: &mut Probe, cx: &mut Context<'_>| match inner.poll_ready(cx) {
        Poll::Ready(Err(_)) => inner.poll_ready(cx),
        other => other,
    };
    let found = check_made(again, pass).await;
    assert!(found.contains(Breach::UsedAfterError), "{found}");
}

#[tokio::test(start_paused = true)]
async fn readiness_that_an_idle_value_keeps_is_found() {
    /// Becomes ready for the next call as soon as one is over.
    fn eager(inner: &mut Probe, request: Request) -> Answered {
        let response = inner.call(request);
        let mut next = inner.clone();
        Box::pin(async move {
            let result = response.await;
            // Kept for ever.
            tokio::spawn(async move {
                let _ready = next.ready().await;
                std::future::pending::<()>().await;
            });
            tokio::task::yield_now().await;
            result
        })
    }
    let found = check_made(forward, eager).await;
    assert!(found.contains(Breach::LeakedReadiness), "{found}");
    assert!(found.contains(Breach::Stuck), "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_outlives_its_caller_is_found() {
    let detached = |inner: &mut Probe, request: Request| -> Answered {
        let response = inner.call(request);
        let task = tokio::spawn(async move {
            tokio::time::sleep(ms(5)).await;
            response.await
        });
        Box::pin(async move { task.await.expect("no panic") })
    };
    let found = check_made(forward, detached).await;
    assert!(found.contains(Breach::LeakedCall), "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_wake_is_found() {
    let deaf = |inner: &mut Probe, _: &mut Context<'_>| {
        inner.poll_ready(&mut Context::from_waker(std::task::Waker::noop()))
    };
    let found = check_made(deaf, pass).await;
    assert!(found.contains(Breach::LostWake), "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_wakes_is_found() {
    let busy = |inner: &mut Probe, cx: &mut Context<'_>| {
        cx.waker().wake_by_ref();
        inner.poll_ready(cx)
    };
    let found = check_made(busy, pass).await;
    assert!(found.contains(Breach::SpuriousWakes), "{found}");
}

async fn passes(policy: impl Fn() -> PolicyBuilder) {
    check(|| policy().build().unwrap().layer()).await.unwrap();
    check(|| policy().build().unwrap().layer().once()).await.unwrap();
    let fallback = |_: crate::Why<'_, ProbeError>| Some(Response(0));
    check(|| policy().build().unwrap().layer().fallback(fallback)).await.unwrap();
}

fn quick_retry() -> Retry {
    Retry::attempts(3).backoff(BackoffSettings { base: ms(1), ..BackoffSettings::transient() })
}

#[tokio::test(start_paused = true)]
async fn t178_each_layer_of_ours_passes() {
    let bulkhead = BulkheadSettings { permits: 1, queue: 8, ..BulkheadSettings::default() };
    passes(only::nothing).await;
    passes(|| only::timeout(ms(100))).await;
    passes(|| only::retry(quick_retry()).idempotent()).await;
    passes(|| only::hedge(Hedge::after(ms(1))).idempotent()).await;
    passes(|| only::breaker(BreakerSettings::for_endpoint())).await;
    passes(|| only::bulkhead(bulkhead)).await;
}

#[tokio::test(start_paused = true)]
async fn t178_each_layer_of_a_mechanism_that_stands_alone_passes() {
    let limit = || AdaptiveLimit::new(LimitSettings::default()).unwrap();
    check(|| limit().layer()).await.unwrap();
    let throttle = || Throttle::new(ThrottleSettings::default()).unwrap();
    check(|| throttle().layer(Importance::Normal)).await.unwrap();
    let breakers = || KeyedBreaker::<u64>::new(BreakerSettings::for_endpoint()).unwrap();
    check(|| breakers().layer(|_: &Request| 7_u64)).await.unwrap();
    let brownout = Brownout::new(BrownoutSettings::default()).unwrap();
    let feature = brownout.feature("all", Level::Static).unwrap();
    check(|| feature.layer()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn t178_a_whole_policy_passes() {
    passes(|| {
        let bulkhead = BulkheadSettings { permits: 2, queue: 8, ..BulkheadSettings::default() };
        crate::Policy::builder()
            .total_timeout(ms(5_000))
            .retry(quick_retry())
            .hedge(Hedge::after(ms(1)))
            .idempotent()
            .breaker(BreakerSettings::for_upstream())
            .bulkhead(bulkhead)
            .endpoints(["a", "b"])
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn t178_layers_of_ours_pass_in_a_stack() {
    struct Two<A, B>(A, B);
    impl<S, A: Layer<S>, B: Layer<A::Service>> Layer<S> for Two<A, B> {
        type Service = B::Service;
        fn layer(&self, inner: S) -> B::Service {
            self.1.layer(self.0.layer(inner))
        }
    }
    check(|| {
        let retry = only::retry(quick_retry()).idempotent().build().unwrap();
        let limit = ConcurrencyLimitLayer::new(1);
        let timeout = only::timeout(ms(100)).build().unwrap();
        Two(Two(timeout.layer(), limit), retry.layer())
    })
    .await
    .unwrap();
}
