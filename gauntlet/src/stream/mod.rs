//! The requests of a run, drawn in advance from the seed: every product meets the same ones.
//!
//! Here: what a request is. The drawing is in `draw`, how the rate changes in `course`, the file
//! in `file`, the seed in `seed`. Who sends them is in `load`, how scenarios shape them in
//! `scenario`.

mod chance;
mod course;
mod draw;
mod file;
mod seed;
#[cfg(test)]
mod tests;

pub use draw::{HOT_TENANT, draw};
pub use file::{digest, read, write};
pub use seed::Seed;

use serde::{Deserialize, Serialize};

/// One request of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Its number; on the wire the header `gauntlet-id`.
    pub id: u64,
    /// Nanoseconds from the start of the load to its intended start. In a closed loop, whose
    /// starts depend on the answers, the nanoseconds that its user thinks before it.
    pub at: u64,
    /// Its method.
    pub verb: Verb,
    /// Whether it carries an idempotency key (made from the id).
    pub keyed: bool,
    /// Which route, from 0: the path is `/r0/…`. The last route never touches faulty replicas in
    /// scenarios that watch collateral harm.
    pub route: u8,
    /// Which tenant, from 0; on the wire `gauntlet-tenant`.
    pub tenant: u8,
    /// Its priority; on the wire `priority: u=…` (RFC 9218).
    pub priority: Priority,
    /// Nanoseconds after its intended start by which its user wants the whole answer.
    pub deadline: u64,
    /// Bytes of its body; 0 for GET.
    pub body: u32,
    /// Bytes of the answer that it asks for; on the wire `gauntlet-length`.
    pub answer: u32,
    /// Its service time at a replica in nanoseconds, the same for every product and attempt; on
    /// the wire `gauntlet-service`.
    pub service: u64,
}

/// Methods of the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// Safe.
    Get,
    /// Idempotent.
    Put,
    /// Neither.
    Post,
}

impl Verb {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
        }
    }
}

/// Priority classes of the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// `u=1`.
    High,
    /// `u=3`.
    Normal,
    /// `u=6`.
    Low,
}
