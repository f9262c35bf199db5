//! A backend as a process of its own, which a test can kill or freeze. It answers every request
//! with 200 and writes the request's id to a file before it answers, so that the book of what it
//! saw outlives kill -9.
//!
//! The process is the test binary itself: it runs one test, which serves until it is killed.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Backend, Seen, Turn};

/// Names the book of the replica; its presence makes the test binary one.
const BOOK: &str = "SEAWALL_TEST_REPLICA_BOOK";
/// How long a request takes, in milliseconds.
const WORK: &str = "SEAWALL_TEST_REPLICA_WORK_MS";
/// Where it listens.
const AT: &str = "SEAWALL_TEST_REPLICA_AT";
/// Stands before the address on standard output.
const READY: &str = "replica listens on ";

/// A running process, killed when dropped or when the thread that started it ends.
#[derive(Debug)]
pub(crate) struct Replica {
    child: Child,
    address: SocketAddr,
    book: PathBuf,
}

impl Replica {
    /// Starts a replica that keeps its book as `name` in `folder` and takes `work` for a request.
    pub(crate) fn start(folder: &Path, name: &str, work: Duration) -> Self {
        Self::start_at(folder, name, work, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// The same, on an address that was in use before.
    pub(crate) fn start_at(folder: &Path, name: &str, work: Duration, at: SocketAddr) -> Self {
        let book = folder.join(name);
        let mut command = Command::new(std::env::current_exe().unwrap());
        let test = concat!(module_path!(), "::a_replica_serves_until_it_is_killed");
        let (_binary, test) = test.split_once("::").unwrap();
        command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(BOOK, &book).env(WORK, work.as_millis().to_string()).env(AT, at.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.map_while(Result::ok).find_map(|line| {
            line.split_once(READY).map(|(_, address)| address.trim().parse().unwrap())
        });
        let Some(address) = ready else {
            child.kill().ok();
            unreachable!("the replica ended with {:?} before it was ready", child.wait());
        };
        Self { child, address, book }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The ids that it saw, in order, with repetitions.
    pub(crate) fn ids(&self) -> Vec<String> {
        fs::read_to_string(&self.book).unwrap().lines().map(str::to_owned).collect()
    }

    /// kill -9, returning when the process is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGSTOP: it takes connections and does not answer.
    pub(crate) fn freeze(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
#[ignore = "not a test of its own: `Replica::start` runs it as the body of a process"]
fn a_replica_serves_until_it_is_killed() {
    let Some(book) = std::env::var_os(BOOK) else { return };
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).unwrap();
    let work = std::env::var(WORK).unwrap().parse().map(Duration::from_millis).unwrap();
    let book = OpenOptions::new().create(true).append(true).open(book).unwrap();
    let at = std::env::var(AT).unwrap().parse().unwrap();
    let backend = Backend::start_at(at, move |seen| {
        note(&book, seen);
        Turn::slow(work)
    });
    println!("{READY}{}", backend.address());
    // The end of standard input is the end of the parent.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
}

/// One write, so that lines of several threads do not mix and a kill leaves whole lines only.
fn note(mut book: &File, seen: &Seen) {
    let line = format!("{}\n", seen.id().unwrap_or("-"));
    book.write_all(line.as_bytes()).unwrap();
}
