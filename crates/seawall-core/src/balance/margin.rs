//! The redundancy margin: how many endpoints, and how many zones, may fail before the load no
//! longer fits. The words N+1 and N+2 of capacity planning, computed.
//!
//! Capacities and load are the driver's to state or measure; both in one unit, whatever it is
//! (calls a second, attempts at once).

use alloc::vec;
use alloc::vec::Vec;

use super::member::{ZONES_MAX, Zone};
use crate::number::small;
use crate::ratio::Ratio;

/// What one endpoint can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// In the unit of the load.
    pub capacity: u64,
    /// Where it stands. Endpoints without a zone are taken to fail alone.
    pub zone: Option<Zone>,
}

/// How much may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Redundancy {
    /// The load does not fit even with everything up.
    Overloaded,
    /// So many of the largest may fail together and the load still fits: 0 is bare N, 1 is N+1, 2
    /// is N+2.
    Spare(u32),
}

/// How far an upstream is from not carrying its load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin {
    /// What all endpoints carry together.
    pub capacity: u64,
    /// What is asked of them.
    pub load: u64,
    /// Load over capacity; `u32::MAX` parts per million where there is load and no capacity.
    pub utilisation: Ratio,
    /// Of endpoints, the largest first.
    pub endpoints: Redundancy,
    /// Of zones, the largest first. With fewer than two zones no zone may fail.
    pub zones: Redundancy,
    /// Load over what is left without the largest endpoint.
    pub without_endpoint: Ratio,
    /// Load over what is left without the largest zone.
    pub without_zone: Ratio,
}

/// The margin of these endpoints under this load. The largest are taken to fail first, so the
/// answer holds whichever fail. Sorts a copy: for reports, not for each call.
#[must_use]
pub fn margin(endpoints: &[Capacity], load: u64) -> Margin {
    let alone: Vec<_> = endpoints.iter().map(|endpoint| endpoint.capacity).collect();
    let (zoned, apart) = by_zone(endpoints);
    let capacity = sum(&alone);
    Margin {
        capacity,
        load,
        utilisation: Ratio::of_parts(load, capacity),
        without_endpoint: Ratio::of_parts(load, capacity - largest(&alone)),
        without_zone: Ratio::of_parts(load, capacity.saturating_sub(largest(&zoned))),
        endpoints: spare(alone, 0, load),
        zones: spare(zoned, apart, load),
    }
}

/// The capacity of each zone that has any, and of what belongs to none.
fn by_zone(endpoints: &[Capacity]) -> (Vec<u64>, u64) {
    let (mut zones, mut apart) = (vec![0_u64; ZONES_MAX], 0_u64);
    for endpoint in endpoints {
        let sum = endpoint.zone.and_then(|zone| zones.get_mut(zone.index())).unwrap_or(&mut apart);
        *sum = sum.saturating_add(endpoint.capacity);
    }
    zones.retain(|capacity| *capacity > 0);
    (zones, apart)
}

/// How many of `parts` may go, the largest first, until what is left with `rest` is below `load`.
/// The last part is never spare where nothing is left beside it, even for no load at all.
fn spare(mut parts: Vec<u64>, rest: u64, load: u64) -> Redundancy {
    parts.sort_unstable_by(|a, b| b.cmp(a));
    let mut left = sum(&parts).saturating_add(rest);
    if left < load || left == 0 {
        return Redundancy::Overloaded;
    }
    let fits = parts.iter().take_while(|part| {
        left = left.saturating_sub(**part);
        left >= load && left > 0
    });
    Redundancy::Spare(small(fits.count()))
}

fn sum(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
}

fn largest(parts: &[u64]) -> u64 {
    parts.iter().copied().max().unwrap_or_default()
}
