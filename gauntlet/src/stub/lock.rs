//! The lock that all replicas share, as they would share the row of a database.
//!
//! It is a line of reservations: a file holds the time at which the last holder will be done, and
//! whoever comes adds its own time to that. All processes read one clock, so that nobody has to
//! hold anything while it waits, and a replica that is killed leaves nothing locked but its turn.
//! The file itself is locked for the microseconds of reading and writing 8 bytes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::stamp::Stamp;

/// The open file of a lock.
#[derive(Debug)]
pub(super) struct SharedLock {
    path: PathBuf,
    file: File,
}

impl SharedLock {
    /// Opens the lock in `path`, which is made where it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Whether it is the one in `path`.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.path == path
    }

    /// Takes the next turn of `hold` nanoseconds; gives the time at which that turn is over.
    pub(super) fn reserve(&self, hold: u64) -> io::Result<Stamp> {
        flock(&self.file, FlockOperation::LockExclusive)?;
        let turn = self.next_turn(hold);
        flock(&self.file, FlockOperation::Unlock)?;
        turn
    }

    fn next_turn(&self, hold: u64) -> io::Result<Stamp> {
        let mut bytes = [0; 8];
        // A new file is empty: nobody has reserved anything.
        let read = self.file.read_at(&mut bytes, 0)?;
        let taken = if read == bytes.len() { Stamp(u64::from_le_bytes(bytes)) } else { Stamp(0) };
        let over = taken.max(Stamp::now()).after(hold);
        self.file.write_all_at(&over.0.to_le_bytes(), 0)?;
        Ok(over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_of_two_holders_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (a, b) = (SharedLock::open(&path).unwrap(), SharedLock::open(&path).unwrap());
        let hold = 3_600_000_000_000;
        let begin = Stamp::now();
        let first = a.reserve(hold).unwrap();
        assert!(first >= begin.after(hold));
        assert_eq!(b.reserve(hold).unwrap(), first.after(hold));
        assert_eq!(a.reserve(hold).unwrap(), first.after(2 * hold));
    }

    #[test]
    fn a_lock_that_was_free_is_had_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let lock = SharedLock::open(&folder.path().join("lock")).unwrap();
        lock.reserve(1).unwrap();
        let before = Stamp::now();
        assert!(lock.reserve(0).unwrap() >= before, "the past is not waited for");
    }
}
