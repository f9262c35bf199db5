//! One run: a product, a scenario and a seed become records.
//!
//! Here: what a run leaves behind. `measure` turns it into figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::peer::{Cost, Product, Settings};
use crate::record::{Answered, Attempt, Deed};
use crate::stamp::Stamp;
use crate::stream::Planned;

/// Which run of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The product.
    pub product: Product,
    /// Its config.
    pub settings: Settings,
    /// The scenario's id.
    pub scenario: String,
    /// The seed of stream, fault moment and targets.
    pub seed: u64,
}

/// All that was written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Which.
    pub key: Key,
    /// When the load began: `Planned::at` counts from here.
    pub start: Stamp,
    /// The requests that were to be sent.
    pub stream: Vec<Planned>,
    /// The replicas that faults struck, from 0.
    pub targets: Vec<u8>,
    /// How users saw them end.
    pub answered: Vec<Answered>,
    /// How replicas saw them.
    pub attempts: Vec<Attempt>,
    /// What was done to whom, and whether it held.
    pub deeds: Vec<Deed>,
    /// Cost of the product, every half second.
    pub cost: Vec<(Stamp, Cost)>,
    /// Packets to each replica in each tenth of a second, by nft counters; empty on loopback.
    pub packets: BTreeMap<u8, Vec<(Stamp, u64)>>,
    /// The product's version as it prints it.
    pub version: String,
}
