//! A process of a run that is switched while it runs: a replica or a relay. It is started, told,
//! killed, and started anew with the switches that it had.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Stop;
use crate::arena::{Arena, Seat};
use crate::control::{self, Address, Unheard};
use crate::fault::send;
use crate::stamp::Stamp;

/// How long a process may take to listen: far longer than it does on a busy host.
const START_MAX: Duration = Duration::from_secs(10);

/// Between two questions whether it listens by now.
const PAUSE: Duration = Duration::from_millis(5);

/// Where a service sits and what is started there.
#[derive(Clone, Debug)]
pub struct Place {
    /// The program with its words, the switches left out.
    pub words: Vec<String>,
    /// Its seat.
    pub seat: Seat,
    /// Where it serves.
    pub address: SocketAddr,
    /// Where it is told its switches.
    pub control: Address,
    /// A file for the switches that it begins with; without one it is told them once it listens.
    pub first: Option<PathBuf>,
    /// Where what it says goes to.
    pub log: PathBuf,
}

/// The process, whether it lives or not.
#[derive(Debug)]
pub struct Service<S> {
    arena: Arc<Arena>,
    place: Place,
    switches: S,
    child: Option<Child>,
    former: Option<u32>,
}

impl<S: Serialize + Clone> Service<S> {
    /// Starts it with these switches.
    ///
    /// # Errors
    /// When it does not come to listen.
    pub fn start(arena: &Arc<Arena>, place: Place, switches: S) -> io::Result<Self> {
        let (arena, child, former) = (Arc::clone(arena), None, None);
        let mut made = Self { arena, place, switches, child, former };
        made.start_anew()?;
        Ok(made)
    }

    /// Starts it again, with the switches that it should have; kills what is left of it first.
    ///
    /// # Errors
    /// When it does not come to listen.
    pub fn start_anew(&mut self) -> io::Result<()> {
        self.kill()?;
        let log = std::fs::File::options().create(true).append(true).open(&self.place.log)?;
        let (program, words) = self.place.words.split_first().ok_or_else(no_program)?;
        let mut command = self.arena.command(self.place.seat, program);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        if let Some(first) = &self.place.first {
            std::fs::write(first, serde_json::to_vec(&self.switches)?)?;
            command.arg("--switches").arg(first);
        }
        self.child = Some(self.arena.spawn(&mut command)?);
        self.await_listening()?;
        if self.place.first.is_none() {
            self.tell()?;
        }
        Ok(())
    }

    fn await_listening(&mut self) -> io::Result<()> {
        let end = Stamp::now().after(u64::try_from(START_MAX.as_nanos()).unwrap_or(0));
        let pause = Stop::default();
        loop {
            match ask::<serde_json::Value>(&self.place.control) {
                Ok(_) => return Ok(()),
                Err(error) if Stamp::now() >= end || self.has_ended() => {
                    let said = std::fs::read_to_string(&self.place.log).unwrap_or_default();
                    let last = said.lines().last().unwrap_or_default();
                    return Err(io::Error::other(format!("does not listen: {error} {last}")));
                }
                Err(_) => pause.wait(PAUSE).map_err(io::Error::other)?,
            }
        }
    }

    /// Whether it is there no more, though nobody killed it.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// Ends it at once.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        self.former = Some(child.id());
        if matches!(child.try_wait(), Ok(None)) {
            send(child.id(), Signal::KILL)?;
        }
        child.wait()?;
        self.arena.release(child.id())
    }

    /// Tells it to end in its own way.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn terminate(&mut self) -> io::Result<()> {
        self.former = Some(self.pid());
        send(self.pid(), Signal::TERM)
    }

    /// Changes its switches; those of a dead one hold from its next start on.
    ///
    /// # Errors
    /// When it is there and does not take them.
    pub fn switch(&mut self, change: impl FnOnce(&mut S)) -> io::Result<()> {
        change(&mut self.switches);
        if self.child.is_none() || self.has_ended() { Ok(()) } else { self.tell() }
    }

    fn tell(&self) -> io::Result<()> {
        let told = alone(control::put(&self.place.control, &self.switches))?;
        told.map_err(io::Error::other)
    }

    /// Its process; 0 where there is none.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// The process that it was before it was killed or told to end.
    pub const fn former(&self) -> Option<u32> {
        self.former
    }

    /// Where it serves.
    pub const fn address(&self) -> SocketAddr {
        self.place.address
    }

    /// Where it is told its switches.
    pub fn control(&self) -> Address {
        self.place.control.clone()
    }

    /// Its switches as they should be.
    pub fn switches(&self) -> S {
        self.switches.clone()
    }
}

impl<S> Drop for Service<S> {
    /// A process that was stopped does not see that its starter has gone.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _may_have_ended = send(child.id(), Signal::KILL);
            let _status = child.wait();
            let _told = self.arena.release(child.id());
        }
    }
}

fn no_program() -> io::Error {
    io::Error::other("there is no program to start")
}

/// The state of the process at `control`.
///
/// # Errors
/// When it is not there, or not understood.
pub fn ask<T: DeserializeOwned>(control: &Address) -> io::Result<T> {
    let asked: Result<T, Unheard> = alone(control::state(control))?;
    asked.map_err(io::Error::other)
}

/// Waits for a future on a runtime of its own.
fn alone<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(future))
}
