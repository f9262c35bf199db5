//! Why there is no arena, and how to mend it.

use std::io;

use super::REPLICAS_MAX;

/// Why the arena could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// More replicas than there are addresses for.
    #[error("{0} replicas are more than the {REPLICAS_MAX} that an arena has room for")]
    TooMany(u8),
    /// Network namespaces are for root.
    #[error("network namespaces need root; run as root, or without faults of packets on loopback")]
    NotRoot,
    /// A program that makes namespaces said no.
    #[error("`{command}` failed: {said}")]
    Refused {
        /// What was asked.
        command: String,
        /// What it said.
        said: String,
    },
    /// The process that tidies up after us could not be started or told.
    #[error("cannot start `sh`, which tidies up when this process ends: {0}")]
    Lifeline(#[source] io::Error),
}
