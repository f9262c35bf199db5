//! The file of a record: made new, for its owner's eyes alone, and never in another's place.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::Store;
use crate::gateway::GatewayError;

/// Owner only: even without keys and bodies, who calls what and when is nobody else's business.
const MODE: u32 = 0o600;

/// The file that a record is to be written to. Dropped before a record was begun, it is removed.
#[derive(Debug)]
pub struct RecordFile {
    file: Option<File>,
    path: PathBuf,
    bytes_max: u64,
    origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Made,
    Found,
}

impl RecordFile {
    /// Makes the file at `path`, for a record of at most `bytes_max` bytes. What exists is not
    /// overwritten; a character device (`/dev/null`) is written to as it is.
    ///
    /// # Errors
    /// [`GatewayError::Record`], with what to do about it.
    pub fn create(path: &Path, bytes_max: u64) -> Result<Self, GatewayError> {
        let (file, origin) = make(path).map_err(|source| {
            let remedy = remedy(source.kind());
            GatewayError::Record { path: path.to_owned(), source, remedy }
        })?;
        Ok(Self { file: Some(file), path: path.to_owned(), bytes_max, origin })
    }

    /// The most bytes that the record may have.
    pub(crate) const fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// The open file, which stays from now on.
    pub(crate) fn into_file(mut self) -> Option<File> {
        self.file.take()
    }
}

impl Drop for RecordFile {
    fn drop(&mut self) {
        if self.file.is_some() && self.origin == Origin::Made {
            // An empty file that cannot be removed harms nobody; the next start will name it.
            let _left: io::Result<()> = std::fs::remove_file(&self.path);
        }
    }
}

fn make(path: &Path) -> io::Result<(File, Origin)> {
    let made = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path);
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && is_device(path) => {
            Ok((OpenOptions::new().write(true).open(path)?, Origin::Found))
        }
        made => Ok((made?, Origin::Made)),
    }
}

fn is_device(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_char_device())
}

const fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AlreadyExists => {
            "a record is never written over another file: name a new one, or move it away"
        }
        ErrorKind::NotFound => "make its folder first, or name another",
        _ => "check the path and its rights",
    }
}

impl Store for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(drop)
    }
}
