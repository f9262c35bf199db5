//! The right to open one stream for one attempt, and the facts about its use.
//!
//! Where leases come from is in `pool` and `shared`; the sorting of errors in `fault`.

use std::{
    error::Error as StdError,
    fmt,
    future::{Future as _, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use ::h2::client::ResponseFuture;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use seawall_core::outcome::Sent;
use tokio::{task::AbortHandle, time::Instant};

use super::{
    body::{Content, StreamBody},
    conn::{BodyFollows, open_stream},
    fault::{Scene, classify},
    head::translate,
    shared::Turn,
    upload::{Ended, Upload},
};
use crate::{SendError, clock};

/// A stream of a pool, held by one attempt.
///
/// Hold it until the response body has ended. Dropping it, or the future of
/// [`send`](Self::send), abandons the exchange with RST_STREAM (`CANCEL`); the connection and the
/// other attempts on it go on.
pub struct StreamLease {
    turn: Turn,
    exchange: Exchange,
    /// What the meter said when the exchange began.
    accepted: u64,
    received: u64,
    /// When that was.
    begun: Option<Instant>,
    /// The rest of an upload that outlasts the head of its response.
    upload: Option<AbortHandle>,
}

/// How far the one exchange of a lease has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    Untouched,
    /// Begun, and not answered.
    Begun,
    /// Its stream ended without an answer.
    Failed,
    Answered,
}

impl StreamLease {
    pub(super) fn new(turn: Turn) -> Self {
        Self {
            turn,
            exchange: Exchange::Untouched,
            accepted: 0,
            received: 0,
            begun: None,
            upload: None,
        }
    }

    /// Tells connections of one pool apart.
    #[cfg(test)]
    pub(crate) fn id(&self) -> u64 {
        self.turn.conn.id
    }

    /// Bytes that its connection has received.
    #[cfg(test)]
    pub(crate) fn received(&self) -> u64 {
        self.turn.conn.state.meter.received()
    }

    /// Whether the connection had been idle in the pool, so that its end may be the keep-alive
    /// race. One on which other attempts run is not: its end is the endpoint's doing.
    pub fn is_reused(&self) -> bool {
        self.turn.idle_age.is_some()
    }

    /// How long the connection had been idle when it was taken, if it had.
    pub fn idle_age(&self) -> Option<Duration> {
        self.turn.idle_age
    }

    /// Whether the request can have reached the endpoint: `No` if it was never begun, or the
    /// connection ended before the socket accepted another byte; `Yes` once it was answered;
    /// `Maybe` in between. What HTTP/2 itself proves is in the error of [`send`](Self::send).
    pub fn sent(&self) -> Sent {
        let accepted = self.turn.conn.state.meter.accepted() != self.accepted;
        match self.exchange {
            Exchange::Untouched => Sent::No,
            Exchange::Failed if !accepted => Sent::No,
            // What is queued may be written later, for it is not taken back.
            Exchange::Begun | Exchange::Failed => Sent::Maybe,
            Exchange::Answered => Sent::Yes,
        }
    }

    /// Tells the pool that this connection turned out to be dead when it was used. If it had been
    /// idle, the idle limit of this pool falls to half of its idle age, at least 1 s, for 10 min.
    pub fn report_stale(&self) {
        if let Some(age) = self.turn.idle_age {
            self.turn.shared.on_stale_reset(age, clock::now());
        }
    }

    /// Abandons the stream and says whether the request can have been sent.
    pub fn close(self) -> Sent {
        self.sent()
    }

    /// Sends a request and waits for the head of its response, sending the body meanwhile.
    ///
    /// The request is one of HTTP/1.1, with an origin-form target and a `Host` field; it is
    /// translated here. One exchange for each lease. There is no time limit here: drop the future
    /// to abandon the exchange.
    ///
    /// # Errors
    /// See [`SendError`]; [`sent`](Self::sent) then tells how far the request got.
    pub async fn send<B>(&mut self, request: Request<B>) -> Result<Response<StreamBody>, SendError>
    where
        B: Body<Data = Bytes> + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let Some((head, body)) = translate(request) else { return Err(SendError::NoHost) };
        let method = head.method().clone();
        let follows = if body.is_end_stream() { BodyFollows::No } else { BodyFollows::Yes };
        let meter = &self.turn.conn.state.meter;
        (self.accepted, self.received) = (meter.accepted(), meter.received());
        let opened = open_stream(self.turn.conn.opener(), head, follows);
        // Not begun if it fails: no stream came about.
        let (mut response, stream) = opened.map_err(|error| self.fault(error))?;
        self.exchange = Exchange::Begun;
        self.begun = Some(clock::now());
        let served = &self.turn.conn.state.served;
        served.set(served.get() + 1);
        let mut upload = (follows == BodyFollows::Yes).then(|| Upload::new(body, stream));
        let answered = poll_fn(|cx| poll_both(&mut response, &mut upload, cx)).await;
        match answered {
            Ok(head) => {
                let content = Content::of(&method, head.status());
                Ok(self.answered(head, content, upload))
            }
            Err(Failure::Stream(error)) => {
                self.exchange = Exchange::Failed;
                Err(self.fault(error))
            }
            Err(Failure::Body(error)) => Err(SendError::RequestStream(error)),
        }
    }

    fn answered<B>(
        &mut self,
        head: Response<::h2::RecvStream>,
        content: Content,
        upload: Option<Upload<B>>,
    ) -> Response<StreamBody>
    where
        B: Body<Data = Bytes> + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.exchange = Exchange::Answered;
        self.upload = upload.map(finish);
        let (parts, stream) = head.into_parts();
        let body = StreamBody::new(stream, &parts.headers, content);
        Response::from_parts(parts, body)
    }

    fn fault(&self, error: ::h2::Error) -> SendError {
        let unanswered = self.turn.conn.state.is_unanswered.get();
        let fault = classify(error, Scene { reused: self.is_reused(), unanswered });
        if matches!(fault, SendError::StreamRefused) {
            self.turn.shared.on_refused(&self.turn.conn);
        }
        fault
    }
}

impl Drop for StreamLease {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.abort();
        }
        let state = &self.turn.conn.state;
        let is_silent = self.exchange == Exchange::Begun && state.meter.received() == self.received;
        let Some(begun) = self.begun.filter(|_| is_silent) else { return };
        if state.on_silence(clock::now().saturating_duration_since(begun)) {
            self.turn.shared.give_up(self.turn.conn.id);
        }
    }
}

impl fmt::Debug for StreamLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamLease")
            .field("endpoint", &self.turn.shared.endpoint())
            .field("idle_age", &self.turn.idle_age)
            .field("sent", &self.sent())
            .finish_non_exhaustive()
    }
}

/// Why no head came.
enum Failure {
    Stream(::h2::Error),
    Body(Box<dyn StdError + Send + Sync>),
}

fn poll_both<B>(
    response: &mut ResponseFuture,
    upload: &mut Option<Upload<B>>,
    cx: &mut Context<'_>,
) -> Poll<Result<Response<::h2::RecvStream>, Failure>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    if let Some(running) = upload
        && let Poll::Ready(ended) = running.poll(cx)
    {
        *upload = None;
        if let Ended::Failed(error) = ended {
            return Poll::Ready(Err(Failure::Body(error)));
        }
    }
    Pin::new(response).poll(cx).map_err(Failure::Stream)
}

/// Goes on with an upload beside the response, as gRPC streams do both ways.
#[expect(
    clippy::disallowed_methods,
    reason = "ends with the stream; the lease aborts it when dropped"
)]
fn finish<B>(mut upload: Upload<B>) -> AbortHandle
where
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let rest = async move {
        // A body that fails resets the stream, which its reader learns from the response.
        drop(poll_fn(|cx| upload.poll(cx)).await);
    };
    tokio::task::spawn_local(rest).abort_handle()
}
