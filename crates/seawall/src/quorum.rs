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
use seawall_core::event::Discard;
use seawall_core::invalid::Invalid;
use seawall_core::outcome::{Observation, RetryOn500, classify};
use seawall_core::outlier::Agreement;
use seawall_core::quorum::{MajorityRead, QuorumEvent, QuorumSettings, Tally, Verdict};
use seawall_core::reason::Reason;
use seawall_core::time::Instant;

use crate::call::{Call, Handle};
use crate::classify::Classify;
use crate::clock::Clock;
use crate::shared::Locked;
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

/// What there was to see when late answers had come or time was up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Late {
    /// How the replies are spread by now.
    pub tally: Tally,
    /// Endpoints that answered otherwise than the majority, early or late.
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
    /// slow goes unnoticed in this read: nobody polls a future of the caller once it has ended.
    /// [`read_lingering`](Self::read_lingering) hands them to the caller instead.
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
        let mut reading = Reading::begin(self.policy, self.settings, Patience::Decision);
        reading.ask(|| &operation);
        reading.decide(&view).await;
        reading.count.finish()
    }

    /// The same, with the questions that still run when the majority is there, as a future of what
    /// they bring: await it, or spawn it; it owns all that it needs. It ends when all have
    /// answered, at the latest [`linger`](QuorumSettings::linger) after the decision. Until then an
    /// endpoint that is slow and odd is noticed and reported. Dropped, it is as
    /// [`read`](Self::read).
    ///
    /// ```
    /// use seawall::{Policy, QuorumSettings};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let policy = Policy::builder().endpoints(["a", "b", "c"]).build()?;
    /// let quorum = policy.quorum(QuorumSettings::default())?;
    /// let ask = |_attempt| async { Ok::<u32, std::io::Error>(7) };
    /// let (agreed, late) = quorum.read_lingering(ask, |value| Some(*value)).await?;
    /// assert_eq!(agreed.value, 7); // Answer the caller with it …
    /// let late = late.await; // … and look at the others after that, or in a task.
    /// assert!(late.odd.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Undecided`], as [`read`](Self::read).
    ///
    /// # Panics
    ///
    /// See [`Policy::call`].
    pub async fn read_lingering<Op, Fut, T, E, V, K>(
        &self,
        operation: Op,
        view: V,
    ) -> Result<(Agreed<T>, impl Future<Output = Late> + use<Op, Fut, T, E, V, K, C>), Undecided<E>>
    where
        Op: Fn(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E> + Clone,
        V: Fn(&T) -> Option<K>,
        K: PartialEq,
    {
        let operation = Arc::new(operation);
        let ask = || {
            let operation = Arc::clone(&operation);
            move |attempt| operation(attempt)
        };
        let mut reading = Reading::begin(self.policy.clone(), self.settings, Patience::Linger);
        reading.ask(ask);
        reading.decide(&view).await;
        match reading.count.agreed() {
            Some(agreed) => Ok((agreed, reading.linger(view))),
            None => Err(reading.count.undecided()),
        }
    }
}

/// How long questions are of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// Until the time-out of the read: they end by themselves when it does.
    Decision,
    /// Until late answers are no longer compared: the read itself may have to end before.
    Linger,
}

/// A question, until it is answered.
type Question<P, Op, Fut> = Option<Pin<Box<Call<P, Op, Fut>>>>;

/// The questions of a read, and the replies so far.
struct Reading<P: Handle, Op, Fut: Future, T, E, K> {
    patience: Patience,
    calls: Vec<Question<P, Op, Fut>>,
    count: Count<P, T, E, K>,
}

impl<P, Op, Fut, T, E, K> Reading<P, Op, Fut, T, E, K>
where
    P: Handle + Clone,
    P::Classifier: Classify<T, E>,
    Op: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    K: PartialEq,
{
    fn begin(policy: P, settings: QuorumSettings, patience: Patience) -> Self {
        Self { patience, calls: Vec::new(), count: Count::new(policy, settings) }
    }

    fn ask(&mut self, operation: impl Fn() -> Op) {
        let QuorumSettings { timeout, linger, .. } = self.count.settings;
        let useful = match self.patience {
            Patience::Decision => timeout,
            Patience::Linger => timeout.saturating_add(linger),
        };
        let policy = &self.count.policy;
        let calls = self.count.replicas.iter().map(|replica| {
            let call = Call::new(policy.clone(), operation()).only(*replica).within(useful);
            Some(Box::pin(call))
        });
        self.calls = calls.collect();
    }

    /// All questions end in time, or the read does before them: so there is a verdict.
    async fn decide(&mut self, view: &impl Fn(&T) -> Option<K>) {
        while self.count.read.verdict().is_none() {
            let until = match self.patience {
                Patience::Decision => Instant::NEVER,
                Patience::Linger => self.count.until(),
            };
            self.next(until, view).await;
        }
    }

    /// Late answers are still compared, for a while.
    async fn linger(mut self, view: impl Fn(&T) -> Option<K>) -> Late {
        while !self.count.is_done() {
            let until = self.count.until();
            self.next(until, &view).await;
        }
        self.count.late()
    }

    /// Takes the next reply, or notes that it is too late for one.
    async fn next(&mut self, until: Instant, view: &impl Fn(&T) -> Option<K>) {
        let clock = self.count.clock().clone();
        let calls = &mut self.calls;
        match clock.within(until, poll_fn(|cx| poll_first(calls, cx))).await {
            Some((place, result)) => self.count.take(place, result, view),
            None => self.count.on_timer(),
        }
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
struct Count<P, T, E, K> {
    policy: P,
    settings: QuorumSettings,
    replicas: Vec<EndpointId>,
    read: MajorityRead,
    /// The different answers: their place is what the machine knows them by.
    views: Vec<K>,
    latest: Option<T>,
    errors: Vec<Error<E>>,
}

impl<P: Handle, T, E, K: PartialEq> Count<P, T, E, K> {
    fn new(policy: P, settings: QuorumSettings) -> Self {
        let number = usize::try_from(settings.ask).unwrap_or(usize::MAX);
        let ask = |locked: &mut Locked, now| (locked.replicas(number, now), now);
        let (replicas, now) = policy.policy().shared.control(ask);
        let read = MajorityRead::new(settings, &replicas, now);
        let (views, errors) = (Vec::new(), Vec::new());
        Self { policy, settings, replicas, read, views, latest: None, errors }
    }

    fn clock(&self) -> &Clock {
        &self.policy.policy().shared.clock
    }

    /// When the read is undecided, or late answers are no longer of interest.
    fn until(&self) -> Instant {
        self.read.next_deadline().unwrap_or(Instant::NEVER)
    }

    fn is_done(&self) -> bool {
        self.read.is_done(self.clock().now())
    }

    fn on_timer(&mut self) {
        let now = self.clock().now();
        let _verdict = self.read.on_timer(now, &mut Discard);
    }

    fn take(&mut self, place: usize, result: Result<T, Error<E>>, view: impl Fn(&T) -> Option<K>) {
        let Some(replica) = self.replicas.get(place).copied() else { return };
        let now = self.clock().now();
        let was_decided = self.read.verdict().is_some();
        let mut events = Vec::new();
        // Nothing is known of one that failed, but that it gave no answer.
        let _verdict = match result.map(|value| (view(&value), value)) {
            Ok((Some(key), value)) => {
                if !was_decided {
                    self.latest = Some(value);
                }
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
            let tell = |locked: &mut Locked, now: Instant| {
                locked.compared(endpoint, agreement, now);
            };
            self.policy.policy().shared.control(tell);
        }
    }

    /// What was agreed on, once.
    fn agreed(&mut self) -> Option<Agreed<T>> {
        let Some(Verdict::Agreed { .. }) = self.read.verdict() else { return None };
        let value = self.latest.take()?;
        Some(Agreed { value, tally: self.read.tally(), odd: self.odd() })
    }

    fn undecided(self) -> Undecided<E> {
        let policy = self.policy.policy().shared.name.clone();
        Undecided { policy, tally: self.read.tally(), errors: self.errors }
    }

    fn finish(mut self) -> Result<Agreed<T>, Undecided<E>> {
        self.agreed().ok_or_else(|| self.undecided())
    }

    fn late(&self) -> Late {
        Late { tally: self.read.tally(), odd: self.odd() }
    }

    fn odd(&self) -> Vec<Endpoint> {
        let locked = self.policy.policy().shared.lock();
        self.read.odd().filter_map(|id| locked.find(id)).collect()
    }
}
