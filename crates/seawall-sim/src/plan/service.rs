//! Services: what is called, how long it takes, and what it does when it is too much.

use std::sync::Arc;

use seawall_core::rate::LimiterSettings;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

use super::Caller;
use crate::dist::Distribution;
use crate::trace::Trace;

/// The place of a service in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceId(pub usize);

/// A service: some replicas that serve the same thing.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name in reports.
    pub name: String,
    /// How many replicas.
    pub replicas: u32,
    /// Their zones, in turn; empty for none.
    pub zones: Vec<String>,
    /// What each of them is.
    pub server: Server,
    /// The share of answers that are errors.
    pub errors: Ratio,
    /// Their status, as a gateway sees it.
    pub error_status: u16,
    /// The status of refusals: 503, or 429 where the service says that it was load.
    pub refusal_status: u16,
    /// Spells in which all replicas are slow together, as beside a batch job or on a shared disk.
    pub weather: Option<Weather>,
    /// What it remembers of answers; a key that is known costs no worker.
    pub cache: Option<Cache>,
    /// What it calls for each job, after its own work; the answer waits for all of them.
    pub calls: Vec<Dependency>,
    /// What becomes of each job and how long that takes, as recorded; it goes before time and
    /// errors.
    pub trace: Option<Arc<Trace>>,
}

impl Service {
    /// Whether how long its work takes is said by its servers alone.
    pub(crate) const fn is_plain(&self) -> bool {
        self.trace.is_none() && self.weather.is_none()
    }

    /// One replica.
    #[must_use]
    pub fn new(name: &str, server: Server) -> Self {
        Self {
            name: name.to_owned(),
            replicas: 1,
            zones: Vec::new(),
            server,
            errors: Ratio::ZERO,
            error_status: 503,
            refusal_status: 503,
            weather: None,
            cache: None,
            calls: Vec::new(),
            trace: None,
        }
    }

    /// The zone of a replica, if it has one.
    #[must_use]
    pub fn zone_of(&self, replica: u32) -> Option<&String> {
        self.zones.get(replica as usize % self.zones.len().max(1))
    }
}

/// One replica.
#[derive(Clone, Debug)]
pub struct Server {
    /// Jobs that are worked at once; `None` for any number.
    pub workers: Option<u32>,
    /// How long the work takes.
    pub time: Distribution,
    /// What crowds add to it.
    pub slowdown: Slowdown,
    /// Who is next.
    pub discipline: Discipline,
    /// Jobs that may wait; `None` for any number. More are refused.
    pub queue: Option<usize>,
    /// Jobs that may be there at once, waiting or not; more are refused.
    pub crowd: Option<usize>,
    /// Jobs that are accepted in a time; more are refused.
    pub limit: Option<LimiterSettings>,
    /// What a worker does while its job waits for what the service calls.
    pub holding: Holding,
    /// What becomes of a job whose caller has left and says so.
    pub abandoned: Abandoned,
    /// What becomes of a job whose deadline has passed while it waited.
    pub expired: Expired,
}

impl Server {
    /// So many workers and an endless queue.
    #[must_use]
    pub const fn new(workers: u32, time: Distribution) -> Self {
        Self {
            workers: Some(workers),
            time,
            slowdown: Slowdown::None,
            discipline: Discipline::Fifo,
            queue: None,
            crowd: None,
            limit: None,
            holding: Holding::Worker,
            abandoned: Abandoned::Continues,
            expired: Expired::Served,
        }
    }

    /// Nobody ever waits.
    #[must_use]
    pub fn unlimited(time: Distribution) -> Self {
        Self { workers: None, ..Self::new(1, time) }
    }
}

/// A memory of answers by key. Requests without a key pass by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// Keys that it holds; more drive out the one that was not used for the longest time.
    pub capacity: usize,
    /// When a key is forgotten by itself.
    pub eviction: Eviction,
    /// How long an answer from it takes.
    pub hit: Distribution,
    /// Whether requests for a key that is being fetched wait for it instead of fetching it too.
    pub single_flight: bool,
    /// Whether each replica has one of its own, lost with it, or all share one.
    pub shared: bool,
    /// Whether it knows all keys at the start.
    pub warm: bool,
}

/// When a key is forgotten by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// Never.
    Never,
    /// After so long, give or take this share of it, drawn evenly for each key.
    After(Duration, Ratio),
}

/// What the number of jobs adds to the time of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Slowdown {
    /// Nothing.
    None,
    /// So much for each job that is there when the work begins, itself included.
    PerJob(Duration),
    /// So much for each job that waits when the work begins.
    PerWaiting(Duration),
    /// So many times as long with so many jobs there, itself included; ascending, a straight line
    /// between two entries, the last entry beyond it.
    Table(Arc<[(u32, f64)]>),
    /// Every so many jobs one pays for a collection of garbage: so much for each job there.
    Collections(u32, Duration),
}

/// Good and bad spells that all replicas of a service share.
#[derive(Clone, Debug, PartialEq)]
pub struct Weather {
    /// How long a good spell lasts. The first begins with the world.
    pub good: Distribution,
    /// How long a bad one lasts.
    pub bad: Distribution,
    /// Work that begins in a bad spell takes so many times as long.
    pub slower: f64,
}

/// Which waiting job is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// The oldest.
    Fifo,
    /// The newest.
    Lifo,
    /// The oldest; the newest while the oldest has waited longer than this (adaptive LIFO).
    AdaptiveLifo(Duration),
    /// The most important, and the oldest of these.
    Priority,
    /// The oldest; while even the least wait of an interval stays above the target, jobs are
    /// dropped at their turn, ever faster (RFC 8289).
    CoDel {
        /// A wait that is no reason to drop: 5 ms.
        target: Duration,
        /// The worst round trip of those who should slow down: 100 ms.
        interval: Duration,
    },
}

/// What a job holds while it waits for calls of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Its worker, as a thread for each request does.
    Worker,
    /// Nothing, as asynchronous servers do.
    Nothing,
}

/// What becomes of a job whose caller has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// It is done all the same. What most servers do.
    Continues,
    /// It is dropped when the news arrives, from the queue or from its worker.
    Stops,
}

/// What becomes of a job whose deadline has passed while it waited. Callers tell their timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// It is done all the same.
    Served,
    /// It is dropped when its turn comes.
    Dropped,
}

/// What a service calls for each job.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// How.
    pub caller: Caller,
    /// How many calls, all at once.
    pub fan_out: u32,
    /// How many of them must succeed.
    pub need: Need,
}

/// How many calls of a fan-out must succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// All.
    All,
    /// So many; the others are not waited for.
    First(u32),
    /// None: what fails is left out.
    None,
}
