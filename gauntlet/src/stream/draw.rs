//! Draws the requests of a run: pure, from the scenario and the seed alone. How the rate changes is
//! in `course`.

use seawall_core::hash::mix;
use seawall_core::rng::{Draw, Rng, Stream};

use super::chance::{exponential, nanos, unit, whole};
use super::course::{Course, total};
use super::{Planned, Priority, Seed, Verb};
use crate::scenario::{Arrivals, Mix, Phases, Scenario};

/// The tenant that a hot tenant's fault makes hot. Which one it is makes no difference to any
/// product, so that it is the same in every run and easy to find in the records.
pub const HOT_TENANT: u8 = 0;

/// The most requests that one run draws: a day at 115 a second. A scenario that asks for more has
/// a mistake in its rate, and must not fill the memory before anybody can say so.
const REQUESTS_MAX: usize = 10_000_000;

/// The requests of `scenario` under `seed` in phases of these lengths, in order of their start.
///
/// Each attribute has a stream of its own, so that a change of one shifts no other. At most ten
/// million.
#[must_use]
pub fn draw(scenario: &Scenario, seed: Seed, phases: Phases) -> Vec<Planned> {
    let mut traits = Traits::new(scenario, seed);
    let arrivals = seed.stream(&scenario.id, "arrivals");
    match scenario.load.arrivals {
        Arrivals::Poisson | Arrivals::Constant | Arrivals::Bursts { .. } => {
            open(scenario, phases, arrivals, &mut traits)
        }
        Arrivals::Closed { users, think } => {
            let (mut arrivals, think) = (arrivals, think.as_secs_f64());
            let count = closed_count(scenario, phases, users);
            (0..count)
                .map(|id| traits.planned(id, nanos(exponential(&mut arrivals) * think), 1.0))
                .collect()
        }
    }
}

/// Requests that come whatever becomes of others.
fn open(
    scenario: &Scenario,
    phases: Phases,
    mut arrivals: Stream,
    traits: &mut Traits<'_>,
) -> Vec<Planned> {
    let course = Course::new(scenario, phases);
    let even = matches!(scenario.load.arrivals, Arrivals::Constant);
    let (mut planned, mut at) = (Vec::new(), 0.0);
    while planned.len() < REQUESTS_MAX {
        let gap = if even { 1.0 } else { exponential(&mut arrivals) };
        let Some(next) = course.after(at, gap) else { break };
        at = next;
        let id = u64::try_from(planned.len()).unwrap_or(u64::MAX);
        planned.push(traits.planned(id, nanos(at), course.heat(at)));
    }
    planned
}

/// As many requests as so many users can ask for: a round takes one of them at least its mean pause
/// and the shortest service. A quarter more covers pauses that are shorter than their mean.
fn closed_count(scenario: &Scenario, phases: Phases, users: u32) -> u64 {
    let Arrivals::Closed { think, .. } = scenario.load.arrivals else { return 0 };
    let shortest = scenario.replicas.service.mul_f64(SERVICE_LEAST);
    // Without a pause and without work only the way there and back is left: take a millisecond.
    let round = think.saturating_add(shortest).as_secs_f64().max(0.001);
    let rounds = total(phases).as_secs_f64() / round * 1.25;
    let count = f64::from(users) * (rounds + 1.0);
    // Whole seconds of a duration are the shortest way from a float to an integer that saturates.
    let most = u64::try_from(REQUESTS_MAX).unwrap_or(u64::MAX);
    std::time::Duration::try_from_secs_f64(count).map_or(most, |d| d.as_secs().min(most))
}

/// The shortest service time as a share of the mean.
const SERVICE_LEAST: f64 = 0.7;

/// Everything about a request but its time.
struct Traits<'a> {
    scenario: &'a Scenario,
    verbs: Stream,
    routes: Stream,
    tenants: Stream,
    priorities: Stream,
    service: u64,
}

impl<'a> Traits<'a> {
    fn new(scenario: &'a Scenario, seed: Seed) -> Self {
        let stream = |name| seed.stream(&scenario.id, name);
        Self {
            scenario,
            verbs: stream("mix"),
            routes: stream("routes"),
            tenants: stream("tenants"),
            priorities: stream("priorities"),
            service: stream("service").next_u64(),
        }
    }

    /// The request `id` at `at`, where the hot tenant has `heat` times the share of another.
    fn planned(&mut self, id: u64, at: u64, heat: f64) -> Planned {
        let load = &self.scenario.load;
        let (verb, keyed) = self.verb();
        let route = self.routes.below(u64::from(load.routes));
        Planned {
            id,
            at,
            verb,
            keyed,
            route: u8::try_from(route).unwrap_or(0),
            tenant: self.tenant(heat),
            priority: self.priority(),
            deadline: whole(load.deadline),
            body: if matches!(verb, Verb::Get) { 0 } else { load.bytes },
            answer: load.bytes,
            service: self.service_of(id),
        }
    }

    fn verb(&mut self) -> (Verb, bool) {
        let draw = self.verbs.below(100);
        match self.scenario.load.mix {
            Mix::Gets => (Verb::Get, false),
            Mix::Posts => (Verb::Post, false),
            Mix::Mixed => match draw {
                0..70 => (Verb::Get, false),
                70..80 => (Verb::Put, false),
                80..95 => (Verb::Post, false),
                _ => (Verb::Post, true),
            },
        }
    }

    /// All alike, but for the hot one.
    fn tenant(&mut self, heat: f64) -> u8 {
        let others = u64::from(self.scenario.load.tenants.saturating_sub(1));
        let hot = heat / (heat + f64::from(self.scenario.load.tenants.saturating_sub(1)));
        // Both are drawn always, so that a request's draws do not depend on those before it.
        let (which, other) = (unit(&mut self.tenants), self.tenants.below(others));
        if which < hot || others == 0 {
            return HOT_TENANT;
        }
        HOT_TENANT.saturating_add(1).saturating_add(u8::try_from(other).unwrap_or(0))
    }

    fn priority(&mut self) -> Priority {
        let (draw, load) = (unit(&mut self.priorities), &self.scenario.load);
        match draw {
            draw if draw < load.high => Priority::High,
            draw if draw < load.high + load.low => Priority::Low,
            _ => Priority::Normal,
        }
    }

    /// Uniform within 30 % about the mean, from the seed and the id alone.
    ///
    /// Bounded on purpose: with a long tail the 99th percentile of the control phase would be the
    /// tail of the work itself and hide what a product adds, and some requests could not be
    /// answered by their deadline even by an oracle. The mean is that of the scenario, so that
    /// the capacity is `workers / service`.
    fn service_of(&self, id: u64) -> u64 {
        let mean = whole(self.scenario.replicas.service);
        let aside = mean / 10 * 3;
        let (least, breadth) = (mean - aside, aside.saturating_mul(2).saturating_add(1));
        least + Draw::from_bits(mix(self.service, id)).of(breadth)
    }
}
