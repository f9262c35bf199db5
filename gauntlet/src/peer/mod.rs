//! The products: how each is configured, started, told to reload, measured and stopped.
//!
//! Here: which there are. Their configs are files in `gauntlet/peers/`, each line with its reason.

use serde::{Deserialize, Serialize};

/// A product under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// No gateway: users know the replicas and take turns.
    Direct,
    /// Ours.
    Seawall,
    /// nginx of the distribution.
    Nginx,
    /// HAProxy of the distribution.
    Haproxy,
    /// Envoy's released binary.
    Envoy,
    /// A small program over Pingora, in `gauntlet/peers/pingora`.
    Pingora,
}

/// Which of its two configs a product runs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// The shortest config that works.
    Default,
    /// Best practice of its own documentation, the same for all scenarios.
    Tuned,
}

/// What a product costs, read from /proc over all its processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Nanoseconds of processor time in user space since its start.
    pub user: u64,
    /// Nanoseconds in the kernel.
    pub kernel: u64,
    /// Resident bytes.
    pub resident: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}
