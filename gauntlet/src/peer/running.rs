//! A product that runs: where it answers, what it costs, and how it is killed and stopped.
//!
//! How it takes over from itself without loss is in `upgrade`.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::arena::{Arena, Seat};

use super::launch::{self, Start};
use super::program::Installed;
use super::{Cost, Missing, Product, Wanted, build, config, processes, ready, wait};

/// How long a product may take to end by itself once it is told to.
const LEAVE: Duration = Duration::from_secs(3);

/// A product in the arena. Dropping it kills it.
#[derive(Debug)]
pub struct Running<'a> {
    pub(super) product: Product,
    pub(super) wanted: Wanted,
    pub(super) arena: &'a Arena,
    pub(super) folder: PathBuf,
    pub(super) installed: Installed,
    /// The process group that all its processes are in; none where there is no product.
    pub(super) group: Option<u32>,
    /// Those that we started ourselves and that have to be waited for.
    pub(super) children: Vec<Child>,
    /// Distinguishes what runs at the same time on this host.
    pub(super) serial: u32,
    /// How many processes have taken over from one another.
    pub(super) epoch: u32,
}

/// Starts `product` at the gateway's seat, with its config and its log in `folder`, and waits
/// until it answers.
///
/// # Errors
/// When it is not to be had, refuses its config, or does not answer within 20 s.
pub fn start<'a>(
    product: Product,
    wanted: &Wanted,
    arena: &'a Arena,
    folder: &Path,
) -> Result<Running<'a>, Missing> {
    let installed = match &wanted.program {
        Some(program) => super::program::installed(product, program.clone())?,
        None => super::present(product)?,
    };
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let making = || format!("cannot make {}", folder.display());
    fs::create_dir_all(folder).map_err(Missing::system(product, making()))?;
    let folder = folder.canonicalize().map_err(Missing::system(product, making()))?;
    config::write(product, wanted, &folder)?;
    // Seawall refuses a bad config by itself when it starts, and its check also says what is merely
    // unwise, which is no reason not to measure it.
    // nginx binds its address to judge a config, hence the seat.
    if product != Product::Seawall {
        let judge = || config::validate(product, &installed, wanted, &folder);
        let entered = arena.within(Seat::Gateway, judge);
        entered.map_err(Missing::system(product, "its namespace cannot be entered"))??;
    }
    // Envoys of one number share memory; a hundred starts of one process do not meet.
    let serial = (id() % 1_000_000) * 100 + STARTED.fetch_add(1, Ordering::Relaxed) % 100;
    let (wanted, children) = (wanted.clone(), Vec::new());
    let mut running = Running {
        product,
        wanted,
        arena,
        folder,
        installed,
        group: None,
        children,
        serial,
        epoch: 0,
    };
    running.launch()?;
    Ok(running)
}

impl Running<'_> {
    /// Where clients ask. Without a product that is the first replica.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match (self.product, self.wanted.endpoints.first()) {
            (Product::Direct, Some(replica)) => *replica,
            _ => self.wanted.listen,
        }
    }

    /// Its version as it prints it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.installed.version
    }

    /// The ids of its living processes.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.group.map(processes::of_group).unwrap_or_default()
    }

    /// What it has cost since its start.
    #[must_use]
    pub fn cost(&self) -> Cost {
        processes::cost(&self.pids())
    }

    /// Kills it as a crash would, and starts it anew.
    ///
    /// # Errors
    /// As [`start`].
    pub fn restart_hard(&mut self) -> Result<(), Missing> {
        self.kill();
        self.launch()
    }

    /// Tells it to end, and kills what is left after 3 s.
    pub fn stop(self) {
        if let Some(group) = self.group {
            signal_group(group, Signal::TERM);
            wait::until(LEAVE, || self.pids().is_empty().then_some(()));
        }
        // Dropping kills and waits.
    }

    fn launch(&mut self) -> Result<(), Missing> {
        if self.product == Product::Direct {
            return Ok(());
        }
        self.epoch = 0;
        // The pid file of a killed one would be taken for that of the new.
        let _absent = fs::remove_file(self.pid_file());
        let group = self.spawn(Start::Fresh, None)?;
        self.group = Some(group);
        if self.product == Product::Nginx {
            self.follow_daemon()?;
        }
        self.await_answer()
    }

    /// Starts one process, in `group` if there is one already, and answers its id.
    pub(super) fn spawn(&mut self, start: Start, group: Option<u32>) -> Result<u32, Missing> {
        use std::os::unix::process::CommandExt as _;
        let product = self.product;
        let arguments =
            launch::arguments(product, &self.wanted, &self.folder, (start, self.serial));
        let mut command = self.arena.command(Seat::Gateway, &self.installed.program);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        if let Some(group) = group.and_then(|group| i32::try_from(group).ok()) {
            command.process_group(group);
        }
        launch::set_environment(&mut command, product, &self.wanted);
        let log = || File::options().create(true).append(true).open(self.log_file());
        let failed = || Missing::system(product, "cannot write its log");
        command.stdout(log().map_err(failed())?).stderr(log().map_err(failed())?);
        let child = command.spawn().map_err(Missing::system(product, "cannot be started"))?;
        let process = child.id();
        self.children.push(child);
        let lifeline = Missing::system(product, "the arena has lost its lifeline");
        self.arena.adopt(group.unwrap_or(process)).map_err(lifeline)?;
        Ok(process)
    }

    /// nginx leaves the process that we started for a session of its own.
    fn follow_daemon(&mut self) -> Result<(), Missing> {
        let group =
            wait::until(ready::PATIENCE, || self.master().filter(|id| processes::lives(*id)));
        let Some(group) = group else { return Err(self.silent("it wrote no pid file")) };
        self.group = Some(group);
        let lifeline = Missing::system(self.product, "the arena has lost its lifeline");
        self.arena.adopt(group).map_err(lifeline)
    }

    /// The id in the pid file of nginx.
    pub(super) fn master(&self) -> Option<u32> {
        fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.join("nginx.pid")
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.product))
    }

    /// Waits until a real request from the client's seat is answered.
    pub(super) fn await_answer(&self) -> Result<(), Missing> {
        let (address, protocol, group) = (self.wanted.listen, self.wanted.protocol, self.group);
        let still = move || group.is_some_and(|group| !processes::of_group(group).is_empty());
        let asked = self.arena.within(Seat::Client, || ready::answers(address, protocol, &still));
        match asked {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.silent("nobody answers")),
            Err(why) => Err(self.silent(&why.to_string())),
        }
    }

    fn silent(&self, what: &str) -> Missing {
        let log = fs::read(self.log_file()).unwrap_or_default();
        let said = format!("{what}; it wrote: {}", build::tail(&log));
        Missing::Silent { product: self.product, said }
    }

    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            signal_group(group, Signal::KILL);
            wait::until(LEAVE, || processes::of_group(group).is_empty().then_some(()));
            // Without a lifeline there is nobody left to be told.
            let _told = self.arena.release(group);
        }
        for mut child in self.children.drain(..) {
            // One that could not be waited for has been waited for.
            let _ended = child.wait();
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}

fn signal_group(group: u32, signal: Signal) {
    if let Some(group) = pid(group) {
        // A group that has gone needs no signal.
        let _gone = kill_process_group(group, signal);
    }
}

/// Signals one process.
pub(super) fn signal(process: u32, signal: Signal) {
    if let Some(process) = pid(process) {
        // A process that has gone needs no signal.
        let _gone = kill_process(process, signal);
    }
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}
