//! Recording calls for a later replay, without ever holding up traffic.
//!
//! Workers offer each call that ended to a bounded queue and go on; one thread writes (`writer.rs`)
//! through a buffer that knows what has reached the disk (`spool.rs`) into a file that was made for
//! it (`file.rs`). Where the queue is full or the disk fails, calls are left out and counted. The
//! format is in `seawall_config::record`; what became of calls is in `proxy/record.rs`.

mod file;
mod spool;
mod writer;

pub use file::RecordFile;
pub(crate) use spool::Store;
pub(crate) use writer::Writing;

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use seawall_config::record::{Call, Header, Hex, Micros, Reload, Tables, attempts};
use seawall_core::call::{Facts, Safety};
use seawall_core::shed::Class;
use seawall_core::time::Instant;

use crate::clock::Clock;
use crate::meters::Counter;
use crate::proxy::Finished;
use crate::wire::{Accepted, idempotency_key};

/// Calls that may wait for the writer. It looks every ten milliseconds, so this carries 800 000
/// calls a second, beyond what it can write; 2 MiB, taken only while a record is made.
const QUEUE: usize = 8_192;

/// Reloads that may wait for the writer. It is never so far behind unless the disk hangs; then the
/// oldest go, and calls that name a route which only they made are left out.
const RELOADS: usize = 64;

/// Takes calls for the record. Shared by all workers.
#[derive(Debug)]
pub(crate) struct Recorder {
    queue: SyncSender<Call>,
    desk: Arc<Desk>,
    clock: Clock,
    started: Instant,
    /// Keys a pseudo-random function (`SipHash`, with 128 bits from the operating system): without
    /// it nobody can try out which key a hash is of. It is never written and ends with the process.
    secret: RandomState,
}

/// What those who offer calls and the one who writes them share.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// Calls that are in the record.
    pub(crate) written: Counter,
    /// Calls that are missing from it.
    pub(crate) dropped: Counter,
    /// Nothing more is wanted: the record is as large as it may be, or the gateway ends.
    over: AtomicBool,
    stopping: AtomicBool,
    reloads: Mutex<VecDeque<Reload>>,
}

/// What a record keeps of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    safety: Safety,
    priority: Class,
    affinity: Option<Hex>,
    key: Option<Hex>,
    deadline: Option<Micros>,
}

/// What a key is for; the same text for another purpose has another hash.
#[derive(Clone, Copy, Debug, Hash)]
enum Purpose {
    Affinity,
    Idempotency,
}

impl Recorder {
    /// Starts a record into `store`, of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// No thread could be had.
    pub(crate) fn start(
        store: impl Store,
        bytes_max: u64,
        (clock, tables): (Clock, Tables),
    ) -> std::io::Result<(Self, Writing)> {
        let (queue, inbox) = sync_channel(QUEUE);
        let (desk, started) = (Arc::new(Desk::default()), clock.now());
        let header = Header::new(clock.unix_us(started), tables);
        let spool = spool::Spool::new(store, bytes_max, Arc::clone(&desk));
        let writing = writer::start(inbox, spool, header, (clock, started))?;
        let secret = RandomState::new();
        Ok((Self { queue, desk, clock, started, secret }, writing))
    }

    /// What the record is to keep of a request.
    pub(crate) fn asked(&self, head: &Accepted, facts: &Facts) -> Asked {
        Asked {
            safety: facts.safety,
            priority: facts.priority.class(),
            affinity: facts.affinity.map(|key| self.hash(Purpose::Affinity, &key.to_ne_bytes())),
            key: idempotency_key(&head.headers).map(|key| self.hash(Purpose::Idempotency, key)),
            deadline: facts.remaining.map(Micros::from),
        }
    }

    /// Takes a call that has ended. Neither waits nor fails.
    pub(crate) fn take(&self, asked: Asked, call: &Finished) {
        if self.is_over() {
            return;
        }
        self.offer(Call {
            arrival: call.started.since(self.started).into(),
            route: Arc::clone(&call.route.name),
            safety: asked.safety,
            priority: asked.priority,
            affinity: asked.affinity,
            key: asked.key,
            deadline: asked.deadline,
            attempts: attempts(&call.trail, call.started, call.ended),
            untold: call.trail.dropped(),
            verdict: call.verdict.into(),
            reason: call.reason(),
            status: call.status.map(|status| status.as_u16()),
            latency: call.ended.since(call.started).into(),
        });
    }

    /// Notes a new config. Must be called before any call can be made under it.
    pub(crate) fn reload(&self, tables: Tables) {
        let at = self.clock.now().since(self.started).into();
        let mut reloads = self.desk.reloads.lock().unwrap_or_else(PoisonError::into_inner);
        if reloads.len() == RELOADS {
            reloads.pop_front();
        }
        reloads.push_back(Reload { at, tables });
    }

    /// Calls in the record, and calls that are missing from it.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (self.desk.written.total(), self.desk.dropped.total())
    }

    /// Lets the writer write what it has, and end.
    pub(crate) fn stop(&self) {
        self.desk.stopping.store(true, Ordering::Release);
    }

    fn is_over(&self) -> bool {
        self.desk.over.load(Ordering::Acquire)
    }

    fn offer(&self, call: Call) {
        match self.queue.try_send(call) {
            Ok(()) => {}
            // Closed between the look at it and now.
            Err(TrySendError::Disconnected(_)) if self.is_over() => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.desk.dropped.bump(),
        }
    }

    fn hash(&self, purpose: Purpose, key: &[u8]) -> Hex {
        Hex(self.secret.hash_one((purpose, key)))
    }
}

impl Desk {
    fn next_reload(&self) -> Option<Reload> {
        self.reloads.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

#[cfg(test)]
mod tests;
