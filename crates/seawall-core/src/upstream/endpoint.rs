//! One endpoint as its upstream knows it.

use alloc::boxed::Box;

use crate::balance::EndpointInfo;
use crate::breaker::Breaker;
use crate::concurrency::Limit;
use crate::endpoint::EndpointId;
use crate::hash::hash;
use crate::health::Health;
use crate::outlier;
use crate::time::Instant;

use super::silence::Silence;
use super::{Outcomes, UpstreamSettings};

/// What identifies an endpoint across reloads: an opaque text of the driver, usually host and
/// port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointName(Box<str>);

impl EndpointName {
    /// A name.
    #[must_use]
    pub fn new(name: Box<str>) -> Self {
        Self(name)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its place in hash tables, the same for equal names in every process and version.
    #[must_use]
    pub fn placement(&self) -> u64 {
        hash(PLACEMENT_SEED, self.0.as_bytes())
    }
}

/// Never to change: another seed would move every key of every fleet. Names are configured and
/// not chosen by callers, so it need not be secret.
const PLACEMENT_SEED: u64 = 0;

/// Why an endpoint takes no new attempts for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// An operator drains it; it stays registered.
    Drained,
    /// It is no longer configured; it goes with its last attempt.
    Removed,
}

#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) id: EndpointId,
    pub(super) name: EndpointName,
    pub(super) info: EndpointInfo,
    pub(super) leaving: Option<Leaving>,
    /// Attempts in flight.
    pub(super) active: u32,
    /// What those weigh beyond one each.
    pub(super) heavier: u32,
    /// Since when they have waited in vain.
    pub(super) silence: Silence,
    pub(super) breaker: Breaker,
    pub(super) health: Health,
    /// How many may be, as far as is known; absent unless configured.
    pub(super) limit: Option<Limit>,
    /// What it adds to the places of the upstream; see `places.rs`.
    pub(super) counted: u32,
    /// Whether it is good, and calls are sent there, when that was last counted.
    pub(super) is_used: bool,
    /// Whether that is but what it holds, since it is silent and others are heard of.
    pub(super) is_left_out: bool,
    /// What its attempts came to since it joined.
    pub(super) outcomes: Outcomes,
    /// Since when it has waited for a probe, as far as a choice has noticed.
    pub(super) due_since: Option<Instant>,
}

impl Endpoint {
    pub(super) fn new(
        id: EndpointId,
        name: EndpointName,
        settings: &UpstreamSettings,
        origin: Instant,
    ) -> Self {
        Self {
            id,
            name,
            info: EndpointInfo::default(),
            leaving: None,
            active: 0,
            heavier: 0,
            limit: settings.endpoint_limit.map(|limit| Limit::new(limit, origin)),
            counted: 0,
            is_used: false,
            is_left_out: false,
            silence: Silence::default(),
            breaker: Breaker::new(settings.endpoint_breaker, origin),
            health: Health::new(settings.health.unwrap_or_default()),
            outcomes: Outcomes::default(),
            due_since: None,
        }
    }
}

/// The history of an endpoint that was removed.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) name: EndpointName,
    pub(super) at: Instant,
    pub(super) history: outlier::Remembered,
}
