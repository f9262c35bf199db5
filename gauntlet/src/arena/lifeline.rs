//! The process that tidies up when this one ends, whatever ends it.
//!
//! It holds the other end of a pipe and never dies of the signals of a terminal. A death signal of
//! the kernel would not do: it follows the thread that started a child, not the process, and knows
//! nothing of namespaces.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

const SCRIPT: &str = include_str!("lifeline.sh");

/// A handle; dropping it tidies up and waits until that is done.
#[derive(Debug)]
pub(super) struct Lifeline {
    told: Mutex<Option<ChildStdin>>,
    child: Child,
}

impl Lifeline {
    pub(super) fn start() -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).process_group(0);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { told: Mutex::new(child.stdin.take()), child })
    }

    /// A process group that has to end.
    pub(super) fn adopt(&self, group: u32) -> io::Result<()> {
        self.tell(&format!("group {group}\n"))
    }

    /// A process group that has ended.
    pub(super) fn release(&self, group: u32) -> io::Result<()> {
        self.tell(&format!("gone {group}\n"))
    }

    /// A namespace that has to go, with all that runs in it.
    pub(super) fn space(&self, name: &str) -> io::Result<()> {
        self.tell(&format!("space {name}\n"))
    }

    fn tell(&self, line: &str) -> io::Result<()> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = || io::Error::other("the lifeline has ended");
        told.as_mut().ok_or_else(gone)?.write_all(line.as_bytes())
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        let told = self.told.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(told.take());
        // Whatever came of it, nobody is left who could act on it.
        let _ended = self.child.wait();
    }
}
