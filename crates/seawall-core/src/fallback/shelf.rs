//! The shelf: stored values for the time when the service fails.
//!
//! Whether a value may be served is in `freshness.rs`; who refreshes it in `flights.rs`. A key must
//! hold all that the value depends on, the principal included where it is not for everybody.

use alloc::collections::BTreeMap;

use super::{Freshness, Serve, Sharing, Terms};
use crate::invalid::Invalid;
use crate::time::Instant;

/// Bounds of a shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShelfSettings {
    /// The most values, at least 1. Default 10 000: the popular part of a catalogue, and with keys
    /// of a hundred bytes a few megabytes besides the values.
    pub entries_max: usize,
    /// The most bytes, as callers state them; at least 1. Default 64 MiB, which fits the smallest
    /// container.
    pub bytes_max: usize,
}

impl Default for ShelfSettings {
    fn default() -> Self {
        Self { entries_max: 10_000, bytes_max: 64 << 20 }
    }
}

impl ShelfSettings {
    /// Checks the bounds.
    ///
    /// # Errors
    ///
    /// A bound of zero: a shelf that holds nothing is better not built.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.entries_max == 0 {
            return Err(Invalid::new("entries_max", 0, "at least 1"));
        }
        if self.bytes_max == 0 {
            return Err(Invalid::new("bytes_max", 0, "at least 1 byte"));
        }
        Ok(())
    }
}

/// What became of a value that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It stands on the shelf.
    Kept {
        /// So many others had to go, the least recently used first.
        evicted: usize,
    },
    /// It may not be kept; nothing stands under its key now.
    Forbidden,
    /// It is larger than the whole shelf; nothing stands under its key now.
    TooLarge,
}

/// What a shelf holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShelfSnapshot {
    /// Values.
    pub entries: usize,
    /// Bytes, as stated.
    pub bytes: usize,
    /// Values that had to go since it was built.
    pub evicted: u64,
}

#[derive(Debug)]
struct Place<V> {
    value: V,
    freshness: Freshness,
    bytes: usize,
    used: u64,
}

/// Stored values, bounded by entries and by bytes. Every step takes O(log n), and evictions that
/// much for each value that goes.
#[derive(Debug)]
pub struct Shelf<K, V> {
    settings: ShelfSettings,
    places: BTreeMap<K, Place<V>>,
    /// Keys by last use. The count of uses does not wrap in the life of a process.
    by_use: BTreeMap<u64, K>,
    uses: u64,
    bytes: usize,
    evicted: u64,
}

impl<K: Ord + Clone, V> Shelf<K, V> {
    /// An empty shelf.
    ///
    /// # Errors
    ///
    /// As [`ShelfSettings::validate`].
    pub fn new(settings: ShelfSettings) -> Result<Self, Invalid> {
        settings.validate()?;
        let (places, by_use) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { settings, places, by_use, uses: 0, bytes: 0, evicted: 0 })
    }

    /// Takes new bounds; what no longer fits goes, the least recently used first.
    ///
    /// # Errors
    ///
    /// As [`ShelfSettings::validate`]; the old bounds then hold.
    pub fn reconfigure(&mut self, settings: ShelfSettings) -> Result<(), Invalid> {
        settings.validate()?;
        self.settings = settings;
        self.make_room();
        self.invariants();
        Ok(())
    }

    /// Puts a value in the place of any other under `key`. `bytes` is what the caller holds it to
    /// weigh. Answers that are errors or caller mistakes are not to be put here.
    pub fn put(&mut self, key: K, value: V, bytes: usize, stored: (Freshness, Sharing)) -> Kept {
        self.remove(&key);
        let (freshness, sharing) = stored;
        if !freshness.may_be_kept(sharing) {
            return Kept::Forbidden;
        }
        if bytes > self.settings.bytes_max {
            return Kept::TooLarge;
        }
        self.uses += 1;
        self.by_use.insert(self.uses, key.clone());
        self.places.insert(key, Place { value, freshness, bytes, used: self.uses });
        self.bytes = self.bytes.saturating_add(bytes);
        let evicted = self.make_room();
        self.invariants();
        Kept::Kept { evicted }
    }

    /// The value of `key`, how it may be served, and what it allows; `None` if there is none that
    /// may be served at all. One whose time is over goes, and being asked for counts as use.
    pub fn find(&mut self, key: &K, now: Instant, terms: Terms) -> Option<(&V, Serve, Freshness)> {
        let freshness = self.places.get(key)?.freshness;
        let serve = freshness.serve(now, terms);
        if let Serve::Not(_) = serve {
            self.drop_if_over(key, now, freshness);
            return None;
        }
        self.touch(key);
        self.places.get(key).map(|place| (&place.value, serve, freshness))
    }

    /// Takes the value of `key` off.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.places.remove(key)?;
        self.by_use.remove(&place.used);
        self.bytes = self.bytes.saturating_sub(place.bytes);
        Some(place.value)
    }

    /// All that is known.
    #[must_use]
    pub fn snapshot(&self) -> ShelfSnapshot {
        ShelfSnapshot { entries: self.places.len(), bytes: self.bytes, evicted: self.evicted }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        debug_assert!(self.places.len() <= self.settings.entries_max, "more values than allowed");
        debug_assert!(self.bytes <= self.settings.bytes_max, "more bytes than allowed");
        debug_assert_eq!(self.places.len(), self.by_use.len(), "a value without a last use");
    }

    /// Terms differ by call; only what no terms could serve goes.
    fn drop_if_over(&mut self, key: &K, now: Instant, freshness: Freshness) {
        let end = freshness.stored_at.after(freshness.fresh_for).after(freshness.stale_for);
        if now > end {
            self.remove(key);
        }
    }

    fn touch(&mut self, key: &K) {
        let Some(place) = self.places.get_mut(key) else { return };
        if let Some(key) = self.by_use.remove(&place.used) {
            self.uses += 1;
            place.used = self.uses;
            self.by_use.insert(self.uses, key);
        }
    }

    fn make_room(&mut self) -> usize {
        let mut gone = 0;
        while self.places.len() > self.settings.entries_max || self.bytes > self.settings.bytes_max
        {
            let Some((_, key)) = self.by_use.pop_first() else { break };
            if let Some(place) = self.places.remove(&key) {
                self.bytes = self.bytes.saturating_sub(place.bytes);
            }
            gone += 1;
        }
        self.evicted = self.evicted.saturating_add(gone as u64);
        gone
    }
}
