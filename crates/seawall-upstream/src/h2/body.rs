//! The body of a response on a stream.
//!
//! A frame that is handed out counts as read, and its room goes back to the peer; whoever does not
//! ask for frames keeps at most the window of the stream in memory.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::h2::{Error, RecvStream};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};

/// A body that ended before its end: the stream was reset, or its connection failed.
#[derive(Debug, thiserror::Error)]
pub enum StreamCut {
    /// The stream or its connection failed.
    #[error("the stream of the response failed")]
    Failed(#[source] Error),
}

/// The body of one response. Dropped before its end it resets its stream (`CANCEL`).
#[derive(Debug)]
pub struct StreamBody {
    stream: RecvStream,
    content: Content,
    /// Bytes still to come, where the head announced them.
    left: Option<u64>,
    is_at_trailers: bool,
}

/// Whether a response can have content (RFC 9110 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Possible,
    /// It has ended with its head, although the end of its stream may come later, in an empty
    /// frame. A length that it announces is that of another response.
    None,
}

impl Content {
    /// That of the response with `status` to a request with `method`.
    pub(super) fn of(method: &Method, status: StatusCode) -> Self {
        let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
        if bodiless || *method == Method::HEAD { Self::None } else { Self::Possible }
    }
}

impl StreamBody {
    pub(super) fn new(stream: RecvStream, headers: &HeaderMap, content: Content) -> Self {
        let has_ended = content == Content::None || stream.is_end_stream();
        let left = if has_ended { Some(0) } else { announced(headers) };
        Self { stream, content, left, is_at_trailers: false }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamCut>>> {
        let polled = ready!(self.stream.poll_data(cx));
        Poll::Ready(match polled {
            Some(Ok(bytes)) => Some(self.took(bytes).map_err(StreamCut::Failed)),
            // A peer that stops the rest of an upload after a whole response (RFC 9113 section
            // 8.1) has ended its stream before: then the reset is not seen here.
            Some(Err(error)) => Some(Err(StreamCut::Failed(error))),
            None => None,
        })
    }

    fn took(&mut self, bytes: Bytes) -> Result<Bytes, Error> {
        self.stream.flow_control().release_capacity(bytes.len())?;
        let taken = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left = self.left.map(|left| left.saturating_sub(taken));
        Ok(bytes)
    }

    fn poll_trailers(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamCut>>> {
        let polled = ready!(self.stream.poll_trailers(cx));
        Poll::Ready(match polled {
            Ok(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
            Err(error) => Some(Err(StreamCut::Failed(error))),
        })
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = StreamCut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamCut>>> {
        let body = self.get_mut();
        if body.content == Content::None {
            return Poll::Ready(None);
        }
        if !body.is_at_trailers {
            if let Some(data) = ready!(body.poll_data(cx)) {
                return Poll::Ready(Some(data.map(Frame::data)));
            }
            body.is_at_trailers = true;
        }
        body.poll_trailers(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.content == Content::None || self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

/// The length that one field announces; what several say is believed of none.
fn announced(headers: &HeaderMap) -> Option<u64> {
    let mut lines = headers.get_all(CONTENT_LENGTH).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok()?.parse().ok(),
        _ => None,
    }
}
