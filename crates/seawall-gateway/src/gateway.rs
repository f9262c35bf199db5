//! A gateway as a whole: started from a config, reloaded, drained.

mod control;
mod listeners;

pub use control::{Control, Ended, Notice};

use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot};

use seawall_config::{Config, ConfigError};
use seawall_core::rng::{Rng as _, Stream};

use crate::clock::Clock;
use crate::live::{Site, build};
use crate::observe::{self, CallRecord, EventRecord, Status};
use crate::resources::Resources;
use crate::shared::{Lifecycle, Shared};
use crate::wire::Identity;
use crate::worker::{Command, Worker};

/// Commands that may wait for a worker: one for each listener that a config may have, and some.
const COMMANDS: usize = 8_192;

/// Why a gateway could not start, or could not take over a new config.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A listener's address could not be bound.
    #[error("listener \"{listener}\": cannot listen on {address}: {source}; {remedy}")]
    Bind {
        /// The listener.
        listener: String,
        /// Its address.
        address: std::net::SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
        /// What may help.
        remedy: &'static str,
    },
    /// The new config has mistakes; the old one stays in force.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The change needs a restart; nothing of it was applied.
    #[error("a change of {what} needs a restart; nothing of the new config was applied")]
    NeedsRestart {
        /// What was changed.
        what: &'static str,
    },
    /// The file of the record cannot be made. Nothing was started.
    #[error("cannot record to {path}: {source}; {remedy}", path = path.display())]
    Record {
        /// The file.
        path: std::path::PathBuf,
        /// What the operating system says.
        source: std::io::Error,
        /// What may help.
        remedy: &'static str,
    },
    /// A thread or runtime could not be had.
    #[error("cannot start a worker: {0}")]
    Worker(#[source] std::io::Error),
}

/// A handle on a running gateway, for reading. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
}

impl Gateway {
    /// Everything about it, now.
    #[must_use]
    pub fn status(&self) -> Status {
        observe::status(&self.shared)
    }

    /// What it is doing as a whole.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        self.shared.lifecycle()
    }

    /// Its metrics as OpenMetrics text.
    #[must_use]
    pub fn metrics(&self) -> String {
        observe::render(&self.shared)
    }

    /// The latest calls, newest first.
    #[must_use]
    pub fn calls(&self, limit: usize) -> Vec<CallRecord> {
        observe::calls(&self.shared, limit)
    }

    /// The recent events, oldest first, and those that follow.
    #[must_use]
    pub fn events(&self) -> (Vec<Arc<EventRecord>>, broadcast::Receiver<Arc<EventRecord>>) {
        self.shared.events.follow()
    }

    /// The config in force, with its generation.
    #[must_use]
    pub fn config(&self) -> Value {
        let live = self.shared.live();
        serde_json::json!({
            "generation": live.generation,
            "source": live.config.file,
            "hash": format!("{:016x}", live.config.hash()),
            "config": live.config,
        })
    }
}

/// A worker thread and the way to reach it.
#[derive(Debug)]
pub(crate) struct WorkerHandle {
    commands: mpsc::Sender<Command>,
    cut: oneshot::Receiver<u64>,
    thread: JoinHandle<()>,
}

impl WorkerHandle {
    /// Tells the worker something. One that is so far behind that its inbox is full is stuck.
    fn send(&self, command: Command) {
        if let Err(error) = self.commands.try_send(command) {
            tracing::error!(%error, "a worker does not take commands");
        }
    }

    /// Lets the worker end once its connections have.
    fn close(self) -> Closing {
        Closing { cut: self.cut, thread: self.thread }
    }
}

/// A worker that is told nothing any more.
#[derive(Debug)]
struct Closing {
    cut: oneshot::Receiver<u64>,
    thread: JoinHandle<()>,
}

impl Closing {
    /// Waits for its end; gives the connections that it cut. A worker that died cut some.
    async fn ended(self) -> u64 {
        let cut = self.cut.await.unwrap_or(1);
        if self.thread.join().is_err() {
            tracing::error!("a worker died of a bug");
        }
        cut
    }
}

/// Starts a gateway: binds its listeners, then its workers. Traffic flows when this returns.
///
/// # Errors
/// [`GatewayError::Bind`] for an address that cannot be had, [`GatewayError::Worker`] without
/// threads.
pub fn start(config: Config, workers: usize, seed: u64) -> Result<Control, GatewayError> {
    let (clock, resources) = (Clock::start(), Resources::read());
    let mut rng = Stream::new(seed, "gateway");
    let sockets = listeners::bind_all(&config.listeners, &[])?;
    let mut site = Site { now: clock.now(), rng: &mut rng, resources, workers };
    let live = build(config, None, &mut site);
    let instance = u32::try_from(rng.next_u64() >> 32).unwrap_or_default();
    let identity = Identity::new(&live.config.gateway.name, instance);
    let shared = Arc::new(Shared::new((clock, identity), (resources, workers), live));
    let handles = (0..workers)
        .map(|index| spawn_worker(&shared, index, rng.fork("worker")))
        .collect::<Result<Vec<_>, _>>()
        .map_err(GatewayError::Worker)?;
    tracing::info!(
        workers,
        attempts_per_upstream = resources.attempts(),
        connections = resources.connections(),
        "bounds derived from the limit of open files"
    );
    let mut control = Control::new(shared, handles, rng);
    control.open(sockets)?;
    control.gateway().shared.set_lifecycle(Lifecycle::Serving);
    Ok(control)
}

fn spawn_worker(
    shared: &Arc<Shared>,
    index: usize,
    rng: Stream,
) -> Result<WorkerHandle, std::io::Error> {
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let (ended, cut) = oneshot::channel();
    let shared = Arc::clone(shared);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = move || {
        let cut = runtime.block_on(Worker::new(shared, index, rng).run(inbox));
        // Whoever no longer waits for the number has given up on this worker.
        let _told = ended.send(cut);
    };
    let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(work)?;
    Ok(WorkerHandle { commands, cut, thread })
}
