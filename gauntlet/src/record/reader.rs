//! Reads records back: JSON lines, the last of which may be half a line where its writer was
//! killed. Every other line that cannot be read is an error: a figure of a part of the records
//! would be a wrong figure.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

use super::{Answered, Attempt};

/// Why records cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The file itself.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line of it.
    #[error("{} line {line} is no record: {source}; the run has to be repeated", path.display())]
    Line {
        /// Of which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
}

/// Every line of `path`; a last line without an end that is no record is left out.
///
/// # Errors
/// When the file, or a whole line of it, cannot be read.
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Unreadable> {
    let text = fs::read_to_string(path)
        .map_err(|source| Unreadable::File { path: path.to_owned(), source })?;
    let mut records = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        match serde_json::from_str(line) {
            Ok(record) => records.push(record),
            Err(_) if !line.ends_with('\n') => {}
            Err(source) => {
                return Err(Unreadable::Line { path: path.to_owned(), line: index + 1, source });
            }
        }
    }
    Ok(records)
}

/// What the generator wrote.
///
/// # Errors
/// As [`read_lines`].
pub fn read_answered(path: &Path) -> Result<Vec<Answered>, Unreadable> {
    read_lines(path)
}

/// What all replicas wrote, in order of their beginnings.
///
/// # Errors
/// As [`read_lines`].
pub fn read_attempts<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Attempt>, Unreadable> {
    let mut lines = Vec::new();
    for path in paths {
        lines.append(&mut read_lines(path.as_ref())?);
    }
    Ok(join(lines))
}

/// Joins the lines of the beginning and the end of each attempt, in order of their beginnings. An
/// attempt whose end was never written keeps the line of its beginning.
#[must_use]
pub fn join(lines: Vec<Attempt>) -> Vec<Attempt> {
    let mut attempts = BTreeMap::new();
    for line in lines {
        // A replica that was started anew counts its serials from 0; no two of its lives overlap.
        let key = (line.begun, line.replica, line.serial);
        let known = attempts.entry(key).or_insert_with(|| line.clone());
        if line.ended.is_some() {
            *known = line;
        }
    }
    attempts.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Seen, Writer};
    use crate::stamp::Stamp;
    use crate::stream::Verb;

    fn attempt(serial: u64, begun: u64, ended: Option<u64>) -> Attempt {
        Attempt {
            replica: 1,
            id: Some(serial),
            verb: Verb::Get,
            begun: Stamp(begun),
            ended: ended.map(Stamp),
            serial,
            connection: 0,
            status: if ended.is_some() { 200 } else { 0 },
            worked: 0,
            committed: false,
            abandoned: false,
        }
    }

    #[test]
    fn an_attempt_that_its_replica_did_not_survive_keeps_its_beginning() {
        let lines = vec![attempt(0, 10, None), attempt(1, 11, None), attempt(1, 11, Some(20))];
        let expected = vec![attempt(0, 10, None), attempt(1, 11, Some(20))];
        assert_eq!(join(lines), expected);
    }

    #[test]
    fn serials_of_two_lives_are_told_apart() {
        let lines = vec![attempt(0, 10, None), attempt(0, 30, None), attempt(0, 30, Some(31))];
        assert_eq!(join(lines.clone()).len(), 2);
        let reversed = join(lines.into_iter().rev().collect());
        assert_eq!(reversed, vec![attempt(0, 10, None), attempt(0, 30, Some(31))]);
    }

    #[test]
    fn half_a_line_at_the_end_is_left_out_and_one_in_the_middle_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let whole = serde_json::to_string(&attempt(0, 10, None)).unwrap();
        fs::write(&path, format!("{whole}\n{{\"replica\":1,\"id\"")).unwrap();
        assert_eq!(read_attempts(&[&path]).unwrap(), vec![attempt(0, 10, None)]);
        fs::write(&path, format!("{{\"replica\":1\n{whole}\n")).unwrap();
        let mistake = read_attempts(&[&path]).unwrap_err().to_string();
        assert!(mistake.contains("line 1 is no record"), "{mistake}");
    }

    #[test]
    fn a_replica_that_begins_anew_mends_the_half_line_of_its_former_life() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let whole = serde_json::to_string(&attempt(0, 10, None)).unwrap();
        fs::write(&path, format!("{whole}\n{{\"replica\":1,\"id\"")).unwrap();
        let writer = Writer::append(&path).unwrap();
        writer.put(attempt(0, 30, Some(31)));
        assert_eq!(writer.close().unwrap().written, 1);
        let expected = vec![attempt(0, 10, None), attempt(0, 30, Some(31))];
        assert_eq!(read_attempts(&[&path]).unwrap(), expected);
    }

    #[test]
    fn what_the_generator_wrote_is_read_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers");
        let answered = Answered {
            id: 7,
            intended: Stamp(1),
            begun: Stamp(2),
            ended: Stamp(3),
            seen: Seen::Cut,
            tries_before: 2,
        };
        let writer = Writer::append(&path).unwrap();
        writer.put(answered.clone());
        let tally = writer.close().unwrap();
        assert_eq!((tally.written, tally.lost), (1, 0));
        assert_eq!(read_answered(&path).unwrap(), vec![answered]);
    }
}
