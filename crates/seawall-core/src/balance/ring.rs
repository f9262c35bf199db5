//! Ring hash: consistent hashing with virtual nodes (Karger et al., 1997).
//!
//! An endpoint owns `points × weight` points of a circle; a key belongs to the first point
//! clockwise. A point depends on nothing but the endpoint's name and the point's number, so a
//! joining or leaving endpoint moves its own share of keys and no other, and a changed weight adds
//! or removes the last points only: keys shift in proportion. The bound on load is in `bounded`.

use alloc::vec::Vec;

use super::member::{Member, in_order};
use crate::hash::mix;
use crate::invalid::Invalid;

/// Points of a whole ring at most: 8 MiB of points and 8 MiB of index. Beyond it every endpoint
/// has its points halved until they fit.
pub const RING_POINTS_MAX: u64 = 1 << 20;

/// Points for a weight of 1 unless stated otherwise. With 160 the fullest of a hundred endpoints
/// gets at most a quarter more than the average; with 128 it would not always.
pub const RING_POINTS: u32 = 160;

/// The owner stands in the low bits of a point, so that a lookup reads one word and not two.
const OWNER_BITS: u32 = 16;

/// Endpoints of one ring at most: what the owner bits can tell apart.
pub const RING_MEMBERS_MAX: usize = 1 << OWNER_BITS;

/// A ring. Built once for each set of endpoints; equal sets give equal rings in any order.
///
/// Memory: 8 bytes for a point, and 4 to 8 for its share of the index. A lookup reads one entry
/// of the index and one or two points. Building sorts all points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    /// 48 bits of position, then the owner; ascending. The last is the first once more, at the
    /// end of the circle, so that a lookup need not wrap.
    points: Vec<u64>,
    /// For each value of a position's top bits, the first point that is not before it.
    index: Vec<u32>,
    /// Shifts a key to its place in the index.
    shift: u32,
}

impl Ring {
    /// The ring of `members` with `points` points for a weight of 1 ([`RING_POINTS`]).
    ///
    /// # Errors
    /// No points, or more than [`RING_MEMBERS_MAX`] members.
    pub fn new(members: &[Member], points: u32) -> Result<Self, Invalid> {
        validate(points)?;
        if members.len() > RING_MEMBERS_MAX {
            return Err(Invalid::new("members", members.len(), "at most 65536"));
        }
        Ok(Self::of_points(place_points(members, points)))
    }

    /// The place in the list of members of the endpoint that `key` belongs to; none if no member
    /// has weight. `key` must be a hash: its top bits decide.
    #[must_use]
    #[inline]
    pub fn lookup(&self, key: u64) -> Option<usize> {
        let rest = self.points.get(self.first_from(key)..)?;
        let point = rest.iter().find(|point| is_from(**point, key))?;
        Some(owner(*point))
    }

    /// The owners of all points clockwise from `key`, once around. Endpoints come up again and
    /// again; the first occurrences are the order of fail-over.
    pub fn walk(&self, key: u64) -> impl Iterator<Item = usize> + '_ {
        let count = self.points.len().saturating_sub(1);
        let real = self.points.get(..count).unwrap_or_default();
        let hint = self.first_from(key).min(count);
        let skip = real.get(hint..).unwrap_or_default();
        let start = hint + skip.iter().take_while(|point| !is_from(**point, key)).count();
        let (before, after) = real.split_at_checked(start).unwrap_or((real, &[]));
        after.iter().chain(before).map(|point| owner(*point))
    }

    /// How many points it has.
    #[must_use]
    pub fn points(&self) -> usize {
        self.points.len().saturating_sub(1)
    }

    #[inline]
    fn first_from(&self, key: u64) -> usize {
        let place = usize::try_from(key >> self.shift).unwrap_or(usize::MAX);
        self.index.get(place).map_or(0, |first| *first as usize)
    }

    fn of_points(mut points: Vec<u64>) -> Self {
        let Some(first) = points.first().copied() else { return Self::default() };
        // At least two places, since a word cannot be shifted by all of its bits.
        let places = points.len().next_power_of_two().max(2);
        let shift = u64::BITS - places.trailing_zeros();
        let index = (0_u64..).take(places).scan(0_usize, |at, place| {
            let edge = place << shift;
            *at += points.iter().skip(*at).take_while(|point| !is_from(**point, edge)).count();
            u32::try_from(*at).ok()
        });
        let index = index.collect();
        points.push(u64::MAX << OWNER_BITS | first & (RING_MEMBERS_MAX as u64 - 1));
        Self { points, index, shift }
    }
}

/// Whether a number of points for a weight of 1 can work.
pub(super) fn validate(points: u32) -> Result<(), Invalid> {
    if (1..=65_536).contains(&points) {
        return Ok(());
    }
    Err(Invalid::new("points", points, "1 to 65536"))
}

fn place_points(members: &[Member], points: u32) -> Vec<u64> {
    let members = in_order(members);
    let halvings = halvings(&members, points);
    let mut placed = Vec::new();
    for (place, member) in members {
        for number in 0..points_of(member, points, halvings) {
            let position = mix(mix(member.id, number), POINT_SALT) >> OWNER_BITS;
            placed.push((position, member.id, place as u64));
        }
    }
    placed.sort_unstable();
    // Where two points meet, the smaller identity owns the place, whatever the order of the list.
    placed.dedup_by_key(|(position, _, _)| *position);
    placed.into_iter().map(|(position, _, place)| position << OWNER_BITS | place).collect()
}

/// Keeps the points of a ring apart from other uses of a name's hash.
const POINT_SALT: u64 = 0x7269_6e67;

fn points_of(member: Member, points: u32, halvings: u32) -> u64 {
    ((u64::from(member.weight) * u64::from(points)) >> halvings).max(1)
}

/// How often the points must be halved to fit. A power of two, since a divisor that followed the
/// sum of weights would move keys of endpoints whose weight stayed.
fn halvings(members: &[(usize, Member)], points: u32) -> u32 {
    let total = |halvings| {
        members.iter().map(|(_, member)| points_of(*member, points, halvings)).sum::<u64>()
    };
    (0..u64::BITS - 1).find(|halvings| total(*halvings) <= RING_POINTS_MAX).unwrap_or_default()
}

#[inline]
const fn is_from(point: u64, key: u64) -> bool {
    point >> OWNER_BITS >= key >> OWNER_BITS
}

#[inline]
fn owner(point: u64) -> usize {
    usize::try_from(point & (RING_MEMBERS_MAX as u64 - 1)).unwrap_or_default()
}
