//! The bound on all replay buffers of the process together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// All replay buffers together hold at most this: 64 MiB, a thousand calls at their own cap.
const TOTAL_MAX: u64 = 64 << 20;

/// Counts the bytes that replay buffers hold. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplayMemory {
    used: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

impl ReplayMemory {
    /// Takes room for `bytes`, or says that there is none.
    pub(super) fn reserve(&self, bytes: u64) -> Result<(), Full> {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes <= TOTAL_MAX {
            return Ok(());
        }
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        self.refused.fetch_add(1, Ordering::Relaxed);
        Err(Full)
    }

    /// Gives room back.
    pub(super) fn release(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes held now.
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// How often the bound was hit.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// No room is left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_never_exceeded_and_released_room_returns() {
        let memory = ReplayMemory::default();
        assert_eq!(memory.reserve(TOTAL_MAX), Ok(()));
        assert_eq!(memory.reserve(1), Err(Full));
        assert_eq!((memory.used(), memory.refused()), (TOTAL_MAX, 1));
        memory.release(TOTAL_MAX);
        assert_eq!(memory.reserve(1), Ok(()));
    }
}
