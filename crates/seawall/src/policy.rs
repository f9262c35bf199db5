//! The policy: what users hold, clone and call.

use std::future::Future;
use std::sync::Arc;

use seawall_core::breaker::Manual;
use seawall_core::upstream::UpstreamSnapshot;

use crate::builder::{Change, PolicyBuilder};
use crate::call::Call;
use crate::classify::{AnyResult, Classify};
use crate::shared::Shared;
use crate::{Attempt, BreakerSettings, BuildError, Decision, Events, Retry};

/// Guards calls of one dependency: deadlines, retries under a budget, a breaker, a bulkhead, a
/// choice of endpoints, in one fixed order ([`Policy::describe`]).
///
/// Clones are cheap and share everything that is learned; build one for each dependency, once, and
/// hand clones out. One built for each call would learn nothing.
///
/// `C` judges results ([`Classify`]); the default takes any `Err` for a failure.
#[derive(Clone, Debug)]
pub struct Policy<C = AnyResult> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) classify: C,
}

impl Policy {
    /// Describes a new policy, of which nothing is said yet: every mechanism but the deadline is
    /// absent until asked for. See [`standard`](Self::standard) for one with the usual ones.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::new()
    }

    /// Describes a new policy with what is safe where nothing is known: a deadline of 10 s,
    /// attempts of 3 s, three of them where repeating is safe and under a budget, and a breaker;
    /// with endpoints, also a breaker for each and the outlier detector. It is what an empty policy
    /// file says, and what the gateway does without a word. Options may follow, and change it.
    ///
    /// ```
    /// use seawall::Policy;
    ///
    /// let users = Policy::standard().name("users").idempotent().build()?;
    /// # Ok::<(), seawall::BuildError>(())
    /// ```
    pub fn standard() -> PolicyBuilder {
        Self::builder().retry(Retry::default()).breaker(BreakerSettings::for_upstream())
    }
}

impl<C> Policy<C> {
    pub(crate) const fn around(shared: Arc<Shared>, classify: C) -> Self {
        Self { shared, classify }
    }

    /// Makes a call: runs `operation` as often as the policy says, and returns the result of the
    /// attempt that settled it.
    ///
    /// `operation` is called once for each attempt and told about it ([`Attempt`]); what it needs
    /// to own it must clone for each. Nothing happens before the returned [`Call`] is awaited;
    /// options are chained on it before. Dropping it, at any point, drops the running attempt and
    /// gives back all that the call holds.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    ///
    /// # Panics
    ///
    /// As Tokio's timers do: if an attempt has to be waited for outside a Tokio runtime with time
    /// enabled.
    pub fn call<Op, Fut, T, E>(&self, operation: Op) -> Call<&Self, Op, Fut>
    where
        Op: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        Call::new(self, operation)
    }

    /// The same for a call that outlives the borrow of the policy: `policy.clone().into_call(…)`.
    ///
    /// # Panics
    ///
    /// See [`Policy::call`].
    pub fn into_call<Op, Fut, T, E>(self, operation: Op) -> Call<Self, Op, Fut>
    where
        Op: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        Call::new(self, operation)
    }

    /// The same policy, with all its state, for results that another classifier judges: one
    /// dependency has many operations.
    #[must_use]
    pub fn with_classifier<K>(&self, classify: K) -> Policy<K> {
        Policy { shared: Arc::clone(&self.shared), classify }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.name.as_deref()
    }

    /// The order in which a call passes the mechanisms, with the values in force, as text.
    #[must_use]
    pub fn describe(&self) -> String {
        let plan = self.shared.lock().plan.clone();
        crate::describe::describe(self.name(), &plan)
    }

    /// All that is known at this moment: states with reasons, counts, what is in use.
    #[must_use]
    pub fn snapshot(&self) -> UpstreamSnapshot {
        self.shared.control(|locked, now| locked.upstream.snapshot(now))
    }

    /// The changes of state from now on. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.subscribe()
    }

    /// The decisions for single calls from now on: attempts and where they went, retries and why
    /// there was none, hedges, fallbacks, refusals. Bounded, see [`Events`]. Calls pay for it while
    /// the reader is there, and no longer.
    #[must_use]
    pub fn decisions(&self) -> Events<Decision> {
        self.shared.subscribe_decisions()
    }

    /// Changes settings of the running policy, atomically. `change` gets the description in force
    /// and returns the new one. What was learned stays: windows, open breakers, estimates,
    /// ejections. Calls that run go on under the settings that they began with. Of two changes at
    /// the same time the later one wins whole.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use seawall::Policy;
    /// # let policy = Policy::builder().build()?;
    /// policy.reconfigure(|policy| policy.total_timeout(Duration::from_secs(2)))?;
    /// # Ok::<(), seawall::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the new description cannot work; the old one then stays in force.
    pub fn reconfigure(
        &self,
        change: impl FnOnce(PolicyBuilder<Change>) -> PolicyBuilder<Change>,
    ) -> Result<(), BuildError> {
        let plan = self.shared.lock().plan.clone();
        let plan = change(PolicyBuilder { plan, state: Change(()) }).plan;
        plan.validate()?;
        self.shared.control(|locked, now| locked.reconfigure(plan, now));
        Ok(())
    }

    /// Forces the breaker open or closed, switches it off, or gives it back to its rules. Stays
    /// until changed, whatever the settings.
    pub fn force_breaker(&self, manual: Manual) {
        self.shared.control(|locked, now| locked.force_breaker(manual, now));
    }
}
