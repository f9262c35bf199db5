//! What is written down during a run, by whom, and nothing else: the source of every figure.
//!
//! Files are JSON lines. The generator writes one [`Answered`] for each request, each replica one
//! [`Attempt`] for each request that reached it, the runner one [`Deed`] for each injection. The
//! figures that follow are computed in `measure`. Writing files is in `writer`, reading them in
//! `reader`.

mod reader;
mod writer;

pub use reader::{Unreadable, join, read_answered, read_attempts, read_lines};
pub use writer::{Tally, Writer};

use serde::{Deserialize, Serialize};

use crate::stamp::Stamp;
use crate::stream::Verb;

/// A request as its user saw it end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The number of the request in the stream.
    pub id: u64,
    /// When it was meant to start. Latency counts from here.
    pub intended: Stamp,
    /// When the generator did start it; the difference is the generator's own lag.
    pub begun: Stamp,
    /// When its last byte came, or it was given up.
    pub ended: Stamp,
    /// What came.
    pub seen: Seen,
    /// How many tries a user of a closed loop has made before this one; 0 in an open loop.
    #[serde(default)]
    pub tries_before: u32,
}

/// What a user saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// A whole answer.
    Answer {
        /// Its status.
        status: u16,
        /// The replica that made it; none where the product under test made it itself.
        replica: Option<u8>,
        /// Whether id, length and content are those that were asked for.
        body: Content,
    },
    /// The connection was refused, or ended before any byte of an answer.
    NoAnswer,
    /// The answer began and broke off, and the user could tell.
    Cut,
    /// Nothing within the generator's patience.
    TimedOut,
}

/// Whether an answer is the one that was asked for. Only judged for answers of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Id, length and hash fit.
    Right,
    /// They do not, and the connection claimed that all is well.
    Wrong,
}

/// A request as it reached a replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which replica, from 0.
    pub replica: u8,
    /// The number of the request in the stream; none for a health check.
    pub id: Option<u64>,
    /// The method.
    pub verb: Verb,
    /// When its head had come.
    pub begun: Stamp,
    /// When its handler had ended. An attempt that the replica did not survive has no record, so
    /// one line is written at the beginning too; the reader joins the two by `serial`.
    pub ended: Option<Stamp>,
    /// Distinguishes attempts of one life of a replica.
    pub serial: u64,
    /// Distinguishes connections of one life of a replica.
    pub connection: u64,
    /// Status that was sent; 0 while none was.
    pub status: u16,
    /// Nanoseconds that a worker of the replica spent on it.
    pub worked: u64,
    /// Whether the effect was carried out (an unsafe request is carried out once its work ends).
    pub committed: bool,
    /// Whether the caller had gone by the time the answer was ready.
    pub abandoned: bool,
}

/// An act of the runner: a fault set or lifted, a phase begun, a probe of whether a fault holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deed {
    /// When.
    pub at: Stamp,
    /// What.
    pub what: What,
    /// In words, with what was read back.
    pub note: String,
}

/// Kinds of acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Control, fault or observation began.
    Phase(Phase),
    /// An injector was set.
    Set,
    /// It was lifted.
    Lifted,
    /// It was seen to hold.
    InForce,
    /// It was seen to be gone.
    Gone,
    /// It could not be shown to hold, or to be gone: the run does not count.
    Unproven,
}

/// The parts of a run that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Discarded.
    WarmUp,
    /// The reference values of this very run.
    Control,
    /// The fault holds.
    Fault,
    /// It has been lifted.
    Observation,
}
