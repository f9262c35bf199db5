//! One attempt at a service: waits until it is ready, and calls the value that said so.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// The future of one attempt. When it is dropped, so are the service, what its readiness holds,
    /// and the response that was awaited.
    pub struct Serve<S: Service<Req>, Req> {
        // Both until the service is ready; neither from then on.
        waiting: Option<(S, Req)>,
        #[pin]
        response: Option<S::Future>,
    }
}

impl<S: Service<Req>, Req> Serve<S, Req> {
    pub(super) fn new(inner: Option<S>, request: Option<Req>) -> Self {
        Self { waiting: inner.zip(request), response: None }
    }

    /// The request, until it is sent.
    pub(super) fn request(&self) -> Option<&Req> {
        self.waiting.as_ref().map(|(_, request)| request)
    }
}

impl<S: Service<Req>, Req> Future for Serve<S, Req> {
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some((inner, _)) = this.waiting {
            if let Err(error) = ready!(inner.poll_ready(cx)) {
                // A service that failed to become ready must not be used again.
                *this.waiting = None;
                return Poll::Ready(Err(error));
            }
            if let Some((mut inner, request)) = this.waiting.take() {
                this.response.set(Some(inner.call(request)));
            }
        }
        match this.response.as_pin_mut() {
            Some(response) => response.poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<S: Service<Req>, Req> fmt::Debug for Serve<S, Req> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("called", &self.response.is_some()).finish_non_exhaustive()
    }
}
