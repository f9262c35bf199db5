//! A plan that runs: the state of the world, and the loop that lets its events happen.
//!
//! Each kind of inhabitant has a file: loads and users (`arrive`), callers with habits of their
//! own (`call`), gateways (`guarded`), replicas (`job`, `station`), what services remember
//! (`memory`), and what befalls them all (`befall`, `change`). What was recorded
//! happens again in `traced`. They know each other by names (`slab`) and meet through events
//! (`event`).

mod arrive;
mod befall;
mod call;
mod change;
mod codel;
mod event;
mod guarded;
mod job;
mod memory;
mod slab;
mod station;
mod traced;

#[cfg(test)]
mod tests;

use seawall_core::call::Call;
use seawall_core::rng::Stream;
use seawall_core::time::{Duration, Instant};

use crate::agenda::{Agenda, Limit};
use crate::chance::Seed;
use crate::observe::{Observer, Record};
use crate::plan::{Ending, Plan, Service, ServiceId, Weather};

pub use event::Answer;

use arrive::{Source, User};
use befall::{Course, Tally};
use call::{CallerState, Calling};
use event::Event;
use guarded::{Guarded, ProtectedState};
use job::Job;
use memory::Memory;
use slab::Slab;
use station::Station;

/// Every so many steps the world is asked whether it has become too crowded.
const LOOKS: u32 = 64;

/// Calls under way are waited for so many times as long as the world has lasted.
const FINISH_MAX: u32 = 9;

/// A world in virtual time.
#[derive(Debug)]
pub struct World {
    plan: Plan,
    horizon: Instant,
    now: Instant,
    steps: u32,
    agenda: Agenda<Event>,
    sources: Vec<Source>,
    users: Slab<User>,
    /// All who call, those of the loads first, then those of the services in their order.
    callers: Vec<CallerState>,
    calls: Slab<Calling>,
    /// The upstreams of all instances of all gateways.
    protected: Vec<ProtectedState>,
    /// Where those of each gateway begin in it.
    gateways: Vec<GatewayState>,
    guarded: Slab<Guarded>,
    /// Their machines, in the same places. They are large, and stay where they are made.
    machines: Vec<Option<Call>>,
    /// The replicas of all services.
    stations: Vec<Station>,
    services: Vec<ServiceState>,
    jobs: Slab<Job>,
    /// How far each disturbance of the plan is.
    courses: Vec<Course>,
    tally: Tally,
    observer: Observer,
    network: Stream,
}

/// What is known of a gateway besides its plan.
#[derive(Debug)]
struct GatewayState {
    first: usize,
    chance: Stream,
}

/// What is known of a service besides its plan.
#[derive(Debug)]
struct ServiceState {
    /// Where its replicas begin.
    first: usize,
    /// Who calls for it, one for each of its dependencies.
    callers: Vec<u32>,
    /// Chooses a replica for those who take any.
    chance: Stream,
    /// What it remembers: nothing, one memory for all replicas, or one for each.
    memories: Vec<Memory>,
    weather: Spell,
}

/// The spell that a service is in. Nobody knows of one that is over before anything begins in it.
#[derive(Debug)]
struct Spell {
    chance: Stream,
    is_bad: bool,
    until: Instant,
}

impl Spell {
    fn new(service: &Service, seed: Seed) -> Self {
        let mut chance = seed.stream(&format!("weather {}", service.name));
        let first = service.weather.as_ref().map_or(Duration::MAX, |w| w.good.draw(&mut chance));
        Self { chance, is_bad: false, until: Instant::EPOCH.after(first) }
    }

    /// How much slower work is that begins at `now`.
    fn at(&mut self, weather: &Weather, now: Instant) -> f64 {
        while self.until <= now {
            self.is_bad = !self.is_bad;
            let next = if self.is_bad { &weather.bad } else { &weather.good };
            // A spell of no length would never let time go on.
            let lasts = next.draw(&mut self.chance).max(Duration::from_nanos(1));
            self.until = self.until.after(lasts);
        }
        if self.is_bad { weather.slower } else { 1.0 }
    }
}

impl World {
    /// A world at its beginning. Equal plans and seeds give equal worlds.
    #[must_use]
    pub fn new(plan: Plan, seed: Seed) -> Self {
        let mut callers: Vec<_> = (plan.loads.iter())
            .map(|load| CallerState::new(&load.caller, &format!("load {}", load.name), seed))
            .collect();
        let mut stations = Vec::new();
        let mut services = Vec::new();
        for (place, service) in (0..).zip(&plan.services) {
            let first = stations.len();
            let replicas =
                (0..service.replicas).map(|replica| Station::new((place, service), replica, seed));
            stations.extend(replicas);
            let begin = callers.len();
            let of = |(index, call): (usize, &crate::plan::Dependency)| {
                CallerState::new(&call.caller, &format!("{} call {index}", service.name), seed)
            };
            callers.extend(service.calls.iter().enumerate().map(of));
            let chance = seed.stream(&format!("service {}", service.name));
            let callers = (begin..callers.len()).map(number).collect();
            let (memories, weather) = (Memory::of(service, seed), Spell::new(service, seed));
            services.push(ServiceState { first, callers, chance, memories, weather });
        }
        let (protected, gateways) = guarded::build(&plan, seed);
        let mut world = Self {
            horizon: Instant::EPOCH.after(plan.horizon),
            now: Instant::EPOCH,
            steps: 0,
            agenda: Agenda::default(),
            sources: plan.loads.iter().map(|load| Source::new(load, seed)).collect(),
            users: Slab::default(),
            callers,
            calls: Slab::default(),
            protected,
            gateways,
            guarded: Slab::default(),
            machines: Vec::new(),
            stations,
            services,
            jobs: Slab::default(),
            courses: Vec::new(),
            tally: Tally::default(),
            observer: Observer::new(&plan),
            network: seed.stream("network"),
            plan,
        };
        world.begin();
        world
    }

    /// Runs a plan to its end.
    #[must_use]
    pub fn run(plan: Plan, seed: Seed) -> Record {
        let mut world = Self::new(plan, seed);
        while world.go() {}
        world.finish()
    }

    fn begin(&mut self) {
        self.after(self.plan.warmup, Event::Warm);
        self.begin_loads();
        self.begin_checks();
        self.begin_disturbances();
    }

    /// Lets the next event happen; says whether the world goes on.
    pub fn step(&mut self) -> bool {
        self.go()
    }

    #[inline(always)]
    fn go(&mut self) -> bool {
        let Some((at, event)) = self.agenda.take() else { return false };
        if at > self.horizon && self.is_over(at) {
            return false;
        }
        self.now = at;
        self.happen(event);
        self.steps = self.steps.wrapping_add(1);
        // A step adds a fan-out at most, so that few are missed by looking now and then.
        !self.steps.is_multiple_of(LOOKS) || self.has_room()
    }

    /// The time of the world.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How many jobs are at the replicas of a service now.
    #[must_use]
    pub fn present(&self, service: ServiceId) -> u32 {
        let Some(state) = self.services.get(service.0) else { return 0 };
        let replicas = self.plan.services.get(service.0).map_or(0, |of| of.replicas as usize);
        let stations = self.stations.get(state.first..state.first + replicas);
        stations.unwrap_or_default().iter().map(Station::crowd).sum()
    }

    /// What was observed. Calls under way count as cut.
    #[must_use]
    pub fn finish(mut self) -> Record {
        let end = if self.plan.ending == Ending::Cut { self.horizon } else { self.now };
        self.now = end;
        for station in &mut self.stations {
            station.settle(end);
        }
        let occupancy = self.occupancy();
        self.observer.finish(&occupancy, end)
    }

    /// The integral of jobs over time of each service's replicas, in job-seconds.
    fn occupancy(&self) -> Vec<f64> {
        let of = |(state, service): (&ServiceState, &Service)| {
            let last = state.first + service.replicas as usize;
            let replicas = self.stations.get(state.first..last).unwrap_or_default();
            replicas.iter().map(Station::occupancy).sum()
        };
        self.services.iter().zip(&self.plan.services).map(of).collect()
    }

    fn forget_occupancy(&mut self) {
        for station in &mut self.stations {
            station.forget_occupancy(self.now);
        }
    }

    fn has_room(&mut self) -> bool {
        self.crowd() <= self.plan.crowd_max || self.observer.overflow(self.now)
    }

    /// Whether the world ends before an event beyond its horizon.
    fn is_over(&self, at: Instant) -> bool {
        match self.plan.ending {
            Ending::Cut => true,
            Ending::Finish => self.crowd() == 0 || at > self.horizon.after(self.patience()),
        }
    }

    /// How long calls under way are waited for. Some may never end: who waits without a limit for
    /// what a black hole has swallowed waits for ever.
    fn patience(&self) -> Duration {
        self.plan.horizon.saturating_mul(FINISH_MAX)
    }

    /// All that is under way.
    fn crowd(&self) -> usize {
        self.calls.len() + self.guarded.len() + self.jobs.len() + self.users.len()
    }

    #[inline(always)]
    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive { load, source } => self.arrive((load, source)),
            Event::Look { load, source } => self.look((load, source)),
            Event::User { user } => self.user_calls(user),
            Event::Reach { job } => self.reach(job),
            Event::Enter { guarded } => self.enter(guarded),
            Event::Done { job } => self.done(job),
            Event::Reply { asker, answer } => self.reply(asker, answer),
            Event::Cancel { job } => self.cancel_job(job),
            Event::Leave { guarded } => self.leave(guarded),
            Event::Timeout { call, attempt } => self.timed_out(call, attempt),
            Event::Retry { call } => self.attempt(call),
            Event::Timer { guarded } => self.wake(guarded),
            Event::Told { guarded, number, sample } => self.told(guarded, number, sample),
            Event::Body { guarded, number } => self.body_ends(guarded, number),
            Event::Check { protected, endpoint } => self.check(protected, endpoint),
            Event::Warm => self.forget_occupancy(),
            Event::Befall { disturbance } => self.befall(disturbance),
            Event::Pass { disturbance } => self.pass(disturbance),
            Event::Reshape { disturbance } => self.reshape(disturbance),
            Event::Watch { disturbance } => self.watch(disturbance),
        }
    }

    /// Takes back a limit that has lost its meaning.
    #[inline]
    fn take_back(&mut self, limit: Option<Limit>) {
        if let Some(limit) = limit {
            self.agenda.take_back(limit);
        }
    }

    /// Enters an event after a wait.
    fn after(&mut self, wait: Duration, event: Event) {
        self.agenda.enter(self.now.after(wait), event);
    }
}

/// The number of a place in a list of the plan, which has far fewer than 2³².
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
