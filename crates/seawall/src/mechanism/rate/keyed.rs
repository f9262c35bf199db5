//! A rate limit for each key: the core's table, in parts behind locks of their own.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use seawall_core::rate::{Caller, Capacity, Keyed, KeyedSettings, KeyedSnapshot, Quota};
use seawall_core::rate::{RateSnapshot, Refused};
use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::rejected;
use crate::mechanism::atomic::batch::Batch;
use crate::mechanism::report::Reports;
use crate::mechanism::{Rejected, Setup};
use crate::{BuildError, Events};

/// Parts of a table. Sixteen let eight threads meet at one lock in a call of four, for so short a
/// time that it hardly shows, and each part has 64 KiB beside its keys.
const PARTS: u32 = 16;
/// The bits of a hash that choose the part. The core's table uses the upper and the lower ones.
const PART_SHIFT: u32 = 28;

/// Bounds the rate of calls for each key: each has a limit of its own, by the tier it belongs to.
///
/// Clones share everything. Memory is allocated whole and never grows, whatever keys come: a key
/// that owes nothing needs no place, and one that loses its place keeps its debt (see
/// [`Keyed`]). Keys are hashed by a fast hash with a random seed for each limiter, and not
/// kept: a key may be of any type, and be asked for by any borrowed form.
///
/// ```
/// use seawall::mechanism::{KeyedRateLimiter, Quota, Rate};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let quota = Quota { rate: Rate::per_second(10), burst: 1 };
/// let limiter: KeyedRateLimiter<String> = KeyedRateLimiter::new(quota)?;
/// limiter.try_acquire("alice")?;
/// limiter.try_acquire("bob")?;
/// assert!(limiter.try_acquire("alice").is_err());
/// # Ok(())
/// # }
/// ```
pub struct KeyedRateLimiter<K: ?Sized> {
    shared: Arc<Shared>,
    keys: PhantomData<fn(&K)>,
}

struct Shared {
    parts: Box<[Part]>,
    hasher: RandomState,
    reports: Reports,
    /// How many events were reported by all parts.
    published: AtomicU64,
}

/// On cache lines of its own, so that locks of different keys do not meet.
#[derive(Debug)]
#[repr(align(128))]
struct Part(Mutex<Keyed>);

impl<K: Hash + ?Sized> KeyedRateLimiter<K> {
    /// The same quota for every key, and the default capacity: 100 000 keys that owe something at
    /// the same time.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for a quota that cannot work.
    pub fn new(quota: Quota) -> Result<Self, BuildError> {
        Self::with(KeyedSettings::default(), &[quota], Setup::new())
    }

    /// A quota for each tier, a capacity, a mode, and a name that rejections carry.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with the setting that cannot work.
    pub fn named(
        name: impl Into<Arc<str>>,
        settings: KeyedSettings,
        tiers: &[Quota],
    ) -> Result<Self, BuildError> {
        Self::with(settings, tiers, Setup::named(name))
    }

    /// The same with a name and listeners, who hear of every refusal and of keys without a place,
    /// but never of the keys themselves.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with the setting that cannot work.
    pub fn with(
        settings: KeyedSettings,
        tiers: &[Quota],
        setup: Setup,
    ) -> Result<Self, BuildError> {
        settings.validate(tiers).map_err(BuildError::of)?;
        let (parts, each) = divided(settings, tiers);
        let parts = (0..parts).map(|_| Part(Mutex::new(Keyed::new(each, tiers)))).collect();
        let (reports, published) = (setup.reports(), AtomicU64::new(0));
        let shared = Shared { parts, hasher: RandomState::default(), reports, published };
        Ok(Self { shared: Arc::new(shared), keys: PhantomData })
    }

    /// Asks for one call of a key, and charges it if it passes.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::RateLimited`](crate::Reason::RateLimited), until the instant at
    /// which it would pass if no other call of the key came before.
    pub fn try_acquire<Q: Hash + ?Sized>(&self, key: &Q) -> Result<(), Rejected>
    where
        K: Borrow<Q>,
    {
        self.try_acquire_many(key, 0, 1)
    }

    /// Asks for a call of a key in a tier that costs as much as so many: all of it or nothing.
    /// Tiers are counted from 0; one beyond the last is the last.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`KeyedRateLimiter::try_acquire`]; or by
    /// [`Reason::CostExceedsLimit`](crate::Reason::CostExceedsLimit) if it costs more than the
    /// burst of the tier.
    pub fn try_acquire_many<Q: Hash + ?Sized>(
        &self,
        key: &Q,
        tier: u16,
        cost: u32,
    ) -> Result<(), Rejected>
    where
        K: Borrow<Q>,
    {
        let caller = Caller { key: self.shared.hasher.hash_one(key), tier };
        let now = self.shared.reports.clock.now();
        let name = self.shared.reports.name.as_ref();
        self.shared.decide(caller, now, cost).map_err(|refused| rejected(name, refused, now))
    }

    /// The limit of one key at this moment.
    #[must_use]
    pub fn snapshot_of<Q: Hash + ?Sized>(&self, key: &Q, tier: u16) -> RateSnapshot
    where
        K: Borrow<Q>,
    {
        let caller = Caller { key: self.shared.hasher.hash_one(key), tier };
        let now = self.shared.reports.clock.now();
        self.shared.part(caller).snapshot_of(caller, now)
    }

    /// The table at this moment. Looks at every place, one part after the other.
    #[must_use]
    pub fn snapshot(&self) -> KeyedSnapshot {
        let now = self.shared.reports.clock.now();
        let empty =
            KeyedSnapshot { owing: 0, places: 0, bytes: 0, overflow_cells: 0, overflowed: 0 };
        self.shared.parts.iter().fold(empty, |sum, part| {
            let part = lock(part).snapshot(now);
            KeyedSnapshot {
                owing: sum.owing + part.owing,
                places: sum.places + part.places,
                bytes: sum.bytes + part.bytes,
                overflow_cells: sum.overflow_cells + part.overflow_cells,
                overflowed: sum.overflowed.saturating_add(part.overflowed),
            }
        })
    }

    /// The refusals from now on, without their keys. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.reports.subscribe()
    }

    /// Takes other quotas and another mode; the capacity stays what it is. Every key keeps its
    /// debt, in calls. Goes over the whole table, one part after the other: a call meanwhile is
    /// decided by the old quotas or by the new ones.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with the setting that cannot work; the old ones then stay in force.
    pub fn reconfigure(&self, settings: KeyedSettings, tiers: &[Quota]) -> Result<(), BuildError> {
        settings.validate(tiers).map_err(BuildError::of)?;
        let now = self.shared.reports.clock.now();
        for part in &self.shared.parts {
            lock(part).reconfigure(settings, tiers, now);
        }
        Ok(())
    }
}

impl Shared {
    fn decide(&self, caller: Caller, now: Instant, cost: u32) -> Result<(), Refused> {
        let mut batch = Batch::new(self.reports.are_wanted());
        let decision = self.part(caller).admit(caller, now, cost, &mut batch);
        if !batch.events.is_empty() {
            let events = batch.events.len() as u64;
            // Relaxed: the number orders nothing but itself, and parts know nothing of each other.
            batch.first = self.published.fetch_add(events, Ordering::Relaxed) + 1;
            self.reports.publish(batch, now, What::Rate);
        }
        decision
    }

    fn part(&self, caller: Caller) -> MutexGuard<'_, Keyed> {
        // A power of two, or one.
        let mask = self.parts.len() as u64 - 1;
        let index = ((caller.key >> PART_SHIFT) & mask) as usize;
        lock(&self.parts[index])
    }
}

/// So many parts, and the settings of each. A table too small to be divided is one part.
fn divided(settings: KeyedSettings, tiers: &[Quota]) -> (u32, KeyedSettings) {
    let capacity = match settings.capacity {
        Capacity::Keys(keys) => Capacity::Keys(keys.div_ceil(PARTS)),
        Capacity::Bytes(bytes) => Capacity::Bytes(bytes / u64::from(PARTS)),
    };
    let each = KeyedSettings { capacity, ..settings };
    if each.validate(tiers).is_ok() { (PARTS, each) } else { (1, settings) }
}

/// A panic of another holder stops nobody: steps leave the table whole.
fn lock(part: &Part) -> MutexGuard<'_, Keyed> {
    part.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: ?Sized> Clone for KeyedRateLimiter<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), keys: PhantomData }
    }
}

impl<K: ?Sized> fmt::Debug for KeyedRateLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRateLimiter")
            .field("name", &self.shared.reports.name)
            .field("parts", &self.shared.parts.len())
            .finish_non_exhaustive()
    }
}
