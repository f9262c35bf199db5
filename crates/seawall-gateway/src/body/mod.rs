//! Bodies: streamed both ways, with a bounded copy of the request for attempts to come.

mod answer;
mod memory;
mod request;
mod upload;

pub(crate) use answer::{Body, Relayed};
pub(crate) use memory::ReplayMemory;
pub(crate) use request::AttemptBody;
pub(crate) use upload::{Upload, UploadLimits};

use seawall_core::outcome::CallerFault;

/// What can go wrong with a body, on either side.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The caller's body broke off, stalled or grew too large.
    #[error("the caller's request body failed: {0:?}")]
    Caller(CallerFault),
    /// A later attempt has taken over the body.
    #[error("the attempt that sent this body was given up")]
    Dismissed,
    /// The service's answer broke off or stalled.
    #[error("the service's answer broke off")]
    Service,
}
