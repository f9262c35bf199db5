//! Consistent hashing: a hundred nodes, and tables of a size with ours.

use std::collections::hash_map::RandomState;

use anchorhash::AnchorHash;
use consistent_hash_ring::{Ring, RingBuilder};

/// Virtual nodes of each node.
pub(crate) const VIRTUAL: usize = 160;
/// Places of a Maglev table before the crate takes the next prime: about a hundred for each node
/// and, in the paper's terms, an unevenness of one percent.
pub(crate) const PLACES: usize = 65_536;

/// All nodes; behaviour leaves out the last.
pub(crate) static NODES: [u32; 100] = nodes();

const fn nodes() -> [u32; 100] {
    let mut nodes = [0; 100];
    let mut index = 0;
    while index < nodes.len() {
        nodes[index] = index as u32;
        index += 1;
    }
    nodes
}

pub(crate) fn hash_ring(nodes: &'static [u32]) -> Ring<u32> {
    RingBuilder::default().vnodes(VIRTUAL).nodes_iter(nodes.iter().copied()).build()
}

pub(crate) fn hash_rings(
    nodes: &'static [u32],
    hasher: RandomState,
) -> hash_rings::consistent::Ring<'static, u32> {
    let mut ring = hash_rings::consistent::Ring::with_hasher(hasher);
    for node in nodes {
        ring.insert_node(node, VIRTUAL);
    }
    ring
}

pub(crate) fn anchor(
    nodes: &'static [u32],
    hasher: RandomState,
) -> AnchorHash<u64, u32, RandomState> {
    anchorhash::Builder::with_hasher(hasher).with_resources(nodes.iter().copied()).build(200)
}

pub(crate) fn maglev(nodes: &'static [u32]) -> maglev::Maglev<u32> {
    maglev::Maglev::with_capacity(nodes.iter().copied(), PLACES)
}

pub(crate) fn hash_rings_maglev(nodes: &'static [u32]) -> hash_rings::maglev::Ring<'static, u32> {
    hash_rings::maglev::Ring::with_capacity_hint(nodes.iter().collect(), PLACES)
}
