//! One rate limit that refuses: a word that threads swap.
//!
//! The word is in `atomic/cell.rs`. Waiting for a limit is in `queued.rs`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use seawall_core::Mode;
use seawall_core::event::Sink as _;
use seawall_core::rate::{Pace, Quota, RateEvent, RateSnapshot, Refused};
use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::rejected;
use crate::mechanism::atomic::batch::Batch;
use crate::mechanism::atomic::cell::{Cell, Moved};
use crate::mechanism::report::Reports;
use crate::mechanism::{Rejected, Setup};
use crate::{BuildError, Events};

/// Bounds the rate of calls: for every interval t at most `burst + rate · t` pass.
///
/// Clones share everything. Asking takes no lock, whatever the number of threads, and allocates
/// nothing. A call that does not fit is refused and told when it would.
///
/// ```
/// use seawall::mechanism::{Quota, Rate, RateLimiter};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limiter = RateLimiter::new(Quota { rate: Rate::per_second(100), burst: 2 })?;
/// limiter.try_acquire()?;
/// limiter.try_acquire()?;
/// let refused = limiter.try_acquire().unwrap_err();
/// assert!(refused.retry_after().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RateLimiter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The quota it was built with. As long as that is in force, which mostly is for ever, nobody
    /// looks further.
    first: Cell,
    /// The quota in force, once there has been another.
    later: ArcSwapOption<Cell>,
    /// Held while a quota changes.
    changing: Mutex<()>,
    reports: Reports,
    /// How many refusals were reported.
    published: AtomicU64,
}

impl RateLimiter {
    /// A limit that owes nothing.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for a quota that cannot work.
    pub fn new(quota: Quota) -> Result<Self, BuildError> {
        Self::with(quota, Setup::new())
    }

    /// The same with a name that rejections carry.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for a quota that cannot work.
    pub fn named(name: impl Into<Arc<str>>, quota: Quota) -> Result<Self, BuildError> {
        Self::with(quota, Setup::named(name))
    }

    /// The same with a name and listeners, who hear of every refusal.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for a quota that cannot work.
    pub fn with(quota: Quota, setup: Setup) -> Result<Self, BuildError> {
        quota.validate().map_err(BuildError::of)?;
        let first = Cell::new(Pace::new(quota), 0);
        let (later, changing) = (ArcSwapOption::empty(), Mutex::new(()));
        let (reports, published) = (setup.reports(), AtomicU64::new(0));
        Ok(Self { shared: Arc::new(Shared { first, later, changing, reports, published }) })
    }

    /// Asks for one call, and charges it if it passes.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::RateLimited`](crate::Reason::RateLimited), until the instant at
    /// which it would pass if nobody else came before; never, where the rate is zero.
    #[inline]
    pub fn try_acquire(&self) -> Result<(), Rejected> {
        self.try_acquire_many(1)
    }

    /// Asks for a call that costs as much as so many, or several at once: all of them or none.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`RateLimiter::try_acquire`]; or by
    /// [`Reason::CostExceedsLimit`](crate::Reason::CostExceedsLimit) if it costs more than the
    /// burst, and waiting cannot help.
    #[inline]
    pub fn try_acquire_many(&self, cost: u32) -> Result<(), Rejected> {
        let now = self.shared.reports.clock.now();
        self.shared.decide(now, cost).map_err(|refused| self.shared.refused(refused, now, cost))
    }

    /// The limit at this moment.
    #[must_use]
    pub fn snapshot(&self) -> RateSnapshot {
        let now = self.shared.reports.clock.now();
        let _unchanged = self.shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let later = self.shared.later.load();
        let (pace, word) = later.as_deref().unwrap_or(&self.shared.first).look();
        pace.snapshot(word, now)
    }

    /// Takes another quota. What is owed stays owed, in calls, rounded up. Asking costs a few
    /// nanoseconds more from the first change on.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for a quota that cannot work; the old one then stays in force.
    pub fn reconfigure(&self, quota: Quota) -> Result<(), BuildError> {
        quota.validate().map_err(BuildError::of)?;
        let shared = &*self.shared;
        let now = shared.reports.clock.now();
        let _alone = shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let later = shared.later.load();
        let old = later.as_deref().unwrap_or(&shared.first);
        let new = old.move_to(Pace::new(quota), now);
        shared.later.store(Some(Arc::new(new)));
        Ok(())
    }

    /// The refusals from now on. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.reports.subscribe()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.reports.name.as_deref()
    }
}

impl Shared {
    #[inline]
    fn decide(&self, now: Instant, cost: u32) -> Result<(), Refused> {
        match self.first.decide(now, cost) {
            Ok(decision) => decision,
            Err(Moved) => self.decide_later(now, cost),
        }
    }

    /// A refusal in the words of users, once who listens has heard of it.
    #[cold]
    fn refused(&self, refused: Refused, now: Instant, cost: u32) -> Rejected {
        let mut batch = Batch::new(self.reports.are_wanted());
        batch.emit(RateEvent::of_refusal(refused, Mode::Enforce, cost));
        // Relaxed: the number orders nothing but itself, and no lock says who was first.
        batch.first = self.published.fetch_add(1, Ordering::Relaxed) + 1;
        self.reports.publish(batch, now, What::Rate);
        rejected(self.reports.name.as_ref(), refused, now)
    }

    fn decide_later(&self, now: Instant, cost: u32) -> Result<(), Refused> {
        loop {
            if let Some(later) = &*self.later.load()
                && let Ok(decision) = later.decide(now, cost)
            {
                return decision;
            }
            // Between the old cell and the new one: the change ends with the lock.
            drop(self.changing.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}
