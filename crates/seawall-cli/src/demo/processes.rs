//! The demo's child processes: starting them, killing, stopping and waking them, and leaving none
//! behind. When and why that happens is in `schedule` and `faults`.
//!
//! Four things end a child: the demo kills it; dropping it kills it (also while a panic unwinds);
//! and if the demo itself is killed, the two ropes of `lifeline`. All must be started from the
//! main thread, because the kernel's rope hangs on the thread that started the child. Each gets a
//! process group of its own, so that Ctrl-C reaches the demo alone and it can report first.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time;

use super::trouble::Trouble;

/// How long a child may take to be ready: a busy machine needs a second, a service takes 50 tries
/// of 100 ms to get its old port back.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(15);
/// The longest first line read from a child, in bytes.
const LINE_MAX: u64 = 1024;

/// A child process that this program is also the program of.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    program: PathBuf,
    args: Vec<OsString>,
    child: Option<Child>,
}

#[derive(Deserialize)]
struct Ready {
    ready: SocketAddr,
}

impl Process {
    /// A process that is not started yet. `args` begin with the subcommand.
    pub(super) fn new(name: String, args: Vec<OsString>) -> Result<Self, Trouble> {
        let program = std::env::current_exe().map_err(Trouble::system("find my own program"))?;
        Ok(Self { name, program, args, child: None })
    }

    /// Starts it; the arguments say where its output and its complaints go.
    pub(super) fn start(&mut self, stdout: Stdio, stderr: Stdio) -> Result<(), Trouble> {
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::piped()).stdout(stdout).stderr(stderr);
        let started = command.process_group(0).kill_on_drop(true).spawn();
        self.child = Some(started.map_err(Trouble::system(format!("start {}", self.name)))?);
        Ok(())
    }

    /// Starts a service and waits for the line that says where it listens.
    pub(super) async fn start_service(&mut self) -> Result<SocketAddr, Trouble> {
        self.start(Stdio::piped(), Stdio::inherit())?;
        let line = time::timeout(READY_WITHIN, self.first_line()).await.unwrap_or_default();
        let ready: Result<Ready, _> = serde_json::from_str(&line);
        ready.map(|ready| ready.ready).map_err(|_| {
            self.trouble(format!("did not say where it listens; it said \"{}\"", line.trim_end()))
        })
    }

    /// A trouble with this process.
    pub(super) fn trouble(&self, why: String) -> Trouble {
        Trouble::Child { name: self.name.clone(), why }
    }

    async fn first_line(&mut self) -> String {
        let mut line = String::new();
        if let Some(stdout) = self.child.as_mut().and_then(|child| child.stdout.as_mut()) {
            // What cannot be read is no ready line, which the caller reports.
            BufReader::new(stdout.take(LINE_MAX)).read_line(&mut line).await.ok();
        }
        line
    }

    /// Adds arguments for the next start.
    pub(super) fn add_args(&mut self, more: impl IntoIterator<Item = OsString>) {
        self.args.extend(more);
    }

    /// Kills it with SIGKILL, also while it is stopped, and waits until it is gone.
    pub(super) async fn kill(&mut self) -> Result<(), Trouble> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().await.map_err(Trouble::system(format!("kill {}", self.name)))
    }

    /// Stops it with SIGSTOP.
    pub(super) fn freeze(&self) -> Result<(), Trouble> {
        self.signal(Signal::STOP, "freeze")
    }

    /// Wakes it with SIGCONT.
    pub(super) fn thaw(&self) -> Result<(), Trouble> {
        self.signal(Signal::CONT, "thaw")
    }

    fn signal(&self, signal: Signal, verb: &str) -> Result<(), Trouble> {
        let gone = || self.trouble(format!("is gone: cannot {verb} it"));
        // The id is known only while the child is not reaped, so it cannot be somebody else's.
        let id = self.child.as_ref().and_then(Child::id).ok_or_else(gone)?;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
        let sent = kill_process(pid, signal).map_err(std::io::Error::from);
        sent.map_err(Trouble::system(format!("{verb} {}", self.name)))
    }

    /// How it ended, if it was started, was not killed by the demo, and ended all the same.
    pub(super) fn ended_unasked(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().ok().flatten())
    }
}
