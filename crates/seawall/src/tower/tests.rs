//! Poll by poll, with Tower's own mocks: what reaches the inner service, and when it is let go.

#![expect(clippy::disallowed_methods, reason = "tasks of tests end with their runtime")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{ServiceBuilder, ServiceExt};
use tower_service::Service;
use tower_test::mock::{self, Handle, Mock};

use crate::mechanism::{AdaptiveLimit, Brownout, BrownoutSettings, KeyedBreaker, Level, Throttle};
use crate::tower::Replay;
use crate::{
    Attempt, BackoffSettings, BreakerSettings, BulkheadSettings, Error, Hedge, Importance, Jitter,
    LimitSettings, Manual, Policy, PolicyBuilder, Ratio, Reason, Retry, ThrottleSettings, only,
};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Retries after exactly 100 ms, 200 ms.
fn steady(attempts: u32) -> Retry {
    let backoff =
        BackoffSettings { base: ms(100), jitter: Jitter::None, ..BackoffSettings::transient() };
    Retry::attempts(attempts).backoff(backoff)
}

/// A request that counts its clones.
#[derive(Debug, Default)]
struct Counted(Arc<AtomicU32>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&self.0))
    }
}

type Inner<Req> = (Mock<Req, u32>, Handle<Req, u32>);

/// A mock that becomes ready only when its handle allows it.
fn gated<Req>() -> Inner<Req> {
    let (mock, mut handle) = mock::pair();
    handle.allow(0);
    (mock, handle)
}

async fn clones_of(policy: PolicyBuilder, answers: &[Option<u32>]) -> (u32, bool) {
    let (mock, mut handle) = mock::pair::<Counted, u32>();
    let mut service = tower_layer::Layer::layer(&policy.build().unwrap().layer(), mock);
    let clones = Arc::new(AtomicU32::new(0));
    let call = service.call(Counted(Arc::clone(&clones)));
    let serve = async {
        for answer in answers {
            let (_request, respond) = handle.next_request().await.expect("an attempt");
            match answer {
                Some(value) => respond.send_response(*value),
                None => respond.send_error("down"),
            }
        }
    };
    let (result, ()) = tokio::join!(call, serve);
    (clones.load(Ordering::SeqCst), result.is_ok())
}

#[tokio::test(start_paused = true)]
async fn t58_a_request_is_not_cloned_when_nothing_can_follow() {
    let plain = || Policy::builder().idempotent();
    assert_eq!(clones_of(plain(), &[Some(1)]).await, (0, true));
    assert_eq!(clones_of(plain(), &[None]).await, (0, false));
    assert_eq!(clones_of(plain().retry(steady(1)), &[None]).await, (0, false));
}

#[tokio::test(start_paused = true)]
async fn t58_a_request_is_cloned_for_each_attempt_but_the_last() {
    let three = || Policy::builder().idempotent().retry(steady(3));
    assert_eq!(clones_of(three(), &[Some(1)]).await, (1, true));
    assert_eq!(clones_of(three(), &[None, Some(1)]).await, (2, true));
    assert_eq!(clones_of(three(), &[None, None, Some(1)]).await, (2, true));
    assert_eq!(clones_of(three(), &[None, None, None]).await, (2, false));
}

#[tokio::test(start_paused = true)]
async fn t48_each_attempt_waits_for_readiness_of_its_own() {
    let policy = only::retry(steady(2)).idempotent().build().unwrap();
    let (mock, mut handle) = gated::<&str>();
    let mut service = tower_layer::Layer::layer(&policy.layer(), mock);
    let mut call = task::spawn(service.call("a"));
    assert_pending!(call.poll());
    handle.allow(1);
    assert!(call.is_woken(), "readiness wakes the caller");
    assert_pending!(call.poll());
    handle.next_request().await.unwrap().1.send_error("down");
    assert!(call.is_woken());
    assert_pending!(call.poll());
    assert!(!call.is_woken(), "nothing happens until the backoff ends");
    tokio::time::advance(ms(101)).await;
    assert!(call.is_woken());
    assert_pending!(call.poll());
    assert!(!call.is_woken(), "the second attempt is not ready yet");
    handle.allow(1);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    handle.next_request().await.unwrap().1.send_response(7);
    assert_eq!(assert_ready_ok!(call.poll()), 7);
}

#[tokio::test(start_paused = true)]
async fn t103_polling_the_service_reserves_nothing_in_the_inner_one() {
    let policy = Policy::builder().breaker(BreakerSettings::for_upstream()).build().unwrap();
    let inner = tower::limit::ConcurrencyLimit::new(
        tower::service_fn(|_: ()| async { Ok::<_, String>(1) }),
        1,
    );
    let mut first = tower_layer::Layer::layer(&policy.layer(), inner);
    let mut second = first.clone();
    let mut ready = task::spawn(std::future::poll_fn(|cx| first.poll_ready(cx)));
    assert_ready_ok!(ready.poll());
    // The first one is ready and never called; the only place is free all the same.
    assert_eq!(second.call(()).await, Ok(1));
    policy.force_breaker(Manual::ForcedOpen);
    let refused = second.call(()).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::BreakerOpen);
    policy.force_breaker(Manual::Auto);
    assert_eq!(second.call(()).await, Ok(1), "a refused call kept no place");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_the_wait_for_readiness() {
    let policy = only::timeout(ms(50)).build().unwrap();
    let (mock, _handle) = gated::<()>();
    let mut service = tower_layer::Layer::layer(&policy.layer(), mock);
    let result = service.call(()).await;
    assert!(matches!(result, Err(Error::TimedOut { attempts: 1, .. })), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn an_error_arrives_as_the_value_that_it_was() {
    #[derive(Debug, PartialEq)]
    struct Broken(u32);
    let policy = Policy::builder().build().unwrap();
    let inner = tower::service_fn(|number: u32| async move { Err::<(), _>(Broken(number)) });
    let mut service = tower_layer::Layer::layer(&policy.layer(), inner);
    let error = service.call(7).await.unwrap_err();
    assert_eq!(error.into_error(), Some(Broken(7)));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_readiness_is_that_of_an_attempt() {
    #[derive(Clone)]
    struct NeverReady(Arc<AtomicU32>);
    impl Service<u32> for NeverReady {
        type Response = u32;
        type Error = &'static str;
        type Future = std::future::Ready<Result<u32, &'static str>>;
        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), &'static str>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            std::task::Poll::Ready(Err("not ready"))
        }
        fn call(&mut self, _: u32) -> Self::Future {
            panic!("called without being ready");
        }
    }
    let policy = only::retry(steady(2)).idempotent().build().unwrap();
    let polls = Arc::new(AtomicU32::new(0));
    let inner = NeverReady(Arc::clone(&polls));
    let mut service = tower_layer::Layer::layer(&policy.layer(), inner);
    let result = service.call(1).await;
    let Err(Error::Failed { error, attempts, .. }) = result else { panic!("{result:?}") };
    assert_eq!((error, attempts, polls.load(Ordering::SeqCst)), ("not ready", 2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_copied_is_sent_once() {
    struct Body(Vec<u8>);
    let policy = Policy::builder().retry(steady(3)).idempotent().hedge(Hedge::after(ms(1)));
    let policy = policy.build().unwrap();
    let (mock, mut handle) = mock::pair::<Body, u32>();
    let mut service = tower_layer::Layer::layer(&policy.layer().once(), mock);
    let serve = async {
        let (Body(bytes), respond) = handle.next_request().await.unwrap();
        assert_eq!(bytes, b"all of it");
        tokio::time::sleep(ms(20)).await;
        respond.send_error("down");
    };
    let (result, ()) = tokio::join!(service.call(Body(b"all of it".to_vec())), serve);
    let Err(Error::Failed { reason, attempts, .. }) = result else { panic!("{result:?}") };
    assert_eq!((reason, attempts), (Reason::ReplayOverflow, 1));
}

#[tokio::test(start_paused = true)]
async fn a_closure_decides_which_requests_are_sent_again() {
    let policy = Policy::builder().retry(steady(3)).idempotent().build().unwrap();
    let (mock, mut handle) = mock::pair::<u32, u32>();
    let even = |request: &u32| request.is_multiple_of(2).then_some(*request);
    let mut service = tower_layer::Layer::layer(&policy.layer().replay(even), mock);
    let serve = async {
        for _ in 0..4 {
            handle.next_request().await.unwrap().1.send_error("down");
        }
    };
    let calls = async {
        let odd = service.call(1).await.unwrap_err();
        let even = service.call(2).await.unwrap_err();
        (odd.reason(), odd.attempts(), even.reason(), even.attempts())
    };
    let (seen, ()) = tokio::join!(calls, serve);
    assert_eq!(seen, (Reason::ReplayOverflow, 1, Reason::AttemptsExhausted, 3));
}

#[tokio::test(start_paused = true)]
async fn requests_say_themselves_whether_they_may_be_repeated() {
    #[derive(Clone)]
    struct Stamped;
    impl Replay<String> for Stamped {
        fn copy(&self, request: &String) -> Option<String> {
            Some(request.clone())
        }
        fn stamp(&self, request: &mut String, attempt: &Attempt) {
            request.push_str(&format!(" #{}", attempt.number()));
        }
        fn is_idempotent(&self, request: &String) -> Option<bool> {
            Some(request.starts_with("GET"))
        }
    }
    let policy = Policy::builder().retry(steady(2)).build().unwrap();
    let (mock, mut handle) = mock::pair::<String, u32>();
    let mut service = tower_layer::Layer::layer(&policy.layer().replay(Stamped), mock);
    let serve = async {
        let mut seen = Vec::new();
        for _ in 0..3 {
            let (request, respond) = handle.next_request().await.unwrap();
            seen.push(request);
            respond.send_error("down");
        }
        seen
    };
    let calls = async {
        let _post = service.call("POST".to_owned()).await;
        let _get = service.call("GET".to_owned()).await;
    };
    let ((), seen) = tokio::join!(calls, serve);
    assert_eq!(seen, ["POST #1", "GET #1", "GET #2"]);
}

#[tokio::test(start_paused = true)]
async fn a_loser_of_a_hedge_is_dropped_before_the_winner_is_handed_on() {
    let policy = only::hedge(Hedge::after(ms(10)).share(Ratio::ONE)).idempotent();
    let policy = policy.build().unwrap();
    let (mock, mut handle) = mock::pair::<u32, u32>();
    let mut service = tower_layer::Layer::layer(&policy.layer(), mock);
    let mut call = task::spawn(service.call(1));
    assert_pending!(call.poll());
    let (_, slow) = handle.next_request().await.unwrap();
    tokio::time::advance(ms(11)).await;
    assert_pending!(call.poll());
    let (_, quick) = handle.next_request().await.unwrap();
    quick.send_response(2);
    assert_eq!(assert_ready_ok!(call.poll()), 2);
    slow.send_response(1);
    assert_eq!(policy.snapshot().outcomes.abandoned, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_permit_holds_no_readiness() {
    let bulkhead = BulkheadSettings { permits: 1, queue: 4, ..BulkheadSettings::default() };
    let policy = only::bulkhead(bulkhead).build().unwrap();
    let (mock, mut handle) = gated::<u32>();
    let service = tower_layer::Layer::layer(&policy.layer(), mock);
    let mut first = pin!(service.clone().call(1));
    let mut second = task::spawn(service.clone().call(2));
    handle.allow(2);
    tokio::select! {
        biased;
        _ = &mut first => panic!("nobody answered"),
        (_, respond) = async { handle.next_request().await.unwrap() } => {
            assert_pending!(second.poll());
            assert_eq!(policy.snapshot().bulkhead.queued, 1);
            respond.send_response(1);
        }
    }
    assert_eq!(first.await.unwrap(), 1);
    assert!(second.is_woken(), "the permit wakes the one that waits");
    assert_pending!(second.poll());
    handle.next_request().await.unwrap().1.send_response(2);
    assert_eq!(assert_ready_ok!(second.poll()), 2);
}

fn sends<T: Send>(_: &T) {}
fn shares<T: Send + Sync + Unpin + 'static>(_: &T) {}

#[tokio::test]
async fn t176_layers_services_and_their_futures_are_send() {
    let policy = Policy::builder().build().unwrap();
    let inner = tower::service_fn(|number: u32| async move { Ok::<_, String>(number) });
    let layer = policy.layer();
    shares(&layer);
    shares(&policy.layer().once());
    let mut service = tower_layer::Layer::layer(&layer, inner);
    shares(&service);
    let call = service.call(1);
    sends(&call);
    assert_eq!(tokio::spawn(call).await.unwrap(), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn t175_a_service_that_panics_harms_its_own_call_alone() {
    let bulkhead = BulkheadSettings { permits: 1, queue: 0, ..BulkheadSettings::default() };
    let policy = only::bulkhead(bulkhead).build().unwrap();
    let inner = tower::service_fn(|number: u32| async move {
        assert_ne!(number, 0, "in a user's service");
        Ok::<_, String>(number)
    });
    let mut service = tower_layer::Layer::layer(&policy.layer(), inner);
    assert!(tokio::spawn(service.call(0)).await.unwrap_err().is_panic());
    assert_eq!(policy.snapshot().bulkhead.in_use, 0);
    assert_eq!(service.call(1).await, Ok(1));
}

#[cfg(feature = "http")]
#[test]
fn http_requests_are_repeated_by_method_or_key() {
    use crate::tower::HttpReplay;
    use http::Request;

    let of = |request: &Request<()>| {
        (HttpReplay.is_idempotent(request), HttpReplay.idempotency_key(request))
    };
    for (method, repeatable) in [("GET", true), ("PUT", true), ("POST", false), ("PATCH", false)] {
        let request = Request::builder().method(method).body(()).unwrap();
        assert_eq!(of(&request), (Some(repeatable), None), "{method}");
    }
    let keyed = Request::post("/pay").header("idempotency-key", "k1").body(()).unwrap();
    assert_eq!(of(&keyed), (Some(false), Some("k1".into())));
    let empty = Request::post("/pay").header("idempotency-key", "").body(()).unwrap();
    assert_eq!(of(&empty).1, None);
}

#[cfg(feature = "http")]
#[tokio::test(start_paused = true)]
async fn a_post_is_not_repeated_under_a_policy_that_repeats() {
    use crate::tower::HttpReplay;
    use http::Request;

    let policy = Policy::builder().retry(steady(3)).idempotent().build().unwrap();
    let inner = tower::service_fn(|_: Request<()>| async { Err::<(), _>("down") });
    let mut service = tower_layer::Layer::layer(&policy.layer().replay(HttpReplay), inner);
    let post = service.call(Request::post("/pay").body(()).unwrap()).await.unwrap_err();
    assert_eq!((post.reason(), post.attempts()), (Reason::NotIdempotent, 1));
    let keyed = Request::post("/pay").header("idempotency-key", "k").body(()).unwrap();
    assert_eq!(service.call(keyed).await.unwrap_err().attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_by_key_stops_the_requests_of_a_key_that_fails() {
    let touchy = BreakerSettings { consecutive: Some(1), ..BreakerSettings::for_endpoint() };
    let breakers: KeyedBreaker<u32> = KeyedBreaker::new(touchy).unwrap();
    let mut service =
        ServiceBuilder::new().layer(breakers.layer(|request: &u32| request % 2)).service_fn(
            |request: u32| async move { if request == 1 { Err("down") } else { Ok(request) } },
        );
    let failed = service.ready().await.unwrap().call(1).await.unwrap_err();
    assert_eq!(failed.error(), Some(&"down"));
    let refused = service.ready().await.unwrap().call(3).await.unwrap_err();
    assert_eq!((refused.reason(), refused.attempts()), (Reason::BreakerOpen, 0));
    assert_eq!(service.ready().await.unwrap().call(2).await, Ok(2), "another key");
}

#[tokio::test(start_paused = true)]
async fn layers_of_an_adaptive_limit_a_throttle_and_a_feature_share_their_mechanism() {
    let limit = AdaptiveLimit::new(LimitSettings::default()).unwrap();
    let throttle = Throttle::new(ThrottleSettings::default()).unwrap();
    let brownout = Brownout::new(BrownoutSettings::default()).unwrap();
    let feature = brownout.feature("mirror", Level::Normal).unwrap();
    let mut service = ServiceBuilder::new()
        .layer(feature.layer())
        .layer(throttle.layer(Importance::Normal))
        .layer(limit.layer())
        .service_fn(|request: u32| async move { Ok::<_, &str>(request) });
    assert_eq!(service.ready().await.unwrap().call(2).await, Ok(2));
    assert_eq!((limit.snapshot().samples, throttle.snapshot().accepts), (1, 1));
    let dropped = service.ready().await.unwrap().call(2);
    drop(dropped);
    assert_eq!((limit.in_flight(), throttle.snapshot().requests), (0, 1), "it never began");
    brownout.pin(Some(Level::Lean));
    let refused = service.ready().await.unwrap().call(2).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::Shed);
    assert_eq!(throttle.snapshot().requests, 1, "it came no further");
}
