//! The file of a stream: JSON lines, written once and replayed for every product; and its hash,
//! which goes into the record of each run.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use seawall_core::hash::hash;

use super::Planned;
use crate::record::{Unreadable, read_lines};

/// Writes `stream` to `path`, in place of what was there.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, stream: &[Planned]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for planned in stream {
        serde_json::to_writer(&mut file, planned)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

/// The stream in `path`.
///
/// # Errors
/// When the file cannot be read, or a line of it is no request.
pub fn read(path: &Path) -> Result<Vec<Planned>, Unreadable> {
    read_lines(path)
}

/// One hash of a whole stream: XXH64 of each line of its file, seeded with that of the lines
/// before.
#[must_use]
pub fn digest(stream: &[Planned]) -> u64 {
    stream.iter().fold(0, |before, planned| {
        // A `Planned` holds numbers and names alone, which JSON can always express.
        hash(before, &serde_json::to_vec(planned).unwrap_or_default())
    })
}
