//! What is sampled beside a run: the product's cost, and packets towards each replica.
//!
//! Packets are counted at the gateway's ends of the links, as the kernel's interfaces count them:
//! that costs the product nothing, and what is dropped later was still sent.

use std::collections::BTreeMap;

use crate::arena::{Arena, Ground, Seat};
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
    next_cost: Stamp,
    next_packets: Stamp,
}

impl Meter {
    pub(super) const fn new(start: Stamp) -> Self {
        Self { cost: Vec::new(), packets: BTreeMap::new(), next_cost: start, next_packets: start }
    }

    /// When the next sample is due.
    pub(super) fn due(&self) -> Stamp {
        self.next_cost.min(self.next_packets)
    }

    /// Takes the samples that are due.
    pub(super) fn sample(&mut self, arena: &Arena, product: &Running<'_>) {
        let now = Stamp::now();
        if now >= self.next_packets {
            // Late samples are not made up for: counters lose nothing in between.
            self.next_packets = now.after(PACKETS_EVERY);
            if arena.ground() == Ground::Namespaces {
                self.count_packets(arena, now);
            }
        }
        if now >= self.next_cost {
            self.next_cost = now.after(COST_EVERY);
            self.cost.push((now, product.cost()));
        }
    }

    fn count_packets(&mut self, arena: &Arena, now: Stamp) {
        let read = || std::fs::read_to_string("/proc/thread-self/net/dev");
        // Without a namespace there is nothing to count, and the figures say that they are blind.
        let Ok(Ok(told)) = arena.within(Seat::Gateway, read) else { return };
        for (replica, sent) in counters(&told) {
            self.packets.entry(replica).or_default().push((now, sent));
        }
    }
}

/// Packets sent towards each replica, from the kernel's table of interfaces.
fn counters(table: &str) -> Vec<(u8, u64)> {
    let row = |line: &str| {
        let (name, columns) = line.split_once(':')?;
        let replica = name.trim().strip_prefix("replica")?.parse().ok()?;
        // Eight columns of what came are before those of what went: bytes, then packets.
        let sent = columns.split_whitespace().nth(9)?.parse().ok()?;
        Some((replica, sent))
    };
    table.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_went_to_replicas_are_read_from_the_table_of_interfaces() {
        let table = "Inter-|   Receive                    |  Transmit\n \
            face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n    \
            lo:     840      10    0    0    0     0          0         0      840      10\n\
            replica0: 7000     61    0    0    0     0          0         0     9000      83    0\n\
            client: 7000     61    0    0    0     0          0         0     9000      99    0\n\
            replica12: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n";
        assert_eq!(counters(table), [(0, 83), (12, 4)]);
        assert_eq!(counters(""), []);
    }
}
