//! Idempotency keys for programs that serve requests: what bears one key is done once.
//!
//! The records and their rules are the core's (`seawall_core::idempotency`). Here is how a program
//! runs its work under them: it waits for a duplicate, replays what was done, and leaves no record
//! open when it is dropped. Records live in the memory of this process.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seawall_core::event::Discard;
use seawall_core::idempotency::{
    Arrival, Arrived, Claim, Ending, Fingerprint, IdempotencySettings, Key, KeyFault, Need,
    Policy as Unknowns, Protection, RecordKey, Records,
};
use seawall_core::invalid::Invalid;
use seawall_core::reason::Reason;
use seawall_core::time::Instant;
use tokio::sync::Notify;

use crate::BuildError;
use crate::clock::Clock;

/// Runs what bears one key once, and hands the kept result to whoever asks again.
///
/// At most once, unless the settings say [`RetrySafe`](Unknowns::RetrySafe). Clones share their
/// records. Memory: as many records and bytes as the settings say; nothing that is live is evicted.
///
/// ```
/// use seawall::{IdempotencyKeys, IdempotencySettings, Once};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = IdempotencyKeys::new(IdempotencySettings::default())?;
/// let pay = || async { Ok::<_, std::io::Error>("paid") };
/// let request = ("alice", 100);
/// assert_eq!(keys.run("order-17", &request, pay).await?, Once::Ran("paid"));
/// assert_eq!(keys.run("order-17", &request, pay).await?, Once::Replayed("paid"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct IdempotencyKeys<T> {
    inner: Arc<Inner<T>>,
}

impl<T> Clone for IdempotencyKeys<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

#[derive(Debug)]
struct Inner<T> {
    clock: Clock,
    records: Mutex<Records<T>>,
    changed: Notify,
    owners: AtomicU64,
    /// Four, since a fingerprint has as many words. They differ in each process.
    hashers: [RandomState; 4],
}

/// A result, and whether it was made for this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Once<T> {
    /// It ran now.
    Ran(T),
    /// It had run before.
    Replayed(T),
    /// It ran now, and nobody will remember: there was no place for a record.
    Unprotected(T),
}

impl<T> Once<T> {
    /// The result.
    pub fn into_value(self) -> T {
        match self {
            Self::Ran(value) | Self::Replayed(value) | Self::Unprotected(value) => value,
        }
    }
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError<E> {
    /// It ran and failed.
    Failed(E),
    /// It is still being worked on.
    Conflict {
        /// When to come back.
        retry_after: Duration,
    },
    /// The key belongs to another request.
    Mismatch,
    /// Nobody knows whether it was done: somebody has to look.
    Indeterminate,
    /// It was done, and its result was too large to keep.
    NotReplayable,
    /// The key is not of the permitted form.
    BadKey(KeyFault),
}

impl<E> KeyError<E> {
    /// The stable code of why; `None` where the work itself failed.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Failed(_) => None,
            Self::Conflict { .. } => Some(Reason::IdempotencyConflict),
            Self::Mismatch => Some(Reason::IdempotencyMismatch),
            Self::Indeterminate => Some(Reason::IdempotencyIndeterminate),
            Self::NotReplayable => Some(Reason::NotReplayable),
            Self::BadKey(fault) => Some(fault.reason()),
        }
    }
}

impl<E: fmt::Display> fmt::Display for KeyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.reason()) {
            (Self::Failed(error), _) => error.fmt(f),
            (Self::Conflict { retry_after }, Some(reason)) => {
                write!(f, "{reason}; come back in {retry_after:.1?}")
            }
            (_, Some(reason)) => reason.fmt(f),
            (_, None) => Ok(()),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for KeyError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl<T: Clone> IdempotencyKeys<T> {
    /// No records yet. A result counts as its size in memory, without what it points to.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work; the policy "probe" is one, since here is
    /// nobody to ask.
    pub fn new(settings: IdempotencySettings) -> Result<Self, BuildError> {
        let within = |invalid: Invalid| invalid.within("idempotency");
        let mut mistakes: Vec<_> = settings.validate().err().map(within).into_iter().collect();
        if settings.policy == Unknowns::Probe {
            let permitted = "manual or retry_safe";
            mistakes.push(Invalid::new("idempotency.policy", "probe", permitted));
        }
        BuildError::check(mistakes)?;
        let records = Records::new(settings).map_err(|invalid| BuildError::of(within(invalid)))?;
        let inner = Inner {
            clock: Clock::start(),
            records: Mutex::new(records),
            changed: Notify::new(),
            owners: AtomicU64::new(0),
            hashers: std::array::from_fn(|_| RandomState::new()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs `operation` under `key`, or hands on what it brought before. `request` is all that the
    /// key stands for: the same key for another request is a [`Mismatch`](KeyError::Mismatch).
    ///
    /// A duplicate waits for the first, as long as the settings say. Any `Err`, and a future that
    /// is dropped before its end, leave the key indeterminate, because nobody knows whether the
    /// work was done; [`run_judged`](Self::run_judged) may know better.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub async fn run<F, Fut, E>(
        &self,
        key: &str,
        request: &impl Hash,
        operation: F,
    ) -> Result<Once<T>, KeyError<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.run_judged(key, request, operation, |_| Ending::Unknown).await
    }

    /// The same, with a judge of errors: [`Ending::Free`] where the work was certainly not done and
    /// may be tried again under the key, [`Error::ending`](crate::Error::ending) for calls of a
    /// policy. [`Ending::Keep`] means that it was done, and that the same would come of it again:
    /// an error is not kept, so later requests are told
    /// [`NotReplayable`](KeyError::NotReplayable).
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub async fn run_judged<F, Fut, E>(
        &self,
        key: &str,
        request: &impl Hash,
        operation: F,
        judge: impl FnOnce(&E) -> Ending,
    ) -> Result<Once<T>, KeyError<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let key = record_key(Key::parse(key).map_err(KeyError::BadKey)?);
        let claim = match self.admit(&key, request).await {
            Admitted::Run(claim) => claim,
            Admitted::Replay(value) => return Ok(Once::Replayed(value)),
            Admitted::Unprotected => {
                return operation().await.map(Once::Unprotected).map_err(KeyError::Failed);
            }
            Admitted::Refused(refusal) => return Err(refusal.into()),
        };
        let mut open = Open { inner: &self.inner, key: &key, claim: Some(claim) };
        match operation().await {
            Ok(value) => {
                open.close(Ending::Keep, Some(value.clone()));
                Ok(Once::Ran(value))
            }
            Err(error) => {
                open.close(judge(&error), None);
                Err(KeyError::Failed(error))
            }
        }
    }

    /// Somebody has looked: nothing is known of the key any more. Work that runs is not forgotten.
    pub fn forget(&self, key: &str) {
        if let Ok(key) = Key::parse(key) {
            self.inner.lock().forget(&record_key(key));
        }
    }

    /// Waits until the key is this one's, or has a result, or neither will be.
    async fn admit(&self, key: &RecordKey, request: &impl Hash) -> Admitted<T> {
        let inner = &*self.inner;
        let since = inner.clock.now();
        let owner = inner.owners.fetch_add(1, Ordering::Relaxed);
        let fingerprint = inner.fingerprint(request);
        loop {
            let mut changed = std::pin::pin!(inner.changed.notified());
            // From here on no change is missed, also one between the look and the wait.
            changed.as_mut().enable();
            let now = inner.clock.now();
            // No deadline is known here: the records cut it to what the settings allow.
            let arrival = Arrival { owner, fingerprint, since, exec_deadline: Instant::NEVER };
            match inner.look(key, arrival, now) {
                Ok(admitted) => return admitted,
                Err(until) => {
                    // Woken or late: it looks again either way.
                    let _woken = inner.clock.within(until, changed).await;
                }
            }
        }
    }
}

/// What a request with a key is to do.
enum Admitted<T> {
    Run(Claim),
    Replay(T),
    Unprotected,
    Refused(Refusal),
}

/// Why it may not run.
enum Refusal {
    Conflict(Duration),
    Mismatch,
    Indeterminate,
    NotReplayable,
}

impl<E> From<Refusal> for KeyError<E> {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Conflict(retry_after) => Self::Conflict { retry_after },
            Refusal::Mismatch => Self::Mismatch,
            Refusal::Indeterminate => Self::Indeterminate,
            Refusal::NotReplayable => Self::NotReplayable,
        }
    }
}

impl<T> Inner<T> {
    /// The records. A step that panicked leaves them whole.
    fn lock(&self) -> MutexGuard<'_, Records<T>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fingerprint(&self, request: &impl Hash) -> Fingerprint {
        let mut bytes = [0; 32];
        for (word, hasher) in bytes.chunks_exact_mut(8).zip(&self.hashers) {
            word.copy_from_slice(&hasher.hash_one(request).to_ne_bytes());
        }
        Fingerprint(bytes)
    }
}

impl<T: Clone> Inner<T> {
    /// What to do, or until when to wait.
    fn look(
        &self,
        key: &RecordKey,
        arrival: Arrival,
        now: Instant,
    ) -> Result<Admitted<T>, Instant> {
        let mut records = self.lock();
        let says = match records.arrive(key, (arrival, Need::Optional), now, &mut Discard) {
            Protection::Recorded(says) => says,
            Protection::Unprotected | Protection::Refused(_) => return Ok(Admitted::Unprotected),
        };
        Ok(match says {
            Arrived::Run(claim) => Admitted::Run(claim),
            Arrived::Replay => match records.answer(key) {
                Some(answer) => Admitted::Replay(answer.clone()),
                None => Admitted::Refused(Refusal::NotReplayable),
            },
            Arrived::Wait(until) => return Err(until),
            Arrived::Conflict { retry_at } => {
                Admitted::Refused(Refusal::Conflict(retry_at.since(now)))
            }
            Arrived::NotReplayable => Admitted::Refused(Refusal::NotReplayable),
            Arrived::Mismatch => Admitted::Refused(Refusal::Mismatch),
            Arrived::Indeterminate | Arrived::Probe(_) => Admitted::Refused(Refusal::Indeterminate),
        })
    }
}

/// An execution that has to end. Dropped before, nobody knows whether the work was done.
struct Open<'a, T> {
    inner: &'a Inner<T>,
    key: &'a RecordKey,
    claim: Option<Claim>,
}

impl<T> Open<'_, T> {
    fn close(&mut self, ending: Ending, value: Option<T>) {
        let Some(claim) = self.claim.take() else { return };
        let now = self.inner.clock.now();
        let answer = value.map(|value| (value, size_of::<T>()));
        let ended = (claim, ending, answer);
        let _counted = self.inner.lock().complete(self.key, ended, now, &mut Discard);
        self.inner.changed.notify_waiters();
    }
}

impl<T> Drop for Open<'_, T> {
    fn drop(&mut self) {
        self.close(Ending::Unknown, None);
    }
}

fn record_key(key: Key) -> RecordKey {
    let (tenant, method, route) = (String::new(), String::new(), String::new());
    RecordKey { tenant, method, route, key }
}
