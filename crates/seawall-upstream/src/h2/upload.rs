//! Sending a request body on a stream, as fast as the peer's window lets it.

use std::{
    error::Error as StdError,
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::h2::{Reason, SendStream};
use bytes::Bytes;
use http_body::{Body, Frame};

/// How an upload ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// All of the body was handed over.
    Whole,
    /// The peer wants no more of it; the response tells why.
    Unwanted,
    /// The body itself failed, and the stream was reset.
    Failed(Box<dyn StdError + Send + Sync>),
}

/// A body on its way into a stream. At most two of its frames are held: one in the stream, and the
/// next one here.
pub(super) struct Upload<B> {
    body: Pin<Box<B>>,
    stream: SendStream<Bytes>,
    /// What waits for room. Nothing else does: the end of a body, or trailers, need none.
    held: Option<Bytes>,
}

impl<B> Upload<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    pub(super) fn new(body: B, stream: SendStream<Bytes>) -> Self {
        Self { body: Box::pin(body), stream, held: None }
    }

    /// Sends what can be sent now.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            // Asked for even while there is room, to be woken when the peer resets the stream.
            if self.stream.poll_reset(cx).is_ready() {
                return Poll::Ready(Ended::Unwanted);
            }
            let sent = match self.held.take() {
                Some(data) => ready!(self.poll_data(data, cx)),
                None => match ready!(self.body.as_mut().poll_frame(cx)) {
                    Some(Ok(frame)) => self.take(frame),
                    Some(Err(error)) => {
                        self.stream.send_reset(Reason::CANCEL);
                        return Poll::Ready(Ended::Failed(error.into()));
                    }
                    None => self.stream.send_data(Bytes::new(), true).map(|()| Sent::Last),
                },
            };
            match sent {
                Ok(Sent::More) => {}
                Ok(Sent::Last) => return Poll::Ready(Ended::Whole),
                // The stream has ended on the peer's side; only it knows why.
                Err(_) => return Poll::Ready(Ended::Unwanted),
            }
        }
    }

    /// Takes a frame of the body. Data wait for room, even if there is some.
    fn take(&mut self, frame: Frame<Bytes>) -> Result<Sent, ::h2::Error> {
        match frame.into_data() {
            Ok(data) if data.is_empty() && !self.body.is_end_stream() => {}
            Ok(data) => self.held = Some(data),
            Err(frame) => {
                let Ok(trailers) = frame.into_trailers() else { return Ok(Sent::More) };
                self.stream.send_trailers(trailers)?;
                return Ok(Sent::Last);
            }
        }
        Ok(Sent::More)
    }

    /// Sends `data` once the peer takes a byte more, and holds them until then.
    fn poll_data(&mut self, data: Bytes, cx: &mut Context<'_>) -> Poll<Result<Sent, ::h2::Error>> {
        self.stream.reserve_capacity(data.len().min(1));
        while !data.is_empty() && self.stream.capacity() == 0 {
            match self.stream.poll_capacity(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Err(Reason::CANCEL.into())),
                Poll::Pending => {
                    self.held = Some(data);
                    return Poll::Pending;
                }
            }
        }
        let is_last = self.body.is_end_stream();
        let sent = self.stream.send_data(data, is_last);
        Poll::Ready(sent.map(|()| if is_last { Sent::Last } else { Sent::More }))
    }
}

/// Whether more may follow.
enum Sent {
    More,
    Last,
}
