//! A made-up shop that the admin side can show: the test double of the page. What happens in it is
//! in `script`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seawall_admin::{Readiness, Subject};
use seawall_gateway::observe::{CallRecord, EventRecord, Status, TrailStep, UpstreamTotals};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use crate::script::{PARTS, Part, wobble};

/// What moves the time of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Whoever holds it calls `tick`.
    Clock,
    /// Each look at the status lets a second pass, so that what is seen depends on no clock.
    EachLook,
}

/// Calls and events that are remembered.
const KEPT: usize = 300;
/// Ticks that have passed before anybody looks: recommendations are down by then.
const BEFORE: u64 = 60;

/// The shop.
pub(crate) struct Shop {
    pace: Pace,
    began_unix_ms: u64,
    world: Mutex<World>,
    live: broadcast::Sender<Arc<EventRecord>>,
    looks: watch::Sender<u64>,
}

#[derive(Default)]
struct World {
    tick: u64,
    generation: u64,
    seq: u64,
    totals: [UpstreamTotals; PARTS.len()],
    events: VecDeque<EventRecord>,
    calls: VecDeque<CallRecord>,
}

impl Shop {
    /// A shop that has been open for some seconds.
    pub(crate) fn new(pace: Pace, began_unix_ms: u64) -> Self {
        let (live, _) = broadcast::channel(64);
        let world = Mutex::new(World { generation: 1, ..World::default() });
        let looks = watch::Sender::new(0);
        let shop = Self { pace, began_unix_ms, world, live, looks };
        (0..BEFORE).for_each(|_| shop.advance());
        shop
    }

    /// Lets a tenth of a second pass, if it is the clock that does.
    pub(crate) fn tick(&self) {
        if self.pace == Pace::Clock {
            self.advance();
        }
    }

    /// How often its status was asked for.
    pub(crate) fn looks(&self) -> watch::Receiver<u64> {
        self.looks.subscribe()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self) {
        let mut world = self.world();
        world.tick += 1;
        let tick = world.tick;
        for (part, totals) in PARTS.iter().zip(&mut world.totals) {
            part.count(totals, tick);
        }
        let at_unix_ms = self.began_unix_ms + tick * 100;
        for part in &PARTS {
            for (kind, detail) in happenings(part, tick) {
                let event = world.event(part, (kind, detail), at_unix_ms);
                // Nobody may be listening, which is no fault.
                self.live.send(event).ok();
            }
        }
        world.call(at_unix_ms);
    }
}

fn happenings(part: &Part, tick: u64) -> Vec<(&'static str, String)> {
    if part.starts(tick) {
        let why = "5 failures in a row; out of choice for 11 s".to_owned();
        return vec![("ejected", why), ("opened", "41 of 100 outcomes failed".to_owned())];
    }
    if part.ends(tick) {
        return vec![("readmitted", "it answered 3 probes".to_owned())];
    }
    Vec::new()
}

impl World {
    fn event(
        &mut self,
        part: &Part,
        (kind, detail): (&'static str, String),
        at_unix_ms: u64,
    ) -> Arc<EventRecord> {
        self.seq += 1;
        let is_breaker = kind == "opened";
        let event = EventRecord {
            seq: self.seq,
            at_unix_ms,
            mechanism: if is_breaker { "breaker" } else { "ejection" },
            upstream: Some(part.name.to_owned()),
            endpoint: (!is_breaker).then(|| part.address(1)),
            kind,
            detail,
        };
        self.events.push_back(event.clone());
        bound(&mut self.events);
        Arc::new(event)
    }

    /// One call of an upstream that takes its turn.
    fn call(&mut self, at_unix_ms: u64) {
        let turn = usize::try_from(self.tick).unwrap_or(0) % PARTS.len();
        let Some(part) = PARTS.get(turn) else { return };
        self.calls.push_back(record(part, self.tick, at_unix_ms));
        bound(&mut self.calls);
    }
}

/// Forgets the oldest.
fn bound<T>(kept: &mut VecDeque<T>) {
    while kept.len() > KEPT {
        kept.pop_front();
    }
}

fn record(part: &Part, tick: u64, at_unix_ms: u64) -> CallRecord {
    let is_troubled = part.trouble(tick).is_some();
    let (verdict, reason, attempts) = match (is_troubled, part.name) {
        (true, "recommendations") => ("fallback", Some("breaker_open"), 0),
        (true, "search") if tick.is_multiple_of(3) => ("failed", Some("attempt_timeout"), 2),
        (true, _) => ("answer", None, 2),
        (false, _) => ("answer", None, 1),
    };
    CallRecord {
        id: format!("0198a1c2-77aa-7000-8000-{tick:012}"),
        at_unix_ms,
        route: format!("{}-route", part.name),
        upstream: part.name.to_owned(),
        method: if part.name == "payments" { "POST" } else { "GET" }.to_owned(),
        path: format!("/{}/<b>{}</b>", part.name, wobble(tick, 3, 900)),
        status: Some(if verdict == "failed" { 504 } else { 200 }),
        verdict,
        reason,
        duration_ms: 4.0 + f64::from(attempts) * 21.5,
        attempts,
        trail: trail(part, attempts),
        trail_dropped: 0,
    }
}

fn trail(part: &Part, attempts: u32) -> Vec<TrailStep> {
    let step = |at_ms, step, detail: String| TrailStep { at_ms, step, detail };
    let mut trail = vec![step(0.0, "started", "deadline in 2 s".to_owned())];
    if attempts == 0 {
        trail.push(step(0.1, "breaker_open", "6 s left of its cool-down".to_owned()));
        trail.push(step(0.2, "fell_back", "rung 1: the static list".to_owned()));
    }
    for number in 1..=attempts {
        let at_ms = f64::from(number - 1) * 21.5;
        let where_to = part.address(if number == 1 && attempts > 1 { 1 } else { 0 });
        trail.push(step(at_ms + 0.2, "attempt", format!("number {number} at {where_to}")));
        let ended = if number < attempts { "connection refused, unsent" } else { "200 in 20 ms" };
        trail.push(step(at_ms + 20.0, "outcome", ended.to_owned()));
    }
    trail
}

impl Subject for Shop {
    fn status(&self) -> Status {
        self.looks.send_modify(|looks| *looks += 1);
        if self.pace == Pace::EachLook {
            (0..10).for_each(|_| self.advance());
        }
        let world = self.world();
        let parts = PARTS.iter().zip(world.totals);
        Status {
            name: "shop".to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            generation: world.generation,
            state: "serving",
            uptime_ms: world.tick * 100,
            workers: 2,
            connections: 40 + wobble(world.tick / 10, 9, 12),
            upstreams: parts.map(|(part, totals)| part.status(totals, world.tick)).collect(),
            routes: Vec::new(),
        }
    }

    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    fn metrics(&self) -> String {
        let calls: u64 = self.world().totals.iter().map(|totals| totals.calls_total).sum();
        format!("# TYPE seawall_calls counter\nseawall_calls_total {calls}\n# EOF\n")
    }

    fn config(&self) -> Value {
        json!({ "generation": self.world().generation, "source": "made up" })
    }

    fn calls(&self, limit: usize) -> Vec<CallRecord> {
        self.world().calls.iter().rev().take(limit).cloned().collect()
    }

    fn events(&self) -> (Vec<EventRecord>, broadcast::Receiver<Arc<EventRecord>>) {
        let live = match self.pace {
            Pace::Clock => self.live.subscribe(),
            // Without a sender the stream ends after the recent events and the browser comes back
            // for more: one that skips idle time does not skip while an answer is under way.
            Pace::EachLook => broadcast::channel(1).1,
        };
        (self.world().events.iter().cloned().collect(), live)
    }

    async fn reload(&self) -> Result<u64, String> {
        let mut world = self.world();
        world.generation += 1;
        Ok(world.generation)
    }
}
