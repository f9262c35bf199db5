//! The body of an answer on its way through hyper: the handler's own, watched.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::call::Call;

type BoxError = Box<dyn Error + Send + Sync>;
type Next = Option<Result<Frame<Bytes>, BoxError>>;

/// The body of an answer. While it lives its call is in flight.
#[derive(Debug)]
pub(super) struct Answer<B> {
    source: Source<B>,
    call: Call,
}

#[derive(Debug)]
enum Source<B> {
    /// From the handler.
    Handler(B),
    /// Of our own making.
    Own(Option<Bytes>),
}

impl<B> Answer<B> {
    pub(super) fn of_handler(body: B, call: Call) -> Self {
        Self { source: Source::Handler(body), call }
    }

    pub(super) fn own(body: impl Into<Bytes>, call: Call) -> Self {
        Self { source: Source::Own(Some(body.into())), call }
    }
}

impl<B> Body for Answer<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        let Self { source, call } = self.get_mut();
        call.on_asked();
        // A body that panicked is never polled again: its error ends the stream.
        let frame = match catch_unwind(AssertUnwindSafe(|| source.poll_next(cx))) {
            Ok(frame) => ready!(frame),
            Err(panic) => Some(Err(call.on_panic(panic_text(panic.as_ref())).into())),
        };
        match &frame {
            Some(Ok(frame)) => call.on_frame(frame),
            Some(Err(_)) | None => call.on_end(),
        }
        // hyper drops a body that says so instead of asking it for its end.
        if source.is_at_end() {
            call.on_end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Handler(body) => body.size_hint(),
            Source::Own(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}

impl<B> Source<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    fn is_at_end(&self) -> bool {
        match self {
            Self::Handler(body) => body.is_end_stream(),
            Self::Own(bytes) => bytes.is_none(),
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        match self {
            Self::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Handler(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|next| next.map(|frame| frame.map_err(Into::into))),
        }
    }
}

/// The words of a panic, where it has any.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
