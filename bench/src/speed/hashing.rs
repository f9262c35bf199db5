//! The rows of consistent hashing: from a key of eight bytes to one of a hundred nodes, the
//! crate's own hash of the key included.

use std::collections::hash_map::RandomState;
use std::hint::black_box;

use maglev::ConsistentHasher as _;

use crate::measure::{Answers, Build, Entry, OURS, Row, at_once};
use crate::ours;
use crate::rivals::hashing::{self, NODES};
use crate::rivals::name;

pub(super) fn rows() -> [Row; 2] {
    [
        row("ring_lookup", "one lookup among 100 nodes of 160 virtual nodes", ring()),
        row("maglev_lookup", "one lookup in a Maglev table of 65,537 places, 100 nodes", maglev()),
    ]
}

fn row(name: &'static str, about: &'static str, entries: Vec<Entry>) -> Row {
    Row {
        name,
        about,
        answers: Answers::Admitted,
        entries,
        our_clock_reads: 0,
        targets: (None, None),
        bare: None,
        loss: "",
        floor: "",
    }
}

/// Spreads the counter over all keys, so that no lookup is near the one before.
fn key(input: u64) -> u64 {
    input.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn lookup<S: Send + Sync + 'static>(
    build: impl Fn() -> S + 'static,
    look: fn(&S, u64) -> Option<&u32>,
) -> Build {
    at_once(build, move |table, input| black_box(look(table, key(input))).is_some())
}

fn ring() -> Vec<Entry> {
    vec![
        Entry::new(OURS, lookup(|| ours::hashing::ring(&NODES), |ring, key| ring.node_of(key)))
            .note("XXH64"),
        Entry::new(
            name::HASH_RING,
            lookup(|| hashing::hash_ring(&NODES), |ring, key| ring.try_get(key)),
        )
        .note("FNV-1a"),
        Entry::new(
            name::HASH_RINGS,
            lookup(
                || hashing::hash_rings(&NODES, RandomState::new()),
                |ring, key| Some(ring.get_node(&key)),
            ),
        )
        .note("SipHash; a B-tree"),
        anchor(),
    ]
}

fn anchor() -> Entry {
    let build = || hashing::anchor(&NODES, RandomState::new());
    Entry::new(name::ANCHOR, lookup(build, |anchor, key| anchor.get_resource(key)))
        .reference()
        .note("SipHash; another structure: no virtual nodes, nodes leave only one by one")
}

fn maglev() -> Vec<Entry> {
    vec![
        Entry::new(OURS, lookup(|| ours::hashing::maglev(&NODES), |table, key| table.node_of(key)))
            .note("XXH64"),
        Entry::new(name::MAGLEV, lookup(|| hashing::maglev(&NODES), |table, key| table.get(&key)))
            .note("SipHash"),
        Entry::new(
            name::HASH_RINGS,
            lookup(|| hashing::hash_rings_maglev(&NODES), |table, key| Some(table.get_node(&key))),
        )
        .note("SipHash"),
    ]
}
