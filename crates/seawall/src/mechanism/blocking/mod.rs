//! A bulkhead of threads: blocking closures run in threads of their own, so many at once, with a
//! bounded queue in front.
//!
//! # The problem
//!
//! Tokio has one pool for blocking work of all kinds, of 512 threads. One dependency that hangs
//! takes all of them, and file access, DNS and every other blocking call stop with it. Here each
//! dependency has threads of its own.
//!
//! A blocking closure cannot be cancelled. A caller that stops waiting does not free the thread,
//! so **the permit stays with the closure until it returns**: otherwise work that hangs would pile
//! up beyond any bound, which is what the bulkhead is there to prevent. Such a closure is a
//! *zombie*, and [`BlockingSnapshot::zombies`] counts them: a pool full of zombies has a dependency
//! that needs a timeout of its own, in the client library that blocks.
//!
//! Permits and the queue are those of [`Bulkhead`](super::Bulkhead); one closure is in `job.rs`,
//! the threads in `workers.rs`.

mod job;
mod workers;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::bulkhead::{BulkheadSnapshot, JobsSnapshot};
use seawall_core::invalid::Invalid;
use seawall_core::reason::Reason;
use tokio::time::{Instant, timeout_at};

use super::{Bulkhead, Rejected, Setup};
use crate::{BuildError, BulkheadSettings, Events, QueueOrder, Until};
use job::{Answer, Roll};
use workers::Workers;

/// The most threads of one pool. A thousand threads that block are a dependency that is down.
const THREADS_MAX: u32 = 1_024;
const FIELD: &str = "blocking.threads";

/// Settings of a [`BlockingPool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingSettings {
    /// Closures at once, each in a thread of its own; 1 to 1 024. No default: what the dependency
    /// bears, or its connections, say how many.
    pub threads: u32,
    /// Callers that may wait for a thread. Default 0: a full pool refuses.
    pub queue: u32,
    /// No wait is longer. Default 100 ms, as for every bulkhead.
    pub max_wait: Duration,
    /// Who is served first. Default: who has waited longest.
    pub order: QueueOrder,
}

impl BlockingSettings {
    /// So many threads, and no queue.
    #[must_use]
    pub fn threads(threads: u32) -> Self {
        let BulkheadSettings { queue, max_wait, order, .. } = BulkheadSettings::default();
        Self { threads, queue, max_wait, order }
    }

    /// So many callers may wait, so long.
    #[must_use]
    pub const fn queue(self, queue: u32, max_wait: Duration) -> Self {
        Self { queue, max_wait, ..self }
    }

    const fn bulkhead(self) -> BulkheadSettings {
        let Self { threads: permits, queue, max_wait, order } = self;
        BulkheadSettings { permits, queue, max_wait, order }
    }
}

/// A pool at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingSnapshot {
    /// Threads in use, callers that wait, refusals.
    pub bulkhead: BulkheadSnapshot,
    /// Closures that run, zombies included.
    pub running: u32,
    /// Closures that run although nobody waits for them any more.
    pub zombies: u32,
    /// Closures that nobody waited for to the end, so far.
    pub abandoned: u64,
}

/// Why a closure brought no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockingError {
    /// There was no thread for it. It did not run.
    Rejected(Rejected),
    /// It panicked. The thread lives on.
    Panicked {
        /// What it said, where that was text.
        message: Option<String>,
    },
    /// It has not returned by the deadline. If it has begun it still runs, and keeps its thread
    /// until it returns.
    TimedOut,
}

/// Runs blocking closures in threads of its own.
///
/// Clones share the threads. When the last one is dropped, threads that wait for work end; closures
/// that run are left to run, in threads that end with them: dropping never blocks.
/// [`BlockingPool::join`] waits for them.
///
/// Bounds: its threads, the queue, and one entry for each permit with a thread or on its way to
/// one.
#[derive(Clone, Debug)]
pub struct BlockingPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bulkhead: Bulkhead,
    workers: Workers,
    roll: Arc<Roll>,
}

impl BlockingPool {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work, more threads than the system has left
    /// among them.
    pub fn new(settings: BlockingSettings) -> Result<Self, BuildError> {
        Self::named("blocking", settings)
    }

    /// The same with a name, which its threads and its rejections carry.
    ///
    /// # Errors
    ///
    /// [`BuildError`], as [`BlockingPool::new`].
    pub fn named(
        name: impl Into<Arc<str>>,
        settings: BlockingSettings,
    ) -> Result<Self, BuildError> {
        Self::with(settings, Setup::named(name))
    }

    /// The same with a name and listeners, who hear of closures that run for nobody. Of refusals
    /// [`BlockingError::Rejected`] tells.
    ///
    /// # Errors
    ///
    /// [`BuildError`], as [`BlockingPool::new`].
    pub fn with(settings: BlockingSettings, setup: Setup) -> Result<Self, BuildError> {
        let threads = settings.threads;
        if !(1..=THREADS_MAX).contains(&threads) {
            return Err(BuildError::of(Invalid::new(FIELD, threads, "1 to 1024")));
        }
        let roll = Roll::new(threads, setup);
        let name = roll.reports().name.clone();
        let unlistened = name.clone().map_or_else(Setup::new, Setup::named);
        let bulkhead = Bulkhead::with(settings.bulkhead(), unlistened)?;
        let workers = Workers::start(name.as_deref().unwrap_or("blocking"), threads);
        let workers = workers.map_err(|refused| {
            let value = format_args!("{threads} ({refused})");
            BuildError::of(Invalid::new(FIELD, value, "as many as the system can start"))
        })?;
        Ok(Self { shared: Arc::new(Shared { bulkhead, workers, roll: Arc::new(roll) }) })
    }

    /// What happens to closures from now on. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.roll.reports().subscribe()
    }

    /// Runs `work` in a thread of the pool, after waiting for one if need be.
    ///
    /// Dropping the future gives up waiting. What has not begun then never will; what runs goes on,
    /// and keeps its thread and its permit until it returns.
    ///
    /// ```
    /// use seawall::mechanism::{BlockingPool, BlockingSettings};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let disk = BlockingPool::new(BlockingSettings::threads(4))?;
    /// let sum = disk.run(|| (1..=100).sum::<u32>()).await?;
    /// assert_eq!(sum, 5_050);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BlockingError::Rejected`], or [`BlockingError::Panicked`].
    ///
    /// # Panics
    ///
    /// As Tokio's timers do: if it has to wait outside a Tokio runtime with time enabled.
    pub async fn run<T, F>(&self, work: F) -> Result<T, BlockingError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.begin(None, work).await?.wait().await
    }

    /// The same for a value that is of no use after `deadline`.
    ///
    /// # Errors
    ///
    /// [`BlockingError`].
    ///
    /// # Panics
    ///
    /// If called outside a Tokio runtime with time enabled.
    pub async fn run_until<T, F>(&self, deadline: Instant, work: F) -> Result<T, BlockingError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let answer = self.begin(Some(deadline), work).await?;
        timeout_at(deadline, answer.wait()).await.unwrap_or(Err(BlockingError::TimedOut))
    }

    /// Everything that is known at this moment.
    #[must_use]
    pub fn snapshot(&self) -> BlockingSnapshot {
        let Shared { bulkhead, roll, .. } = &*self.shared;
        let JobsSnapshot { running, zombies, abandoned } = roll.snapshot();
        BlockingSnapshot { bulkhead: bulkhead.snapshot(), running, zombies, abandoned }
    }

    /// Takes no more work, and blocks until all that was taken has returned and the threads have
    /// ended. Not from within a runtime: it would stop whatever shares the thread.
    pub fn join(&self) {
        self.shared.workers.join();
    }

    /// Waits for a thread and hands `work` to it.
    async fn begin<T, F>(
        &self,
        deadline: Option<Instant>,
        work: F,
    ) -> Result<Answer<T>, BlockingError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let Shared { bulkhead, workers, roll } = &*self.shared;
        let permit = bulkhead.acquire_owned(deadline).await.map_err(BlockingError::Rejected)?;
        let (job, answer) = job::pair(work, permit, roll);
        if workers.push(job).is_err() {
            let name = bulkhead.name().map(Arc::from);
            let rejected = Rejected::new(name.as_ref(), Reason::Draining, Until::Never);
            return Err(BlockingError::Rejected(rejected));
        }
        Ok(answer)
    }
}

impl fmt::Display for BlockingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::Panicked { message: Some(message) } => write!(f, "panicked: {message}"),
            Self::Panicked { message: None } => f.write_str("panicked"),
            Self::TimedOut => f.write_str("not done by the deadline; it may still run"),
        }
    }
}

impl std::error::Error for BlockingError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::Panicked { .. } | Self::TimedOut => None,
        }
    }
}
