//! A breaker for each key, in bounded memory, shared by all clones.
//!
//! All decisions are in the core (`breaker/keyed.rs` there), also which key loses its breaker.

use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use foldhash::quality::RandomState;
use seawall_core::breaker::{
    BreakerSnapshot, Ended, KeyedBreakers, KeyedSettings, KeyedSnapshot, KeyedTicket, Probing,
};
use seawall_core::outcome::Class;
use seawall_core::reason::Reason;
use seawall_core::rng::{Rng as _, Stream};
use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::guarded::Guarded;
use super::hold::Hold;
use super::rejected::{Rejected, relative};
use super::{Setup, policies};
use crate::{AnyResult, BreakerSettings, BuildError, Classify, Error, Events};

/// A breaker for each key: each tenant, shard or other part of a dependency that fails by itself.
///
/// Clones share everything. Memory is bounded whatever keys come: at most
/// [`keys_max`](KeyedSettings::keys_max) have a breaker of their own, some 600 bytes each, and all
/// others share one; a key that is open keeps its own. Keys are hashed by a fast hash with a random
/// seed for each set, and not kept: a key may be of any type, and be asked for by any borrowed
/// form. Keys of one hash share a breaker. Each call takes a short lock twice, and allocates
/// nothing once its key is known.
///
/// ```
/// use seawall::BreakerSettings;
/// use seawall::mechanism::KeyedBreaker;
///
/// # fn read(_shard: &str) -> Result<u32, std::io::Error> { Ok(7) }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shards: KeyedBreaker<String> = KeyedBreaker::new(BreakerSettings::for_endpoint())?;
/// let pass = shards.try_admit("shard-7")?; // Or: not now, and until when.
/// match read("shard-7") {
///     Ok(_value) => pass.succeed(),
///     Err(_error) => pass.fail(),
/// }
/// # Ok(())
/// # }
/// ```
pub struct KeyedBreaker<K: ?Sized, C = AnyResult> {
    shared: Arc<Shared>,
    hasher: RandomState,
    classify: C,
    keys: PhantomData<fn(&K)>,
}

type Shared = Guarded<(KeyedBreakers, Stream)>;

impl<K: Hash + ?Sized> KeyedBreaker<K> {
    /// Breakers like this, for 1 024 keys.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work.
    pub fn new(breaker: BreakerSettings) -> Result<Self, BuildError> {
        Self::with(KeyedSettings::new(breaker), Setup::new())
    }

    /// The same with bounds, a name, listeners or a seed. Listeners never hear of the keys.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work.
    pub fn with(settings: KeyedSettings, setup: Setup) -> Result<Self, BuildError> {
        check(&settings)?;
        let mut rng = setup.chance("breakers");
        let origin = Instant::from_nanos(rng.next_u64());
        let machine = KeyedBreakers::new(settings, origin);
        let shared = Arc::new(Guarded::new((machine, rng), setup));
        let (hasher, classify) = (RandomState::default(), AnyResult);
        Ok(Self { shared, hasher, classify, keys: PhantomData })
    }
}

fn check(settings: &KeyedSettings) -> Result<(), BuildError> {
    policies::check_breaker(settings.breaker)?;
    settings.validate().map_err(BuildError::of)
}

impl<K: Hash + ?Sized, C> KeyedBreaker<K, C> {
    /// Asks to pass, as a call that may be a probe.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::BreakerOpen`]; the call must not be made.
    pub fn try_admit<Q: Hash + ?Sized>(&self, key: &Q) -> Result<KeyedPass<'_>, Rejected>
    where
        K: Borrow<Q>,
    {
        let hash = self.hasher.hash_one(key);
        KeyedPass::new(Hold::Borrowed(&*self.shared), hash, Probing::Allowed)
    }

    /// The same with a pass that may outlive this clone, saying whether the call may be a probe.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`KeyedBreaker::try_admit`].
    pub fn try_admit_owned<Q: Hash + ?Sized>(
        &self,
        key: &Q,
        probing: Probing,
    ) -> Result<KeyedPass<'static>, Rejected>
    where
        K: Borrow<Q>,
    {
        let hash = self.hasher.hash_one(key);
        KeyedPass::new(Hold::Shared(Arc::clone(&self.shared)), hash, probing)
    }

    /// Runs `operation` if the breaker of the key lets it pass, and judges its result. Dropped
    /// before its end, or ended by a panic, the call counts as abandoned.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if it does not pass; [`Error::Failed`] with the error of the operation.
    pub async fn call<Q, Op, Fut, T, E>(&self, key: &Q, operation: Op) -> Result<T, Error<E>>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        Op: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        let pass = self.try_admit(key)?;
        let result = operation().await;
        let outcome = self.classify.classify(result.as_ref());
        let elapsed = pass.end(outcome.class());
        let name = || self.shared.reports.name.clone();
        result.map_err(|error| Error::of_single(name(), error, elapsed, &outcome))
    }

    /// The same breakers for results that another classifier judges.
    #[must_use]
    pub fn with_classifier<J>(&self, classify: J) -> KeyedBreaker<K, J> {
        let (shared, hasher) = (Arc::clone(&self.shared), self.hasher.clone());
        KeyedBreaker { shared, hasher, classify, keys: PhantomData }
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

    /// Everything that is known of one key; `None` if it has no breaker of its own.
    #[must_use]
    pub fn snapshot_of<Q: Hash + ?Sized>(&self, key: &Q) -> Option<BreakerSnapshot>
    where
        K: Borrow<Q>,
    {
        let (hash, now) = (self.hasher.hash_one(key), self.shared.now());
        self.shared.look(|(machine, _)| machine.of_key(hash, now))
    }

    /// The set at this moment. Walks all breakers.
    #[must_use]
    pub fn snapshot(&self) -> KeyedSnapshot {
        let now = self.shared.now();
        self.shared.look(|(machine, _)| machine.snapshot(now))
    }

    /// Takes other settings; every breaker keeps what it learned. With fewer places those that were
    /// used least recently go.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if they cannot work; the old ones then stay in force.
    pub fn reconfigure(&self, settings: KeyedSettings) -> Result<(), BuildError> {
        check(&settings)?;
        let now = self.shared.now();
        self.shared.look(|(machine, _)| machine.reconfigure(settings, now));
        Ok(())
    }

    /// The changes of state from now on, without the keys. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.reports.subscribe()
    }
}

/// The breaker of a key let a call pass. Say how it ended; dropped without a word, it was
/// abandoned. The place of a probe comes back either way.
#[derive(Debug)]
#[must_use = "a pass that is dropped at once counts as abandoned"]
pub struct KeyedPass<'a> {
    shared: Hold<'a, Shared>,
    ticket: Option<KeyedTicket>,
    since: Instant,
}

impl<'a> KeyedPass<'a> {
    fn new(shared: Hold<'a, Shared>, key: u64, probing: Probing) -> Result<Self, Rejected> {
        let since = shared.now();
        let admitted = shared.step(since, What::Keyed, |(machine, rng), sink| {
            let draw = rng.draw();
            machine.admit(key, (since, draw), probing, sink)
        });
        match admitted {
            Ok(ticket) => Ok(Self { shared, ticket: Some(ticket), since }),
            Err(refused) => {
                let (name, until) = (shared.reports.name.as_ref(), relative(refused.until, since));
                Err(Rejected::new(name, Reason::BreakerOpen, until))
            }
        }
    }

    /// The dependency did its work.
    pub fn succeed(self) {
        self.end(Class::Success);
    }

    /// The dependency or the way to it is at fault.
    pub fn fail(self) {
        self.end(Class::Failure);
    }

    /// What happened says nothing about the dependency.
    pub fn ignore(self) {
        self.end(Class::Ignored);
    }

    /// Any of the above, by name. Returns how long the call took.
    pub fn end(mut self, class: Class) -> Duration {
        self.settle(class)
    }

    /// Whether the call is a probe: later attempts of the same call must not be.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.ticket.as_ref().is_some_and(KeyedTicket::is_probe)
    }

    fn settle(&mut self, class: Class) -> Duration {
        let Some(ticket) = self.ticket.take() else { return Duration::ZERO };
        let now = self.shared.now();
        let elapsed = now.since(self.since);
        self.shared.step(now, What::Keyed, |(machine, rng), sink| {
            let draw = rng.draw();
            machine.settle(ticket, Ended { class, elapsed }, (now, draw), sink);
        });
        elapsed
    }
}

impl Drop for KeyedPass<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.settle(Class::Abandoned);
        }
    }
}

impl<K: ?Sized, C: Clone> Clone for KeyedBreaker<K, C> {
    fn clone(&self) -> Self {
        let (shared, hasher) = (Arc::clone(&self.shared), self.hasher.clone());
        Self { shared, hasher, classify: self.classify.clone(), keys: PhantomData }
    }
}

impl<K: ?Sized, C> fmt::Debug for KeyedBreaker<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.shared.reports.name;
        f.debug_struct("KeyedBreaker").field("name", name).finish_non_exhaustive()
    }
}
