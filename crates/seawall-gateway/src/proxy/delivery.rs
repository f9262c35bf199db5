//! An answer on its way to the caller: it ends the call when its body ends.

use seawall_core::call::{Action, Replay};
use seawall_core::outcome::Observation;
use seawall_upstream::AnyLease;

use super::guard::Guarded;
use crate::body::AttemptBody;

/// The call of an answer that is being handed on. Dropped early, it cancels the call and closes
/// the connection.
#[derive(Debug)]
pub(crate) struct Delivery {
    call: Box<Guarded>,
    number: u32,
    lease: AnyLease<AttemptBody>,
}

impl Delivery {
    /// The answer of attempt `number`.
    pub(super) fn new(call: Box<Guarded>, number: u32, lease: AnyLease<AttemptBody>) -> Self {
        Self { call, number, lease }
    }

    /// The body of the answer has ended.
    pub(crate) fn ended(self, seen: Observation) {
        let Self { mut call, number, lease } = self;
        let fault = call.upload.as_ref().and_then(|upload| upload.borrow().fault());
        let seen = match (seen, fault) {
            (Observation::CutShort, Some(fault)) => Observation::CallerFault(fault),
            (seen, _) => seen,
        };
        let action = call.step(|call, ctx| call.ended(number, seen, Replay::Lost, ctx));
        debug_assert!(matches!(action, Action::Finish(_)), "{action:?} after the end of an answer");
        if seen == Observation::Completed {
            lease.give_back();
        }
    }
}
