//! The seed of a run that was given none. What tests draw from it is theirs.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// A seed that differs from run to run, from the keys that std draws for its hash maps: neither
/// a clock nor another dependency is needed for it.
pub(super) fn fresh() -> u64 {
    RandomState::new().hash_one("seed")
}
