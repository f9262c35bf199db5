//! Tests of the call machine.
