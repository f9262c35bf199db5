//! How users describe a policy. What follows from it is in `settings.rs`.

mod mechanisms;

use std::sync::Arc;
use std::time::Duration;

use seawall_core::balance::BalanceSettings;
use seawall_core::breaker::BreakerSettings;
use seawall_core::bulkhead::BulkheadSettings;
use seawall_core::call::Safety;
use seawall_core::hold::HoldSettings;
use seawall_core::outlier::OutlierSettings;
use seawall_core::rng::Stream;
use seawall_core::upstream::WhenAllDown;

use crate::classify::AnyResult;
use crate::clock::Clock;
use crate::event::{Callbacks, Decision, Event, Listeners};
use crate::observe::Ended;
use crate::settings::{NO_LIMIT, Plan, Total};
use crate::shared::Shared;
use crate::{BuildError, EndpointSettings, Hedge, Policy, Retry};

/// Describes a policy: a new one ([`Policy::builder`]), or changes to one that runs
/// ([`Policy::reconfigure`]).
///
/// **A mechanism is absent until asked for**, since a limit that nobody knows of turns into
/// refusals that nobody can explain. The exception is time: without a word a call ends after 10 s,
/// because a call without a deadline waits for ever exactly when everybody does.
/// [`Policy::standard`] begins with what is safe where nothing is known, as policy files do.
///
/// **Operations are unsafe to repeat until said otherwise.** A policy with [`retry`](Self::retry)
/// repeats only attempts that provably never reached the dependency, until
/// [`idempotent`](Self::idempotent) says that running the operation twice does no harm.
///
/// `S` is [`New`] for a policy that is to be born, with its classifier, and [`Change`] otherwise.
#[derive(Debug)]
#[must_use = "a description does nothing until it is built"]
pub struct PolicyBuilder<S = New<AnyResult>> {
    pub(crate) plan: Plan,
    pub(crate) state: S,
}

/// Of a policy that is to be born: what can only be said then.
pub struct New<C> {
    name: Option<Arc<str>>,
    seed: Option<u64>,
    callbacks: Callbacks,
    clock: Option<Clock>,
    classify: C,
}

impl<C: std::fmt::Debug> std::fmt::Debug for New<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("New")
            .field("name", &self.name)
            .field("seed", &self.seed)
            .field("callbacks", &self.callbacks)
            .field("classify", &self.classify)
            .finish()
    }
}

/// Of a policy that runs: its name, seed, listeners and classifier stay.
#[derive(Debug)]
pub struct Change(pub(crate) ());

impl PolicyBuilder {
    pub(crate) fn new() -> Self {
        let (name, seed, clock, classify) = (None, None, None, AnyResult);
        let state = New { name, seed, callbacks: Callbacks::default(), clock, classify };
        Self { plan: Plan::default(), state }
    }
}

impl<S> PolicyBuilder<S> {
    /// The longest a call may take from its start to its result: attempts, waits between them and
    /// waits for a permit together. Default 10 s.
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.plan.total = Total::Limit(limit);
        self
    }

    /// No limit on the whole call. A call then ends only with its last attempt.
    pub fn no_total_timeout(mut self) -> Self {
        self.plan.total = Total::Off;
        self
    }

    /// The longest that **one attempt** may take; always cut to what the whole call has left. An
    /// attempt that exceeds it is dropped and counts as a failure, and may be retried.
    ///
    /// Default: three tenths of the total where there are retries, so that three attempts and their
    /// waits fit; else all of it; 3 s where there is no total.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.plan.attempt = Some(limit);
        self
    }

    /// No limit on single attempts but the total. Without a total either, an operation that hangs
    /// is awaited for ever.
    pub fn no_attempt_timeout(mut self) -> Self {
        self.plan.attempt = Some(NO_LIMIT);
        self
    }

    /// Makes further attempts after failures. Default: none.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.plan.retry = Some(retry);
        self
    }

    /// Starts an extra attempt beside a slow one. Default: none; it needs calls that may be
    /// repeated, and a dependency that has room for more.
    pub fn hedge(mut self, hedge: impl Into<Hedge>) -> Self {
        self.plan.hedge = Some(hedge.into());
        self
    }

    /// Promises that running the operation more than once does no harm, for every call of this
    /// policy. Single calls may say otherwise: [`Call::not_idempotent`](crate::Call).
    ///
    /// Reads are; writes are if they set a value rather than change it, or carry a key by which
    /// the dependency recognises a repetition.
    pub fn idempotent(mut self) -> Self {
        self.plan.safety = Safety::Idempotent;
        self
    }

    /// Takes the promise of [`idempotent`](Self::idempotent) back.
    pub fn not_idempotent(mut self) -> Self {
        self.plan.safety = Safety::Unsafe;
        self
    }

    /// Stops calls while most of them fail. It judges calls, not attempts: while retries get calls
    /// through it stays closed. Default: none; [`BreakerSettings::for_upstream`] is a good start.
    pub fn breaker(mut self, settings: BreakerSettings) -> Self {
        self.plan.breaker = Some(settings);
        self
    }

    /// Bounds the attempts at once, and queues or refuses the rest. Default: none, since the number
    /// must come from the resources there are: rate times latency, and some room.
    pub fn bulkhead(mut self, settings: BulkheadSettings) -> Self {
        self.plan.bulkhead = Some(settings);
        self
    }

    /// Holds calls through a short outage: while nobody can be reached, calls wait, within bounds,
    /// for the first endpoint that is back, instead of failing at once:
    /// `.hold(HoldSettings::enforced())`. It goes by attempts whose outcome says that no connection
    /// came about ([`Observation::ConnectFailed`](crate::Observation::ConnectFailed)); results of
    /// which only you know why they failed are never held for. Default: none, since whoever calls
    /// must be ready to wait until its deadline. Not where a call brings a fallback.
    pub fn hold(mut self, settings: HoldSettings) -> Self {
        self.plan.hold = Some(settings);
        self
    }

    /// Spreads attempts over these endpoints; a retry goes to another one than the last. With them
    /// come breakers for each and the outlier detector, since a choice that includes dead endpoints
    /// is worse than none; both can be set or switched off by name. 1 to 1,024 distinct names, or
    /// [`EndpointSettings`] where weight, zone or level matter.
    pub fn endpoints<N: Into<EndpointSettings>>(
        mut self,
        endpoints: impl IntoIterator<Item = N>,
    ) -> Self {
        self.plan.endpoints = Some(endpoints.into_iter().map(Into::into).collect());
        self
    }

    /// The breaker of each endpoint; it judges attempts. Default, with endpoints:
    /// [`BreakerSettings::for_endpoint`].
    pub fn endpoint_breaker(mut self, settings: BreakerSettings) -> Self {
        self.plan.endpoint_breaker = Some(settings);
        self
    }

    /// The outlier detector, which ejects endpoints that do worse than the others. Default, with
    /// endpoints: [`OutlierSettings::default`].
    pub fn outlier(mut self, settings: OutlierSettings) -> Self {
        self.plan.outlier = Some(settings);
        self
    }

    /// How an endpoint is chosen. Default, with endpoints: [`BalanceSettings::default`].
    pub fn balance(mut self, settings: BalanceSettings) -> Self {
        self.plan.balance = Some(settings);
        self
    }

    /// What happens when no endpoint may be chosen by the rules. Default: all are tried.
    pub fn when_all_down(mut self, choice: WhenAllDown) -> Self {
        self.plan.when_all_down = Some(choice);
        self
    }
}

impl<C> PolicyBuilder<New<C>> {
    /// The name that errors and events carry. Default: none.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.state.name = Some(name.into());
        self
    }

    /// Judges results by `classify` instead of by "any `Err` is a failure". Write the types of a
    /// closure's argument out: `|result: Result<&Reply, &QueryError>| …`. See
    /// [`Classify`](crate::Classify).
    pub fn classify<K>(self, classify: K) -> PolicyBuilder<New<K>> {
        let New { name, seed, callbacks, clock, .. } = self.state;
        let state = New { name, seed, callbacks, clock, classify };
        PolicyBuilder { plan: self.plan, state }
    }

    /// Fixes every draw: jitter, cool-downs, choices. For tests. Default: a new seed for each
    /// policy, so that the instances of a fleet do not act in step.
    pub fn seed(mut self, seed: u64) -> Self {
        self.state.seed = Some(seed);
        self
    }

    /// Calls `listener` with every change of state, outside any lock, on the thread whose call
    /// caused it: it should be quick. One that panics has lost that event, and nothing else.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.state.callbacks.events.push(Box::new(listener));
        self
    }

    /// Calls `listener` at the end of each call, on the thread that ends it: it should be quick.
    /// Nothing is made for it where there is none. One that panics has lost that call, and nothing
    /// else.
    pub fn on_call(mut self, listener: impl Fn(&Ended) + Send + Sync + 'static) -> Self {
        self.state.callbacks.calls.push(Box::new(listener));
        self
    }

    /// Calls `listener` with every decision for every call, like [`on_event`](Self::on_event). For
    /// tests and for looking closely: it costs allocations with each call, which a policy without
    /// such a listener does without.
    pub fn on_decision(mut self, listener: impl Fn(&Decision) + Send + Sync + 'static) -> Self {
        self.state.callbacks.decisions.push(Box::new(listener));
        self
    }

    /// Takes the time from `clock`, which is moved by hand, instead of from the runtime: for
    /// tests without a runtime, or with one whose clock must not be paused.
    #[cfg(feature = "test")]
    pub fn clock(mut self, clock: &crate::test::ManualClock) -> Self {
        self.state.clock = Some(Clock::by_hand(clock));
        self
    }

    /// The policy.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work.
    pub fn build(self) -> Result<Policy<C>, BuildError> {
        self.plan.validate()?;
        let New { name, seed, callbacks, clock, classify } = self.state;
        let seed = seed.unwrap_or_else(crate::seed::fresh);
        let rng = Stream::new(seed, "policy");
        let clock = clock.unwrap_or_else(Clock::start);
        let shared = Shared::new(name, self.plan, rng, Listeners::new(callbacks), clock);
        Ok(Policy::around(Arc::new(shared), classify))
    }
}
