//! Layers of single mechanisms that stand alone: a request passes if the mechanism lets it, and the
//! mechanism learns what came of it.
//!
//! Those that are policies of one mechanism (deadline, retry, hedge, breaker, bulkhead) are in
//! `../only.rs`. One attempt is in `serve.rs`.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Serve;
use crate::classify::Classify;
use crate::mechanism::{
    AdaptiveLimit, Feature, KeyedBreaker, KeyedPass, Leave, Place, Probing, Rejected, Throttle,
};
use crate::{Error, Importance, Outcome};

/// What decides whether a request passes: a single mechanism, and what it has to know of requests.
pub trait Admission<Req> {
    /// What a request that passed holds until it has ended. Dropped, it was abandoned.
    type Pass;

    /// Asks for one request.
    ///
    /// # Errors
    ///
    /// [`Rejected`] where it must not be sent.
    fn admit(&self, request: &Req) -> Result<Self::Pass, Rejected>;

    /// The name of the mechanism.
    fn name(&self) -> Option<Arc<str>>;
}

/// How an admission learns what came of a request.
pub trait Settle<Pass, T, E> {
    /// A request that passed has ended. Returns the judgement, and how long it took as far as the
    /// mechanism knows.
    fn settle(&self, pass: Pass, result: Result<&T, &E>) -> (Outcome, Duration);
}

/// Puts a single mechanism around a service. From `layer` of the mechanism.
///
/// All services that it makes, and their clones, share the mechanism. As with
/// [`PolicyService`](super::PolicyService), each request gets a clone of the inner service of its
/// own, and polling this service reserves nothing.
#[derive(Clone, Debug)]
pub struct AdmissionLayer<A> {
    admission: A,
}

/// A service behind a single mechanism. From [`AdmissionLayer`].
#[derive(Clone, Debug)]
pub struct AdmissionService<S, A> {
    inner: S,
    admission: A,
}

impl<S, A: Clone> Layer<S> for AdmissionLayer<A> {
    type Service = AdmissionService<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        AdmissionService { inner, admission: self.admission.clone() }
    }
}

impl<S, Req, A> Service<Req> for AdmissionService<S, A>
where
    S: Service<Req> + Clone,
    A: Admission<Req> + Settle<A::Pass, S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = AdmissionFuture<S, Req, A>;

    /// Ready at once: a request waits for the inner service once it has passed.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let serve = Serve::new(Some(self.inner.clone()), Some(request));
        let admission = self.admission.clone();
        AdmissionFuture { serve, state: State::New, admission }
    }
}

pin_project! {
    /// The future of one request to an [`AdmissionService`]. It asks when it is first polled.
    pub struct AdmissionFuture<S: Service<Req>, Req, A: Admission<Req>> {
        // Declared, and hence dropped, before the pass: the mechanism hears of the end of a
        // request only when it has ended.
        #[pin]
        serve: Serve<S, Req>,
        state: State<A::Pass>,
        admission: A,
    }
}

enum State<P> {
    New,
    Passed(P),
    Ended,
}

impl<S, Req, A> Future for AdmissionFuture<S, Req, A>
where
    S: Service<Req>,
    A: Admission<Req> + Settle<A::Pass, S::Response, S::Error>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let State::New = this.state {
            let asked = this.serve.request().map(|request| this.admission.admit(request));
            match asked {
                Some(Ok(pass)) => *this.state = State::Passed(pass),
                Some(Err(rejected)) => {
                    *this.state = State::Ended;
                    return Poll::Ready(Err(rejected.into()));
                }
                None => *this.state = State::Ended,
            }
        }
        let result = ready!(this.serve.as_mut().poll(cx));
        let State::Passed(pass) = std::mem::replace(this.state, State::Ended) else {
            debug_assert!(false, "served without having passed");
            return Poll::Pending;
        };
        let (outcome, elapsed) = this.admission.settle(pass, result.as_ref());
        let name = || this.admission.name();
        Poll::Ready(result.map_err(|error| Error::of_single(name(), error, elapsed, &outcome)))
    }
}

impl<S: Service<Req>, Req, A: Admission<Req>> fmt::Debug for AdmissionFuture<S, Req, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = matches!(self.state, State::Passed(_));
        f.debug_struct("AdmissionFuture").field("passed", &passed).finish_non_exhaustive()
    }
}

impl<C: Clone> AdaptiveLimit<C> {
    /// The limit as a Tower layer.
    pub fn layer(&self) -> AdmissionLayer<Self> {
        AdmissionLayer { admission: self.clone() }
    }
}

impl<Req, C> Admission<Req> for AdaptiveLimit<C> {
    type Pass = Place<'static>;

    fn admit(&self, _: &Req) -> Result<Self::Pass, Rejected> {
        self.try_acquire_owned()
    }

    fn name(&self) -> Option<Arc<str>> {
        self.name().map(Arc::from)
    }
}

impl<C: Classify<T, E>, T, E> Settle<Place<'static>, T, E> for AdaptiveLimit<C> {
    fn settle(&self, pass: Place<'static>, result: Result<&T, &E>) -> (Outcome, Duration) {
        let outcome = self.classifier().classify(result);
        (outcome, pass.end(&outcome))
    }
}

/// A throttle, and how important requests are to it.
#[derive(Clone, Debug)]
pub struct Throttled<C> {
    throttle: Throttle<C>,
    importance: Importance,
}

impl<C: Clone> Throttle<C> {
    /// The throttle as a Tower layer for requests of this importance.
    pub fn layer(&self, importance: Importance) -> AdmissionLayer<Throttled<C>> {
        AdmissionLayer { admission: Throttled { throttle: self.clone(), importance } }
    }
}

impl<Req, C> Admission<Req> for Throttled<C> {
    type Pass = Leave<'static>;

    fn admit(&self, _: &Req) -> Result<Self::Pass, Rejected> {
        self.throttle.try_admit_owned(self.importance)
    }

    fn name(&self) -> Option<Arc<str>> {
        self.throttle.name().map(Arc::from)
    }
}

impl<C: Classify<T, E>, T, E> Settle<Leave<'static>, T, E> for Throttled<C> {
    fn settle(&self, pass: Leave<'static>, result: Result<&T, &E>) -> (Outcome, Duration) {
        let outcome = self.throttle.classifier().classify(result);
        (outcome, pass.end(&outcome))
    }
}

/// A breaker for each key, and which key a request has.
#[derive(Clone, Debug)]
pub struct ByKey<K: ?Sized, C, F> {
    breakers: KeyedBreaker<K, C>,
    key: F,
}

impl<K: Hash, C: Clone> KeyedBreaker<K, C> {
    /// The breakers as a Tower layer for requests whose key `key` tells.
    pub fn layer<F>(&self, key: F) -> AdmissionLayer<ByKey<K, C, F>> {
        AdmissionLayer { admission: ByKey { breakers: self.clone(), key } }
    }
}

impl<Req, K: Hash, C, F: Fn(&Req) -> K> Admission<Req> for ByKey<K, C, F> {
    type Pass = KeyedPass<'static>;

    fn admit(&self, request: &Req) -> Result<Self::Pass, Rejected> {
        self.breakers.try_admit_owned(&(self.key)(request), Probing::Allowed)
    }

    fn name(&self) -> Option<Arc<str>> {
        self.breakers.name().map(Arc::from)
    }
}

impl<K: Hash, C: Classify<T, E>, F, T, E> Settle<KeyedPass<'static>, T, E> for ByKey<K, C, F> {
    fn settle(&self, pass: KeyedPass<'static>, result: Result<&T, &E>) -> (Outcome, Duration) {
        let outcome = self.breakers.classifier().classify(result);
        (outcome, pass.end(outcome.class()))
    }
}

impl Feature {
    /// A Tower layer that refuses requests while the feature is switched off.
    pub fn layer(&self) -> AdmissionLayer<Self> {
        AdmissionLayer { admission: self.clone() }
    }
}

impl<Req> Admission<Req> for Feature {
    type Pass = ();

    fn admit(&self, _: &Req) -> Result<(), Rejected> {
        self.try_run()
    }

    fn name(&self) -> Option<Arc<str>> {
        None
    }
}

impl<T, E> Settle<(), T, E> for Feature {
    fn settle(&self, (): (), result: Result<&T, &E>) -> (Outcome, Duration) {
        (crate::AnyResult.classify(result), Duration::ZERO)
    }
}
