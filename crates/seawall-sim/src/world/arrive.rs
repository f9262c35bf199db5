//! Loads and users: when calls begin.

use seawall_core::fault::Fault;
use seawall_core::ratio::Ratio;
use seawall_core::rng::{Rng, Stream};
use seawall_core::time::{Duration, Instant};

use super::call::{Burden, Owner};
use super::event::Event;
use super::slab::Key;
use super::station::times;
use super::{World, number};
use crate::chance::{Seed, exponential, unit};
use crate::dist::{Distribution, seconds};
use crate::observe::End;
use crate::plan::{Arrivals, Ending, Load, Pace, Rate, Spacing};

/// The shortest time from one call of a user to the next: no process asks again sooner.
const AGAIN: Duration = Duration::from_millis(1);

/// Where the calls of a load come from, all its sources together.
#[derive(Debug)]
pub(super) struct Source {
    chance: Stream,
    /// The next of recorded times.
    next: usize,
    /// How often each key or a more frequent one is called, as a share of all.
    keys: Vec<f64>,
    /// The surges in force, each with the disturbance that brought it.
    surges: Vec<(u32, Ratio)>,
}

/// Somebody who calls again and again.
#[derive(Debug)]
pub(super) struct User {
    load: u32,
    instance: u32,
    /// Calls left; `None` for ever.
    calls: Option<u32>,
    failures: u32,
}

impl Source {
    pub(super) fn new(load: &Load, seed: Seed) -> Self {
        let chance = seed.stream(&format!("arrivals {}", load.name));
        let keys = load.keys.map_or_else(Vec::new, |(count, exponent)| zipf(count, exponent));
        Self { chance, next: 0, keys, surges: Vec::new() }
    }

    /// A surge begins, changes or ends.
    pub(super) fn surge(&mut self, by: u32, fault: Option<Fault>) {
        self.surges.retain(|(other, _)| *other != by);
        if let Some(Fault::Surge(factor)) = fault {
            self.surges.push((by, factor));
        }
    }

    /// How many times the usual rate.
    fn swollen(&self) -> f64 {
        self.surges.iter().map(|(_, factor)| times(*factor)).product()
    }

    /// The place of the recorded call that arrives: the next but one after it is awaited already.
    fn recorded(&self, load: &Load) -> Option<u32> {
        load.recorded.as_ref()?;
        self.next.checked_sub(2).map(number)
    }

    fn key(&mut self) -> Option<u64> {
        if self.keys.is_empty() {
            return None;
        }
        let draw = unit(&mut self.chance);
        let index = self.keys.partition_point(|share| *share <= draw);
        u64::try_from(index).ok()
    }
}

/// The running sum of the shares of so many keys by Zipf's law.
fn zipf(count: u32, exponent: f64) -> Vec<f64> {
    let weights = (1..=count).map(|rank| libm::pow(f64::from(rank), -exponent));
    let total: f64 = weights.clone().sum();
    let running = weights.scan(0.0, |sum, weight| {
        *sum += weight / total;
        Some(*sum)
    });
    running.collect()
}

impl World {
    pub(super) fn begin_loads(&mut self) {
        for index in 0..self.plan.loads.len() {
            let Some(load) = self.plan.loads.get(index).cloned() else { continue };
            match load.arrivals {
                Arrivals::Open { .. } | Arrivals::Hybrid { .. } => {
                    for source in 0..load.sources.max(1) {
                        self.schedule_first((number(index), source));
                    }
                }
                Arrivals::Replay(_) => self.schedule_arrival((number(index), 0)),
                Arrivals::Closed { users, pace } => {
                    let (Pace::AfterEnd(pause) | Pace::AfterStart(pause)) = pace;
                    let first = load.first.unwrap_or(pause);
                    for user in 0..users {
                        self.user_joins(number(index), user, &first, None);
                    }
                }
            }
        }
    }

    fn user_joins(&mut self, load: u32, instance: u32, pause: &Distribution, calls: Option<u32>) {
        let Some(source) = self.sources.get_mut(load as usize) else { return };
        let wait = pause.draw(&mut source.chance);
        let user = self.users.insert(User { load, instance, calls, failures: 0 });
        self.after(wait, Event::User { user });
    }

    /// Enters the first arrival of a source of an open load.
    fn schedule_first(&mut self, (load, source): (u32, u32)) {
        let first = self.plan.loads.get(load as usize).and_then(|load| load.first.as_ref());
        let chance = self.sources.get_mut(load as usize).map(|source| &mut source.chance);
        let (Some(first), Some(chance)) = (first, chance) else {
            return self.schedule_arrival((load, source));
        };
        let at = self.now.after(first.draw(chance));
        if at <= self.horizon {
            self.agenda.enter(at, Event::Arrive { load, source });
        }
    }

    /// Enters the next arrival of a source of an open load.
    fn schedule_arrival(&mut self, (load, number): (u32, u32)) {
        let Some(source) = self.sources.get_mut(load as usize) else { return };
        let Some(settings) = self.plan.loads.get(load as usize) else { return };
        let (rate, spacing) = match &settings.arrivals {
            Arrivals::Open { rate, spacing } => (rate, *spacing),
            Arrivals::Hybrid { rate, .. } => (rate, Spacing::Poisson),
            Arrivals::Replay(times) => {
                source.next += 1;
                if let Some(at) = times.get(source.next - 1).copied() {
                    self.agenda.enter(at, Event::Arrive { load, source: number });
                }
                return;
            }
            Arrivals::Closed { .. } => return,
        };
        let (swollen, look) = (source.swollen(), rate.next_look(self.now));
        let sole = settings.sources <= 1;
        let next = next((rate, swollen), spacing, self.now, &mut source.chance);
        let arrive = Event::Arrive { load, source: number };
        let (at, event) = match (next, spacing) {
            (Some(at), Spacing::Even) => (at, arrive),
            // What has no memory may forget a gap that reaches into another rate.
            (Some(at), Spacing::Poisson) if at <= look => (at, arrive),
            (Some(_) | None, _) => (look, Event::Look { load, source: number }),
        };
        if at > self.horizon {
            return;
        }
        // One after the other: they need not pass through a heap.
        if sole {
            self.agenda.enter_in_turn(at, event);
        } else {
            self.agenda.enter(at, event);
        }
    }

    /// A load that was silent may begin to call.
    pub(super) fn look(&mut self, source: (u32, u32)) {
        self.schedule_arrival(source);
    }

    pub(super) fn arrive(&mut self, (load, source): (u32, u32)) {
        self.schedule_arrival((load, source));
        let Some(settings) = self.plan.loads.get(load as usize) else { return };
        let (own, hybrid) = (settings.sources > 1, settings.arrivals.calls_of_a_user());
        let instance = if own { source } else { self.any_instance(load) };
        if let Some(calls) = hybrid {
            self.user_joins(load, instance, &Distribution::NONE, Some(calls));
            return;
        }
        self.call_of(load, (Owner::Load, instance));
    }

    /// An open call is over; whoever waited too long calls once more.
    pub(super) fn open_call_ended(&mut self, (load, instance): (u32, u32), took: Duration) {
        let most = self.plan.loads.get(load as usize).and_then(|load| load.repeat_above);
        let over = self.now > self.horizon;
        if most.is_some_and(|most| took > most) && !over {
            self.call_of(load, (Owner::Load, instance));
        }
    }

    fn any_instance(&mut self, load: u32) -> u32 {
        // The callers of loads stand first, in the order of the loads.
        self.callers.get_mut(load as usize).map_or(0, super::call::CallerState::any_instance)
    }

    fn call_of(&mut self, load: u32, (owner, instance): (Owner, u32)) {
        let Some(settings) = self.plan.loads.get(load as usize) else { return };
        let Some(source) = self.sources.get_mut(load as usize) else { return };
        let deadline = settings.deadline.map_or(Instant::NEVER, |left| self.now.after(left));
        let told = source.recorded(settings);
        let own = told.and_then(|told| settings.recorded.as_ref()?.calls.get(told as usize));
        let safety = own.map_or(settings.safety, crate::trace::Asked::safety);
        let serial = if safety.is_repeatable() { None } else { self.observer.serial() };
        let burden = Burden { load, key: source.key(), deadline, serial, told };
        self.observer.started(load, self.now);
        self.call((owner, load, instance), burden);
    }

    pub(super) fn user_calls(&mut self, key: Key) {
        let over = self.now > self.horizon;
        let Some(user) = self.users.find(key) else { return };
        if over && self.plan.ending == Ending::Finish {
            self.users.remove(key);
            return;
        }
        let (load, instance) = (user.load, user.instance);
        self.call_of(load, (Owner::User(key), instance));
    }

    /// The call of a user is over: the next one, or farewell.
    pub(super) fn user_ended(&mut self, key: Key, started: Instant, end: End) {
        let Some(user) = self.users.find_mut(key) else { return };
        user.failures = if end.is_good() { 0 } else { user.failures + 1 };
        user.calls = user.calls.map(|calls| calls.saturating_sub(1));
        let Some(settings) = self.plan.loads.get(user.load as usize) else { return };
        let Some(source) = self.sources.get_mut(user.load as usize) else { return };
        let at = match &settings.arrivals {
            Arrivals::Closed { pace: Pace::AfterEnd(pause), .. } => {
                Some(self.now.after(pause.draw(&mut source.chance)))
            }
            Arrivals::Closed { pace: Pace::AfterStart(gap), .. } => {
                Some(started.after(gap.draw(&mut source.chance)).max(self.now))
            }
            Arrivals::Hybrid { think, patience, .. } => {
                let stays = user.calls != Some(0) && user.failures < *patience;
                stays.then(|| self.now.after(think.draw(&mut source.chance)))
            }
            Arrivals::Open { .. } | Arrivals::Replay(_) => None,
        };
        match at {
            // A call that takes no time and a user who takes none would hold the time of the world.
            Some(at) if at == started => {
                self.agenda.enter(at.after(AGAIN), Event::User { user: key });
            }
            Some(at) => self.agenda.enter(at, Event::User { user: key }),
            None => drop(self.users.remove(key)),
        }
    }
}

/// The next arrival at a rate that is read now; none while there is none.
fn next(
    (rate, swollen): (&Rate, f64),
    spacing: Spacing,
    now: Instant,
    rng: &mut impl Rng,
) -> Option<Instant> {
    let current = rate.at(now) * swollen;
    if current <= 0.0 {
        return None;
    }
    let gap = match spacing {
        Spacing::Poisson => exponential(rng) / current,
        Spacing::Even => 1.0 / current,
    };
    Some(now.after(seconds(gap)))
}
