//! The decisions for single calls in the words of logs and metrics: names and whys from fixed
//! lists, never from requests.
//!
//! What there is to say is in `signals.rs`, the events are in `event.rs` of the crate.

use seawall_core::outcome::Class;

use crate::{Role, StepKind};

/// The name of a decision, one of [`super::DECISIONS`].
pub(super) const fn name_of(what: &StepKind) -> &'static str {
    match what {
        StepKind::Deadline(_) => "deadline",
        StepKind::Queued => "queued",
        StepKind::Granted => "granted",
        StepKind::Held { .. } => "held",
        StepKind::Released => "released",
        StepKind::Attempt { .. } => "attempt",
        StepKind::Saw { .. } => "saw",
        StepKind::Abandoned { .. } => "abandoned",
        StepKind::HedgeSuppressed(_) => "hedge_suppressed",
        StepKind::Retry { .. } => "retry",
        StepKind::RetryDenied(_) => "retry_denied",
        StepKind::Delivered { .. } => "delivered",
        StepKind::FellBack { .. } => "fell_back",
        StepKind::Refused(_) => "refused",
        StepKind::Cancelled => "cancelled",
    }
}

/// Why it was made, or what it is about: a reason code, a role or a class; empty where there is
/// only one.
pub(super) const fn why_of(what: &StepKind) -> &'static str {
    match what {
        StepKind::Attempt { role: Role::First, .. } => "first",
        StepKind::Attempt { role: Role::Retry, .. } => "retry",
        StepKind::Attempt { role: Role::Hedge, .. } => "hedge",
        StepKind::Saw { class: Class::Success, .. } => "success",
        StepKind::Saw { class: Class::Failure, .. } => "failure",
        StepKind::Saw { class: Class::Ignored, .. } => "ignored",
        StepKind::Saw { class: Class::Abandoned, .. } => "abandoned",
        StepKind::HedgeSuppressed(why) => why.code(),
        StepKind::RetryDenied(why) | StepKind::Refused(why) | StepKind::FellBack { why, .. } => {
            why.code()
        }
        StepKind::Deadline(_)
        | StepKind::Queued
        | StepKind::Granted
        | StepKind::Held { .. }
        | StepKind::Released
        | StepKind::Abandoned { .. }
        | StepKind::Retry { .. }
        | StepKind::Delivered { .. }
        | StepKind::Cancelled => "",
    }
}
