//! What threads share without a lock around all of it.
//!
//! These files name their atomics and locks through `sync` beside them, and nothing else of the
//! crate: the tests compile them once more with loom's, which run every interleaving (see
//! `tests/interleavings` of this module). Who is told, and what waits, is above.

pub(super) mod batch;
pub(super) mod cell;
pub(super) mod front;
pub(super) mod gate;
mod sync;
pub(super) mod woken;
