//! A replica as all its connections share it: switches, workers, log and counts. What is done with
//! a request is in `work`, connections in `connection`, the listener in `serve`.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use seawall_core::rng::Stream;
use tokio::sync::watch;

use super::Capacity;
use super::desk::Desk;
use super::lock::SharedLock;
use super::switches::{State, Switches};
use crate::control::Panel;
use crate::record::{Attempt, Writer};
use crate::timer::Timers;
use crate::wire;

/// How far the life of a replica has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Life {
    /// It serves.
    Serving,
    /// It serves, and asks its callers to go elsewhere.
    Draining,
    /// Its listener is closed; what runs may end.
    Ending,
    /// A request killed it.
    Poisoned,
}

/// A replica.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) number: u8,
    pub(super) switches: watch::Sender<Switches>,
    pub(super) life: watch::Sender<Life>,
    pub(super) timers: Timers,
    pub(super) log: Writer<Attempt>,
    pub(super) counts: Counts,
    /// Draws for the share of the status.
    pub(super) chance: Mutex<Stream>,
    desk: Mutex<Desk>,
    lock: Mutex<Option<SharedLock>>,
    known: Mutex<Known>,
    /// The body of the last answer to a request without an id, by its length. Slow readers all ask
    /// for the same large one, which must not be in memory for each of them.
    shared: Mutex<Bytes>,
}

/// The keys whose answers are remembered. Bounded by the number of keys in the switch.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) epoch: u64,
    pub(super) keys: BTreeSet<u64>,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) connections: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) attempts: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) refused: AtomicU64,
}

impl Replica {
    /// A replica with all switches off. To be called within a runtime.
    pub(super) fn new(number: u8, capacity: Capacity, log: Writer<Attempt>) -> io::Result<Self> {
        // Each replica fails other requests than its neighbours, and the same ones in each run.
        let chance = Stream::new(u64::from(number), "replica/status");
        Ok(Self {
            number,
            switches: watch::Sender::new(Switches::default()),
            life: watch::Sender::new(Life::Serving),
            timers: Timers::new()?,
            log,
            counts: Counts::default(),
            chance: Mutex::new(chance),
            desk: Mutex::new(Desk::new(capacity.workers, capacity.queue)),
            lock: Mutex::new(None),
            known: Mutex::default(),
            shared: Mutex::default(),
        })
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<SharedLock>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body for an answer of this length.
    pub(super) fn body(&self, id: Option<u64>, length: u32) -> Bytes {
        if let Some(id) = id {
            return wire::body(id, length);
        }
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if u32::try_from(shared.len()) != Ok(length) {
            *shared = wire::body(0, length);
        }
        shared.clone()
    }

    pub(super) fn life(&self) -> Life {
        *self.life.borrow()
    }
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed)
}

impl Panel for Replica {
    fn switch(&self, json: &[u8]) -> Result<(), serde_json::Error> {
        let switches: Switches = serde_json::from_slice(json)?;
        switches.validate().map_err(serde::de::Error::custom)?;
        let mut lock = self.lock();
        if let Some(wanted) = &switches.lock
            && !lock.as_ref().is_some_and(|lock| lock.is_at(&wanted.file))
        {
            *lock = Some(SharedLock::open(&wanted.file).map_err(serde_json::Error::io)?);
        }
        drop(lock);
        self.switches.send_replace(switches);
        Ok(())
    }

    fn state(&self) -> Result<Vec<u8>, serde_json::Error> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (working, waiting) = {
            let desk = self.desk();
            (desk.working(), desk.waiting())
        };
        serde_json::to_vec(&State {
            replica: self.number,
            connections: read(&self.counts.connections),
            accepted: read(&self.counts.accepted),
            working,
            waiting,
            attempts: read(&self.counts.attempts),
            failed: read(&self.counts.failed),
            refused: read(&self.counts.refused),
            log_lost: self.log.lost(),
            switches: self.switches.borrow().clone(),
        })
    }
}
