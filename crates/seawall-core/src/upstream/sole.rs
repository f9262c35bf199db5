//! An upstream without endpoints: an operation that goes wherever it goes.
//!
//! Programs guard operations whose address is none of our business (a driver of a database, a
//! client with balancing of its own). Such an upstream has a breaker, a budget, a bulkhead and a
//! latency like any other, but nothing to choose, to eject or to balance.

use crate::endpoint::{EndpointId, Slot};
use crate::rng::Rng;
use crate::time::Instant;

use super::{Choice, ChoiceReason, Upstream, UpstreamSettings};

/// The place that every attempt goes to.
const SOLE: EndpointId = EndpointId { slot: Slot::new(0), generation: 0 };

/// The one place there is, tried or not: where the operation goes the next time is unknown.
pub(super) const SOLE_CHOICE: Choice = Choice {
    endpoint: SOLE,
    reason: ChoiceReason::Sole,
    candidates: 1,
    beside: 0,
    breaker: None,
    probe: None,
    awaits: false,
    heavier: 0,
    outage: None,
};

/// What an upstream consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fleet {
    /// Endpoints to choose among, maybe none so far.
    Endpoints,
    /// Nothing that we know of.
    Sole,
}

impl Upstream {
    /// An upstream of an operation that has no endpoints. Settings of endpoints have no effect,
    /// and [`Upstream::set_endpoints`] makes it one of endpoints.
    #[must_use]
    pub fn solo(settings: UpstreamSettings, now: Instant, rng: &mut impl Rng) -> Self {
        Self { fleet: Fleet::Sole, ..Self::new(settings, now, rng) }
    }
}
