//! A relay as all its links share it: switches, counts, the links that can be reset.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seawall_core::rng::{Rng, Stream};
use tokio::sync::{oneshot, watch};

use super::answers::Hits;
use super::switches::{State, Switches};
use crate::control::Panel;
use crate::stamp::Stamp;
use crate::timer::Timers;

/// What the links of a relay share.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) switches: watch::Sender<Switches>,
    pub(super) timers: Timers,
    pub(super) counts: Counts,
    pub(super) listening: AtomicBool,
    links: Mutex<Links>,
    chance: Mutex<Stream>,
}

/// Links that are open, by their number, and how each is told to reset.
#[derive(Debug, Default)]
struct Links {
    next: u64,
    open: BTreeMap<u64, oneshot::Sender<()>>,
}

/// What is counted; see [`State`].
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) unreachable: AtomicU64,
    pub(super) asked: AtomicU64,
    pub(super) answered: AtomicU64,
    delayed: AtomicU64,
    cut: AtomicU64,
    corrupted: AtomicU64,
    lengthened: AtomicU64,
    resets: AtomicU64,
}

/// Adds `amount` to a count.
pub(super) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(u64::try_from(amount).unwrap_or(0), Ordering::Relaxed);
}

impl Hub {
    /// A hub with all switches off. To be called within a runtime.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            switches: watch::Sender::new(Switches::OFF),
            timers: Timers::new()?,
            counts: Counts::default(),
            listening: AtomicBool::new(false),
            links: Mutex::default(),
            // Which link is reset and how delays jitter need not differ between relays.
            chance: Mutex::new(Stream::new(0, "relay")),
        })
    }

    /// A new link: its number, and what tells it to reset.
    pub(super) fn enter(&self) -> (u64, oneshot::Receiver<()>) {
        let (tell, told) = oneshot::channel();
        let mut links = self.links();
        let serial = links.next;
        links.next += 1;
        links.open.insert(serial, tell);
        (serial, told)
    }

    /// A link is over.
    pub(super) fn leave(&self, serial: u64) {
        self.links().open.remove(&serial);
    }

    /// When what comes now has to go on.
    pub(super) fn due(&self, switches: &Switches) -> Stamp {
        if switches.delay == 0 && switches.jitter == 0 {
            return Stamp(0);
        }
        add(&self.counts.delayed, 1);
        let jitter = self.below(switches.jitter.saturating_add(1));
        Stamp::now().after(switches.delay).after(jitter)
    }

    pub(super) fn count(&self, hits: Hits) {
        let counts = &self.counts;
        counts.cut.fetch_add(hits.cut, Ordering::Relaxed);
        counts.corrupted.fetch_add(hits.corrupted, Ordering::Relaxed);
        counts.lengthened.fetch_add(hits.lengthened, Ordering::Relaxed);
    }

    /// Resets links at the rate of the switch, for as long as it is polled.
    pub(super) async fn storm(&self) {
        let mut switches = self.switches.subscribe();
        loop {
            let rate = switches.borrow_and_update().resets;
            let gap = Duration::try_from_secs_f64(1.0 / rate).ok().filter(|_| rate > 0.0);
            let next = gap.and_then(|gap| u64::try_from(gap.as_nanos()).ok());
            let next = Stamp::now().after(next.unwrap_or(0));
            tokio::select! {
                changed = switches.changed() => if changed.is_err() { return },
                () = self.timers.until(next), if gap.is_some() => self.reset_one(),
            }
        }
    }

    fn reset_one(&self) {
        let mut links = self.links();
        let count = u64::try_from(links.open.len()).unwrap_or(0);
        let place = usize::try_from(self.below(count)).unwrap_or(0);
        let Some(serial) = links.open.keys().nth(place).copied() else { return };
        if links.open.remove(&serial).is_some_and(|link| link.send(()).is_ok()) {
            add(&self.counts.resets, 1);
        }
    }

    fn below(&self, bound: u64) -> u64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).below(bound)
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Panel for Hub {
    fn switch(&self, json: &[u8]) -> Result<(), serde_json::Error> {
        let switches: Switches = serde_json::from_slice(json)?;
        switches.validate().map_err(serde::de::Error::custom)?;
        self.switches.send_replace(switches);
        Ok(())
    }

    fn state(&self) -> Result<Vec<u8>, serde_json::Error> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.counts;
        let (open, accepted) = {
            let links = self.links();
            (u64::try_from(links.open.len()).unwrap_or(u64::MAX), links.next)
        };
        serde_json::to_vec(&State {
            listening: self.listening.load(Ordering::Relaxed),
            open,
            accepted,
            unreachable: read(&counts.unreachable),
            asked: read(&counts.asked),
            answered: read(&counts.answered),
            delayed: read(&counts.delayed),
            cut: read(&counts.cut),
            corrupted: read(&counts.corrupted),
            lengthened: read(&counts.lengthened),
            resets: read(&counts.resets),
            switches: *self.switches.borrow(),
        })
    }
}
