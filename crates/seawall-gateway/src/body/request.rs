//! The request body of one attempt: a reader of the call's upload.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::upload::Place;
use super::{BodyError, Upload};

/// Reads an upload from its start. Only the latest reader of a call may read.
#[derive(Debug)]
pub(crate) struct AttemptBody {
    upload: Option<Rc<RefCell<Upload>>>,
    place: Place,
}

impl AttemptBody {
    /// The body of an attempt; without an upload it is empty.
    pub(crate) fn new(upload: Option<&Rc<RefCell<Upload>>>) -> Self {
        let upload = upload.filter(|upload| !upload.borrow().is_empty()).cloned();
        let reader = upload.as_ref().map_or(0, |upload| upload.borrow_mut().enroll());
        Self { upload, place: Place::start(reader) }
    }

    /// Whether there is anything to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.upload.is_none()
    }
}

impl Body for AttemptBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let body = self.get_mut();
        let Some(upload) = &body.upload else { return Poll::Ready(None) };
        upload.borrow_mut().poll_frame(&mut body.place, cx)
    }

    fn is_end_stream(&self) -> bool {
        self.upload.as_ref().is_none_or(|upload| upload.borrow().is_done(self.place))
    }

    fn size_hint(&self) -> SizeHint {
        let Some(upload) = &self.upload else { return SizeHint::with_exact(0) };
        match upload.borrow().length() {
            Some(length) if self.place.is_start() => SizeHint::with_exact(length),
            _ => SizeHint::new(),
        }
    }
}
