//! Why a record cannot be read.

use std::error::Error;
use std::{fmt, io};

use super::VERSION;

/// Why a record, or the rest of it, cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum RecordError {
    /// The file could not be read. Trying again may help.
    Unreadable {
        /// The name of the record.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// It was written by a newer Seawall. That, or a newer one, reads it.
    Newer {
        /// The name of the record.
        file: String,
        /// The version of its format.
        version: u32,
    },
    /// A line is not what a record has there. Lines before it are good.
    Wrong {
        /// The name of the record.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { file, source } => {
                write!(f, "cannot read {file}: {source}; check the path and its rights")
            }
            Self::Newer { file, version } => write!(
                f,
                "{file}:1: a record of version {version}, and this Seawall reads up to {VERSION}; \
                 use the Seawall that wrote it, or a newer one"
            ),
            Self::Wrong { file, line, what, remedy } => {
                write!(f, "{file}:{line}: {what}; {remedy}")
            }
        }
    }
}

impl Error for RecordError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Newer { .. } | Self::Wrong { .. } => None,
        }
    }
}
