//! The worked examples and the traps.
