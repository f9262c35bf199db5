//! Majority reads: several endpoints are asked the same, and the answer is what enough of them
//! agree on. Whoever answers otherwise is reported to the outlier detector of the policy.
//!
//! The counting is the core's (`seawall_core::quorum`); each question is a call of the policy.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use seawall_core::endpoint::EndpointId;
use seawall_core::invalid::Invalid;
use seawall_core::outcome::{Observation, RetryOn500, classify};
use seawall_core::outlier::Agreement;
use seawall_core::quorum::{MajorityRead, QuorumEvent, QuorumSettings, Tally, Verdict};
use seawall_core::reason::Reason;
use seawall_core::time::Instant;

use crate::classify::Classify;
use crate::{Attempt, BuildError, Endpoint, Error, Policy};

/// Majority reads of a policy; from [`Policy::quorum`].
///
/// An endpoint that answers fast and wrongly passes every check that looks at errors and time. It
/// costs as many calls as are asked: for what must be right, not for everything.
#[derive(Clone, Copy, Debug)]
pub struct Quorum<'a, C> {
    policy: &'a Policy<C>,
    settings: QuorumSettings,
}

/// What enough endpoints agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed<T> {
    /// The value, from the endpoint that completed the majority.
    pub value: T,
    /// How the replies were spread when it did.
    pub tally: Tally,
    /// Endpoints that had answered otherwise by then.
    pub odd: Vec<Endpoint>,
}

/// A majority read without a majority.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undecided<E> {
    /// The name of the policy, if it has one.
    pub policy: Option<Arc<str>>,
    /// How the replies were spread when no answer could get enough agreement any more.
    pub tally: Tally,
    /// How the calls that had failed by then ended.
    pub errors: Vec<Error<E>>,
}

impl<E> Undecided<E> {
    /// The stable code of why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        Reason::QuorumUndecided
    }
}

impl<E> fmt::Display for Undecided<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(policy) = &self.policy {
            write!(f, "{policy}: ")?;
        }
        let Tally { asked, answered, failed, largest, different } = self.tally;
        write!(
            f,
            "{}: of {asked} endpoints {answered} answered in {different} ways, at most {largest} \
             alike, and {failed} failed",
            self.reason()
        )
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Undecided<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.errors.first().map(|error| error as _)
    }
}

impl<C> Policy<C> {
    /// Majority reads over the endpoints of the policy:
    /// `policy.quorum(QuorumSettings::majority_of(3))?.read(…)`.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work, and for a policy that has fewer endpoints than
    /// must agree.
    pub fn quorum(&self, settings: QuorumSettings) -> Result<Quorum<'_, C>, BuildError> {
        let endpoints = self.shared.lock().plan.endpoints.as_ref().map_or(0, Vec::len);
        let mut mistakes: Vec<_> =
            settings.validate().err().map(|invalid| invalid.within("quorum")).into_iter().collect();
        if settings.agree as usize > endpoints {
            let permitted = "at most the number of endpoints of the policy";
            mistakes.push(Invalid::new("quorum.agree", settings.agree, permitted));
        }
        BuildError::check(mistakes)?;
        Ok(Quorum { policy: self, settings })
    }
}

impl<C> Quorum<'_, C> {
    /// Asks several endpoints at once, each by one attempt of `operation`, and returns what enough
    /// of them agree on, as soon as they do.
    ///
    /// `view` takes from an answer what is compared, without dates, request ids and the order of
    /// unordered things; `None` says that the answer is wrong by itself. Endpoints whose answers
    /// are odd are reported to the outlier detector (`OutlierSettings::odd`), and those of the
    /// majority as well. Questions that still run then are dropped, so that one that is odd and
    /// slow goes unnoticed in this read.
    ///
    /// Each question is a call of the policy of its own, without retries, hedges and fallbacks: it
    /// passes the rate limit, takes a permit, and counts for the breakers. `operation` must be
    /// safe to run several times.
    ///
    /// # Errors
    ///
    /// [`Undecided`] as soon as no answer can get enough agreement any more, at the latest after
    /// the time-out of the settings.
    ///
    /// # Panics
    ///
    /// See [`Policy::call`].
    pub async fn read<Op, Fut, T, E, V, K>(
        &self,
        operation: Op,
        view: V,
    ) -> Result<Agreed<T>, Undecided<E>>
    where
        Op: Fn(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
        V: Fn(&T) -> Option<K>,
        K: PartialEq,
    {
        let (policy, timeout) = (self.policy, self.settings.timeout);
        let mut count = Count::new(policy, self.settings);
        let calls = count.replicas.iter().map(|replica| {
            let call = policy.call(&operation).only(*replica).within(timeout);
            Some(Box::pin(call))
        });
        let mut calls: Vec<_> = calls.collect();
        while count.verdict().is_none() {
            let (place, result) = poll_fn(|cx| poll_first(&mut calls, cx)).await;
            count.take(place, result, &view);
        }
        count.finish()
    }
}

/// The first that is ready, with its place. Never without one that runs.
fn poll_first<F: Future>(
    running: &mut [Option<Pin<Box<F>>>],
    cx: &mut Context<'_>,
) -> Poll<(usize, F::Output)> {
    for (place, slot) in running.iter_mut().enumerate() {
        let Some(future) = slot else { continue };
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            *slot = None;
            return Poll::Ready((place, output));
        }
    }
    Poll::Pending
}

/// The replies so far.
struct Count<'a, C, T, E, K> {
    policy: &'a Policy<C>,
    replicas: Vec<EndpointId>,
    read: MajorityRead,
    /// The different answers: their place is what the machine knows them by.
    views: Vec<K>,
    latest: Option<T>,
    errors: Vec<Error<E>>,
}

impl<'a, C, T, E, K: PartialEq> Count<'a, C, T, E, K> {
    fn new(policy: &'a Policy<C>, settings: QuorumSettings) -> Self {
        let number = usize::try_from(settings.ask).unwrap_or(usize::MAX);
        let (replicas, now) =
            policy.shared.control(|locked, now| (locked.replicas(number, now), now));
        let read = MajorityRead::new(settings, &replicas, now);
        Self { policy, replicas, read, views: Vec::new(), latest: None, errors: Vec::new() }
    }

    /// All questions end in time, so there is always a verdict when none is left.
    fn verdict(&self) -> Option<Verdict> {
        self.read.verdict()
    }

    fn take(&mut self, place: usize, result: Result<T, Error<E>>, view: impl Fn(&T) -> Option<K>) {
        let Some(replica) = self.replicas.get(place).copied() else { return };
        let now = self.policy.shared.clock.now();
        let mut events = Vec::new();
        // Nothing is known of one that failed, but that it gave no answer.
        let _verdict = match result.map(|value| (view(&value), value)) {
            Ok((Some(key), value)) => {
                self.latest = Some(value);
                let digest = self.digest(key);
                self.read.answered(replica, digest, now, &mut events)
            }
            Ok((None, _)) => {
                let wrong = classify(Observation::Invalid, RetryOn500::Never);
                self.read.failed(replica, &wrong, now, &mut events)
            }
            Err(error) => {
                self.errors.push(error);
                let none = seawall_core::outcome::Outcome::abandoned();
                self.read.failed(replica, &none, now, &mut events)
            }
        };
        self.report(&events);
    }

    /// A number for an answer: the same for equal ones.
    fn digest(&mut self, key: K) -> u128 {
        let place = self.views.iter().position(|known| *known == key).unwrap_or_else(|| {
            self.views.push(key);
            self.views.len() - 1
        });
        place as u128
    }

    /// Tells the outlier detector who agreed and who did not.
    fn report(&self, events: &[QuorumEvent]) {
        let compared = events.iter().filter_map(|event| match event {
            QuorumEvent::Agreed { endpoint } => Some((*endpoint, Agreement::Agreed)),
            QuorumEvent::Odd { endpoint, .. } => Some((*endpoint, Agreement::Odd)),
            QuorumEvent::Decided { .. } => None,
        });
        for (endpoint, agreement) in compared {
            let tell = |locked: &mut crate::shared::Locked, now: Instant| {
                locked.compared(endpoint, agreement, now);
            };
            self.policy.shared.control(tell);
        }
    }

    fn finish(self) -> Result<Agreed<T>, Undecided<E>> {
        let tally = self.read.tally();
        match (self.verdict(), self.latest) {
            (Some(Verdict::Agreed { .. }), Some(value)) => {
                let locked = self.policy.shared.lock();
                let odd = self.read.odd().filter_map(|id| locked.find(id)).collect();
                Ok(Agreed { value, tally, odd })
            }
            _ => {
                let policy = self.policy.shared.name.clone();
                Err(Undecided { policy, tally, errors: self.errors })
            }
        }
    }
}
