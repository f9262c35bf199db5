//! One record, and the pure steps from one state of it to the next.
//!
//! Where records are kept and how many is in `records.rs`, what an ending means in `ending.rs`.

use super::{Ending, IdempotencySettings, Policy};
use crate::time::{Duration, Instant};

/// A hash over method, path and body, made by the driver (SHA-256 on the wire).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// The fencing token of an execution: who runs it, and the how manieth run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// A number that no other execution of the fleet has.
    pub owner: u64,
    /// From 1; grows with each time that somebody takes over.
    pub attempt: u32,
}

/// What is known of a key. A key that nothing is known of has no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record<R> {
    /// Somebody works on it.
    InProgress {
        /// Who.
        claim: Claim,
        /// For which request.
        fingerprint: Fingerprint,
        /// From this instant on the record counts as indeterminate.
        exec_deadline: Instant,
    },
    /// The work was done.
    Done {
        /// By whom.
        claim: Claim,
        /// For which request.
        fingerprint: Fingerprint,
        /// The answer; absent if it was too large to keep.
        answer: Option<R>,
        /// When the record may be forgotten.
        expires: Instant,
    },
    /// Nobody knows whether the work was done.
    Indeterminate {
        /// Who worked on it last.
        claim: Claim,
        /// For which request.
        fingerprint: Fingerprint,
        /// When the record may be forgotten.
        expires: Instant,
    },
}

impl<R> Record<R> {
    /// For which request it is.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::InProgress { fingerprint, .. }
            | Self::Done { fingerprint, .. }
            | Self::Indeterminate { fingerprint, .. } => *fingerprint,
        }
    }

    /// Who works on it, or did last.
    #[must_use]
    pub const fn claim(&self) -> Claim {
        match self {
            Self::InProgress { claim, .. }
            | Self::Done { claim, .. }
            | Self::Indeterminate { claim, .. } => *claim,
        }
    }

    /// When time alone changes it: the end of the execution's time, or of the record's.
    #[must_use]
    pub const fn due(&self) -> Instant {
        match self {
            Self::InProgress { exec_deadline, .. } => *exec_deadline,
            Self::Done { expires, .. } | Self::Indeterminate { expires, .. } => *expires,
        }
    }

    /// What time alone makes of it by `now`; [`Next::Keep`] if it is not due.
    #[must_use]
    pub fn aged(&self, ttl: Duration, now: Instant) -> Next<R> {
        match self {
            _ if now < self.due() => Next::Keep,
            Self::InProgress { .. } => Next::Put(self.lost(ttl)),
            Self::Done { .. } | Self::Indeterminate { .. } => Next::Remove,
        }
    }

    /// Indeterminate since the execution's time was over.
    fn lost(&self, ttl: Duration) -> Self {
        let (claim, fingerprint) = (self.claim(), self.fingerprint());
        Self::Indeterminate { claim, fingerprint, expires: self.due().after(ttl) }
    }
}

/// What is to stand in the place of the record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<R> {
    /// It itself.
    Keep,
    /// Another. Put it by compare-and-set; if that fails, read and ask again.
    Put(Record<R>),
    /// None.
    Remove,
}

/// What to do with the record and what to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<R, S> {
    /// The record.
    pub next: Next<R>,
    /// The answer to whoever asked.
    pub says: S,
}

impl<R, S> Step<R, S> {
    const fn keep(says: S) -> Self {
        Self { next: Next::Keep, says }
    }
}

/// A request with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The number of this execution, should it run. No other execution of the fleet has it.
    pub owner: u64,
    /// Of this request.
    pub fingerprint: Fingerprint,
    /// When it came; waits are counted from here.
    pub since: Instant,
    /// When its execution will be over at the latest: the deadline of the call, and time to
    /// record the result. There is no execution without.
    pub exec_deadline: Instant,
}

/// What a request with a key is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Arrived {
    /// Run; end in [`complete`] with this claim.
    Run(Claim),
    /// Hand on the answer of the record.
    Replay,
    /// 409: done, but the answer was too large to keep.
    NotReplayable,
    /// 422: the key belongs to another request.
    Mismatch,
    /// Ask again when the record has changed, and at the latest at this instant.
    Wait(Instant),
    /// 409: still being worked on after the wait.
    Conflict {
        /// When to come back.
        retry_at: Instant,
    },
    /// 409: nobody knows, and a person has to look.
    Indeterminate,
    /// Ask the resource whether the work was done, then [`probed`] with this claim.
    Probe(Claim),
}

/// A request with a key has come, or asks again after a wait. `record` is what was read.
///
/// An execution deadline is cut to [`IdempotencySettings::exec_max`] from now, so that there is
/// none without an end.
pub fn arrive<R>(
    record: Option<&Record<R>>,
    arrival: Arrival,
    settings: &IdempotencySettings,
    now: Instant,
) -> Step<R, Arrived> {
    let Some(record) = record else { return run(arrival, 1, settings, now) };
    if let Next::Remove = record.aged(settings.ttl, now) {
        return run(arrival, 1, settings, now);
    }
    if record.fingerprint() != arrival.fingerprint {
        return Step::keep(Arrived::Mismatch);
    }
    match record {
        Record::Done { answer: Some(_), .. } => Step::keep(Arrived::Replay),
        Record::Done { answer: None, .. } => Step::keep(Arrived::NotReplayable),
        Record::InProgress { exec_deadline, .. } if now < *exec_deadline => {
            Step::keep(busy(*exec_deadline, arrival, settings, now))
        }
        Record::InProgress { .. } | Record::Indeterminate { .. } => {
            unknown(record, arrival, settings, now)
        }
    }
}

fn busy(
    exec_deadline: Instant,
    arrival: Arrival,
    settings: &IdempotencySettings,
    now: Instant,
) -> Arrived {
    let until = arrival.since.after(settings.wait);
    if now < until {
        return Arrived::Wait(until.min(exec_deadline));
    }
    Arrived::Conflict { retry_at: exec_deadline.min(now.after(settings.retry_after_max)) }
}

fn unknown<R>(
    record: &Record<R>,
    arrival: Arrival,
    settings: &IdempotencySettings,
    now: Instant,
) -> Step<R, Arrived> {
    let says = match settings.policy {
        Policy::Manual => Arrived::Indeterminate,
        Policy::Probe => Arrived::Probe(record.claim()),
        Policy::RetrySafe => {
            return run(arrival, record.claim().attempt.saturating_add(1), settings, now);
        }
    };
    Step { next: record.aged(settings.ttl, now), says }
}

fn run<R>(
    arrival: Arrival,
    attempt: u32,
    settings: &IdempotencySettings,
    now: Instant,
) -> Step<R, Arrived> {
    let Arrival { owner, fingerprint, exec_deadline, .. } = arrival;
    let exec_deadline = exec_deadline.min(now.after(settings.exec_max));
    let claim = Claim { owner, attempt };
    let record = Record::InProgress { claim, fingerprint, exec_deadline };
    Step { next: Next::Put(record), says: Arrived::Run(claim) }
}

/// Whether the end of an execution counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed {
    /// It did.
    Recorded,
    /// Somebody else has taken over, or the record is gone: the result is discarded.
    Stale,
}

/// An execution has ended. `answer` is what to keep if it is to be kept: `None` where it was larger
/// than allowed. Counts only under the claim of the record, also after its deadline as long as
/// nobody has taken over: what is known now is better than not knowing.
pub fn complete<R>(
    record: Option<&Record<R>>,
    claim: Claim,
    ended: (Ending, Option<R>),
    ttl: Duration,
    now: Instant,
) -> Step<R, Completed> {
    let (ending, answer) = ended;
    let open = match record {
        Some(Record::Done { .. }) | None => None,
        Some(record) => Some(record).filter(|record| record.claim() == claim),
    };
    let Some(record) = open else { return Step::keep(Completed::Stale) };
    let (fingerprint, expires) = (record.fingerprint(), now.after(ttl));
    let next = match ending {
        Ending::Keep => Next::Put(Record::Done { claim, fingerprint, answer, expires }),
        Ending::Free => Next::Remove,
        Ending::Unknown => Next::Put(Record::Indeterminate { claim, fingerprint, expires }),
    };
    Step { next, says: Completed::Recorded }
}

/// What the resource said about the work of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<R> {
    /// It was done, with this answer.
    Done(R),
    /// It was not done.
    NotDone,
    /// It could not be learnt.
    Unknown,
}

/// The resource was asked for the work under `claim`. If the record is another by now, ask again
/// as an arrival: what was found is about the past.
pub fn probed<R>(
    record: Option<&Record<R>>,
    probe: (Claim, Found<R>),
    arrival: Arrival,
    settings: &IdempotencySettings,
    now: Instant,
) -> Step<R, Arrived> {
    let (claim, found) = probe;
    let lost = record.filter(|record| {
        let ended = matches!(record, Record::Indeterminate { .. }) || now >= record.due();
        ended && !matches!(record, Record::Done { .. }) && record.claim() == claim
    });
    let Some(record) = lost.filter(|record| record.fingerprint() == arrival.fingerprint) else {
        return arrive(record, arrival, settings, now);
    };
    match found {
        Found::Done(answer) => {
            let (fingerprint, expires) = (record.fingerprint(), now.after(settings.ttl));
            let done = Record::Done { claim, fingerprint, answer: Some(answer), expires };
            Step { next: Next::Put(done), says: Arrived::Replay }
        }
        Found::NotDone => run(arrival, claim.attempt.saturating_add(1), settings, now),
        Found::Unknown => Step::keep(Arrived::Indeterminate),
    }
}
