//! Network namespaces and the veth pairs between them, by the program `ip`.
//!
//! All links are made inside of the namespaces, so that the host's own network is never touched
//! and addresses need not differ from those of other arenas. The gateway routes between them:
//! where no product is measured, clients reach replicas by themselves.

use std::fs::File;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{Seat, Trouble};

/// The names of the namespaces of one arena.
#[derive(Debug)]
pub(super) struct Names {
    process: u32,
    serial: u32,
    replicas: u8,
}

/// The address of a seat: that of its only link, and of the gateway that towards the client.
pub(super) const fn address_of(seat: Seat) -> Ipv4Addr {
    match seat {
        Seat::Client => Ipv4Addr::new(10, 201, 0, 1),
        Seat::Gateway => Ipv4Addr::new(10, 201, 0, 2),
        Seat::Aux => Ipv4Addr::new(10, 201, 255, 1),
        Seat::Replica(index) => Ipv4Addr::new(10, 201, index.saturating_add(1), 1),
    }
}

/// The gateway's end of the link to `seat`.
const fn gateway_towards(seat: Seat) -> Ipv4Addr {
    let [a, b, link, _] = address_of(seat).octets();
    Ipv4Addr::new(a, b, link, 2)
}

impl Names {
    pub(super) const fn new(process: u32, serial: u32, replicas: u8) -> Self {
        Self { process, serial, replicas }
    }

    /// All seats, the gateway first.
    pub(super) fn seats(&self) -> impl Iterator<Item = Seat> {
        let replicas = (0..self.replicas).map(Seat::Replica);
        [Seat::Gateway, Seat::Client, Seat::Aux].into_iter().chain(replicas)
    }

    /// The name of the namespace of `seat`.
    pub(super) fn of(&self, seat: Seat) -> String {
        let place = match seat {
            Seat::Client => "client".to_owned(),
            Seat::Gateway => "gateway".to_owned(),
            Seat::Aux => "aux".to_owned(),
            Seat::Replica(index) => format!("replica{index}"),
        };
        format!("gauntlet-{}-{}-{place}", self.process, self.serial)
    }

    /// Makes them all.
    pub(super) fn make(&self) -> Result<(), Trouble> {
        if !rustix::process::geteuid().is_root() {
            return Err(Trouble::NotRoot);
        }
        batch(&["-batch", "-"], &self.spaces())?;
        for seat in self.seats() {
            let lines = match seat {
                Seat::Gateway => self.gateway_lines(),
                Seat::Client | Seat::Replica(_) | Seat::Aux => leaf_lines(seat),
            };
            batch(&["-n", &self.of(seat), "-batch", "-"], &lines)?;
        }
        self.forward()
    }

    fn spaces(&self) -> String {
        self.seats().map(|seat| format!("netns add {}\n", self.of(seat))).collect()
    }

    /// Links are made from the gateway's side: `link` is its end, named after the other.
    fn gateway_lines(&self) -> String {
        let mut lines = "link set lo up\n".to_owned();
        for seat in self.seats().filter(|seat| *seat != Seat::Gateway) {
            let (end, space, address) = (end_of(seat), self.of(seat), gateway_towards(seat));
            lines += &format!("link add {end} type veth peer name uplink netns {space}\n");
            lines += &format!("address add {address}/30 dev {end}\nlink set {end} up\n");
        }
        lines
    }

    fn forward(&self) -> Result<(), Trouble> {
        let space = self.of(Seat::Gateway);
        let words = ["netns", "exec", &space, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"];
        batch(&words, "")
    }
}

/// The name of the gateway's end of the link to `seat`.
fn end_of(seat: Seat) -> String {
    match seat {
        Seat::Client => "client".to_owned(),
        Seat::Gateway => "lo".to_owned(),
        Seat::Aux => "aux".to_owned(),
        Seat::Replica(index) => format!("replica{index}"),
    }
}

fn leaf_lines(seat: Seat) -> String {
    let (address, gateway) = (address_of(seat), gateway_towards(seat));
    format!(
        "link set lo up\naddress add {address}/30 dev uplink\nlink set uplink up\n\
         route add default via {gateway}\n"
    )
}

/// Runs `ip` with `words`, and `lines` on its standard input.
fn batch(words: &[&str], lines: &str) -> Result<(), Trouble> {
    let refused =
        |said: String| Trouble::Refused { command: format!("ip {}", words.join(" ")), said };
    let mut command = Command::new("ip");
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|why| refused(format!("{why}; is iproute2 installed?")))?;
    if let Some(mut input) = child.stdin.take() {
        // A program that reads no input may have ended by now; its status tells.
        let _unread = input.write_all(lines.as_bytes());
    }
    let output = child.wait_with_output().map_err(|why| refused(why.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// From now on the calling thread sees the network of `name`.
pub(super) fn enter(name: &str) -> io::Result<()> {
    let space = File::open(format!("/run/netns/{name}"))?;
    move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_seat_has_an_address_and_a_name_of_its_own() {
        let names = Names::new(7, 1, super::super::REPLICAS_MAX);
        let seats: Vec<Seat> = names.seats().collect();
        let spaces: BTreeSet<String> = seats.iter().map(|seat| names.of(*seat)).collect();
        let addresses: BTreeSet<Ipv4Addr> = seats.iter().map(|seat| address_of(*seat)).collect();
        assert_eq!((spaces.len(), addresses.len()), (seats.len(), seats.len()));
    }

    #[test]
    fn names_of_interfaces_fit_the_kernel() {
        for seat in Names::new(7, 1, super::super::REPLICAS_MAX).seats() {
            assert!(end_of(seat).len() <= 15, "{}", end_of(seat));
        }
    }

    #[test]
    fn a_link_has_both_its_ends_in_one_network() {
        for seat in [Seat::Client, Seat::Aux, Seat::Replica(0), Seat::Replica(199)] {
            let (near, far) = (gateway_towards(seat).octets(), address_of(seat).octets());
            assert_eq!(near[..3], far[..3]);
            assert_ne!(near, far);
        }
        assert_eq!(gateway_towards(Seat::Client), address_of(Seat::Gateway));
    }
}
