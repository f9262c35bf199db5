//! Runs made by hand, for tests: a request every so often, answered by the replicas in turn, and
//! whatever a test changes of that.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::measure::{Figures, figures};
use crate::peer::{Product, Settings};
use crate::record::{Answered, Attempt, Content, Deed, Phase, Seen, What};
use crate::run::{Key, Run};
use crate::scenario::{
    Arrivals, Checks, Disturbance, Fault, Load, Mix, Path, Phases, Replicas, Scenario, Target,
};
use crate::stamp::Stamp;
use crate::stream::{Planned, Priority, Verb};

pub(crate) const MILLI: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1000 * MILLI;

/// Not zero, so that what forgets to take it off is seen.
pub(crate) const START: Stamp = Stamp(77 * SECOND);

/// A run under construction: one second of warm-up, 5 of control, 5 of fault, 20 of observation.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) run: Run,
    pub(crate) scenario: Scenario,
}

const PHASES: [(Phase, u64); 4] =
    [(Phase::WarmUp, 1), (Phase::Control, 5), (Phase::Fault, 5), (Phase::Observation, 20)];

impl Made {
    /// Nothing but phases.
    pub(crate) fn empty() -> Self {
        let [warm_up, control, fault, observation] =
            PHASES.map(|(_, seconds)| Duration::from_secs(seconds));
        let phases = Phases { warm_up, control, fault, observation };
        let (key, deeds) = (key(), deeds());
        let run = Run {
            key,
            start: START,
            stream: Vec::new(),
            targets: Vec::new(),
            answered: Vec::new(),
            attempts: Vec::new(),
            deeds,
            cost: Vec::new(),
            packets: BTreeMap::new(),
            version: "1.0".to_owned(),
            relief: None,
        };
        Self { run, scenario: scenario(phases) }
    }

    /// A GET every so many milliseconds, each answered after 20 ms by the next of three replicas.
    pub(crate) fn steady(every: u64) -> Self {
        let mut made = Self::empty();
        for id in 0..31_000 / every {
            made.ask(id, id * every * MILLI);
            made.answer(id, u8::try_from(id % 3).unwrap());
        }
        made
    }

    /// The same, with a fault on some replicas for the fault phase.
    pub(crate) fn struck(every: u64, fault: Fault, targets: &[u8]) -> Self {
        let mut made = Self::steady(every);
        made.strike(fault, targets);
        made
    }

    pub(crate) fn strike(&mut self, fault: Fault, targets: &[u8]) {
        let all = targets.len() == usize::from(self.scenario.replicas.count);
        let some = u8::try_from(targets.len()).unwrap();
        let target = if all { Target::All } else { Target::Some(some) };
        let one = Disturbance { at: Duration::ZERO, lasts: None, target, fault };
        self.scenario.faults.push(one);
        self.run.targets = targets.to_vec();
        self.run.deeds.push(deed(6, What::Set));
        self.run.deeds.push(deed(11, What::Lifted));
    }

    /// Plans a GET at so many nanoseconds from the start of the load.
    pub(crate) fn ask(&mut self, id: u64, at: u64) -> &mut Planned {
        self.run.stream.push(Planned {
            id,
            at,
            verb: Verb::Get,
            keyed: false,
            route: 0,
            tenant: 0,
            priority: Priority::Normal,
            deadline: 2 * SECOND,
            body: 0,
            answer: 100,
            service: 18 * MILLI,
        });
        self.run.stream.last_mut().unwrap()
    }

    /// The user has the right answer of a replica 20 ms after asking, by one attempt.
    pub(crate) fn answer(&mut self, id: u64, replica: u8) {
        let intended = self.intended(id);
        self.see(id, 20, right(replica));
        self.attempt(id, replica, intended.after(MILLI));
    }

    /// What a user sees so many milliseconds after the intended start. Replaces what was seen.
    pub(crate) fn see(&mut self, id: u64, after: u64, seen: Seen) {
        let intended = self.intended(id);
        let ended = intended.after(after * MILLI);
        let one = Answered { id, intended, begun: intended, ended, seen, tries_before: 0 };
        match self.run.answered.binary_search_by_key(&id, |one| one.id) {
            Ok(place) => self.run.answered[place] = one,
            Err(place) => self.run.answered.insert(place, one),
        }
    }

    /// A whole attempt of 18 ms from an instant on.
    pub(crate) fn attempt(&mut self, id: u64, replica: u8, begun: Stamp) -> &mut Attempt {
        let serial = self.run.attempts.len() as u64;
        let verb = self.planned(id).verb;
        self.run.attempts.push(Attempt {
            replica,
            id: Some(id),
            verb,
            begun,
            ended: Some(begun.after(18 * MILLI)),
            serial,
            connection: 1,
            status: 200,
            worked: 18 * MILLI,
            committed: verb != Verb::Get,
            abandoned: false,
        });
        self.run.attempts.last_mut().unwrap()
    }

    /// No attempt at this request.
    pub(crate) fn forget_attempts(&mut self, id: u64) {
        self.run.attempts.retain(|one| one.id != Some(id));
    }

    /// A POST without a key in place of what it was.
    pub(crate) fn post(&mut self, id: u64) {
        let planned = self.run.stream.iter_mut().find(|one| one.id == id).unwrap();
        (planned.verb, planned.keyed) = (Verb::Post, false);
        for attempt in self.run.attempts.iter_mut().filter(|one| one.id == Some(id)) {
            (attempt.verb, attempt.committed) = (Verb::Post, true);
        }
    }

    pub(crate) fn planned(&self, id: u64) -> &Planned {
        // Tests plan in the order of ids.
        let place = self.run.stream.binary_search_by_key(&id, |one| one.id).unwrap();
        &self.run.stream[place]
    }

    pub(crate) fn intended(&self, id: u64) -> Stamp {
        START.after(self.planned(id).at)
    }

    /// Ids asked between two seconds of the load.
    pub(crate) fn asked(&self, from: f64, to: f64) -> Vec<u64> {
        let inside = |at: u64| (from..to).contains(&super::seconds(at));
        self.run.stream.iter().filter(|one| inside(one.at)).map(|one| one.id).collect()
    }

    pub(crate) fn figures(&self) -> Figures {
        figures(&self.run, &self.scenario)
    }
}

/// The right answer of a replica.
pub(crate) fn right(replica: u8) -> Seen {
    answer(200, Some(replica))
}

/// An answer with the right content.
pub(crate) fn answer(status: u16, replica: Option<u8>) -> Seen {
    Seen::Answer { status, replica, body: Content::Right }
}

/// An instant of the load, in seconds.
pub(crate) fn at(second: u64) -> Stamp {
    START.after(second * SECOND)
}

pub(crate) fn deed(second: u64, what: What) -> Deed {
    Deed { at: at(second), what, note: "made".to_owned() }
}

fn key() -> Key {
    let scenario = "G1".to_owned();
    Key { product: Product::Seawall, settings: Settings::Default, scenario, seed: 1 }
}

fn deeds() -> Vec<Deed> {
    let mut begun = 0;
    let deeds = PHASES.iter().map(|(phase, length)| {
        let deed = deed(begun, What::Phase(*phase));
        begun += length;
        deed
    });
    deeds.collect()
}

fn scenario(phases: Phases) -> Scenario {
    Scenario {
        id: "G1".to_owned(),
        name: "made".to_owned(),
        about: "A run made by hand.".to_owned(),
        load: Load {
            rate: 100.0,
            arrivals: Arrivals::Constant,
            mix: Mix::Gets,
            deadline: Duration::from_secs(2),
            patience: Duration::from_secs(5),
            routes: 1,
            tenants: 1,
            high: 1.0 / 3.0,
            low: 1.0 / 3.0,
            bytes: 100,
        },
        replicas: Replicas {
            count: 3,
            aside: 0,
            workers: 20,
            queue: 100,
            service: Duration::from_millis(18),
        },
        phases,
        quick: Phases { observation: Duration::from_secs(500), ..phases },
        path: Path::Direct,
        faults: Vec::new(),
        health_checks: Checks::Off,
    }
}
