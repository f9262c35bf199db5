//! Kept values that stand in while the dependency fails, refreshed by one caller at a time.
//!
//! What may be served for how long, and who refreshes, is the core's business
//! (`seawall_core::fallback`). Here values are kept in memory of this process, and callers wait.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seawall_core::event::Discard;
use seawall_core::fallback::{
    Flight, FlightSettings, Flights, Follower, Forbids, Freshness, Joined, Polled, Serve, Sharing,
    Shelf, ShelfSettings, Stock, Terms,
};
use seawall_core::invalid::Invalid;
use seawall_core::rng::{Rng as _, Stream};
use seawall_core::time::Instant;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::{BuildError, Why};

/// Settings of kept values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleSettings {
    /// So long a value is served as it is. No default: only who knows the values knows.
    pub fresh_for: Duration,
    /// So long after that it may stand in for an error; above zero. No default either.
    pub stale_for: Duration,
    /// The bounds on values.
    pub shelf: ShelfSettings,
    /// Who refreshes, and how long others wait.
    pub flights: FlightSettings,
}

impl StaleSettings {
    /// These times, with the usual bounds: 10,000 values of 64 MiB in all, waits of 100 ms.
    #[must_use]
    pub fn new(fresh_for: Duration, stale_for: Duration) -> Self {
        let (shelf, flights) = (ShelfSettings::default(), FlightSettings::default());
        Self { fresh_for, stale_for, shelf, flights }
    }
}

/// Kept values by key. Clones share them.
///
/// A key must hold all that the value depends on, the user included where it is not for everybody.
/// Bounded by the settings; the least recently used values go first.
///
/// ```
/// use std::time::Duration;
/// use seawall::{Policy, Stale, StaleSettings};
///
/// # async fn fetch(_id: u32) -> Result<String, std::io::Error> { Ok("shoes".to_owned()) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::builder().build()?;
/// let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
/// let items = Stale::new(StaleSettings::new(minute, hour))?;
///
/// let item = items.get(7, || async { policy.call(|_| fetch(7)).await }).await?;
/// assert_eq!(item.into_value(), "shoes");
/// # Ok(())
/// # }
/// ```
pub struct Stale<K, V> {
    inner: Arc<Inner<K, V>>,
}

impl<K, V> Clone for Stale<K, V> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<K, V> fmt::Debug for Stale<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stale").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

struct Inner<K, V> {
    clock: Clock,
    settings: StaleSettings,
    hasher: RandomState,
    locked: Mutex<Locked<K, V>>,
    ended: Notify,
}

struct Locked<K, V> {
    shelf: Shelf<K, V>,
    flights: Flights,
    rng: Stream,
}

/// A value, and how old it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Supply<V> {
    /// Within its freshness.
    Fresh {
        /// The value.
        value: V,
        /// Its age.
        age: Duration,
    },
    /// Past it: it stands in while somebody asks for a new one, or because none could be had.
    Stale {
        /// The value.
        value: V,
        /// Its age.
        age: Duration,
    },
}

impl<V> Supply<V> {
    /// The value.
    pub fn into_value(self) -> V {
        match self {
            Self::Fresh { value, .. } | Self::Stale { value, .. } => value,
        }
    }

    /// Whether it is past its freshness.
    pub const fn is_stale(&self) -> bool {
        matches!(self, Self::Stale { .. })
    }
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StaleError<E> {
    /// The refresh failed, and nothing is kept.
    Failed(E),
    /// Somebody else's refresh failed a short time ago, and nothing is kept.
    Resting {
        /// When the dependency is asked again.
        retry_after: Duration,
    },
    /// Somebody else's refresh brought nothing in time, and nothing is kept.
    NotInTime,
}

impl<E: fmt::Display> fmt::Display for StaleError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Resting { retry_after } => {
                write!(f, "another refresh has just failed; the next is in {retry_after:.1?}")
            }
            Self::NotInTime => f.write_str("another refresh brought nothing in time"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for StaleError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Resting { .. } | Self::NotInTime => None,
        }
    }
}

impl<K: Ord + Clone + Hash, V: Clone> Stale<K, V> {
    /// Nothing is kept yet. A value counts as its size in memory, without what it points to.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn new(settings: StaleSettings) -> Result<Self, BuildError> {
        if settings.stale_for.is_zero() {
            return Err(BuildError::of(Invalid::new("stale.stale_for", "0", "above 0")));
        }
        let within = |invalid: Invalid| BuildError::of(invalid.within("stale"));
        let shelf = Shelf::new(settings.shelf).map_err(within)?;
        let flights = Flights::new(settings.flights).map_err(within)?;
        let hasher = RandomState::new();
        let rng = Stream::new(crate::seed::fresh(), "stale");
        let locked = Mutex::new(Locked { shelf, flights, rng });
        let (clock, ended) = (Clock::start(), Notify::new());
        Ok(Self { inner: Arc::new(Inner { clock, settings, hasher, locked, ended }) })
    }

    /// Keeps a value, in the place of any other under the key.
    pub fn put(&self, key: K, value: V) {
        let now = self.inner.clock.now();
        self.inner.lock().put(key, value, now, &self.inner.settings);
    }

    /// What is kept, if it may still be served.
    #[must_use]
    pub fn find(&self, key: &K) -> Option<Supply<V>> {
        let now = self.inner.clock.now();
        self.inner.lock().find(key, now, &self.inner.settings)
    }

    /// What is kept, as a [`fallback`](crate::Call::fallback) of a call:
    /// `policy.call(…).fallback(items.rung(7))`.
    pub fn rung<E>(&self, key: K) -> impl FnOnce(Why<'_, E>) -> Option<V> + use<K, V, E> {
        let this = self.clone();
        move |_| this.find(&key).map(Supply::into_value)
    }

    /// The fresh value of a key, or `refresh` brings one: **one caller at a time** for each key.
    /// Meanwhile the others are served what is stale, and wait a little where nothing is. A refresh
    /// that fails is answered by what is stale, if anything is, and the key rests for a backoff.
    /// A caller that leaves hands its refresh on to the next.
    ///
    /// # Errors
    ///
    /// [`StaleError`] where nothing is kept that may be served.
    pub async fn get<F, Fut, E>(&self, key: K, refresh: F) -> Result<Supply<V>, StaleError<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<V, E>>,
    {
        let flight = match self.set_out(&key).await {
            Ok(flight) => flight,
            Err(Settled::Kept(supply)) => return Ok(supply),
            Err(Settled::Resting(retry_after)) => return Err(StaleError::Resting { retry_after }),
            Err(Settled::NotInTime) => return Err(StaleError::NotInTime),
        };
        let mut lead = Lead { inner: &self.inner, flight };
        match refresh().await {
            Ok(value) => {
                self.put(key, value.clone());
                lead.landed();
                Ok(Supply::Fresh { value, age: Duration::ZERO })
            }
            Err(error) => {
                lead.failed();
                // Looked up anew: it may have become too old meanwhile.
                self.find(&key).ok_or(StaleError::Failed(error))
            }
        }
    }

    /// Waits until there is something to serve, or until this caller is to refresh: alone, where
    /// there is no flight to lead. A flight that ends without a value, say because the shelf would
    /// not keep it, sends its followers back to the start, but not beyond their time.
    async fn set_out(&self, key: &K) -> Result<Option<Flight>, Settled<V>> {
        let hash = self.inner.hasher.hash_one(key);
        let mut patience = Instant::NEVER;
        loop {
            let follower = match self.inner.look(key, hash)? {
                Joined::Lead(flight) => return Ok(Some(flight)),
                Joined::Follow(follower) => follower,
                // Nothing is kept that could be served.
                Joined::Alone | Joined::ServeStale | Joined::Resting { .. } => return Ok(None),
            };
            patience = patience.min(follower.until());
            if let Some(flight) = self.follow(key, follower, patience).await? {
                return Ok(Some(flight));
            }
        }
    }

    /// Waits for the refresh of somebody else. Without a flight to lead there may be another to
    /// join.
    async fn follow(
        &self,
        key: &K,
        follower: Follower,
        patience: Instant,
    ) -> Result<Option<Flight>, Settled<V>> {
        let inner = &*self.inner;
        loop {
            let mut ended = std::pin::pin!(inner.ended.notified());
            // From here on no end is missed, also one between the look and the wait.
            ended.as_mut().enable();
            match inner.poll(key, follower, patience) {
                Step::Wait(until) => {
                    // Woken or late: it looks again either way.
                    let _woken = inner.clock.within(until, ended).await;
                }
                Step::Lead(flight) => return Ok(Some(flight)),
                Step::JoinAgain => return Ok(None),
                Step::Settled(settled) => return Err(settled),
            }
        }
    }
}

/// What a follower is to do.
enum Step<V> {
    Wait(Instant),
    Lead(Flight),
    JoinAgain,
    Settled(Settled<V>),
}

/// What a caller comes to that need not refresh.
enum Settled<V> {
    Kept(Supply<V>),
    Resting(Duration),
    NotInTime,
}

impl<K: Ord + Clone, V: Clone> Inner<K, V> {
    /// Finds what may be served at once, else joins the refresh: one step, so that no value that
    /// is put in between is asked for again.
    fn look(&self, key: &K, hash: u64) -> Result<Joined, Settled<V>> {
        let now = self.clock.now();
        let mut locked = self.lock();
        let kept = locked.find(key, now, &self.settings);
        let stock = match &kept {
            Some(Supply::Fresh { .. }) => return Err(Settled::or_late(kept)),
            Some(Supply::Stale { .. }) => Stock::Stale,
            None => Stock::Nothing,
        };
        match locked.flights.join(hash, stock, now, &mut Discard) {
            Joined::ServeStale => Err(Settled::or_late(kept)),
            Joined::Resting { until } => Err(Settled::Resting(until.since(now))),
            joined => Ok(joined),
        }
    }

    /// What a follower finds. What is kept by now is served, whoever brought it and however the
    /// flight ended.
    fn poll(&self, key: &K, follower: Follower, patience: Instant) -> Step<V> {
        let now = self.clock.now();
        let mut locked = self.lock();
        let polled = locked.flights.poll(follower, now, &mut Discard);
        let kept = locked.find(key, now, &self.settings);
        match (polled, kept) {
            (Polled::Lead(flight), _) => Step::Lead(flight),
            (_, Some(kept)) => Step::Settled(Settled::Kept(kept)),
            (Polled::Resting { until }, None) => Step::Settled(Settled::Resting(until.since(now))),
            (Polled::Waiting { until }, None) if now < patience => Step::Wait(until.min(patience)),
            (Polled::Landed, None) if now < patience => Step::JoinAgain,
            (Polled::Waiting { .. } | Polled::Landed | Polled::GiveUp, None) => {
                Step::Settled(Settled::NotInTime)
            }
        }
    }
}

impl<V> Settled<V> {
    fn or_late(kept: Option<Supply<V>>) -> Self {
        kept.map_or(Self::NotInTime, Self::Kept)
    }
}

impl<K, V> Inner<K, V> {
    /// What is kept. A step that panicked leaves it whole.
    fn lock(&self) -> MutexGuard<'_, Locked<K, V>> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord + Clone, V: Clone> Locked<K, V> {
    fn put(&mut self, key: K, value: V, now: Instant, settings: &StaleSettings) {
        let freshness = Freshness {
            stored_at: now,
            fresh_for: settings.fresh_for,
            stale_for: settings.stale_for,
            forbids: Forbids::NONE,
        };
        let bytes = size_of::<V>();
        let _kept = self.shelf.put(key, value, bytes, (freshness, Sharing::Principal));
    }

    fn find(&mut self, key: &K, now: Instant, settings: &StaleSettings) -> Option<Supply<V>> {
        let terms = Terms { max_staleness: settings.stale_for, sharing: Sharing::Principal };
        let (value, serve, _) = self.shelf.find(key, now, terms)?;
        let value = value.clone();
        match serve {
            Serve::Fresh { age } => Some(Supply::Fresh { value, age }),
            Serve::Stale { age, .. } => Some(Supply::Stale { value, age }),
            Serve::Not(_) => None,
        }
    }
}

/// The lead of a refresh; none for one that goes alone. Dropped, it passes on to the next.
struct Lead<'a, K, V> {
    inner: &'a Inner<K, V>,
    flight: Option<Flight>,
}

impl<K, V> Lead<'_, K, V> {
    fn landed(&mut self) {
        self.end(|locked, flight, _| locked.flights.landed(flight));
    }

    fn failed(&mut self) {
        self.end(|locked, flight, now| {
            let draw = locked.rng.draw();
            locked.flights.failed(flight, (now, draw), &mut Discard)
        });
    }

    fn end<R>(&mut self, end: impl FnOnce(&mut Locked<K, V>, Flight, Instant) -> R) {
        let Some(flight) = self.flight.take() else { return };
        let now = self.inner.clock.now();
        end(&mut self.inner.lock(), flight, now);
        self.inner.ended.notify_waiters();
    }
}

impl<K, V> Drop for Lead<'_, K, V> {
    fn drop(&mut self) {
        self.end(|locked, flight, _| locked.flights.cancelled(flight));
    }
}
