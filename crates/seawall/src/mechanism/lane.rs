//! Which of the words that threads have apart is whose.
//!
//! What is counted in them is in `atomic/gate.rs`.

use std::sync::atomic::{AtomicUsize, Ordering};

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Threads take turns, so those that start together are apart.
    static LANE: usize = NEXT.fetch_add(1, Ordering::Relaxed);
}

/// A number of this thread, the same for ever, to be taken modulo how many lanes there are.
#[inline]
pub(super) fn lane() -> usize {
    // It has no destructor, so it is there for as long as the thread.
    LANE.try_with(|lane| *lane).unwrap_or_default()
}
