//! A breaker by itself, shared by all its clones.
//!
//! The guard of an admission is in `pass.rs`, the word and the lock in `atomic/gate.rs`, all
//! decisions in the core.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use seawall_core::breaker::{self as core, BreakerSnapshot, Manual, Probing, Ticket};
use seawall_core::outcome::Class;
use seawall_core::reason::Reason;
use seawall_core::rng::Rng;
use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::atomic::gate::{Gate, Locked, Settling};
use super::hold::Hold;
use super::lane::lane;
use super::rejected::{Rejected, relative};
use super::report::Reports;
use super::{Pass, Setup, policies};
use crate::clock::Reading;
use crate::{AnyResult, BreakerSettings, BuildError, Classify, Error, Event, Events};

/// Stops calls of a dependency while most of them fail.
///
/// Clones share everything. Ask [`try_admit`](Self::try_admit) before each call and say how it
/// ended on the [`Pass`], or let [`call`](Self::call) do both. `C` judges the results of `call`.
///
/// While closed, admission takes no lock, nor does a success once enough calls have been judged:
/// each thread counts its own, up to 1,023 of them, until something else happens. Whatever is asked
/// of the breaker counts them first, so nothing shows of it. Any other end of a call takes a short
/// lock. Nothing is allocated by calls; a breaker has 1.5 KiB beside its window. The clock is read
/// at admission, and at the end unless that is a success and neither a window of time nor slow
/// calls ask for it.
#[derive(Clone, Debug)]
pub struct Breaker<C = AnyResult> {
    shared: Arc<Shared>,
    classify: C,
}

/// What the clones of a breaker share.
#[derive(Debug)]
pub(super) struct Shared {
    gate: Gate,
    pub(super) reports: Reports,
}

impl Breaker {
    /// A closed breaker that knows nothing.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work.
    pub fn new(settings: BreakerSettings) -> Result<Self, BuildError> {
        Self::builder(settings).build()
    }

    /// The same with a name, listeners or a seed.
    pub fn builder(settings: BreakerSettings) -> BreakerBuilder {
        BreakerBuilder { settings, setup: Setup::new(), classify: AnyResult }
    }
}

impl<C> Breaker<C> {
    /// Asks to pass, as a call that may be a probe.
    ///
    /// ```
    /// # use seawall::{BreakerSettings, mechanism::{Breaker, Rejected}};
    /// # fn example(breaker: &Breaker) -> Result<(), Rejected> {
    /// let pass = breaker.try_admit()?;
    /// // … call the dependency …
    /// pass.succeed(); // Dropped instead, it counts as abandoned.
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::BreakerOpen`]; the call must not be made.
    #[inline]
    pub fn try_admit(&self) -> Result<Pass<'_>, Rejected> {
        self.try_admit_as(Probing::Allowed)
    }

    /// The same, saying whether the call may be a probe. Hedges must not, nor later attempts of a
    /// call that has been one: it would use up every place.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`Breaker::try_admit`].
    #[inline]
    pub fn try_admit_as(&self, probing: Probing) -> Result<Pass<'_>, Rejected> {
        let since = self.shared.reports.clock.read();
        let ticket = self.shared.admit(probing, since)?;
        Ok(Pass::new(Hold::Borrowed(&*self.shared), ticket, since))
    }

    /// The same with a pass that may outlive this clone of the breaker, say in another task.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`Breaker::try_admit`].
    pub fn try_admit_owned(&self, probing: Probing) -> Result<Pass<'static>, Rejected> {
        let since = self.shared.reports.clock.read();
        let ticket = self.shared.admit(probing, since)?;
        Ok(Pass::new(Hold::Shared(Arc::clone(&self.shared)), ticket, since))
    }

    /// Runs `operation` if the breaker lets it pass, and judges its result. Dropped before its end,
    /// or ended by a panic, the call counts as abandoned.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if it does not pass; [`Error::Failed`] with the error of the operation.
    pub async fn call<Op, Fut, T, E>(&self, operation: Op) -> Result<T, Error<E>>
    where
        Op: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        let pass = self.try_admit()?;
        let result = operation().await;
        let outcome = self.classify.classify(result.as_ref());
        let elapsed = pass.end(outcome.class());
        let name = || self.shared.reports.name.clone();
        result.map_err(|error| Error::of_single(name(), error, elapsed, &outcome))
    }

    /// The same breaker for results that another classifier judges.
    #[must_use]
    pub fn with_classifier<K>(&self, classify: K) -> Breaker<K> {
        Breaker { shared: Arc::clone(&self.shared), classify }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.reports.name.as_deref()
    }

    /// Takes control, or gives it back. Stays until changed, whatever the settings.
    pub fn force(&self, manual: Manual) {
        let shared = &*self.shared;
        let now = shared.reports.clock.now();
        let wanted = shared.reports.are_wanted();
        let act = |locked: &mut Locked, sink: &mut _| {
            locked.machine.force(manual, now, sink);
        };
        let ((), batch) = shared.gate.step(now, wanted, act);
        shared.reports.publish(batch, now, What::Breaker);
    }

    /// Everything that is known at this moment, with reasons.
    #[must_use]
    pub fn snapshot(&self) -> BreakerSnapshot {
        let now = self.shared.reports.clock.now();
        self.shared.gate.look().machine.snapshot(now)
    }

    /// Takes other settings. State, control and what was learned stay.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if they cannot work; the old ones then stay in force.
    pub fn reconfigure(&self, settings: BreakerSettings) -> Result<(), BuildError> {
        policies::check_breaker(settings)?;
        let now = self.shared.reports.clock.now();
        let act = |locked: &mut Locked, _: &mut _| {
            locked.machine.reconfigure(settings, now);
        };
        let ((), _nothing) = self.shared.gate.step(now, false, act);
        Ok(())
    }

    /// The changes of state from now on. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.reports.subscribe()
    }
}

impl Shared {
    #[inline]
    fn admit(&self, probing: Probing, now: Reading) -> Result<Ticket, Rejected> {
        match self.gate.flows() {
            Some(ticket) => Ok(ticket),
            None => self.ask(probing, self.reports.clock.at(now)),
        }
    }

    #[cold]
    fn ask(&self, probing: Probing, now: Instant) -> Result<Ticket, Rejected> {
        let wanted = self.reports.are_wanted();
        let (answer, batch) = self.gate.step(now, wanted, |locked, sink| {
            let draw = locked.rng.draw();
            locked.machine.admit(now, probing, draw, sink)
        });
        self.reports.publish(batch, now, What::Breaker);
        answer.map_err(|refused| {
            let until = relative(refused.until, now);
            Rejected::new(self.reports.name.as_ref(), Reason::BreakerOpen, until)
        })
    }

    #[inline]
    pub(super) fn settle(
        &self,
        ticket: Ticket,
        class: Class,
        since: Reading,
        now: impl Fn() -> Instant,
    ) {
        let elapsed = |now: Instant| now.since(self.reports.clock.at(since));
        let settling = Settling { ticket, class, now, elapsed };
        let wanted = self.reports.are_wanted();
        if let Some((batch, now)) = self.gate.settle(lane(), settling, wanted) {
            self.reports.publish(batch, now, What::Breaker);
        }
    }
}

/// Describes a breaker. From [`Breaker::builder`].
#[must_use = "a description does nothing until it is built"]
pub struct BreakerBuilder<C = AnyResult> {
    settings: BreakerSettings,
    setup: Setup,
    classify: C,
}

impl<C> BreakerBuilder<C> {
    /// The name that rejections and events carry. Default: none.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        Self { setup: self.setup.name(name), ..self }
    }

    /// Fixes every draw. For tests. Default: a new seed for each breaker, so that the instances of
    /// a fleet do not act in step.
    pub fn seed(self, seed: u64) -> Self {
        Self { setup: self.setup.seed(seed), ..self }
    }

    /// Calls `listener` with every change of state, outside any lock, on the thread whose call
    /// caused it: it should be quick. One that panics has lost that event, and nothing else.
    pub fn on_event(self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { setup: self.setup.on_event(listener), ..self }
    }

    /// Takes name, seed and listeners from `setup`, in place of any said before.
    pub fn setup(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }

    /// Judges results by `classify` instead of by "any `Err` is a failure". See [`Classify`].
    pub fn classify<K>(self, classify: K) -> BreakerBuilder<K> {
        let Self { settings, setup, .. } = self;
        BreakerBuilder { settings, setup, classify }
    }

    /// The breaker.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work.
    pub fn build(self) -> Result<Breaker<C>, BuildError> {
        policies::check_breaker(self.settings)?;
        let mut rng = self.setup.chance("breaker");
        // The phase of the window: those of a fleet should not turn at the same moment.
        let origin = Instant::from_nanos(rng.next_u64());
        let gate = Gate::new(core::Breaker::new(self.settings, origin), rng);
        let reports = self.setup.reports();
        Ok(Breaker { shared: Arc::new(Shared { gate, reports }), classify: self.classify })
    }
}

impl<C: fmt::Debug> fmt::Debug for BreakerBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerBuilder")
            .field("settings", &self.settings)
            .field("setup", &self.setup)
            .field("classify", &self.classify)
            .finish()
    }
}
