//! Writes records from a thread of its own: what is measured never waits for a disk.
//!
//! Memory is bounded by 65,536 records that wait to be written. A record that finds no room is
//! counted as lost, which makes the run invalid; nobody waits for room.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use serde::Serialize;
use serde::de::IgnoredAny;

/// Records that may wait: more than ten seconds of both lines of every attempt at 3,000 a second.
const WAITING_MAX: usize = 65_536;

/// How many records came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// In the file.
    pub written: u64,
    /// Not in the file, for want of room or because the disk failed.
    pub lost: u64,
}

/// A file of JSON lines and the thread that writes it.
pub struct Writer<T> {
    queue: SyncSender<Line<T>>,
    lost: AtomicU64,
    thread: JoinHandle<io::Result<u64>>,
}

/// What the thread is told.
enum Line<T> {
    /// A record to write.
    Record(T),
    /// To tell when all before it is written.
    Mark(SyncSender<()>),
}

impl<T> fmt::Debug for Writer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("lost", &self.lost).finish_non_exhaustive()
    }
}

impl<T: Serialize + Send + 'static> Writer<T> {
    /// Appends to `path`, which is made where it is not there. Half a line at its end, left by a
    /// writer that was killed, is cut off.
    ///
    /// Lines are handed to the kernel whenever none waits, so that they survive SIGKILL of this
    /// process. They are not forced to the disk: the host is not meant to fail.
    ///
    /// # Errors
    /// When the file cannot be opened, or no thread can be started.
    pub fn append(path: &Path) -> io::Result<Self> {
        let file = whole_lines(path)?;
        let (queue, records) = sync_channel(WAITING_MAX);
        let thread = thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || write_all(BufWriter::new(file), &records))?;
        Ok(Self { queue, lost: AtomicU64::new(0), thread })
    }

    /// Has `record` written. Never waits.
    pub fn put(&self, record: T) {
        if self.queue.try_send(Line::Record(record)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records that were lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until the kernel has all that was put so far.
    ///
    /// # Errors
    /// When the disk has failed.
    pub fn flush(&self) -> io::Result<()> {
        let (mark, reached) = sync_channel(1);
        let told = self.queue.send(Line::Mark(mark)).is_ok() && reached.recv().is_ok();
        if told { Ok(()) } else { Err(io::Error::other("the records could not be written")) }
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn close(self) -> io::Result<Tally> {
        drop(self.queue);
        let written = self.thread.join().unwrap_or_else(|_| Err(io::Error::other("panicked")))?;
        Ok(Tally { written, lost: self.lost.into_inner() })
    }
}

/// The body of the thread.
fn write_all<T: Serialize>(
    mut file: BufWriter<File>,
    lines: &Receiver<Line<T>>,
) -> io::Result<u64> {
    let mut written = 0;
    while let Ok(first) = lines.recv() {
        let mut next = Some(first);
        while let Some(line) = next {
            match line {
                Line::Record(record) => {
                    serde_json::to_writer(&mut file, &record)?;
                    file.write_all(b"\n")?;
                    written += 1;
                }
                Line::Mark(mark) => {
                    file.flush()?;
                    // Whoever asked may have stopped waiting.
                    mark.send(()).ok();
                }
            }
            next = lines.try_recv().ok();
        }
        file.flush()?;
    }
    Ok(written)
}

/// Opens `path` for appending after its last whole line.
fn whole_lines(path: &Path) -> io::Result<File> {
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    if !file.metadata()?.is_file() {
        // A device, as /dev/null is where nobody wants the records: there is nothing to mend.
        return Ok(file);
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    // A line that lacks its end alone is whole: it is a record, and stays one.
    if serde_json::from_slice::<IgnoredAny>(&text[end..]).is_ok() {
        file.write_all(b"\n")?;
        return Ok(file);
    }
    let end = u64::try_from(end).map_err(io::Error::other)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    Ok(file)
}
