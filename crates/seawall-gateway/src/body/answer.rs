//! The body of an answer: a few bytes of our own, or what an attempt brings.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep_until};

use seawall_core::outcome::Observation;
use seawall_core::time::Duration;
use seawall_upstream::AnyBody;

use super::BodyError;
use crate::clock::Clock;
use crate::proxy::Delivery;
use crate::wire::Trailers;

/// The body that callers get.
#[derive(Debug)]
pub(crate) enum Body {
    /// Local bytes, possibly none.
    Local(Option<Bytes>),
    /// The body of an attempt.
    Relayed(Box<Relayed>),
}

impl Body {
    /// A body of these bytes.
    pub(crate) fn local(bytes: Bytes) -> Self {
        Self::Local((!bytes.is_empty()).then_some(bytes))
    }
}

impl Body {
    /// The answer to a HEAD: local bytes are not sent, only their length is told.
    pub(crate) fn for_head(mut response: Response<Self>) -> Response<Self> {
        let Self::Local(bytes) = response.body_mut() else { return response };
        let length = bytes.take().map_or(0, |bytes| bytes.len());
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
        response
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Local(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Relayed(relayed) => relayed.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Local(bytes) => bytes.is_none(),
            Self::Relayed(relayed) => relayed.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Local(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Relayed(relayed) => relayed.incoming.size_hint(),
        }
    }
}

/// The body of an attempt on its way to the caller. Its end, or its being dropped, ends the call.
#[derive(Debug)]
pub(crate) struct Relayed {
    incoming: AnyBody,
    delivery: Option<Delivery>,
    trailers: Trailers,
    idle: Duration,
    silence: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    clock: Clock,
}

impl Relayed {
    /// Takes over the body of an answer whose call is `delivery`. A service that is silent for
    /// `idle` in the middle of it has failed.
    pub(crate) fn new(
        incoming: AnyBody,
        delivery: Delivery,
        trailers: Trailers,
        idle: Duration,
        clock: Clock,
    ) -> Self {
        let (delivery, silence, waiting) = (Some(delivery), None, false);
        let mut relayed = Self { incoming, delivery, trailers, idle, silence, waiting, clock };
        if relayed.incoming.is_end_stream() {
            relayed.end(Observation::Completed);
        }
        relayed
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Pending => return self.poll_silence(cx),
            Poll::Ready(frame) => frame,
        };
        self.waiting = false;
        Poll::Ready(match frame {
            Some(Ok(frame)) => match frame.into_trailers() {
                Ok(trailers) => self.close_with(trailers),
                Err(data) => {
                    if self.incoming.is_end_stream() {
                        self.end(Observation::Completed);
                    }
                    Some(Ok(data))
                }
            },
            Some(Err(_)) => {
                self.end(Observation::CutShort);
                Some(Err(BodyError::Service))
            }
            None => {
                self.end(Observation::Completed);
                None
            }
        })
    }

    /// The body ends with these.
    fn close_with(&mut self, trailers: HeaderMap) -> Option<Result<Frame<Bytes>, BodyError>> {
        let Ok(admitted) = self.trailers.admit(trailers) else {
            self.end(Observation::CutShort);
            return Some(Err(BodyError::Service));
        };
        self.end(Observation::Completed);
        admitted.map(|trailers| Ok(Frame::trailers(trailers)))
    }

    fn poll_silence(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let sleep = self.silence.get_or_insert_with(|| {
            Box::pin(sleep_until(self.clock.runtime(self.clock.now().after(self.idle))))
        });
        if !self.waiting {
            self.waiting = true;
            sleep.as_mut().reset(self.clock.runtime(self.clock.now().after(self.idle)));
        }
        ready!(sleep.as_mut().poll(cx));
        self.end(Observation::ReadStalled);
        Poll::Ready(Some(Err(BodyError::Service)))
    }

    fn end(&mut self, seen: Observation) {
        if let Some(delivery) = self.delivery.take() {
            delivery.ended(seen);
        }
    }
}
