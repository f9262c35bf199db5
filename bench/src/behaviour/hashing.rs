//! H1: how evenly a million keys fall on a hundred nodes, and how many move when one node leaves.

use std::collections::hash_map::RandomState;

use maglev::ConsistentHasher as _;

use super::{Care, Cell, Finding};
use crate::measure::OURS;
use crate::ours;
use crate::rivals::hashing::{self, NODES};
use crate::rivals::name;

const KEYS: u64 = 1_000_000;

/// Which node each key belongs to, with all nodes and without the last.
struct Placed {
    name: &'static str,
    before: Vec<u32>,
    after: Vec<u32>,
}

pub(super) fn find(care: Care) -> Vec<Finding> {
    let keys = care.pick(KEYS / 10, KEYS);
    let rings = vec![our_ring(keys), hash_ring(keys), hash_rings(keys), anchor(keys)];
    let tables = vec![our_maglev(keys), maglev(keys), hash_rings_maglev(keys)];
    vec![
        finding("ring: peak over average", "at most 1.25", &rings, &|placed| {
            evenness(placed, 1.25)
        }),
        finding(
            "ring: keys that move when 1 of 100 leaves",
            "1 %, at most 1.3 %",
            &rings,
            &|placed| moved(placed, 1.3),
        ),
        finding("maglev: peak over average", "at most 1.10", &tables, &|placed| {
            evenness(placed, 1.10)
        }),
        finding(
            "maglev: keys that move when 1 of 100 leaves",
            "1 %, at most 3 %",
            &tables,
            &|placed| moved(placed, 3.0),
        ),
    ]
}

fn finding(
    row: &str,
    ideal: &'static str,
    all: &[Placed],
    cell: &dyn Fn(&Placed) -> Cell,
) -> Finding {
    let cells = all.iter().map(cell).collect();
    Finding { id: "H1", row: row.to_owned(), ideal, cells }
}

fn evenness(placed: &Placed, bound: f64) -> Cell {
    let mut counts = [0_u32; NODES.len()];
    for node in &placed.before {
        counts[*node as usize] += 1;
    }
    let peak = counts.into_iter().max().unwrap_or_default();
    let average = placed.before.len() as f64 / NODES.len() as f64;
    let ratio = f64::from(peak) / average;
    Cell::new(placed.name, format!("{ratio:.3}"), ratio <= bound)
}

fn moved(placed: &Placed, bound: f64) -> Cell {
    let both = placed.before.iter().zip(&placed.after);
    let moved = both.filter(|(before, after)| before != after).count();
    let share = 100.0 * moved as f64 / placed.before.len() as f64;
    Cell::new(placed.name, format!("{share:.2} %"), share <= bound)
}

/// Keys as ids are: consecutive numbers, which a weak hash shows.
fn place(keys: u64, node_of: impl Fn(u64) -> u32) -> Vec<u32> {
    (0..keys).map(node_of).collect()
}

/// Without the last node.
fn fewer() -> &'static [u32] {
    &NODES[..NODES.len() - 1]
}

fn our_ring(keys: u64) -> Placed {
    let (all, less) = (ours::hashing::ring(&NODES), ours::hashing::ring(fewer()));
    let before = place(keys, |key| *all.node_of(key).expect("there are nodes"));
    let after = place(keys, |key| *less.node_of(key).expect("there are nodes"));
    Placed { name: OURS, before, after }
}

fn our_maglev(keys: u64) -> Placed {
    let (all, less) = (ours::hashing::maglev(&NODES), ours::hashing::maglev(fewer()));
    let before = place(keys, |key| *all.node_of(key).expect("there are nodes"));
    let after = place(keys, |key| *less.node_of(key).expect("there are nodes"));
    Placed { name: OURS, before, after }
}

fn hash_ring(keys: u64) -> Placed {
    let (all, less) = (hashing::hash_ring(&NODES), hashing::hash_ring(fewer()));
    let before = place(keys, |key| *all.get(key));
    Placed { name: name::HASH_RING, before, after: place(keys, |key| *less.get(key)) }
}

fn hash_rings(keys: u64) -> Placed {
    let hasher = RandomState::new();
    let all = hashing::hash_rings(&NODES, hasher.clone());
    let less = hashing::hash_rings(fewer(), hasher);
    let before = place(keys, |key| *all.get_node(&key));
    Placed { name: name::HASH_RINGS, before, after: place(keys, |key| *less.get_node(&key)) }
}

fn anchor(keys: u64) -> Placed {
    let all = hashing::anchor(&NODES, RandomState::new());
    let mut less = all.clone();
    less.remove_resource(&(NODES[NODES.len() - 1])).expect("the node is in it");
    let of = |table: &anchorhash::AnchorHash<u64, u32, RandomState>, key| {
        *table.get_resource(key).expect("there are nodes")
    };
    let before = place(keys, |key| of(&all, key));
    Placed { name: name::ANCHOR, before, after: place(keys, |key| of(&less, key)) }
}

fn maglev(keys: u64) -> Placed {
    let (all, less) = (hashing::maglev(&NODES), hashing::maglev(fewer()));
    let before = place(keys, |key| *all.get(&key).expect("there are nodes"));
    let after = place(keys, |key| *less.get(&key).expect("there are nodes"));
    Placed { name: name::MAGLEV, before, after }
}

fn hash_rings_maglev(keys: u64) -> Placed {
    let (all, less) = (hashing::hash_rings_maglev(&NODES), hashing::hash_rings_maglev(fewer()));
    let before = place(keys, |key| *all.get_node(&key));
    Placed { name: name::HASH_RINGS, before, after: place(keys, |key| *less.get_node(&key)) }
}
