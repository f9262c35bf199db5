//! Ties the life of a child process to the process that started it, so that no child is left
//! behind whatever ends the parent: a signal, a panic, or kill -9.
//!
//! Here is the child's side only. Who starts children, and how they are stopped in good order,
//! lives with the command that starts them (`demo`).

use std::io::{self, Read};
use std::process;

/// The exit status of a process that ended because its parent did.
const ORPHANED: i32 = 1;

/// Lets this process end when the process `parent` ends. Call it first thing in `main`.
///
/// Two ropes hold. On Linux the kernel sends SIGKILL when the thread that started this process
/// ends, which also ends a process that is stopped; so a parent must start its children from a
/// thread that lives as long as they should, its main thread. Everywhere, standard input must be
/// a pipe whose other end the parent holds and never writes to: its end means the parent's end.
///
/// # Errors
/// When the parent is already gone, or the kernel refuses the request.
pub(crate) fn tie_to_parent(parent: u32) -> io::Result<()> {
    ask_for_death_signal()?;
    // The parent may have ended before the request above was in place; nobody would signal then.
    if !is_parent(parent) {
        return Err(io::Error::other(format!("process {parent} is not (or no longer) the parent")));
    }
    watch_standard_input();
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn ask_for_death_signal() -> io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn ask_for_death_signal() -> io::Result<()> {
    Ok(())
}

fn is_parent(expected: u32) -> bool {
    rustix::process::getppid()
        .is_some_and(|pid| u32::try_from(pid.as_raw_nonzero().get()).is_ok_and(|id| id == expected))
}

/// A thread and not a task: it must see the end also while the runtime is starved or not started.
fn watch_standard_input() {
    std::thread::spawn(|| {
        let mut scratch = [0_u8; 64];
        while io::stdin().read(&mut scratch).is_ok_and(|bytes| bytes > 0) {}
        process::exit(ORPHANED);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_not_the_parent_is_refused() {
        assert!(!is_parent(process::id()), "no process is its own parent");
        assert!(!is_parent(u32::MAX), "no process has this id");
    }

    #[test]
    fn the_real_parent_is_recognised() {
        assert!(is_parent(std::os::unix::process::parent_id()));
    }
}
