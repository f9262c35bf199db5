//! The buffer in front of the record's file. It knows what has reached the file, so that whatever
//! fails, the file holds whole lines and the counters tell the truth.

use std::io;
use std::sync::Arc;

use super::Desk;

/// Bytes gathered before they are written: some hundreds of calls.
const BUFFER_BYTES: usize = 64 << 10;

/// Room that is kept for the last line.
const LAST_BYTES: u64 = 256;

/// Bytes of lines that must not be lost, while the disk fails. Beyond this the record is given up.
const OWED_BYTES_MAX: usize = 8 << 20;

/// Where a record goes.
pub(crate) trait Store: Send + 'static {
    /// Appends all of `bytes`, or fails after an unknown part of them.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts what was appended back to `length` bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// What a line is to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A call, which may be left out.
    Call,
    /// Calls after it cannot be read without it.
    Table,
    /// A note on what is missing; it is written anew where it is lost.
    Note,
    /// The last line, for which room is kept.
    Last,
}

/// The line would make the record larger than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    /// The latest write failed, and was undone.
    Failing,
    /// A write failed and could not be undone: nothing may follow it.
    Broken,
}

/// A buffer and its file.
#[derive(Debug)]
pub(super) struct Spool<S> {
    store: S,
    desk: Arc<Desk>,
    bytes_max: u64,
    /// Bytes that are in the file.
    saved: u64,
    buffer: Vec<u8>,
    /// Calls in the buffer.
    calls: u64,
    /// The tables in the buffer: if it is lost they come first in the next.
    owed: Vec<u8>,
    /// Dropped calls that the file tells of, and those that it will once the buffer is written.
    told: (u64, u64),
    health: Health,
}

impl<S: Store> Spool<S> {
    pub(super) fn new(store: S, bytes_max: u64, desk: Arc<Desk>) -> Self {
        let (buffer, owed) = (Vec::with_capacity(BUFFER_BYTES), Vec::new());
        let (saved, calls, told, health) = (0, 0, (0, 0), Health::Good);
        Self { store, desk, bytes_max, saved, buffer, calls, owed, told, health }
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Takes a whole line.
    pub(super) fn push(&mut self, line: &[u8], kind: Kind) -> Result<(), Full> {
        let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        let kept = if kind == Kind::Last { 0 } else { LAST_BYTES };
        let after = self.saved + size(self.buffer.len()) + size(line.len()) + kept;
        if after > self.bytes_max {
            return Err(Full);
        }
        self.buffer.extend_from_slice(line);
        match kind {
            Kind::Call => self.calls += 1,
            Kind::Table => self.owed.extend_from_slice(line),
            Kind::Note | Kind::Last => {}
        }
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush();
        }
        Ok(())
    }

    /// Calls that are missing and that the record does not tell of yet; from now on it does.
    pub(super) fn untold(&mut self) -> u64 {
        let dropped = self.desk.dropped.total();
        dropped - std::mem::replace(&mut self.told.1, dropped)
    }

    /// Calls in the file and in the buffer.
    pub(super) fn calls(&self) -> u64 {
        self.desk.written.total() + self.calls
    }

    /// Writes the buffer. Where that fails its calls are lost, and counted.
    pub(super) fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        if self.health == Health::Broken {
            return self.lose();
        }
        match self.store.append(&self.buffer) {
            Ok(()) => self.save(),
            Err(error) => self.fail(&error),
        }
    }

    fn save(&mut self) {
        self.saved += u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        self.desk.written.add(std::mem::take(&mut self.calls));
        self.buffer.clear();
        self.owed.clear();
        self.told.0 = self.told.1;
        if self.health == Health::Failing {
            tracing::info!("the record is written again");
            self.health = Health::Good;
        }
    }

    fn fail(&mut self, error: &io::Error) {
        let undone = self.store.cut(self.saved);
        let health = match undone {
            Ok(()) if self.owed.len() <= OWED_BYTES_MAX => Health::Failing,
            Ok(()) | Err(_) => Health::Broken,
        };
        if self.health != health {
            let next = match health {
                Health::Broken => "the record ends here",
                Health::Failing | Health::Good => "calls are left out until it can be",
            };
            tracing::warn!(%error, "the record cannot be written; {next}");
        }
        self.health = health;
        self.lose();
    }

    fn lose(&mut self) {
        self.desk.dropped.add(std::mem::take(&mut self.calls));
        self.told.1 = self.told.0;
        self.buffer.clear();
        if self.health == Health::Broken {
            self.owed.clear();
        }
        self.buffer.extend_from_slice(&self.owed);
    }
}
