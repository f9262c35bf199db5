//! The core's ring and Maglev table over the same nodes as the rivals', with its own hash of keys
//! and names.

use seawall_core::balance::{Maglev, Member, Ring};
use seawall_core::hash::hash;

use crate::rivals::hashing::VIRTUAL;

/// Places: the prime that both rivals take for the number they are given.
const PLACES: u32 = 65_537;
/// Callers' keys would be hashed under a secret one.
const SEED: u64 = 0;

/// A table and what its members stand for.
#[derive(Debug)]
pub(crate) struct Placed<T> {
    table: T,
    nodes: &'static [u32],
}

pub(crate) fn ring(nodes: &'static [u32]) -> Placed<Ring> {
    let points = u32::try_from(VIRTUAL).unwrap_or(u32::MAX);
    let table = Ring::new(&members(nodes), points).expect("a hundred nodes fit");
    Placed { table, nodes }
}

pub(crate) fn maglev(nodes: &'static [u32]) -> Placed<Maglev> {
    let table = Maglev::new(&members(nodes), PLACES).expect("the size is prime");
    Placed { table, nodes }
}

fn members(nodes: &[u32]) -> Vec<Member> {
    let member =
        |node: &u32| Member { id: hash(SEED, format!("node-{node}").as_bytes()), weight: 1 };
    nodes.iter().map(member).collect()
}

fn hash_of(key: u64) -> u64 {
    hash(SEED, &key.to_le_bytes())
}

impl Placed<Ring> {
    pub(crate) fn node_of(&self, key: u64) -> Option<&u32> {
        self.nodes.get(self.table.lookup(hash_of(key))?)
    }
}

impl Placed<Maglev> {
    pub(crate) fn node_of(&self, key: u64) -> Option<&u32> {
        self.nodes.get(self.table.lookup(hash_of(key))?)
    }
}
