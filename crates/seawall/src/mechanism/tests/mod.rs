//! Tests of the single mechanisms.
