//! Looking whether a fault holds or is gone, beside the run: the state is read back, and a probe
//! takes the product's path. Both have to say the same.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::probe::{self, Sign};
use crate::arena::{Arena, Seat};
use crate::record::{Deed, What};
use crate::run::Stop;
use crate::stamp::Stamp;

/// What a look hopes to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hope {
    /// The fault holds.
    InForce,
    /// It is gone.
    Gone,
}

/// Reads back what was set: what it is, or why that is not as hoped.
pub(super) type Trace = Box<dyn Fn(&Arena) -> Result<String, String> + Send>;

/// One look.
pub(super) struct Look {
    /// What is looked at, in words.
    pub(super) name: String,
    pub(super) hope: Hope,
    pub(super) trace: Trace,
    pub(super) sign: Sign,
    /// Where the probe starts.
    pub(super) from: Seat,
    /// Where it goes; nowhere without.
    pub(super) to: Option<SocketAddr>,
}

/// Counters need a moment to rise, and processes one to start.
const PATIENCE: Duration = Duration::from_millis(3_000);
const PAUSE: Duration = Duration::from_millis(100);

impl Look {
    /// The deed that tells what was seen.
    fn take(&self, arena: &Arena) -> Deed {
        let at = Stamp::now();
        // Some faults are over before a probe is; others are only hit by the probe.
        let first = (self.trace)(arena);
        let seen = self.probe(arena).and_then(|seen| {
            let read = if first.is_ok() { first } else { self.read_back(arena) };
            Ok((seen, read?))
        });
        let (what, said) = match (seen, self.hope) {
            (Ok((seen, read)), Hope::InForce) => (What::InForce, format!("{read}; {seen}")),
            (Ok((seen, read)), Hope::Gone) => (What::Gone, format!("{read}; {seen}")),
            (Err(why), hope) => (What::Unproven, format!("hoped for {hope:?}: {why}")),
        };
        Deed { at, what, note: format!("{}: {said}", self.name) }
    }

    fn probe(&self, arena: &Arena) -> Result<String, String> {
        let Some(to) = self.to else { return Ok("not probed".to_owned()) };
        let sign = self.sign;
        let looked = arena.within(self.from, || probe::look(to, sign));
        looked.unwrap_or_else(|error| Err(format!("cannot probe: {error}")))
    }

    fn read_back(&self, arena: &Arena) -> Result<String, String> {
        let end = Stamp::now().after(u64::try_from(PATIENCE.as_nanos()).unwrap_or(0));
        let pause = Stop::default();
        loop {
            let read = (self.trace)(arena);
            if read.is_ok() || Stamp::now() >= end || pause.wait(PAUSE).is_err() {
                return read;
            }
        }
    }
}

/// The looks that are under way.
#[derive(Debug, Default)]
pub(super) struct Looks(Vec<JoinHandle<Deed>>);

impl Looks {
    /// Looks from a thread of its own, so that the run goes on meanwhile.
    pub(super) fn begin(&mut self, look: Look, arena: &Arc<Arena>) -> std::io::Result<()> {
        let arena = Arc::clone(arena);
        let thread = std::thread::Builder::new().name("look".to_owned());
        self.0.push(thread.spawn(move || look.take(&arena))?);
        Ok(())
    }

    /// Waits for all, and gives what they saw.
    pub(super) fn end(&mut self) -> Vec<Deed> {
        let threads = self.0.drain(..);
        let seen = threads.map(|thread| {
            thread.join().unwrap_or_else(|_| Deed {
                at: Stamp::now(),
                what: What::Unproven,
                note: "the thread that looked has panicked".to_owned(),
            })
        });
        seen.collect()
    }
}

impl Drop for Looks {
    /// A thread that looks holds the arena: it must not outlive the run.
    fn drop(&mut self) {
        self.end();
    }
}
