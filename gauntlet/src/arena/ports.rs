//! Ports on loopback, where all seats share one address and other programs run beside us.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

use super::Seat;

/// The ports that the system had free, by seat and by the port that was asked for.
#[derive(Debug, Default)]
pub(super) struct Ports(Mutex<BTreeMap<(Seat, u16), u16>>);

impl Ports {
    /// The port that stands for `port` of `seat`. Somebody else may take it before it is bound;
    /// then the program that wanted it says so.
    pub(super) fn of(&self, seat: Seat, port: u16) -> u16 {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&(seat, port)) {
            return *found;
        }
        let found = free(known.values().copied().collect());
        known.insert((seat, port), found);
        found
    }
}

/// A port that nobody listens at and that is not among `taken`: the system may offer the same one
/// twice while none is bound.
fn free(taken: Vec<u16>) -> u16 {
    const TRIES: u8 = 50;
    let offers = (0..TRIES).filter_map(|_| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        listener.local_addr().ok().map(|address| address.port())
    });
    let mut fresh = offers.filter(|port| !taken.contains(port));
    // Port 0 cannot be connected to, so that a system without free ports is noticed by its user.
    fresh.next().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_port_stays_the_same_and_belongs_to_one_seat() {
        let ports = Ports::default();
        let seats = [Seat::Client, Seat::Gateway, Seat::Replica(0), Seat::Replica(1)];
        let of = |seat| ports.of(seat, 80);
        let first: BTreeSet<u16> = seats.into_iter().map(of).collect();
        assert_eq!(first.len(), seats.len(), "{first:?}");
        assert_eq!(first, seats.into_iter().map(of).collect());
        assert!(!first.contains(&ports.of(Seat::Client, 81)));
    }
}
