//! One request on its way to the handler and back: counted as in flight until its answer's body
//! is gone, and isolated from the others if it panics. What the answer is, the handler decides.

use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body::{Body, Frame};
use hyper::body::Incoming;

use super::body::{Answer, panic_text};
use super::gauge::{Gauge, Protocol};
use super::meters::InboundMeters;
use super::refusal::details;
use super::resets::ResetAt;
use crate::clock;

/// The two ends of the connection that a request came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer {
    /// The client's address, as the socket names it.
    pub(crate) remote: SocketAddr,
    /// The address that the client reached.
    pub(crate) local: SocketAddr,
}

/// Answers requests.
pub(crate) trait Handler: 'static {
    /// The body of its answers. Its error aborts the answer: on HTTP/1 the connection closes
    /// without the ending that was announced, on HTTP/2 the stream is reset.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + 'static;

    /// Answers one request. Dropped if the client leaves first. A panic is answered with 500 and
    /// harms no other call.
    fn handle(
        self: Rc<Self>,
        request: Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = Response<Self::Body>>;
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Handling,
    Streaming,
    Ended,
}

/// A call in flight. Dropping it ends it; dropping it early on HTTP/2 is a reset by the peer.
#[derive(Debug)]
pub(super) struct Call {
    gauge: Rc<Gauge>,
    meters: Arc<InboundMeters>,
    stage: Stage,
    offers: bool,
}

impl Call {
    /// Begins now, not when the handler is first polled.
    pub(super) fn begin(gauge: &Rc<Gauge>, meters: &Arc<InboundMeters>) -> Self {
        gauge.on_call();
        let (gauge, meters) = (Rc::clone(gauge), Arc::clone(meters));
        Self { gauge, meters, stage: Stage::Handling, offers: false }
    }

    /// The stream asks for more, so it has taken what it was given before.
    pub(super) fn on_asked(&mut self) {
        if std::mem::take(&mut self.offers) {
            self.gauge.on_offer_taken(clock::now());
        }
    }

    /// The stream gets a frame. On HTTP/1 the socket itself shows whether it is stuck.
    pub(super) fn on_frame(&mut self, frame: &Frame<Bytes>) {
        let bytes = frame.data_ref().is_some_and(|data| !data.is_empty());
        if bytes && self.gauge.protocol() == Protocol::Http2 {
            self.offers = true;
            self.gauge.on_offer(clock::now());
        }
    }

    /// The body has ended, well or not; what follows is no reset.
    pub(super) fn on_end(&mut self) {
        self.stage = Stage::Ended;
    }

    /// Takes note of a panic; its text is for the log, never for the client.
    pub(super) fn on_panic(&self, text: &str) -> &'static str {
        self.meters.panics.bump();
        tracing::error!(panic = text, "a call panicked; the others go on");
        "the call panicked"
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let now = clock::now();
        self.on_asked();
        if self.gauge.protocol() == Protocol::Http2 {
            match self.stage {
                Stage::Handling => self.gauge.on_reset(ResetAt::Unanswered, now),
                Stage::Streaming => self.gauge.on_reset(ResetAt::Streaming, now),
                Stage::Ended => {}
            }
        }
        self.gauge.on_call_ended(now);
    }
}

/// Runs `handler` on a request whose call has begun.
pub(super) async fn answer<H: Handler>(
    handler: Rc<H>,
    request: Request<Incoming>,
    peer: Peer,
    mut call: Call,
) -> Result<Response<Answer<H::Body>>, Infallible> {
    let version = request.version();
    let mut handling = pin!(handler.handle(request, peer));
    // A future that panicked is never polled again: it is dropped below.
    let handled =
        poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        });
    let handled = handled.await;
    let draining = call.gauge.is_draining();
    let mut response = match handled {
        Ok(response) => {
            let ended = response.body().is_end_stream();
            call.stage = if ended { Stage::Ended } else { Stage::Streaming };
            response.map(|body| Answer::of_handler(body, call))
        }
        Err(panic) => {
            call.on_panic(panic_text(panic.as_ref()));
            call.on_end();
            failure(call)
        }
    };
    if draining && version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

fn failure<B>(call: Call) -> Response<Answer<B>> {
    let detail = "The gateway failed at this request.";
    let body = details("500 Internal Server Error", "internal", detail);
    let mut response = Response::new(Answer::own(body, call));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
