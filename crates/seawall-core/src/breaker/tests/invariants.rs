//! A breaker in a state that cannot be is noticed. What the states are made of tests itself, in
//! `window.rs`, `call_ring.rs` and `keyed.rs`.

#![cfg(debug_assertions)]

use super::*;
use crate::Mode;
use crate::breaker::state::State;

/// A breaker whose one probe is under way.
fn probing() -> Bench {
    let mut bench = Bench::due(touchy());
    let _probe = bench.pass();
    bench
}

#[test]
#[should_panic(expected = "forced, and not at rest")]
fn open_while_somebody_is_in_control_is_noticed() {
    let mut bench = Bench::opened(touchy());
    bench.breaker.manual = Manual::ForcedOpen;
    bench.breaker.invariants();
}

#[test]
#[should_panic(expected = "state where none is kept")]
fn open_while_off_is_noticed() {
    let mut bench = Bench::opened(touchy());
    bench.breaker.settings.mode = Mode::Off;
    bench.breaker.invariants();
}

#[test]
#[should_panic(expected = "open without an opening")]
fn open_without_an_opening_is_noticed() {
    let mut bench = Bench::opened(touchy());
    let State::Open(open) = &mut bench.breaker.state else { return };
    open.trip.openings = 0;
    bench.breaker.invariants();
}

#[test]
#[should_panic(expected = "more probes than places")]
fn a_probe_without_a_place_is_noticed() {
    let mut bench = probing();
    let State::HalfOpen(half) = &mut bench.breaker.state else { return };
    half.in_flight += 1;
    bench.breaker.invariants();
}
