//! The table of keys: sets of eight places, and the overflow that remembers evicted debt.
//!
//! What an entry may do next is decided in `limiter.rs`.

use alloc::boxed::Box;
use alloc::vec;

use crate::rate::rate::Exact;
use crate::time::Instant;

/// Places of a set. Eight of 24 bytes are three cache lines, and at half load one set in fifty
/// has more than eight keys.
pub(super) const WAYS: usize = 8;
/// Cells of the overflow.
const CELLS: usize = 4_096;

pub(super) const BUCKET_BYTES: u64 = size_of::<Bucket>() as u64;
pub(super) const OVERFLOW_BYTES: u64 = (CELLS * size_of::<Cell>()) as u64;

type Bucket = [Slot; WAYS];

/// A key and when it owes nothing. An empty place is one that has owed nothing since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot {
    key: u64,
    at: u64,
    /// The part of a nanosecond beside `at` in the upper 48 bits, the tier in the lower 16.
    rest: u64,
}

impl Slot {
    fn new(key: u64, debt: Debt) -> Self {
        Self { key, at: debt.tat.at, rest: debt.tat.part << 16 | u64::from(debt.tier) }
    }

    fn debt(&self) -> Debt {
        #[expect(clippy::cast_possible_truncation, reason = "the lower 16 bits are the tier")]
        let tier = self.rest as u16;
        Debt { tat: Exact { at: self.at, part: self.rest >> 16 }, tier }
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.debt().tat <= Exact::of(now)
    }
}

/// What a key owes: its TAT, in the terms of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Debt {
    pub(super) tat: Exact,
    pub(super) tier: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// The latest TAT of the keys that were evicted to this cell.
    owed_until: Instant,
    /// Nanoseconds ever refunded to the keys of this cell, wrapping.
    refunded: u64,
}

/// Where a key is, or in which set it would be put.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    bucket: usize,
    way: Option<usize>,
}

/// A set-associative table: a key has eight places, and one step looks at those and no others.
///
/// That makes a step constant in time whatever is stored, and needs no cleaning: a place whose key
/// owes nothing is as good as empty. Chaining or probing would let a flood of keys lengthen the
/// search of everybody else.
#[derive(Debug)]
pub(super) struct Table {
    buckets: Box<[Bucket]>,
    cells: Box<[Cell]>,
}

impl Table {
    pub(super) fn new(buckets: usize) -> Self {
        let empty = [Slot::default(); WAYS];
        Self {
            buckets: vec![empty; buckets.max(1)].into_boxed_slice(),
            cells: vec![Cell::default(); CELLS].into_boxed_slice(),
        }
    }

    /// Bytes of the table, whatever is stored.
    pub(super) const fn bytes(&self) -> u64 {
        self.buckets.len() as u64 * BUCKET_BYTES + OVERFLOW_BYTES
    }

    pub(super) const fn places(&self) -> usize {
        self.buckets.len() * WAYS
    }

    /// Where `key` is, if it is.
    #[inline]
    pub(super) fn find(&self, key: u64) -> Place {
        let bucket = self.bucket_of(key);
        let way = self.bucket(bucket).iter().position(|slot| slot.key == key);
        Place { bucket, way }
    }

    /// What `key` owes: in its place, or, if it has none, what its cell remembers.
    #[inline]
    pub(super) fn debt(&self, key: u64, place: Place) -> Result<Debt, Instant> {
        match place.way {
            Some(way) => Ok(self.slot(place.bucket, way).debt()),
            None => Err(self.cell(key).owed_until),
        }
    }

    /// Writes what `key` owes. Whether another key was evicted that owes something.
    #[inline]
    pub(super) fn put(&mut self, key: u64, place: Place, debt: Debt, now: Instant) -> bool {
        let Some(way) = place.way else {
            return self.insert(key, place.bucket, debt, now);
        };
        *self.slot_mut(place.bucket, way) = Slot::new(key, debt);
        false
    }

    fn insert(&mut self, key: u64, bucket: usize, debt: Debt, now: Instant) -> bool {
        let way = self.victim(bucket, now);
        let old = self.slot(bucket, way);
        let evicts = !old.is_idle(now);
        if evicts {
            let owed_until = old.debt().tat.ceil();
            let cell = self.cell_mut(old.key);
            cell.owed_until = cell.owed_until.max(owed_until);
        }
        *self.slot_mut(bucket, way) = Slot::new(key, debt);
        evicts
    }

    /// An idle place, or the one that owes least.
    fn victim(&self, bucket: usize, now: Instant) -> usize {
        let owed = |slot: &Slot| if slot.is_idle(now) { 0 } else { slot.at };
        let places = self.bucket(bucket).iter().enumerate();
        places.min_by_key(|(_, slot)| owed(slot)).map_or(0, |(way, _)| way)
    }

    pub(super) fn refunded(&self, key: u64) -> u64 {
        self.cell(key).refunded
    }

    pub(super) fn add_refund(&mut self, key: u64, nanos: u64) {
        let cell = self.cell_mut(key);
        cell.refunded = cell.refunded.wrapping_add(nanos);
    }

    /// Rewrites what every key owes.
    pub(super) fn each(&mut self, change: impl Fn(Debt) -> Debt) {
        for slot in self.buckets.iter_mut().flatten() {
            *slot = Slot::new(slot.key, change(slot.debt()));
        }
    }

    /// Rewrites until when the cells owe something that do.
    pub(super) fn each_cell(&mut self, now: Instant, change: impl Fn(Instant) -> Instant) {
        for cell in self.cells.iter_mut().filter(|cell| cell.owed_until > now) {
            cell.owed_until = change(cell.owed_until);
        }
    }

    /// Keys that owe something, and cells that do.
    pub(super) fn owing(&self, now: Instant) -> (usize, usize) {
        let keys = self.buckets.iter().flatten().filter(|slot| !slot.is_idle(now)).count();
        let cells = self.cells.iter().filter(|cell| cell.owed_until > now).count();
        (keys, cells)
    }

    /// Checks, in debug builds, what must always hold. Looks at every place.
    pub(super) fn invariants(&self, tiers: usize) {
        for (index, bucket) in self.buckets.iter().enumerate() {
            let used = bucket.iter().filter(|slot| slot.at > 0);
            for slot in used {
                debug_assert_eq!(self.bucket_of(slot.key), index, "a key in a foreign set");
                debug_assert!(usize::from(slot.debt().tier) < tiers, "a tier that is unknown");
                let twins = bucket.iter().filter(|twin| twin.key == slot.key && twin.at > 0);
                debug_assert_eq!(twins.count(), 1, "a key in two places");
            }
        }
    }

    /// The upper bits choose the set, the lower ones the cell: keys of one set have many cells.
    #[expect(clippy::cast_possible_truncation, reason = "a product shifted below its factor")]
    fn bucket_of(&self, key: u64) -> usize {
        ((u128::from(key) * self.buckets.len() as u128) >> 64) as usize
    }

    #[expect(clippy::indexing_slicing, reason = "a set number is below the number of sets")]
    fn bucket(&self, index: usize) -> &Bucket {
        &self.buckets[index]
    }

    #[expect(clippy::indexing_slicing, reason = "places come from find, which stays within")]
    fn slot(&self, bucket: usize, way: usize) -> Slot {
        self.buckets[bucket][way]
    }

    #[expect(clippy::indexing_slicing, reason = "places come from find, which stays within")]
    fn slot_mut(&mut self, bucket: usize, way: usize) -> &mut Slot {
        &mut self.buckets[bucket][way]
    }

    #[expect(clippy::indexing_slicing, reason = "taken modulo the number of cells")]
    fn cell(&self, key: u64) -> &Cell {
        &self.cells[cell_of(key)]
    }

    #[expect(clippy::indexing_slicing, reason = "taken modulo the number of cells")]
    fn cell_mut(&mut self, key: u64) -> &mut Cell {
        &mut self.cells[cell_of(key)]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a number below 4 096 fits a usize")]
const fn cell_of(key: u64) -> usize {
    (key % CELLS as u64) as usize
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a key in a foreign set")]
    fn a_key_that_nobody_would_find_is_noticed() {
        let mut table = Table::new(2);
        let debt = Debt { tat: Exact { at: 1, part: 0 }, tier: 0 };
        *table.slot_mut(0, 0) = Slot::new(u64::MAX, debt);
        table.invariants(1);
    }
}
