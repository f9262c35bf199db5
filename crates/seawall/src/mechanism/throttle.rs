//! A client throttle by itself, shared by all its clones: what would be refused is not sent.
//!
//! All decisions are in the core (`throttle` there).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::reason::Reason;
use seawall_core::rng::{Rng as _, Stream};
use seawall_core::throttle::{self as core, Answer, Passed, ThrottleSnapshot};
use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::guarded::Guarded;
use super::hold::Hold;
use super::{Rejected, Setup};
use crate::{
    AnyResult, BuildError, Classify, Error, Events, Importance, Outcome, ThrottleSettings, Until,
};

/// Refuses a share of the calls while the dependency refuses many, the less important first.
///
/// It learns from what the dependency accepts and what it refuses for overload
/// ([`Outcome::throttled`]); other failures are none of its business. Clones share everything.
/// Memory: ten buckets of two counters. Each call takes a short lock twice, and allocates nothing.
///
/// ```
/// use seawall::mechanism::Throttle;
/// use seawall::{Importance, Outcome, ThrottleSettings};
///
/// # fn send() -> Result<u32, &'static str> { Ok(7) }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let throttle = Throttle::new(ThrottleSettings::default())?;
/// let leave = throttle.try_admit(Importance::Normal)?; // Or: not now.
/// match send() {
///     Err("too many requests") => leave.overloaded(),
///     _ => leave.accepted(),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Throttle<C = AnyResult> {
    shared: Arc<Shared>,
    classify: C,
}

type Shared = Guarded<(core::Throttle, Stream)>;

impl Throttle {
    /// A throttle that has seen nothing.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn new(settings: ThrottleSettings) -> Result<Self, BuildError> {
        Self::with(settings, Setup::new())
    }

    /// The same with a name, listeners or a seed.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn with(settings: ThrottleSettings, setup: Setup) -> Result<Self, BuildError> {
        settings.validate().map_err(BuildError::of)?;
        let mut rng = setup.chance("throttle");
        // The phase of the window: those of a fleet should not turn at the same moment.
        let origin = Instant::from_nanos(rng.next_u64());
        let machine = core::Throttle::new(settings, origin);
        let shared = Arc::new(Guarded::new((machine, rng), setup));
        Ok(Self { shared, classify: AnyResult })
    }
}

impl<C> Throttle<C> {
    /// Asks for one call of this importance.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::Throttled`], until nobody knows when: chance decides each call.
    pub fn try_admit(&self, importance: Importance) -> Result<Leave<'_>, Rejected> {
        Leave::new(Hold::Borrowed(&*self.shared), importance)
    }

    /// The same with a leave that may outlive this clone of the throttle, say in another task.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`Throttle::try_admit`].
    pub fn try_admit_owned(&self, importance: Importance) -> Result<Leave<'static>, Rejected> {
        Leave::new(Hold::Shared(Arc::clone(&self.shared)), importance)
    }

    /// Runs `operation` if it is let pass, and learns from its result. Dropped before its end, the
    /// call counts as accepted: nobody waited for a refusal.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if it does not pass; [`Error::Failed`] with the error of the operation.
    pub async fn call<Op, Fut, T, E>(
        &self,
        importance: Importance,
        operation: Op,
    ) -> Result<T, Error<E>>
    where
        Op: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        let leave = self.try_admit(importance)?;
        let result = operation().await;
        let outcome = self.classify.classify(result.as_ref());
        let elapsed = leave.end(&outcome);
        let name = || self.shared.reports.name.clone();
        result.map_err(|error| Error::of_single(name(), error, elapsed, &outcome))
    }

    /// The same throttle for results that another classifier judges.
    #[must_use]
    pub fn with_classifier<K>(&self, classify: K) -> Throttle<K> {
        Throttle { shared: Arc::clone(&self.shared), classify }
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

    /// Everything that is known at this moment.
    #[must_use]
    pub fn snapshot(&self) -> ThrottleSnapshot {
        let now = self.shared.now();
        self.shared.look(|(machine, _)| machine.snapshot(now))
    }

    /// Takes other settings. What was counted stays.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if they cannot work; the old ones then stay in force.
    pub fn reconfigure(&self, settings: ThrottleSettings) -> Result<(), BuildError> {
        settings.validate().map_err(BuildError::of)?;
        let now = self.shared.now();
        self.shared.look(|(machine, _)| machine.reconfigure(settings, now));
        Ok(())
    }

    /// The refusals from now on. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.reports.subscribe()
    }
}

/// A throttle let a call pass. Say what became of it; dropped without a word, it was accepted.
#[derive(Debug)]
#[must_use = "a leave that is dropped at once counts as accepted"]
pub struct Leave<'a> {
    shared: Hold<'a, Shared>,
    passed: Option<Passed>,
    since: Instant,
}

impl<'a> Leave<'a> {
    fn new(shared: Hold<'a, Shared>, importance: Importance) -> Result<Self, Rejected> {
        let since = shared.now();
        let admitted = shared.step(since, What::Throttle, |(machine, rng), sink| {
            let draw = rng.draw();
            machine.admit(importance, draw, since, sink)
        });
        match admitted {
            Ok(passed) => Ok(Self { shared, passed: Some(passed), since }),
            Err(core::Throttled { .. }) => {
                let name = shared.reports.name.as_ref();
                Err(Rejected::new(name, Reason::Throttled, Until::Unknown))
            }
        }
    }

    /// The dependency did not refuse it for overload, whatever else came of it.
    pub fn accepted(mut self) {
        self.settle(Answer::Accepted);
    }

    /// The dependency refused it for overload.
    pub fn overloaded(mut self) {
        self.settle(Answer::Overloaded);
    }

    /// It was never sent, because something else here refused it.
    pub fn unsent(mut self) {
        self.settle(Answer::Unsent);
    }

    /// Any of the first two, by what a classifier says. Returns how long the call took.
    pub fn end(mut self, outcome: &Outcome) -> Duration {
        self.settle(if outcome.is_throttled() { Answer::Overloaded } else { Answer::Accepted })
    }

    fn settle(&mut self, answer: Answer) -> Duration {
        let Some(passed) = self.passed.take() else { return Duration::ZERO };
        let now = self.shared.now();
        self.shared.look(|(machine, _)| machine.settle(passed, answer, now));
        now.since(self.since)
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.settle(Answer::Accepted);
    }
}
