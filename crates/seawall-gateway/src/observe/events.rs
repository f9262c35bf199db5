//! Changes of state, numbered and in words: a bounded ring of recent ones and a live feed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;

use seawall_core::breaker::BreakerEvent;
use seawall_core::outlier::OutlierEvent;
use seawall_core::upstream::{Event, Scope, What};

use super::EventRecord;
use super::words::{
    of_breaker, of_health, of_hold, of_limit, of_outlier, of_rate, of_shed, of_timeout,
};
use crate::clock::Clock;
use crate::upstreams::SharedUpstream;

/// Events that are kept for whoever asks later; also what a slow listener may lag behind.
const KEPT: usize = 512;

/// Recent events and those to come.
#[derive(Debug)]
pub(crate) struct EventLog {
    ring: Mutex<Ring>,
    feed: broadcast::Sender<Arc<EventRecord>>,
}

#[derive(Debug, Default)]
struct Ring {
    latest: u64,
    records: VecDeque<Arc<EventRecord>>,
}

/// Where, what and in which words.
type Told = (&'static str, &'static str, String);

impl Default for EventLog {
    fn default() -> Self {
        Self { ring: Mutex::default(), feed: broadcast::Sender::new(KEPT) }
    }
}

impl EventLog {
    /// Notes something about the gateway as a whole.
    pub(crate) fn note(
        &self,
        clock: Clock,
        mechanism: &'static str,
        kind: &'static str,
        detail: String,
    ) {
        tracing::info!(mechanism, kind, detail, "event");
        self.push(clock, (mechanism, kind, detail), None, None);
    }

    /// Notes a change of state of an upstream, and counts it.
    pub(crate) fn publish(&self, clock: Clock, upstream: &SharedUpstream, event: &Event) {
        count(upstream, event);
        let Some(told) = tell(event) else { return };
        let endpoint = match event.scope {
            Scope::Upstream => None,
            Scope::Endpoint(id) => upstream.directory().find(id).map(|info| info.name.to_string()),
        };
        let (mechanism, kind, detail) = &told;
        tracing::info!(
            mechanism,
            kind,
            upstream = &**upstream.name(),
            endpoint = endpoint.as_deref(),
            detail,
            "event"
        );
        self.push(clock, told, Some(upstream.name().to_string()), endpoint);
    }

    /// The recent events, oldest first, and a feed of those that follow them without a gap.
    pub(crate) fn follow(&self) -> (Vec<Arc<EventRecord>>, broadcast::Receiver<Arc<EventRecord>>) {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        (ring.records.iter().cloned().collect(), self.feed.subscribe())
    }

    fn push(
        &self,
        clock: Clock,
        (mechanism, kind, detail): Told,
        upstream: Option<String>,
        endpoint: Option<String>,
    ) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.latest += 1;
        let (seq, at_unix_ms) = (ring.latest, clock.unix_ms(clock.now()));
        let record = EventRecord { seq, at_unix_ms, mechanism, upstream, endpoint, kind, detail };
        let record = Arc::new(record);
        if ring.records.len() == KEPT {
            ring.records.pop_front();
        }
        ring.records.push_back(Arc::clone(&record));
        // Without a listener there is nobody to tell; the ring keeps it.
        let _listeners = self.feed.send(record);
    }
}

fn count(upstream: &SharedUpstream, event: &Event) {
    match (event.what, event.scope) {
        (What::Breaker(BreakerEvent::Opened { .. }), Scope::Upstream) => {
            upstream.meters.breaker_opened.bump();
        }
        (What::Breaker(BreakerEvent::Opened { .. }), Scope::Endpoint(_)) => {
            upstream.meters.endpoint_breakers_opened.bump();
        }
        (What::Outlier(OutlierEvent::Ejected { .. }), _) => upstream.meters.ejections.bump(),
        _ => {}
    }
}

fn tell(event: &Event) -> Option<Told> {
    Some(match event.what {
        What::Breaker(event_of) => {
            let (kind, detail) = of_breaker(&event_of, event.at)?;
            ("breaker", kind, detail)
        }
        What::Outlier(event_of) => {
            let (kind, detail) = of_outlier(&event_of, event.at);
            ("ejection", kind, detail)
        }
        What::Hold(change) => {
            let (kind, detail) = of_hold(&change);
            ("hold", kind, detail)
        }
        What::Health(change) => {
            let (kind, detail) = of_health(change);
            ("health", kind, detail)
        }
        // These concern one call and are in its trail.
        What::Hedge(_) | What::Budget(_) | What::Throttle(_) | What::Bulkhead(_) => return None,
        // No upstream has these.
        What::Keyed(_) | What::Blocking(_) | What::Brownout(_) | What::Detector(_) => return None,
        What::Rate(change) => ("rate", "adapted", of_rate(&change)?),
        What::Shed(change) => {
            let (kind, detail) = of_shed(&change)?;
            ("shed", kind, detail)
        }
        What::Limit(change) => ("limit", "changed", of_limit(&change)?),
        What::Timeout(change) => ("timeout", "adapted", of_timeout(&change)),
        What::PanicEntered => (
            "balance",
            "panic_entered",
            "no endpoint may be chosen by the rules; when_all_down is in force".to_owned(),
        ),
        What::Spillover(loads) => {
            ("balance", "spillover", format!("shares of the levels in %: {:?}", loads.shares()))
        }
        What::SlowStart => ("balance", "slow_start", "reaches its weight by degrees".to_owned()),
        What::PanicLeft => ("balance", "panic_left", "endpoints may be chosen again".to_owned()),
    })
}
