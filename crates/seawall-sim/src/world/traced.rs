//! Calls that were recorded, and replicas that do what was recorded of them.
//!
//! What an attempt meets is decided by `trace`; here it happens. Only gateways are told what
//! exactly an answer was; all others learn whether it was good.

use seawall_core::call::{Facts, Replay};
use seawall_core::outcome::Observation;
use seawall_core::shed::Class;
use seawall_core::time::Duration;

use super::World;
use super::call::Burden;
use super::event::{Answer, Asker, Event};
use super::job::Job;
use super::slab::Key;
use crate::trace::{Asked, Inquiry, Outcome, Recorded, Told};

/// What a replica was found to have done with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is nowhere written down: it goes by the settings of the service.
    Unwritten,
    /// It met this, or nothing ever.
    Written(Option<Told>),
}

/// The body of an answer that a gateway was told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    number: u32,
    lasts: Duration,
    seen: Observation,
}

impl World {
    fn recorded(&self, burden: &Burden) -> Option<(&Recorded, &Asked)> {
        let told = burden.told? as usize;
        let recorded = self.plan.loads.get(burden.load as usize)?.recorded.as_ref()?;
        Some((recorded, recorded.calls.get(told)?))
    }

    /// What was recorded of a call besides its arrival.
    pub(super) fn recorded_facts(&self, burden: &Burden, route: Class) -> Option<Facts> {
        self.recorded(burden).map(|(_, asked)| asked.facts(route))
    }

    /// How long the caller of a recorded call waited before it left, if it did.
    pub(super) fn recorded_patience(&self, burden: &Burden) -> Option<Duration> {
        self.recorded(burden).and_then(|(_, asked)| asked.patience())
    }

    /// What a replica does with a job that it begins.
    pub(super) fn fate(&mut self, key: Key) -> Fate {
        let Some(job) = self.jobs.find(key) else { return Fate::Unwritten };
        let service = job.service as usize;
        let Some(trace) = self.plan.services.get(service).and_then(|s| s.trace.clone()) else {
            return Fate::Unwritten;
        };
        let first = self.services.get(service).map_or(0, |state| state.first);
        let number = match job.asker {
            Asker::Caller { attempt, .. } => attempt,
            Asker::Gateway { number, .. } => number,
            Asker::Check { .. } => 0,
        };
        let call = self.recorded(&job.burden);
        let inquiry = Inquiry {
            call: call.map(|(recorded, asked)| (asked.call(), recorded.route)),
            number,
            replica: job.station.saturating_sub(super::number(first)),
            now: self.now,
        };
        let Some(state) = self.services.get_mut(service) else { return Fate::Unwritten };
        Fate::Written(trace.tell(inquiry, &mut state.chance))
    }

    /// A job meets what was recorded. A gateway is told all of it, so that to others, who are
    /// answered in the usual way, the job is as good as gone.
    pub(super) fn meet(&mut self, key: Key, sample: u32) -> Option<Answer> {
        let job = self.jobs.find_mut(key)?;
        let trace = self.plan.services.get(job.service as usize)?.trace.as_ref()?;
        let (outcome, _) = trace.tape().told(sample);
        if let Asker::Gateway { guarded, number } = job.asker
            && !std::mem::replace(&mut job.gone, true)
        {
            self.after(Duration::ZERO, Event::Told { guarded, number, sample });
        }
        Some(if outcome.is_good() { Answer::Good } else { Answer::Error })
    }

    /// A gateway learns what an attempt met.
    pub(super) fn told(&mut self, key: Key, number: u32, sample: u32) {
        let Some(guarded) = self.guarded.find_mut(key) else { return };
        if guarded.take_job(number).is_none() {
            return;
        }
        let service = self.protected.get(guarded.protected as usize).map(|state| state.service.0);
        let service = service.and_then(|service| self.plan.services.get(service));
        let Some(trace) = service.and_then(|service| service.trace.as_ref()) else { return };
        let (outcome, lasts) = trace.tape().told(sample);
        let possible = Replay::Possible;
        match outcome {
            Outcome::Answered(head, seen) => {
                guarded.heard = if outcome.is_good() { Answer::Good } else { Answer::Error };
                guarded.body = Some(Box::new(Body { number, lasts, seen }));
                self.drive(key, |call, ctx| call.head(number, head, possible, ctx));
            }
            Outcome::Failed(seen) => {
                self.drive(key, |call, ctx| call.ended(number, seen, possible, ctx));
            }
            // A trace never tells of these, since they say nothing.
            Outcome::GivenUp => {}
        }
    }

    /// Whether the body of an answer that is delivered takes its time; its end comes by itself.
    pub(super) fn body_flows(&mut self, key: Key, number: u32) -> bool {
        let body = self.guarded.find(key).and_then(|guarded| guarded.body.as_deref().copied());
        let Some(body) = body.filter(|body| body.number == number) else { return false };
        self.after(body.lasts, Event::Body { guarded: key, number });
        true
    }

    /// The body of an answer ends.
    pub(super) fn body_ends(&mut self, key: Key, number: u32) {
        let body = self.guarded.find(key).and_then(|guarded| guarded.body.as_deref().copied());
        let Some(body) = body else { return };
        self.drive(key, |call, ctx| call.ended(number, body.seen, Replay::Possible, ctx));
    }
}

impl Job {
    /// How long its work takes, given what it would take by the settings of its service.
    pub(super) fn takes(&mut self, fate: Fate, otherwise: Duration) -> Duration {
        let Fate::Written(told) = fate else { return otherwise };
        self.told = told.map(|told| told.sample);
        // What is added to the time of a service is added to this as well.
        told.map_or(Duration::MAX, |told| told.after.saturating_add(otherwise))
    }
}
