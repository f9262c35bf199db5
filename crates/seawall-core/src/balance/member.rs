//! What balancing is told of an endpoint: identity, weight, zone and level.
//!
//! Who may be chosen at all is the upstream's business, how loaded an endpoint is the balancer's.

use crate::invalid::Invalid;

/// The largest weight. Shares finer than 1 in 65 535 cannot be told from noise, and products with
/// a share in parts per million stay far below 64 bits.
pub const WEIGHT_MAX: u32 = 65_535;

/// Priority levels at most.
pub const LEVELS_MAX: usize = 8;

/// Zones at most; regions have three to six, and the tables stay plain values.
pub const ZONES_MAX: usize = 8;

/// One endpoint of a hash table: `id` is the hash of its name ([`crate::hash::hash`]), never its
/// place in a list, so that order and representation cannot matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The hash of the name.
    pub id: u64,
    /// Its share of keys relative to the others, at most [`WEIGHT_MAX`]; with 0 it gets none.
    pub weight: u32,
}

/// A zone by the number that the driver gave its name, below [`ZONES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(u8);

impl Zone {
    /// The zone of this number, or none from [`ZONES_MAX`] on.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (usize::from(number) < ZONES_MAX).then_some(Self(number))
    }

    /// Its number, for tables.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What is configured for one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointInfo {
    /// Its share of attempts relative to the others, 0 to [`WEIGHT_MAX`]. Default 1. With 0 it is
    /// never chosen, not even in panic or for a probe; larger values count as the largest.
    pub weight: u32,
    /// Where it stands, if that is known. Default unknown, which switches zone routing off.
    pub zone: Option<Zone>,
    /// Its priority level, 0 (first, the default) to [`LEVELS_MAX`] − 1; larger ones count as the
    /// last.
    pub level: u8,
}

impl Default for EndpointInfo {
    fn default() -> Self {
        Self { weight: 1, zone: None, level: 0 }
    }
}

impl EndpointInfo {
    /// Whether it is within its bounds.
    ///
    /// # Errors
    /// The first field that is not.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.weight > WEIGHT_MAX {
            return Err(Invalid::new("weight", self.weight, "0 to 65535"));
        }
        if usize::from(self.level) >= LEVELS_MAX {
            return Err(Invalid::new("level", self.level, "0 to 7"));
        }
        Ok(())
    }

    /// Within the bounds of its fields.
    pub(crate) fn bounded(self) -> Self {
        let last = u8::try_from(LEVELS_MAX - 1).unwrap_or(u8::MAX);
        Self { weight: self.weight.min(WEIGHT_MAX), level: self.level.min(last), ..self }
    }
}

/// The places of `members` that have weight, in the order of their identities. Of equal
/// identities the heavier one stays: whichever came first must not matter.
pub(super) fn in_order(members: &[Member]) -> alloc::vec::Vec<(usize, Member)> {
    let weighted = |(_, member): &(usize, Member)| member.weight > 0;
    let mut ordered: alloc::vec::Vec<_> =
        members.iter().copied().enumerate().filter(weighted).collect();
    ordered.sort_by_key(|(place, member)| (member.id, core::cmp::Reverse(member.weight), *place));
    ordered.dedup_by_key(|(_, member)| member.id);
    for (_, member) in &mut ordered {
        member.weight = member.weight.min(WEIGHT_MAX);
    }
    ordered
}
