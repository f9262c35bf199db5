//! What is sampled beside a run: the product's cost, and packets towards each replica.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::packets::Counter;
use crate::arena::{Arena, Ground};
use crate::peer::{Cost, Running};
use crate::stamp::Stamp;

/// Between two samples of packets, in nanoseconds.
const PACKETS_EVERY: u64 = 100_000_000;

/// Between two samples of cost.
const COST_EVERY: u64 = 500_000_000;

/// The samples so far, and when the next ones are due.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) cost: Vec<(Stamp, Cost)>,
    pub(super) packets: BTreeMap<u8, Vec<(Stamp, u64)>>,
    counters: BTreeMap<u8, Counter>,
    next_cost: Stamp,
    next_packets: Stamp,
}

impl Meter {
    /// Begins to count for so many replicas; the first samples are due at `start`.
    pub(super) fn new(arena: &Arc<Arena>, replicas: u8, start: Stamp) -> Self {
        let seen = if arena.ground() == Ground::Namespaces { replicas } else { 0 };
        let counter = |replica| Some((replica, Counter::begin(arena, replica)?));
        Self {
            cost: Vec::new(),
            packets: BTreeMap::new(),
            counters: (0..seen).filter_map(counter).collect(),
            next_cost: start,
            next_packets: start,
        }
    }

    /// When the next sample is due.
    pub(super) fn due(&self) -> Stamp {
        self.next_cost.min(self.next_packets)
    }

    /// Takes the samples that are due.
    pub(super) fn sample(&mut self, product: &Running<'_>) {
        let now = Stamp::now();
        if now >= self.next_packets {
            // Late samples are not made up for: counters lose nothing in between.
            self.next_packets = now.after(PACKETS_EVERY);
            for (replica, counter) in &mut self.counters {
                if let Some(sent) = counter.since() {
                    self.packets.entry(*replica).or_default().push((now, sent));
                }
            }
        }
        if now >= self.next_cost {
            self.next_cost = now.after(COST_EVERY);
            self.cost.push((now, product.cost()));
        }
    }
}
