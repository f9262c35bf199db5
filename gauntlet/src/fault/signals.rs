//! Signals to the process group of a replica, and what the kernel says of a process.

use std::io;

use rustix::process::{Pid, Signal, kill_process_group};

/// What the kernel says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    /// It runs or waits.
    Alive,
    /// It is stopped by a signal.
    Stopped,
    /// It has ended.
    Ended,
}

impl Process {
    /// The state of a process now.
    pub(super) fn of(pid: u32) -> Self {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
            return Self::Ended;
        };
        // The name before it may contain anything, also parentheses and blanks.
        let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
        match state {
            Some('T') => Self::Stopped,
            Some('Z' | 'X') | None => Self::Ended,
            Some(_) => Self::Alive,
        }
    }
}

/// Stops it: it is there, and does nothing.
pub(super) fn stop(pid: u32) -> io::Result<()> {
    send(pid, Signal::STOP)
}

/// Lets it go on.
pub(super) fn go_on(pid: u32) -> io::Result<()> {
    send(pid, Signal::CONT)
}

/// Sends a signal to the group of a process that we started.
pub(crate) fn send(pid: u32, signal: Signal) -> io::Result<()> {
    let group = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let group = group.ok_or_else(|| io::Error::other("there is no such process"))?;
    Ok(kill_process_group(group, signal)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    #[test]
    fn the_kernel_tells_whether_a_process_is_stopped_alive_or_gone() {
        let mut child = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        let pid = child.id();
        assert_eq!(Process::of(pid), Process::Alive);
        stop(pid).unwrap();
        let stopped = (0..1_000_000).any(|_| Process::of(pid) == Process::Stopped);
        assert!(stopped, "SIGSTOP has no effect");
        go_on(pid).unwrap();
        assert!((0..1_000_000).any(|_| Process::of(pid) == Process::Alive));
        send(pid, Signal::KILL).unwrap();
        child.wait().unwrap();
        assert_eq!(Process::of(pid), Process::Ended);
        assert!(send(0, Signal::KILL).is_err());
    }
}
