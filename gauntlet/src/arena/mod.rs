//! Where the processes of a run sit: network namespaces joined by veth pairs where we may make
//! them, loopback otherwise; and which core each of them gets.
//!
//! Here: the places, their addresses, and commands that run in them. How namespaces are made is in
//! `namespaces`, which cores there are in `cores`, who tidies up after us in `lifeline`. What runs
//! in the places is in `peer`, `stub`, `load` and `relay`.

mod cores;
mod lifeline;
mod namespaces;
mod ports;
#[cfg(test)]
mod tests;
mod trouble;

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, id};
use std::sync::atomic::{AtomicU32, Ordering};

pub use cores::Cores;
use lifeline::Lifeline;
use namespaces::{Names, address_of};
use ports::Ports;
pub use trouble::Trouble;

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

/// The most replicas of one arena: each has a /30 of its own in one /16.
pub const REPLICAS_MAX: u8 = 200;

/// The places of a run. Dropping it ends every process that was started in them and removes them;
/// so does the end of this process, whatever ends it.
#[derive(Debug)]
pub struct Arena {
    ground: Ground,
    names: Names,
    cores: Cores,
    ports: Ports,
    lifeline: Lifeline,
}

impl Arena {
    /// Makes the places for so many replicas.
    ///
    /// # Errors
    /// When there are more than [`REPLICAS_MAX`], or the ground cannot be had: namespaces need root
    /// and the program `ip`.
    pub fn build(replicas: u8, ground: Ground) -> Result<Self, Trouble> {
        static BUILT: AtomicU32 = AtomicU32::new(0);
        if replicas > REPLICAS_MAX {
            return Err(Trouble::TooMany(replicas));
        }
        let serial = BUILT.fetch_add(1, Ordering::Relaxed);
        let names = Names::new(id(), serial, replicas);
        let lifeline = Lifeline::start().map_err(Trouble::Lifeline)?;
        let arena =
            Self { ground, names, cores: Cores::found(), ports: Ports::default(), lifeline };
        if ground == Ground::Namespaces {
            arena.make_namespaces()?;
        }
        Ok(arena)
    }

    /// The better ground that this process may use, and why it is not the best.
    ///
    /// # Errors
    /// As [`Arena::build`].
    pub fn build_best(replicas: u8) -> Result<(Self, Option<Trouble>), Trouble> {
        match Self::build(replicas, Ground::Namespaces) {
            Ok(arena) => Ok((arena, None)),
            Err(why) => Ok((Self::build(replicas, Ground::Loopback)?, Some(why))),
        }
    }

    /// Names are told to the lifeline first, so that a half-made arena is removed as well.
    fn make_namespaces(&self) -> Result<(), Trouble> {
        for seat in self.names.seats() {
            self.lifeline.space(&self.names.of(seat)).map_err(Trouble::Lifeline)?;
        }
        self.names.make()
    }

    /// How seats are kept apart here.
    #[must_use]
    pub const fn ground(&self) -> Ground {
        self.ground
    }

    /// Which cores the seats have.
    #[must_use]
    pub const fn cores(&self) -> &Cores {
        &self.cores
    }

    /// Where `seat` listens at `port`. That of the gateway faces the client. On loopback the port
    /// is one that the system had free when it was first asked for, the same each time.
    #[must_use]
    pub fn address(&self, seat: Seat, port: u16) -> SocketAddr {
        match self.ground {
            Ground::Namespaces => SocketAddr::from((address_of(seat), port)),
            Ground::Loopback => SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.of(seat, port))),
        }
    }

    /// The address that the others see `seat` come from.
    #[must_use]
    pub const fn source(&self, seat: Seat) -> IpAddr {
        match self.ground {
            Ground::Namespaces => IpAddr::V4(address_of(seat)),
            Ground::Loopback => IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }

    /// The namespace of `seat`, as `ip netns` knows it.
    #[must_use]
    pub fn namespace(&self, seat: Seat) -> Option<String> {
        (self.ground == Ground::Namespaces).then(|| self.names.of(seat))
    }

    /// A command that runs `program` at `seat`, on the cores of the seat, in a process group of
    /// its own. Each step on the way replaces itself by the next, so that the child's id is that
    /// of the program. Start it with [`Arena::spawn`], or tell [`Arena::adopt`] its id.
    #[must_use]
    pub fn command(&self, seat: Seat, program: impl AsRef<OsStr>) -> Command {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(name) = self.namespace(seat) {
            words.extend(["ip", "netns", "exec", &name].map(OsString::from));
        }
        words.extend(self.cores.words(seat).into_iter().map(OsString::from));
        words.push(program.as_ref().to_owned());
        let mut command = Command::new(words.remove(0));
        command.args(words).process_group(0);
        command
    }

    /// Starts a command of [`Arena::command`]. The child ends when the arena does.
    ///
    /// # Errors
    /// When it cannot be started. A program that does not exist behind `ip` or `taskset` is
    /// noticed only by the child's end.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let child = command.spawn()?;
        self.adopt(child.id())?;
        Ok(child)
    }

    /// The process group `group` ends when the arena does.
    ///
    /// # Errors
    /// When the process that sees to it is gone.
    pub fn adopt(&self, group: u32) -> io::Result<()> {
        self.lifeline.adopt(group)
    }

    /// The process group `group` has ended: its number may soon be somebody else's.
    ///
    /// # Errors
    /// When the process that sees to it is gone.
    pub fn release(&self, group: u32) -> io::Result<()> {
        self.lifeline.release(group)
    }

    /// Runs `act` on a thread of its own that sees the network as `seat` does, and waits for it.
    ///
    /// # Errors
    /// When the namespace cannot be entered, or `act` panicked.
    pub fn within<T: Send>(&self, seat: Seat, act: impl FnOnce() -> T + Send) -> io::Result<T> {
        let name = self.namespace(seat);
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                if let Some(name) = name {
                    namespaces::enter(&name)?;
                }
                Ok(act())
            });
            thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
        })
    }
}
