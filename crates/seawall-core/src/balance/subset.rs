//! Subsets: each instance of a large fleet of callers talks to a few of many endpoints, so that
//! connections grow with the fleet and not with its square.
//!
//! Source: random subsetting (gRFC A68, 2024), which is rendezvous hashing of endpoints under the
//! caller's own hash. The deterministic subsetting of the Google SRE book (chapter 20) spreads
//! more evenly, but needs callers that are numbered without gaps and reshuffles most subsets when
//! the number of endpoints changes; here a change of one endpoint changes one place of a subset.

use alloc::vec::Vec;

use super::member::Member;
use super::rendezvous::Rendezvous;
use crate::invalid::Invalid;

/// Endpoints of a subset at least. With fewer, one endpoint out is a large part of what the
/// caller can reach, and load spreads badly (SRE book: 20 to 100).
pub const SUBSET_MIN: u32 = 20;

/// Which part of the endpoints this instance uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubsetSettings {
    /// How many, at least [`SUBSET_MIN`].
    pub size: u32,
    /// The hash of the caller's own name; instances must differ in it.
    pub instance: u64,
}

impl SubsetSettings {
    /// A subset of the least size, for the caller of this hash.
    #[must_use]
    pub const fn new(instance: u64) -> Self {
        Self { size: SUBSET_MIN, instance }
    }

    /// Whether it can work.
    ///
    /// # Errors
    /// A size below [`SUBSET_MIN`].
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.size < SUBSET_MIN {
            return Err(Invalid::new("subset.size", self.size, "at least 20"));
        }
        Ok(())
    }
}

/// The places of the members that this instance uses, ascending: all that have weight where they
/// are no more than the size. Weights raise the chance to be in a subset.
#[must_use]
pub fn subset(members: &[Member], settings: SubsetSettings) -> Vec<usize> {
    let mut places = Rendezvous::new(members).order(settings.instance);
    places.truncate(settings.size.max(SUBSET_MIN) as usize);
    places.sort_unstable();
    places
}
