//! Tests of the upstream.
