//! An adaptive concurrency limit by itself, shared by all its clones: how many calls at once a
//! dependency takes, found out from how long they take.
//!
//! All decisions are in the core (`concurrency` there).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::concurrency::{self as core, Evidence, Finished, LimitSnapshot};
use seawall_core::outcome::{RetryOn500, classify};
use seawall_core::reason::Reason;
use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::guarded::Guarded;
use super::hold::Hold;
use super::{Rejected, Setup};
use crate::{AnyResult, BuildError, Classify, Error, Events, LimitSettings, Outcome, Until};

/// Bounds how many calls are at one dependency at once, by a limit that follows its latency.
///
/// Calls beyond the limit are refused, not queued; a [`Policy`](crate::Policy) with
/// `.concurrency(…)` and `.bulkhead(…)` queues them. Clones share everything. One for each
/// dependency: several in front of one shrink each other. Memory: some 5 KiB. Each call takes a
/// short lock twice.
///
/// ```
/// use seawall::LimitSettings;
/// use seawall::mechanism::AdaptiveLimit;
///
/// # fn query() -> Result<u32, std::io::Error> { Ok(7) }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limit = AdaptiveLimit::new(LimitSettings::default())?;
/// let place = limit.try_acquire()?; // Or: too many at once.
/// match query() {
///     Ok(_) => place.succeed(), // Its latency counts.
///     Err(_) => place.ignore(), // An error at once says nothing about load.
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AdaptiveLimit<C = AnyResult> {
    shared: Arc<Shared>,
    classify: C,
}

type Shared = Guarded<Counted>;

/// A limit decides, and those in flight are counted in the same step.
#[derive(Debug)]
struct Counted {
    machine: core::Limit,
    in_flight: u32,
}

impl AdaptiveLimit {
    /// A limit that has learned nothing.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn new(settings: LimitSettings) -> Result<Self, BuildError> {
        Self::with(settings, Setup::new())
    }

    /// The same with a name, listeners or a seed.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn with(settings: LimitSettings, setup: Setup) -> Result<Self, BuildError> {
        settings.validate().map_err(BuildError::of)?;
        // The slots begin with the clock, and so at another moment for each instance.
        let machine = core::Limit::new(settings, Instant::EPOCH);
        let shared = Arc::new(Guarded::new(Counted { machine, in_flight: 0 }, setup));
        Ok(Self { shared, classify: AnyResult })
    }
}

impl<C> AdaptiveLimit<C> {
    /// A place, if there is one.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::ConcurrencyLimit`], until somebody else has ended.
    pub fn try_acquire(&self) -> Result<Place<'_>, Rejected> {
        Place::new(Hold::Borrowed(&*self.shared))
    }

    /// The same with a place that may outlive this clone of the limit, say in another task.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`AdaptiveLimit::try_acquire`].
    pub fn try_acquire_owned(&self) -> Result<Place<'static>, Rejected> {
        Place::new(Hold::Shared(Arc::clone(&self.shared)))
    }

    /// Runs `operation` if there is a place for it, and learns from how long it took. Dropped
    /// before its end, it gives the place back and says nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if there is no place; [`Error::Failed`] with the error of the operation.
    pub async fn call<Op, Fut, T, E>(&self, operation: Op) -> Result<T, Error<E>>
    where
        Op: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        let place = self.try_acquire()?;
        let result = operation().await;
        let outcome = self.classify.classify(result.as_ref());
        let elapsed = place.end(&outcome);
        let name = || self.shared.reports.name.clone();
        result.map_err(|error| Error::of_single(name(), error, elapsed, &outcome))
    }

    /// The same limit for results that another classifier judges.
    #[must_use]
    pub fn with_classifier<K>(&self, classify: K) -> AdaptiveLimit<K> {
        AdaptiveLimit { shared: Arc::clone(&self.shared), classify }
    }

    #[cfg(feature = "tower")]
    pub(crate) const fn classifier(&self) -> &C {
        &self.classify
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.reports.name.as_deref()
    }

    /// Calls that hold a place.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.shared.look(|counted| counted.in_flight)
    }

    /// Everything that is known at this moment.
    #[must_use]
    pub fn snapshot(&self) -> LimitSnapshot {
        self.shared.look(|counted| counted.machine.snapshot())
    }

    /// Takes other settings. The limit stays, within its new bounds, and what was learned.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if they cannot work; the old ones then stay in force.
    pub fn reconfigure(&self, settings: LimitSettings) -> Result<(), BuildError> {
        settings.validate().map_err(BuildError::of)?;
        let now = self.shared.now();
        self.shared.step(now, What::Limit, |counted, sink| {
            counted.machine.reconfigure(settings, now, sink);
        });
        Ok(())
    }

    /// The changes of the limit and the refusals from now on. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.reports.subscribe()
    }
}

/// One of the calls that may be at the dependency at once. Say how it ended; dropped without a
/// word, it says nothing. The place comes free either way.
#[derive(Debug)]
#[must_use = "a place that is dropped at once admits nothing"]
pub struct Place<'a> {
    shared: Hold<'a, Shared>,
    since: Instant,
    /// Calls in flight when it began, itself included; zero once it has ended.
    in_flight: u32,
}

impl<'a> Place<'a> {
    fn new(shared: Hold<'a, Shared>) -> Result<Self, Rejected> {
        let since = shared.now();
        let admitted = shared.step(since, What::Limit, |counted, sink| {
            counted.machine.admit(counted.in_flight, sink)?;
            counted.in_flight = counted.in_flight.saturating_add(1);
            Ok(counted.in_flight)
        });
        match admitted {
            Ok(in_flight) => Ok(Self { shared, since, in_flight }),
            Err(core::LimitRefused { .. }) => {
                let name = shared.reports.name.as_ref();
                Err(Rejected::new(name, Reason::ConcurrencyLimit, Until::Unknown))
            }
        }
    }

    /// The dependency did its work: how long it took counts.
    pub fn succeed(mut self) {
        self.settle(Evidence::Sample);
    }

    /// It timed out, or the dependency refused it for overload.
    pub fn overloaded(mut self) {
        self.settle(Evidence::Drop);
    }

    /// What happened says nothing about load.
    pub fn ignore(mut self) {
        self.settle(Evidence::None);
    }

    /// Any of the above, by what a classifier says: a success counts, what asks to slow down is
    /// overload, and other failures say nothing. Returns how long the call took.
    pub fn end(mut self, outcome: &Outcome) -> Duration {
        let judged = classify(outcome.observation(), RetryOn500::Never);
        self.settle(Evidence::of(&judged))
    }

    fn settle(&mut self, evidence: Evidence) -> Duration {
        let in_flight = std::mem::take(&mut self.in_flight);
        if in_flight == 0 {
            return Duration::ZERO;
        }
        let now = self.shared.now();
        let latency = now.since(self.since);
        self.shared.step(now, What::Limit, |counted, sink| {
            counted.in_flight = counted.in_flight.saturating_sub(1);
            counted.machine.on_finished(Finished { latency, in_flight, evidence }, now, sink);
        });
        latency
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.settle(Evidence::None);
    }
}
