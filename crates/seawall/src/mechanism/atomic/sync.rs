//! The atomics and the lock of real programs.

pub(super) use std::sync::atomic::{AtomicU64, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard};

/// Lanes of a gate, 128 bytes each. Two threads of eight share one in a call of eight; what closes
/// the lanes, as every failure does, looks at all of them.
pub(super) const LANES: usize = 8;
