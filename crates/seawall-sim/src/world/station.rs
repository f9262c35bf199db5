//! One replica: its workers, who waits for them, and what is wrong with it.

use std::collections::{BTreeMap, VecDeque};

use seawall_core::event::Discard;
use seawall_core::fault::{Direction, Fault};
use seawall_core::rate::Limiter;
use seawall_core::ratio::Ratio;
use seawall_core::rng::{Rng, Stream};
use seawall_core::time::{Duration, Instant};

use super::codel::CoDel;
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
    /// Workers that there are, given what is wrong with it; infinitely many without a limit.
    staff: f64,
    /// Jobs that are there.
    crowd: u32,
    queue: Queue,
    /// Jobs in the queue that are still wanted; those that were cancelled stay in it as names.
    waiting: usize,
    /// Jobs that began, where some of them pay for a collection.
    begun: u64,
    codel: CoDel,
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
    /// A job whose work would have been done then.
    Done(Key, Instant),
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
            Discipline::Fifo
            | Discipline::Lifo
            | Discipline::AdaptiveLifo(_)
            | Discipline::CoDel { .. } => Queue::Line(VecDeque::new()),
        };
        Self {
            service: place,
            errors: service.errors,
            chance: seed.stream(&format!("{} {replica}", service.name)),
            limiter: server.limit.map(|limit| Limiter::new(limit, Instant::EPOCH)),
            staff: staff(server.workers, &Ills::default()),
            server,
            busy: 0,
            crowd: 0,
            queue,
            waiting: 0,
            begun: 0,
            codel: CoDel::default(),
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
        } else if self.server.queue.is_none_or(|most| self.waiting < most) {
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
        f64::from(self.busy) < self.staff
    }

    /// A job is there no longer.
    pub(super) fn depart(&mut self, now: Instant) {
        self.settle(now);
        self.crowd = self.crowd.saturating_sub(1);
    }

    /// A worker begins with a job; how long it will take where the weather makes it so many times
    /// as long.
    pub(super) fn begin(&mut self, weather: f64, now: Instant) -> Duration {
        self.busy += 1;
        self.begun += 1;
        let time = self.server.time.draw(&mut self.chance);
        let own = self.crowded(time);
        let factor = self.ills.slower * self.coldness(now) * weather;
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
        self.staff = staff(self.server.workers, &ills);
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

    /// What the jobs that are there make of a time.
    fn crowded(&self, time: Duration) -> Duration {
        match &self.server.slowdown {
            Slowdown::None => time,
            Slowdown::PerJob(each) => time.saturating_add(each.saturating_mul(self.crowd)),
            Slowdown::PerWaiting(each) => {
                let waiting = u32::try_from(self.waiting).unwrap_or(u32::MAX);
                time.saturating_add(each.saturating_mul(waiting))
            }
            Slowdown::Table(table) => scaled(time, read(table, self.crowd)),
            Slowdown::Collections(every, each) => {
                let pays = self.begun.is_multiple_of(u64::from(*every));
                let pause = each.saturating_mul(if pays { self.crowd } else { 0 });
                time.saturating_add(pause)
            }
        }
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
        self.waiting += 1;
        match &mut self.queue {
            Queue::Line(line) => line.push_back((job, now)),
            Queue::Ranks(ranks) => drop(ranks.insert((rank, number), job)),
        }
    }

    /// The next job for a free worker. It may have left meanwhile.
    pub(super) fn next(&mut self, now: Instant) -> Option<Key> {
        if self.ills.frozen || !self.has_worker() {
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
            (
                Queue::Line(line),
                Discipline::Fifo | Discipline::Priority | Discipline::CoDel { .. },
            ) => line.pop_front().map(|(job, _)| job),
        }
    }

    /// A job that waited waits no longer: its turn has come, or nobody wants it.
    pub(super) fn leave_queue(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Whether most of the queue are names of what is gone: only the end that is served is ever
    /// looked at, and the other would keep them for ever.
    pub(super) fn is_stale(&self) -> bool {
        self.queue.len() > 2 * self.waiting + 64
    }

    /// Drops from the queue what is gone.
    pub(super) fn sweep(&mut self, is_there: impl Fn(Key) -> bool) {
        match &mut self.queue {
            Queue::Line(line) => line.retain(|(job, _)| is_there(*job)),
            Queue::Ranks(ranks) => ranks.retain(|_, job| is_there(*job)),
        }
    }

    /// Whether the discipline drops a job whose turn has come.
    pub(super) fn drops(&mut self, waited: Duration, now: Instant) -> bool {
        match self.server.discipline {
            Discipline::CoDel { target, interval } => {
                let stands = waited >= target && self.waiting > 0;
                self.codel.drops(stands, interval, now)
            }
            Discipline::Fifo
            | Discipline::Lifo
            | Discipline::AdaptiveLifo(_)
            | Discipline::Priority => false,
        }
    }

    /// Everything in it is lost.
    pub(super) fn crash(&mut self, now: Instant) {
        self.settle(now);
        (self.busy, self.crowd, self.waiting) = (0, 0, 0);
        match &mut self.queue {
            Queue::Line(line) => line.clear(),
            Queue::Ranks(ranks) => ranks.clear(),
        }
    }
}

/// How many of its workers a replica has left.
fn staff(workers: Option<u32>, ills: &Ills) -> f64 {
    workers.map_or(f64::INFINITY, |workers| (f64::from(workers) * ills.capacity).round())
}

/// A table between whose entries lie straight lines.
fn read(table: &[(u32, f64)], at: u32) -> f64 {
    let next = table.partition_point(|(from, _)| *from <= at);
    let before = next.checked_sub(1).and_then(|before| table.get(before));
    match (before, table.get(next)) {
        (Some((from, low)), Some((to, high))) => {
            low + (high - low) * f64::from(at - from) / f64::from(to - from)
        }
        (Some((_, only)), None) | (None, Some((_, only))) => *only,
        (None, None) => 1.0,
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
