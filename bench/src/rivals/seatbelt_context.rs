//! Seatbelt takes its clock from the surrounding runtime; one context for all of its layers.

use seatbelt::{RecoveryInfo, ResilienceContext};

use super::Answer;

/// A context on Tokio's clock. Call it inside of a runtime.
pub(crate) fn on_tokio<In: 'static>() -> ResilienceContext<In, Answer> {
    ResilienceContext::new(tick::Clock::new_tokio())
}

/// A failure may be tried again and counts against the dependency.
pub(crate) fn recovery(output: &Answer) -> RecoveryInfo {
    match output {
        Ok(_) => RecoveryInfo::never(),
        Err(_) => RecoveryInfo::retry(),
    }
}
