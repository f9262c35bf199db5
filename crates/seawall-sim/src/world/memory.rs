//! Caches before services: what is remembered, what is being fetched, and who waits for it.

use std::collections::{BTreeMap, HashMap};

use fnv::FnvBuildHasher;
use seawall_core::rng::Stream;
use seawall_core::time::{Duration, Instant};

use super::World;
use super::event::Answer;
use super::slab::Key;
use super::station::times;
use crate::chance::{Seed, unit};
use crate::dist::scaled;
use crate::plan::{Cache, Eviction, Service};

/// One cache. Maps are looked up only, so their order is of no account.
#[derive(Debug)]
pub(super) struct Memory {
    settings: Cache,
    known: HashMap<u64, Known, FnvBuildHasher>,
    /// By their latest use, the earliest first.
    order: BTreeMap<u64, u64>,
    uses: u64,
    fetching: HashMap<u64, Vec<Key>, FnvBuildHasher>,
    chance: Stream,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    until: Instant,
    used: u64,
}

/// What a cache says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recall {
    /// It knows; the answer takes so long.
    Hit(Duration),
    /// It does not; the request fetches it.
    Fetch,
    /// It does not; another request fetches it already.
    Wait,
}

impl Memory {
    /// The caches of a service: one, or one for each replica.
    pub(super) fn of(service: &Service, seed: Seed) -> Vec<Self> {
        let Some(cache) = &service.cache else { return Vec::new() };
        let count = if cache.shared { 1 } else { service.replicas };
        (0..count).map(|index| Self::new(cache, (&service.name, index), seed)).collect()
    }

    fn new(settings: &Cache, (name, index): (&str, u32), seed: Seed) -> Self {
        let mut memory = Self {
            settings: settings.clone(),
            known: HashMap::default(),
            order: BTreeMap::new(),
            uses: 0,
            fetching: HashMap::default(),
            chance: seed.stream(&format!("{name} cache {index}")),
        };
        if settings.warm {
            // The first keys are the most frequent ones, and the latest used stay longest.
            for key in (0..u64::try_from(settings.capacity).unwrap_or(u64::MAX)).rev() {
                memory.remember(key, Instant::EPOCH);
            }
        }
        memory
    }

    fn recall(&mut self, key: u64, asker: Key, now: Instant) -> Recall {
        if self.known.get(&key).is_some_and(|known| known.until > now) {
            self.use_now(key);
            return Recall::Hit(self.settings.hit.draw(&mut self.chance));
        }
        if !self.settings.single_flight {
            return Recall::Fetch;
        }
        if let Some(waiters) = self.fetching.get_mut(&key) {
            waiters.push(asker);
            return Recall::Wait;
        }
        self.fetching.insert(key, Vec::new());
        Recall::Fetch
    }

    fn use_now(&mut self, key: u64) {
        self.uses += 1;
        let Some(known) = self.known.get_mut(&key) else { return };
        self.order.remove(&known.used);
        known.used = self.uses;
        self.order.insert(self.uses, key);
    }

    fn remember(&mut self, key: u64, now: Instant) {
        let until = match self.settings.eviction {
            Eviction::Never => Instant::NEVER,
            Eviction::After(ttl, jitter) => {
                let spread = times(jitter) * (2.0 * unit(&mut self.chance) - 1.0);
                now.after(scaled(ttl, 1.0 + spread))
            }
        };
        let used = self.known.get(&key).map_or(0, |known| known.used);
        self.known.insert(key, Known { until, used });
        self.use_now(key);
        if self.known.len() > self.settings.capacity
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.known.remove(&oldest);
        }
    }

    fn forget(&mut self) {
        self.known.clear();
        self.order.clear();
    }
}

impl World {
    fn memory(&mut self, service: u32, station: u32) -> Option<&mut Memory> {
        let state = self.services.get_mut(service as usize)?;
        let own = (station as usize).saturating_sub(state.first);
        let place = if state.memories.len() == 1 { 0 } else { own };
        state.memories.get_mut(place)
    }

    /// Asks the cache of a service, if it has one and the request a key. Says whether the request
    /// goes on to a worker.
    pub(super) fn misses(&mut self, key: Key) -> bool {
        let Some(job) = self.jobs.find(key) else { return false };
        let (service, station, now) = (job.service, job.station, self.now);
        let Some(name) = job.burden.key else { return true };
        let Some(memory) = self.memory(service, station) else { return true };
        let recall = memory.recall(name, key, now);
        self.observer.recalled(service, matches!(recall, Recall::Hit(_)), now);
        match recall {
            Recall::Hit(time) => self.answer_later(key, Answer::Good, time),
            Recall::Fetch => {
                if let Some(job) = self.jobs.find_mut(key) {
                    job.fetching = true;
                }
            }
            Recall::Wait => {}
        }
        recall == Recall::Fetch
    }

    /// A request that fetched something is over; without an answer it was dropped, and one of
    /// those that waited for it fetches instead.
    pub(super) fn fetched(
        &mut self,
        (service, station): (u32, u32),
        name: Option<u64>,
        answer: Option<Answer>,
    ) {
        let (Some(name), now) = (name, self.now) else { return };
        let Some(memory) = self.memory(service, station) else { return };
        let waiters = memory.fetching.remove(&name).unwrap_or_default();
        if answer == Some(Answer::Good) {
            memory.remember(name, now);
        }
        for waiter in waiters {
            match answer {
                Some(answer) => self.answer(waiter, answer),
                None if self.misses(waiter) => self.enter_station(waiter),
                None => {}
            }
        }
    }

    /// A replica that is lost loses a cache of its own.
    pub(super) fn lose_memory(&mut self, station: u32) {
        let service = self.stations.get(station as usize).map(|station| station.service);
        let settings = service.and_then(|service| self.plan.services.get(service as usize));
        if settings.and_then(|s| s.cache.as_ref()).is_some_and(|cache| !cache.shared) {
            self.forget(station);
        }
    }

    /// The cache at a replica forgets everything.
    pub(super) fn forget(&mut self, station: u32) {
        let Some(service) = self.stations.get(station as usize).map(|s| s.service) else { return };
        if let Some(memory) = self.memory(service, station) {
            memory.forget();
        }
    }
}
