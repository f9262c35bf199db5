//! Where the processes of a run sit: network namespaces joined by veth pairs where we may make
//! them, loopback otherwise; and which core each of them gets.
//!
//! Here: the names of the places. What runs in them is in `peer`, `stub`, `load` and `relay`.

/// A place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seat {
    /// The users: the generator.
    Client,
    /// The product under test.
    Gateway,
    /// One replica, from 0.
    Replica(u8),
    /// Name server, registry, stores.
    Aux,
}

/// How seats are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// A network namespace for each seat. Needs root; all faults are possible.
    Namespaces,
    /// All on loopback. Faults of packets are not possible: the reduced set.
    Loopback,
}
