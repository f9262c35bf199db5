//! The lines after the first: calls, and what a reader must know between them.

use std::io::{self, Write as _};

use serde::{Deserialize, Serialize};

use super::{Call, Header, Micros, Tables};

/// One line after the header: an object whose only key says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A call that has ended.
    Call(Call),
    /// Another config is in force. It stands before every call that was made under it; calls that
    /// began under the one before may follow.
    Reload(Reload),
    /// Some calls before this line are missing.
    Gap(Gap),
    /// Nothing follows.
    End(End),
}

/// A change of the config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// When, since the start of the record.
    pub at: Micros,
    /// What is in force from then on.
    #[serde(flatten)]
    pub tables: Tables,
}

/// Calls that were not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When it was noticed, since the start of the record.
    pub at: Micros,
    /// How many are missing since the gap before, or since the start.
    pub lost: u64,
}

/// The last line of a record that was closed in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When, since the start of the record.
    pub at: Micros,
    /// Why there is no more.
    pub why: Close,
    /// Calls in the record.
    pub calls: u64,
    /// Calls that are missing from it.
    pub lost: u64,
}

/// Why a record was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Close {
    /// Whoever wrote it ended.
    Stopped,
    /// It had reached the size that it was allowed; traffic went on.
    Full,
}

/// The first line carries the name of the format, so that it is told from any other file.
#[derive(Serialize)]
struct First<'a> {
    seawall_record: &'a Header,
}

impl Header {
    /// Appends it as the first line, its end included.
    pub fn encode(&self, out: &mut Vec<u8>) {
        append(&First { seawall_record: self }, out);
    }
}

impl Line {
    /// Appends it, its end included.
    pub fn encode(&self, out: &mut Vec<u8>) {
        append(self, out);
    }
}

fn append(value: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    let written: io::Result<()> = serde_json::to_writer(&mut *out, value)
        .map_err(Into::into)
        .and_then(|()| out.write_all(b"\n"));
    // Memory takes every byte, and no map of a record has a key that is no text.
    debug_assert!(written.is_ok(), "{written:?}");
    if written.is_err() {
        out.truncate(start);
    }
}
