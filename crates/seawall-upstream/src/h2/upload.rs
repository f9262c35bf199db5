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

/// A body on its way into a stream. At most one of its frames is held here or in the stream.
pub(super) struct Upload<B> {
    body: Pin<Box<B>>,
    stream: SendStream<Bytes>,
}

impl<B> Upload<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    pub(super) fn new(body: B, stream: SendStream<Bytes>) -> Self {
        Self { body: Box::pin(body), stream }
    }

    /// Sends what can be sent now.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            if !ready!(self.poll_room(cx)) {
                return Poll::Ready(Ended::Unwanted);
            }
            let sent = match ready!(self.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => self.send(frame),
                Some(Err(error)) => {
                    self.stream.send_reset(Reason::CANCEL);
                    return Poll::Ready(Ended::Failed(error.into()));
                }
                None => self.stream.send_data(Bytes::new(), true).map(|()| Sent::Last),
            };
            match sent {
                Ok(Sent::More) => {}
                Ok(Sent::Last) => return Poll::Ready(Ended::Whole),
                // The stream has ended on the peer's side; only it knows why.
                Err(_) => return Poll::Ready(Ended::Unwanted),
            }
        }
    }

    /// Waits until the peer takes a byte more; `false` once it will take none.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.stream.reserve_capacity(1);
        while self.stream.capacity() == 0 {
            match ready!(self.stream.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(false),
            }
        }
        // Asked for even while there is room, to be woken when the peer resets the stream.
        Poll::Ready(self.stream.poll_reset(cx).is_pending())
    }

    fn send(&mut self, frame: Frame<Bytes>) -> Result<Sent, ::h2::Error> {
        match frame.into_data() {
            Ok(data) => {
                let is_last = self.body.is_end_stream();
                self.stream.send_data(data, is_last)?;
                Ok(if is_last { Sent::Last } else { Sent::More })
            }
            Err(frame) => {
                let Ok(trailers) = frame.into_trailers() else { return Ok(Sent::More) };
                // Trailers need no window, and end the stream.
                self.stream.reserve_capacity(0);
                self.stream.send_trailers(trailers)?;
                Ok(Sent::Last)
            }
        }
    }
}

/// Whether more may follow.
enum Sent {
    More,
    Last,
}
