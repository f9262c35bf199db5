//! One replica: its workers, who waits for them, and what is wrong with it.

use std::collections::{BTreeMap, VecDeque};

use seawall_core::event::Discard;
use seawall_core::fault::{Direction, Fault};
use seawall_core::rate::Limiter;
use seawall_core::ratio::Ratio;
use seawall_core::rng::{Rng, Stream};
use seawall_core::time::{Duration, Instant};

use super::slab::Key;
use crate::chance::{Seed, unit};
use crate::dist::scaled;
use crate::plan::{Discipline, Server, Service, Slowdown};

/// A replica.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) server: Server,
    /// The service that it is a replica of, by its place in the plan.
    pub(super) service: u32,
    errors: Ratio,
    chance: Stream,
    limiter: Option<Limiter>,
    /// Workers that work or wait for what their job calls.
    busy: u32,
    /// Jobs that are there.
    crowd: u32,
    queue: Queue,
    pub(super) ills: Ills,
    /// The faults that they come from, each with the disturbance that brought it.
    faults: Vec<(u32, Fault)>,
    warming: Option<WarmUp>,
    /// What arrives at or ends in a replica that stands still.
    pub(super) held: Vec<Held>,
    /// How long it has stood still so far.
    pub(super) stood: Duration,
    occupancy: f64,
    seen: Instant,
}

/// What waits for a replica that stands still.
#[derive(Clone, Copy, Debug)]
pub(super) enum Held {
    /// A request at its door.
    Arrival(Key),
    /// A job whose work is done.
    Done(Key),
}

/// What is wrong with a replica, all faults together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ills {
    pub(super) crashed: bool,
    pub(super) frozen: bool,
    pub(super) frozen_since: Instant,
    /// Nothing arrives.
    pub(super) deaf: bool,
    /// Nothing comes back.
    pub(super) mute: bool,
    pub(super) refusing: bool,
    pub(super) draining: bool,
    errors: Ratio,
    cut: Ratio,
    slower: f64,
    latency: Duration,
    jitter: Duration,
    pub(super) capacity: f64,
}

impl Default for Ills {
    fn default() -> Self {
        Self {
            crashed: false,
            frozen: false,
            frozen_since: Instant::EPOCH,
            deaf: false,
            mute: false,
            refusing: false,
            draining: false,
            errors: Ratio::ZERO,
            cut: Ratio::ZERO,
            slower: 1.0,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            capacity: 1.0,
        }
    }
}

impl Ills {
    /// Adds a fault; effects that have a size add up.
    fn add(&mut self, fault: Fault) {
        match fault {
            Fault::Crash | Fault::Restart { .. } => self.crashed = true,
            Fault::Freeze => self.frozen = true,
            Fault::BlackHole(direction) => {
                self.deaf |= direction != Direction::Back;
                self.mute |= direction != Direction::There;
            }
            Fault::Refuse => self.refusing = true,
            Fault::Drain => self.draining = true,
            Fault::Reset(share) => self.cut = self.cut.max(share),
            Fault::Errors(share) => self.errors = self.errors.max(share),
            Fault::Latency { added, jitter } => {
                self.latency = self.latency.saturating_add(added);
                self.jitter = self.jitter.saturating_add(jitter);
            }
            Fault::Slower(factor) => self.slower *= times(factor),
            Fault::Capacity(share) => self.capacity *= times(share),
            // They concern no replica, or are over at once.
            Fault::Flush | Fault::Surge(_) | Fault::Reload => {}
        }
    }

    /// Whether nobody who asks learns anything.
    pub(super) const fn silent(&self) -> bool {
        self.frozen || self.deaf || self.mute
    }

    /// Whether nobody can connect.
    pub(super) const fn down(&self) -> bool {
        self.crashed || self.refusing
    }
}

/// A ratio as the factor that it is.
pub(super) fn times(ratio: Ratio) -> f64 {
    f64::from(ratio.ppm()) / 1e6
}

/// A replica that has come back a short while ago.
#[derive(Clone, Copy, Debug)]
struct WarmUp {
    since: Instant,
    over: Duration,
    cold: f64,
}

/// Who waits for a worker.
#[derive(Debug)]
enum Queue {
    Line(VecDeque<(Key, Instant)>),
    Ranks(BTreeMap<(u16, u64), Key>),
}

/// What becomes of a request at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// A worker takes it.
    Begin,
    /// It waits.
    Wait,
    /// There is no room.
    Refuse,
}

impl Station {
    pub(super) fn new((place, service): (u32, &Service), replica: u32, seed: Seed) -> Self {
        let server = service.server.clone();
        let queue = match server.discipline {
            Discipline::Priority => Queue::Ranks(BTreeMap::new()),
            Discipline::Fifo | Discipline::Lifo | Discipline::AdaptiveLifo(_) => {
                Queue::Line(VecDeque::new())
            }
        };
        Self {
            service: place,
            errors: service.errors,
            chance: seed.stream(&format!("{} {replica}", service.name)),
            limiter: server.limit.map(|limit| Limiter::new(limit, Instant::EPOCH)),
            server,
            busy: 0,
            crowd: 0,
            queue,
            ills: Ills::default(),
            faults: Vec::new(),
            warming: None,
            held: Vec::new(),
            stood: Duration::ZERO,
            occupancy: 0.0,
            seen: Instant::EPOCH,
        }
    }

    pub(super) const fn crowd(&self) -> u32 {
        self.crowd
    }

    /// The integral of its jobs over time, in job-seconds.
    pub(super) const fn occupancy(&self) -> f64 {
        self.occupancy
    }

    /// Brings the integral up to `now`.
    pub(super) fn settle(&mut self, now: Instant) {
        self.occupancy += now.since(self.seen).as_secs_f64() * f64::from(self.crowd);
        self.seen = now;
    }

    /// Begins the integral anew.
    pub(super) fn forget_occupancy(&mut self, now: Instant) {
        self.settle(now);
        self.occupancy = 0.0;
    }

    /// A request arrives.
    pub(super) fn arrive(&mut self, now: Instant) -> Door {
        if self.server.crowd.is_some_and(|most| self.crowd as usize >= most) || !self.limit(now) {
            return Door::Refuse;
        }
        let door = if self.has_worker() {
            Door::Begin
        } else if self.server.queue.is_none_or(|most| self.queue.len() < most) {
            Door::Wait
        } else {
            return Door::Refuse;
        };
        self.settle(now);
        self.crowd += 1;
        door
    }

    fn limit(&mut self, now: Instant) -> bool {
        let Some(limiter) = &mut self.limiter else { return true };
        limiter.decide(now, 1, &mut Discard).is_ok()
    }

    fn has_worker(&self) -> bool {
        let Some(workers) = self.server.workers else { return true };
        let share = (f64::from(workers) * self.ills.capacity).round();
        f64::from(self.busy) < share
    }

    /// A job is there no longer.
    pub(super) fn depart(&mut self, now: Instant) {
        self.settle(now);
        self.crowd = self.crowd.saturating_sub(1);
    }

    /// A worker begins with a job; how long it will take.
    pub(super) fn begin(&mut self, now: Instant) -> Duration {
        self.busy += 1;
        let time = self.server.time.draw(&mut self.chance);
        let crowding = match &self.server.slowdown {
            Slowdown::None => Duration::ZERO,
            Slowdown::PerJob(each) => each.saturating_mul(self.crowd),
        };
        let own = time.saturating_add(crowding);
        let factor = self.ills.slower * self.coldness(now);
        if factor > 1.0 { scaled(own, factor) } else { own }
    }

    /// How many times as long work takes at first after a restart; falls evenly to once.
    fn coldness(&mut self, now: Instant) -> f64 {
        let Some(WarmUp { since, over, cold }) = self.warming else { return 1.0 };
        let elapsed = now.since(since);
        if elapsed >= over {
            self.warming = None;
            return 1.0;
        }
        let left = 1.0 - elapsed.as_secs_f64() / over.as_secs_f64();
        1.0 + (cold - 1.0) * left
    }

    /// It has come back from a restart.
    pub(super) fn warm_up(&mut self, now: Instant, over: Duration, cold: Ratio) {
        let warm_up = WarmUp { since: now, over, cold: times(cold) };
        self.warming = (!over.is_zero()).then_some(warm_up);
    }

    /// A fault begins, changes or ends.
    pub(super) fn suffer(&mut self, by: u32, fault: Option<Fault>, now: Instant) {
        self.faults.retain(|(other, _)| *other != by);
        self.faults.extend(fault.map(|fault| (by, fault)));
        let mut ills = Ills::default();
        for (_, fault) in &self.faults {
            ills.add(*fault);
        }
        ills.frozen_since = if self.ills.frozen { self.ills.frozen_since } else { now };
        self.ills = ills;
    }

    /// How much later an answer comes back.
    pub(super) fn delay(&mut self) -> Duration {
        let Ills { latency, jitter, .. } = self.ills;
        if jitter.is_zero() {
            return latency;
        }
        let least = latency.saturating_sub(jitter);
        least.saturating_add(scaled(jitter, 2.0 * unit(&mut self.chance)))
    }

    /// Whether the connection is cut in place of an answer.
    pub(super) fn cuts(&mut self) -> bool {
        self.ills.cut > Ratio::ZERO && self.chance.draw().is_below(self.ills.cut)
    }

    /// A worker is free.
    pub(super) fn release(&mut self) {
        self.busy = self.busy.saturating_sub(1);
    }

    /// Whether an answer is an error.
    pub(super) fn errs(&mut self) -> bool {
        let share = self.errors.max(self.ills.errors);
        share > Ratio::ZERO && self.chance.draw().is_below(share)
    }

    pub(super) fn wait(&mut self, job: Key, rank: u16, (number, now): (u64, Instant)) {
        match &mut self.queue {
            Queue::Line(line) => line.push_back((job, now)),
            Queue::Ranks(ranks) => drop(ranks.insert((rank, number), job)),
        }
    }

    /// The next job for a free worker. It may have left meanwhile.
    pub(super) fn next(&mut self, now: Instant) -> Option<Key> {
        if !self.has_worker() {
            return None;
        }
        match (&mut self.queue, self.server.discipline) {
            (Queue::Ranks(ranks), _) => ranks.pop_first().map(|(_, job)| job),
            (Queue::Line(line), Discipline::Lifo) => line.pop_back().map(|(job, _)| job),
            (Queue::Line(line), Discipline::AdaptiveLifo(patience)) => {
                let late = line.front().is_some_and(|(_, since)| now.since(*since) > patience);
                let next = if late { line.pop_back() } else { line.pop_front() };
                next.map(|(job, _)| job)
            }
            (Queue::Line(line), Discipline::Fifo | Discipline::Priority) => {
                line.pop_front().map(|(job, _)| job)
            }
        }
    }

    /// Everything in it is lost.
    pub(super) fn crash(&mut self, now: Instant) {
        self.settle(now);
        (self.busy, self.crowd) = (0, 0);
        self.held.clear();
        match &mut self.queue {
            Queue::Line(line) => line.clear(),
            Queue::Ranks(ranks) => ranks.clear(),
        }
    }
}

impl Queue {
    fn len(&self) -> usize {
        match self {
            Self::Line(line) => line.len(),
            Self::Ranks(ranks) => ranks.len(),
        }
    }
}
