//! The requests of a run, drawn in advance from the seed: every product meets the same ones.
//!
//! Here: what a request is. Who sends them is in `load`, how scenarios shape them in `scenario`.

use serde::{Deserialize, Serialize};

/// One request of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Its number; on the wire the header `gauntlet-id`.
    pub id: u64,
    /// Nanoseconds from the start of the load to its intended start.
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
