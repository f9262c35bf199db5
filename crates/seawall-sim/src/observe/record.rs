//! What remains of a run.

use std::collections::BTreeMap;

use seawall_core::call::{Role, Verdict};
use seawall_core::reason::Reason;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::Event;

use super::{Latency, Series, ServiceBucket};
use crate::plan::Plan;

/// Changes of state that are kept of a run; later ones are counted only.
pub const MARKS_MAX: usize = 10_000;

/// How a call of a caller ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// With what was asked for.
    Good,
    /// With a substitute from a gateway's ladder.
    Substitute,
    /// With an error.
    Error,
    /// It was refused.
    Refused,
    /// The connection was cut.
    Lost,
    /// There was no connection.
    Unreachable,
    /// It took too long.
    TimedOut,
}

impl End {
    /// All, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Good,
        Self::Substitute,
        Self::Error,
        Self::Refused,
        Self::Lost,
        Self::Unreachable,
        Self::TimedOut,
    ];

    /// Its place in [`End::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether the caller can go on.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Good | Self::Substitute)
    }

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Substitute => "substitute",
            Self::Error => "error",
            Self::Refused => "refused",
            Self::Lost => "lost",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
        }
    }
}

/// Whether anybody waited for work that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Somebody did.
    Wanted,
    /// Nobody did.
    Wasted,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Record {
    /// Of each load, in the order of the plan.
    pub loads: Vec<LoadRecord>,
    /// Of each service.
    pub services: Vec<ServiceRecord>,
    /// Of each upstream of each gateway, all instances together.
    pub upstreams: Vec<Vec<UpstreamRecord>>,
    /// Changes of state, in their order.
    pub marks: Vec<Mark>,
    /// Changes of state beyond [`MARKS_MAX`].
    pub marks_lost: u64,
    /// When more was under way than may be, if ever.
    pub unstable: Option<Instant>,
    /// When the run ended.
    pub end: Instant,
    /// The length of a bucket of the timelines.
    pub bucket: Duration,
    /// When each disturbance of the plan began and ended, as far as it did.
    pub befallen: Vec<Befallen>,
    /// Executions of unsafe calls after their first, by the service that the load calls. Rarely
    /// one is missed where tens of thousands of calls lie between two executions.
    pub duplicates: u64,
    /// What happened in each bucket besides calls.
    pub series: Series,
}

/// When a disturbance was in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Befallen {
    /// Since when; none if it never began.
    pub from: Option<Instant>,
    /// Until when; none if it lasted.
    pub to: Option<Instant>,
}

/// A load.
#[derive(Clone, Debug, Default)]
pub struct LoadRecord {
    /// Calls that began.
    pub started: u64,
    /// Attempts that callers made for them.
    pub attempts: u64,
    /// How many ended in each way, in the order of [`End::ALL`].
    pub ends: [u64; End::ALL.len()],
    /// Of those that ended well.
    pub latency: Latency,
    /// Of those that did not.
    pub bad: Latency,
    /// Over time, the warm-up included: starts and attempts when they happen, ends when they do.
    pub timeline: Vec<Bucket>,
    /// Attempts that gateways made for them.
    pub sent: u64,
    /// Verdicts of gateways other than an answer of the service, by reason code.
    pub reasons: BTreeMap<&'static str, u64>,
}

/// A piece of a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Calls that began in it.
    pub started: u64,
    /// Attempts of callers.
    pub attempts: u64,
    /// Attempts that their callers gave up.
    pub timed_out: u64,
    /// Calls that ended well.
    pub good: u64,
    /// And badly.
    pub bad: u64,
    /// The latencies of all that ended, in seconds, added up.
    pub latency: f64,
}

/// A service, all replicas together.
#[derive(Clone, Debug, Default)]
pub struct ServiceRecord {
    /// Requests that arrived at a replica.
    pub arrived: u64,
    /// Of these, refused for want of room.
    pub refused: u64,
    /// Dropped because their deadline had passed while they waited.
    pub dropped: u64,
    /// Answered from the cache.
    pub hits: u64,
    /// Asked of the cache in vain.
    pub misses: u64,
    /// Taken by a worker.
    pub begun: u64,
    /// Of these, after a wait.
    pub waited: u64,
    /// All waits together, in seconds.
    pub wait: f64,
    /// The waits of those that waited.
    pub waits: Latency,
    /// From the arrival of a job to its end.
    pub stay: Latency,
    /// Work that somebody waited for, in seconds.
    pub wanted: f64,
    /// Work that nobody waited for, in seconds.
    pub wasted: f64,
    /// The integral of jobs over time, in job-seconds, the warm-up left out.
    pub occupancy: f64,
    /// Over time, the warm-up included.
    pub timeline: Vec<ServiceBucket>,
}

/// An upstream of a gateway.
#[derive(Clone, Debug, Default)]
pub struct UpstreamRecord {
    /// First attempts.
    pub firsts: u64,
    /// Retries.
    pub retries: u64,
    /// Hedges.
    pub hedges: u64,
    /// Verdicts other than an answer, by reason code.
    pub reasons: BTreeMap<&'static str, u64>,
    /// What its machines reported about single calls, by word.
    pub decisions: BTreeMap<&'static str, u64>,
    /// Calls that ended with an answer of the service.
    pub answered: u64,
}

/// A change of state in a gateway.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// The gateway.
    pub gateway: usize,
    /// The upstream.
    pub upstream: usize,
    /// The instance.
    pub instance: u32,
    /// What the machine reported.
    pub event: Event,
}

impl Record {
    /// The same as if this had been the only load.
    #[must_use]
    pub fn of_load(&self, load: usize) -> Self {
        Self {
            loads: self.loads.get(load).cloned().into_iter().collect(),
            services: self.services.clone(),
            upstreams: self.upstreams.clone(),
            marks: self.marks.clone(),
            marks_lost: self.marks_lost,
            unstable: self.unstable,
            end: self.end,
            bucket: self.bucket,
            befallen: self.befallen.clone(),
            duplicates: self.duplicates,
            series: self.series.clone(),
        }
    }

    pub(super) fn new(plan: &Plan, bucket: Duration) -> Self {
        let buckets = plan.buckets.max(1) as usize;
        let load = LoadRecord { timeline: vec![Bucket::default(); buckets], ..Default::default() };
        let timeline = vec![ServiceBucket::default(); buckets];
        let service = ServiceRecord { timeline, ..ServiceRecord::default() };
        let upstreams = plan.gateways.iter().map(|gateway| gateway.upstreams.len());
        Self {
            loads: vec![load; plan.loads.len()],
            services: vec![service; plan.services.len()],
            upstreams: upstreams.map(|count| vec![UpstreamRecord::default(); count]).collect(),
            marks: Vec::new(),
            marks_lost: 0,
            unstable: None,
            end: Instant::EPOCH,
            bucket,
            befallen: vec![Befallen::default(); plan.disturbances.len()],
            duplicates: 0,
            series: Series::new(buckets),
        }
    }

    pub(super) fn upstream(
        &mut self,
        (gateway, place): (usize, usize),
    ) -> Option<&mut UpstreamRecord> {
        self.upstreams.get_mut(gateway)?.get_mut(place)
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        if self.marks.len() < MARKS_MAX {
            self.marks.push(mark);
        } else {
            self.marks_lost += 1;
        }
    }
}

impl LoadRecord {
    pub(crate) fn count(&mut self, end: End, latency: Duration) {
        if let Some(count) = self.ends.get_mut(end.index()) {
            *count += 1;
        }
        if end.is_good() {
            self.latency.record(latency);
        } else {
            self.bad.record(latency);
        }
    }

    /// The latencies of all calls that ended.
    #[must_use]
    pub fn all(&self) -> Latency {
        let mut all = self.latency.clone();
        all.merge(&self.bad);
        all
    }

    /// How many calls ended in this way.
    #[must_use]
    pub fn ends(&self, end: End) -> u64 {
        self.ends.get(end.index()).copied().unwrap_or_default()
    }

    /// Calls that ended well.
    #[must_use]
    pub fn good(&self) -> u64 {
        End::ALL.iter().filter(|end| end.is_good()).map(|end| self.ends(*end)).sum()
    }

    /// Calls that ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.ends.iter().sum()
    }
}

impl Bucket {
    pub(super) fn count(&mut self, end: End, latency: Duration) {
        if end.is_good() {
            self.good += 1;
        } else {
            self.bad += 1;
        }
        self.latency += latency.as_secs_f64();
    }
}

impl ServiceRecord {
    pub(super) fn began(&mut self, wait: Duration) {
        self.begun += 1;
        if !wait.is_zero() {
            self.waited += 1;
            self.wait += wait.as_secs_f64();
            self.waits.record(wait);
        }
    }

    pub(super) fn worked(&mut self, work: Work, seconds: f64) {
        match work {
            Work::Wanted => self.wanted += seconds,
            Work::Wasted => self.wasted += seconds,
        }
    }
}

impl UpstreamRecord {
    pub(super) fn sent(&mut self, role: Role) {
        match role {
            Role::First => self.firsts += 1,
            Role::Retry => self.retries += 1,
            Role::Hedge => self.hedges += 1,
        }
    }
}

/// Why a verdict is not an answer of the service, where a gateway decided that.
pub(super) const fn why(verdict: Verdict) -> Option<Reason> {
    match verdict {
        Verdict::Answered { .. } | Verdict::Cancelled => None,
        Verdict::Truncated { why, .. }
        | Verdict::FellBack { why, .. }
        | Verdict::Rejected { why, .. }
        | Verdict::Failed { why } => Some(why),
    }
}
