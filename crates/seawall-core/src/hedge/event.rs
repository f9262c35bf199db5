//! What hedging reports.
//!
//! Which call it was is added by whoever owns the call.

use super::Suppressed;
use crate::endpoint::EndpointId;
use crate::time::Duration;

/// Something that happened to a hedge, emitted after it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HedgeEvent {
    /// An extra attempt starts.
    Fired {
        /// So long after the attempt that it stands beside.
        delay: Duration,
        /// Where.
        endpoint: EndpointId,
    },
    /// It brought the answer that was handed on.
    Won,
    /// It did not.
    Lost,
    /// The delay had passed, and no hedge was sent.
    Suppressed {
        /// Why.
        reason: Suppressed,
    },
}
