//! Where chance begins: the one source of seeds that nobody has fixed.
//!
//! Streams of chance are the core's (`seawall_core::rng`).

use std::hash::{BuildHasher, Hasher, RandomState};

/// A seed that no other mechanism of this process has, nor another process, so that the instances
/// of a fleet do not act in step.
pub(crate) fn fresh() -> u64 {
    RandomState::new().build_hasher().finish()
}
