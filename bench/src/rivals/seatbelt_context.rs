//! Seatbelt takes its clock from the surrounding runtime; one context for all of its layers.
//!
//! On Tokio that clock follows real time even where the runtime's time is paused, and the control
//! that tests use comes with a feature that slows every read down. So its behaviour is measured
//! in real time, with waits scaled down where only their proportions matter.

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
