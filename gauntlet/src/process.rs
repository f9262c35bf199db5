//! What the processes of a run have in common: a runtime of one thread, an end when their starter
//! ends, and why they cannot work. What they do is in `stub`, `load` and `relay`.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

use crate::record::Unreadable;

/// Why a process of a run cannot work. The runner has to be told; a repetition does not help.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failed {
    /// An address cannot be had.
    #[error("cannot listen at {address}: {source}; is another process there?")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] Unreadable),
    /// The arguments do not fit together.
    #[error("{0}")]
    Arguments(String),
    /// The kernel refused something else.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl Failed {
    /// For `map_err`: something that the kernel refused.
    pub(crate) const fn to(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    /// For `map_err`: an address that cannot be had.
    pub(crate) fn to_listen(address: SocketAddr) -> impl Fn(io::Error) -> Self {
        move |source| Self::Listen { address: address.to_string(), source }
    }

    /// For `map_err`: a file that cannot be written.
    pub(crate) fn to_write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}

/// Whether a process ends with the one that started it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct Tie {
    /// End when standard input ends, or the thread that started this process: nothing is left
    /// behind, whatever ends the runner.
    #[arg(long = "tied")]
    pub is_tied: bool,
}

impl Tie {
    /// Ties this process to its starter, if it is asked to.
    ///
    /// Two ropes hold: the kernel's SIGKILL when the starting *thread* ends, which also ends a
    /// process that is stopped, and standard input, a pipe whose other end the starter holds and
    /// never writes to.
    ///
    /// # Errors
    /// When the kernel refuses, or no thread can be started.
    pub fn hold(self) -> Result<(), Failed> {
        if !self.is_tied {
            return Ok(());
        }
        let kill = Some(rustix::process::Signal::KILL);
        rustix::process::set_parent_process_death_signal(kill).map_err(|errno| {
            Failed::to("ask for a signal at the end of the starter")(errno.into())
        })?;
        let watch = || {
            let mut scratch = [0_u8; 64];
            while io::stdin().read(&mut scratch).is_ok_and(|bytes| bytes > 0) {}
            std::process::exit(ORPHANED);
        };
        let thread = std::thread::Builder::new().name("tie".to_owned()).spawn(watch);
        thread.map(drop).map_err(Failed::to("start a thread"))
    }
}

/// The exit status of a process whose starter ended.
const ORPHANED: i32 = 3;

/// A runtime of one thread: what one replica does must not use two cores. The process may then
/// have as many descriptors as the host allows it: a request that piles up is a connection.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn runtime() -> Result<Runtime, Failed> {
    let most = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: most.maximum, ..most })
        .map_err(|errno| Failed::to("raise the limit of descriptors")(errno.into()))?;
    Builder::new_current_thread().enable_all().build().map_err(Failed::to("start a runtime"))
}
