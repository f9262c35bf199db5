//! The service: each request is a call of the policy.

use std::task::{Context, Poll};

use tower_service::Service;

use super::replay::{Cloned, Replay};
use super::{Sending, Serve};
use crate::call::{Call, Ladder, NoFallback};
use crate::classify::Classify;
use crate::{AnyResult, Error, Policy};

/// A service behind a policy. From [`PolicyLayer`](super::PolicyLayer).
///
/// `inner` is cloned for each attempt (moved into the last one), and never polled or called itself.
/// Clones of this service share the policy and nothing else.
#[derive(Clone, Debug)]
pub struct PolicyService<S, C = AnyResult, R = Cloned, L = NoFallback> {
    pub(super) inner: S,
    pub(super) policy: Policy<C>,
    pub(super) replay: R,
    pub(super) ladder: L,
}

/// The future of one request to a [`PolicyService`]: a [`Call`], not boxed.
pub type PolicyFuture<S, Req, C = AnyResult, R = Cloned, L = NoFallback> =
    Call<Policy<C>, Sending<S, Req, R>, Serve<S, Req>, L>;

impl<S, C, R, L> PolicyService<S, C, R, L> {
    /// The policy.
    pub const fn policy(&self) -> &Policy<C> {
        &self.policy
    }

    /// The service behind it.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// The service behind it.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, Req, C, R, L> Service<Req> for PolicyService<S, C, R, L>
where
    S: Service<Req> + Clone,
    C: Classify<S::Response, S::Error> + Clone,
    R: Replay<Req> + Clone,
    L: Ladder<S::Response, S::Error> + Clone,
{
    type Response = L::Answer;
    type Error = Error<S::Error>;
    type Future = PolicyFuture<S, Req, C, R, L>;

    /// Ready at once: each attempt waits for the inner service by itself, within the call's
    /// deadline.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let idempotent = self.replay.is_idempotent(&request);
        let key = self.replay.idempotency_key(&request);
        let sending = Sending::new(self.inner.clone(), request, self.replay.clone());
        let call = Call::with_ladder(self.policy.clone(), sending, self.ladder.clone());
        let call = match idempotent {
            Some(true) => call.idempotent(),
            Some(false) => call.not_idempotent(),
            None => call,
        };
        match key {
            Some(key) => call.idempotency_key(key),
            None => call,
        }
    }
}
