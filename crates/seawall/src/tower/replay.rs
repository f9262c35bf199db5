//! What a policy must know of requests: how to copy one, and whether it may be sent twice.

use std::sync::Arc;

use crate::Attempt;

/// What a layer does with requests.
///
/// Every closure `Fn(&Request) -> Option<Request>` is one, which only copies.
#[diagnostic::on_unimplemented(
    message = "the layer does not know how to copy a `{Req}` for another attempt",
    label = "requests of this service cannot be sent again",
    note = "`policy.layer()` needs requests that are `Clone`",
    note = "`policy.layer().replay(|request: &_| …)` copies them another way",
    note = "`policy.layer().once()` sends each once, without retries and hedges"
)]
pub trait Replay<Req> {
    /// A copy, made before an attempt that another may follow, and never before the last: that one
    /// gets the request itself. `None`: it can be sent but once, now. Then no retry or hedge
    /// follows, and a failure says [`Reason::ReplayOverflow`](crate::Reason::ReplayOverflow).
    fn copy(&self, request: &Req) -> Option<Req>;

    /// Called with the request of each attempt before it is sent: the place to write down its
    /// deadline, endpoint or number. Does nothing by default.
    fn stamp(&self, request: &mut Req, attempt: &Attempt) {
        let _untouched = (request, attempt);
    }

    /// Whether sending this request twice does no harm. By default `None`: what the policy says.
    fn is_idempotent(&self, request: &Req) -> Option<bool> {
        let _unread = request;
        None
    }

    /// The key by which the dependency knows a repetition of this request. By default there is
    /// none. With one the call counts as idempotent.
    fn idempotency_key(&self, request: &Req) -> Option<Arc<str>> {
        let _unread = request;
        None
    }
}

/// Copies requests by `Clone`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cloned;

impl<Req: Clone> Replay<Req> for Cloned {
    fn copy(&self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }
}

/// Copies nothing: each request is sent at most once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Once;

impl<Req> Replay<Req> for Once {
    fn copy(&self, _: &Req) -> Option<Req> {
        None
    }
}

impl<Req, F: Fn(&Req) -> Option<Req>> Replay<Req> for F {
    fn copy(&self, request: &Req) -> Option<Req> {
        self(request)
    }
}

/// Copies `http::Request`s by `Clone`, and reads from each whether it may be sent twice: by its
/// method (RFC 9110 section 9.2.2: GET, HEAD, OPTIONS, TRACE, PUT, DELETE), or because it has an
/// `Idempotency-Key`. What the policy says of all its calls does not count.
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpReplay;

#[cfg(feature = "http")]
impl<B: Clone> Replay<http::Request<B>> for HttpReplay {
    fn copy(&self, request: &http::Request<B>) -> Option<http::Request<B>> {
        Some(request.clone())
    }

    fn is_idempotent(&self, request: &http::Request<B>) -> Option<bool> {
        Some(request.method().is_idempotent())
    }

    fn idempotency_key(&self, request: &http::Request<B>) -> Option<Arc<str>> {
        let key = request.headers().get("idempotency-key")?.to_str().ok()?;
        (!key.is_empty()).then(|| key.into())
    }
}
