//! What all threads of a gateway share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;

use seawall_config::record::Tables;
use seawall_core::endpoint::EndpointId;
use seawall_core::upstream::Event;

use crate::body::ReplayMemory;
use crate::clock::Clock;
use crate::inbound::InboundMeters;
use crate::live::Live;
use crate::meters::{ByReason, Counter};
use crate::observe::{EventLog, PoolStatus};
use crate::proxy::CallLog;
use crate::recorder::Recorder;
use crate::resources::Resources;
use crate::upstreams::SharedUpstream;
use crate::wire::Identity;

/// What the process as a whole is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Lifecycle {
    /// Not all listeners accept yet.
    Starting,
    /// Traffic flows.
    Serving,
    /// Leaving: running calls end, no new ones are invited.
    Draining,
}

impl Lifecycle {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Draining => "draining",
        }
    }
}

/// Connections of one worker's pools, by upstream and endpoint.
pub(crate) type PoolReport = HashMap<(String, EndpointId), PoolStatus>;

/// The state of a gateway that its workers and its control side share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) identity: Identity,
    pub(crate) resources: Resources,
    pub(crate) workers: usize,
    pub(crate) calls: CallLog,
    pub(crate) events: EventLog,
    pub(crate) replay_memory: ReplayMemory,
    pub(crate) inbound: Arc<InboundMeters>,
    /// Local answers to requests that no route took.
    pub(crate) routeless: ByReason,
    /// Configs that were refused.
    pub(crate) rejected_configs: Counter,
    recorder: OnceLock<Recorder>,
    live: ArcSwap<Live>,
    lifecycle: AtomicU8,
    pools: Mutex<Vec<PoolReport>>,
}

impl Shared {
    pub(crate) fn new(
        (clock, identity): (Clock, Identity),
        (resources, workers): (Resources, usize),
        live: Live,
    ) -> Self {
        Self {
            clock,
            identity,
            resources,
            workers,
            calls: CallLog::default(),
            events: EventLog::default(),
            replay_memory: ReplayMemory::default(),
            inbound: Arc::default(),
            routeless: ByReason::default(),
            rejected_configs: Counter::default(),
            recorder: OnceLock::new(),
            live: ArcSwap::from_pointee(live),
            lifecycle: AtomicU8::new(Lifecycle::Starting as u8),
            pools: Mutex::new((0..workers).map(|_| PoolReport::new()).collect()),
        }
    }

    /// The generation in force.
    pub(crate) fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// Who records calls, where calls are recorded.
    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.recorder.get()
    }

    /// Records the calls that begin from now on. Only the first recorder counts.
    pub(crate) fn record(&self, recorder: Recorder) {
        let kept = self.recorder.set(recorder);
        debug_assert!(kept.is_ok(), "a gateway makes one record at most");
    }

    /// Puts a new generation in force.
    pub(crate) fn go_live(&self, live: Live) {
        if let Some(recorder) = self.recorder() {
            recorder.reload(Tables::of(&live.config));
        }
        self.live.store(Arc::new(live));
    }

    pub(crate) fn lifecycle(&self) -> Lifecycle {
        match self.lifecycle.load(Ordering::Acquire) {
            0 => Lifecycle::Starting,
            1 => Lifecycle::Serving,
            _ => Lifecycle::Draining,
        }
    }

    pub(crate) fn set_lifecycle(&self, lifecycle: Lifecycle) {
        self.lifecycle.store(lifecycle as u8, Ordering::Release);
        self.events.note(self.clock, "lifecycle", lifecycle.name(), String::new());
    }

    /// Publishes what a step of an upstream's machine brought about.
    pub(crate) fn publish(&self, upstream: &SharedUpstream, events: &[Event]) {
        for event in events {
            self.events.publish(self.clock, upstream, event);
        }
    }

    /// Takes a worker's latest word on its pools.
    pub(crate) fn report_pools(&self, worker: usize, report: PoolReport) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = pools.get_mut(worker) {
            *place = report;
        }
    }

    /// The connections to an endpoint, summed over the workers.
    pub(crate) fn pool_status(&self, upstream: &str, id: EndpointId) -> PoolStatus {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (upstream.to_owned(), id);
        pools.iter().filter_map(|report| report.get(&key)).fold(PoolStatus::default(), sum)
    }
}

fn sum(a: PoolStatus, b: &PoolStatus) -> PoolStatus {
    PoolStatus {
        idle: a.idle + b.idle,
        leased: a.leased + b.leased,
        opened_total: a.opened_total + b.opened_total,
        reused_total: a.reused_total + b.reused_total,
        stale_resets_total: a.stale_resets_total + b.stale_resets_total,
        streams: a.streams + b.streams,
        goaways_total: a.goaways_total + b.goaways_total,
        streams_refused_total: a.streams_refused_total + b.streams_refused_total,
    }
}
