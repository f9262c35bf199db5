//! The attempts of a call, gathered from its decision trail.

use seawall_core::call::{Step, StepKind, Trail};
use seawall_core::outcome::{Class, Observation, Pushback};
use seawall_core::time::Instant;

use super::failure::sent_of;
use super::{Attempt, Failure, Micros};

/// The attempts in `trail`, oldest first, of a call that began at `started` and ended at `ended`.
/// Steps that the trail dropped are missing; [`Trail::dropped`] says how many. Allocates once.
#[must_use]
pub fn attempts(trail: &Trail, started: Instant, ended: Instant) -> Vec<Attempt> {
    trail.steps().filter_map(|step| attempt(trail, step, (started, ended))).collect()
}

/// The attempt that `step` begins, if it begins one.
fn attempt(trail: &Trail, step: &Step, (started, ended): (Instant, Instant)) -> Option<Attempt> {
    let StepKind::Attempt { number, role, endpoint, .. } = step.kind else { return None };
    let mut attempt = Attempt {
        endpoint: u32::try_from(endpoint.slot.index()).unwrap_or(u32::MAX),
        begun: step.at.since(started).into(),
        latency: ended.since(step.at).into(),
        role,
        class: Class::Abandoned,
        status: None,
        grpc: None,
        retry_after: None,
        exhausted: false,
        failure: None,
        sent: None,
    };
    let mut over = None;
    for later in trail.steps() {
        match later.kind {
            // Whoever gave it up does not know yet what it brought.
            StepKind::Abandoned { number: of } if of == number => {
                over.get_or_insert(later.at);
            }
            StepKind::Saw { number: of, seen, class } if of == number => {
                over.get_or_insert(later.at);
                attempt.class = class;
                attempt.note(&seen);
            }
            _ => {}
        }
    }
    if let Some(over) = over {
        attempt.latency = over.since(step.at).into();
    }
    Some(attempt)
}

impl Attempt {
    fn note(&mut self, seen: &Observation) {
        (self.failure, self.sent) = (Failure::of(seen), sent_of(seen));
        match *seen {
            Observation::Status { code, retry_after, exhausted } => {
                self.status = Some(code);
                self.retry_after = retry_after.map(Micros::from);
                self.exhausted = exhausted;
            }
            Observation::Grpc { code, pushback, exhausted } => {
                self.grpc = Some(code.number());
                self.exhausted = exhausted;
                if let Some(Pushback::After(wait)) = pushback {
                    self.retry_after = Some(wait.into());
                }
            }
            _ => {}
        }
    }
}
