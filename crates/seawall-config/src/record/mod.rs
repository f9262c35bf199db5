//! The record of a day's calls: what `seawall run --record` writes and a replay reads.
//!
//! A record answers one question later: what would another config have done with these calls? So
//! it holds when calls arrived, at which route, what each attempt met and how long it took; and
//! nothing of what was in them: no bodies, no headers, no paths beyond the names that the config
//! gives its routes. Keys are there only as salted hashes, whose salt is never written.
//!
//! The first line is a [`Header`], every other one a [`Line`], each a JSON object; `docs/record.md`
//! describes them key by key. [`Header::encode`] and [`Line::encode`] write, [`Reader`] reads line
//! by line with bounds. Whoever writes while traffic flows, and decides what is dropped when the
//! disk does not keep up, is the gateway; replaying is the simulator's.
//!
//! ```
//! use seawall_config::record::{Header, Line, Micros, Reader, Tables, Tail};
//!
//! let header = Header::new(1_700_000_000_000_000, Tables::default());
//! let mut file = Vec::new();
//! header.encode(&mut file);
//! let mut reader = Reader::new(file.as_slice(), "day.jsonl").expect("it has a header");
//! assert_eq!(reader.header(), &header);
//! assert!(reader.next().is_none());
//! assert_eq!(reader.tail(), Some(Tail::Open), "whoever wrote it was killed before its last line");
//! ```

mod call;
mod error;
mod failure;
mod header;
mod line;
mod reader;
mod trail;
mod values;
mod word;

pub use call::{Attempt, Call, Verdict};
pub use error::RecordError;
pub use failure::Failure;
pub use header::{Header, RouteEntry, Tables, UpstreamEntry};
pub use line::{Close, End, Gap, Line, Reload};
pub use reader::{Reader, Tail};
pub use trail::attempts;
pub use values::{Hex, Micros};

/// The version of the format that this module writes, and the newest that it reads. It rises when
/// the meaning of a key changes or a kind of line is added; a new key that may be absent does not
/// raise it, and readers pass over keys that they do not know.
pub const VERSION: u32 = 1;

/// Bytes of the longest line that is read. A line of a call has hundreds; that of tables grows with
/// the config, which is bounded at 4 MiB, and JSON may need two bytes where TOML needs one.
pub const LINE_BYTES_MAX: usize = 8 << 20;

/// Attempts of one call that are read. A call makes at most ten that count, and some that never
/// left; a trail tells of at most 24.
pub const ATTEMPTS_MAX: usize = 64;

/// Routes, and upstreams, that one table may hold.
pub const TABLE_MAX: usize = 65_536;

#[cfg(test)]
mod tests;
