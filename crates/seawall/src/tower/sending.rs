//! What makes the attempts of one request: keeps it, and the inner service, while another attempt
//! may follow.

use std::fmt;

use seawall_core::call::Replay as Possibility;

use super::{Replay, Serve};
use crate::Attempt;
use crate::call::{Operation, sealed};

/// A request on its way to an inner service, as often as the policy says. It is what a
/// [`PolicyFuture`](super::PolicyFuture) runs, and nothing to be used by itself.
pub struct Sending<S, Req, R> {
    inner: Option<S>,
    request: Option<Req>,
    replay: R,
    possibility: Possibility,
}

impl<S, Req, R> Sending<S, Req, R> {
    pub(super) fn new(inner: S, request: Req, replay: R) -> Self {
        let (inner, request) = (Some(inner), Some(request));
        Self { inner, request, replay, possibility: Possibility::Possible }
    }
}

impl<S, Req, R> fmt::Debug for Sending<S, Req, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("kept", &self.request.is_some()).finish_non_exhaustive()
    }
}

impl<S, Req, R> sealed::Sealed<Serve<S, Req>> for Sending<S, Req, R>
where
    S: tower_service::Service<Req> + Clone,
    R: Replay<Req>,
{
}

impl<S, Req, R> Operation<Serve<S, Req>> for Sending<S, Req, R>
where
    S: tower_service::Service<Req> + Clone,
    R: Replay<Req>,
{
    fn begin(&mut self, attempt: Attempt) -> Serve<S, Req> {
        let (inner, mut request) = match attempt.is_last() {
            true => (self.inner.take(), self.request.take()),
            false => (self.inner.clone(), self.spare()),
        };
        if let Some(request) = &mut request {
            self.replay.stamp(request, &attempt);
        }
        debug_assert!(request.is_some(), "an attempt after one that was said to be the last");
        Serve::new(inner, request)
    }

    fn replay(&self) -> Possibility {
        self.possibility
    }
}

impl<S, Req, R: Replay<Req>> Sending<S, Req, R> {
    /// The request for an attempt that others may follow: a copy, or the request itself, which is
    /// then the last that there is.
    fn spare(&mut self) -> Option<Req> {
        let copy = self.replay.copy(self.request.as_ref()?);
        if copy.is_none() {
            self.possibility = Possibility::Lost;
            return self.request.take();
        }
        copy
    }
}
