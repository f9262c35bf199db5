//! What speaks against one target: kinds of evidence, and accusations by other observers.
//!
//! What follows from it is in `fusion.rs`.

use alloc::vec::Vec;

use super::settings::FusionSettings;
use super::suspicion::LocalHealth;
use crate::time::{Duration, Instant};

/// A target remembers no more accusers than this; further ones change nothing.
const ACCUSERS_MAX: usize = 16;

/// Ways to learn that a target is ill that fail for different reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvidenceKind {
    /// It has gone silent, by φ, timeout or the probes of a group.
    Silence,
    /// Active health checks fail.
    ActiveCheck,
    /// Real attempts fail.
    InBandErrors,
    /// Real attempts are slow.
    InBandLatency,
}

impl EvidenceKind {
    /// Every kind, in order.
    pub const ALL: [Self; 4] =
        [Self::Silence, Self::ActiveCheck, Self::InBandErrors, Self::InBandLatency];
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvidenceKinds(u8);

impl EvidenceKinds {
    /// Whether `kind` is among them.
    #[must_use]
    pub const fn has(self, kind: EvidenceKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn with(self, kind: EvidenceKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }
}

/// What one source says of a target now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It looks dead.
    Bad,
    /// It looks well.
    Good,
}

/// Another observer's word against a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accusation {
    /// Who accuses, by a number that the owner gave out.
    pub observer: u32,
    /// How well the accuser does by itself: an ill one weighs less.
    pub health: LocalHealth,
}

/// What is held of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What speaks against it.
    pub evidence: EvidenceKinds,
    /// The weight of the observers that accuse it; a healthy one weighs eight.
    pub observers: u32,
    /// Whether it is out of its pool.
    pub is_out: bool,
    /// Whether a stateful role may move away from it.
    pub is_dead: bool,
}

#[derive(Clone, Copy, Debug)]
struct Accuser {
    observer: u32,
    weight: u32,
    at: Instant,
}

#[derive(Clone, Debug)]
pub(super) struct Target {
    /// When evidence of each kind was last renewed.
    bad: [Option<Instant>; 4],
    accusers: Vec<Accuser>,
    /// Since when anything spoke against it; the oldest case is taken out first.
    pub(super) since: Option<Instant>,
    pub(super) is_out: bool,
    pub(super) is_dead: bool,
    pub(super) capped: bool,
}

impl Target {
    pub(super) fn new() -> Self {
        let accusers = Vec::with_capacity(ACCUSERS_MAX);
        Self { bad: [None; 4], accusers, since: None, is_out: false, is_dead: false, capped: false }
    }

    pub(super) fn report(&mut self, kind: EvidenceKind, sign: Sign, now: Instant) {
        if let Some(place) = self.bad.get_mut(kind as usize) {
            *place = (sign == Sign::Bad).then_some(now);
        }
    }

    pub(super) fn accuse(&mut self, accusation: Accusation, now: Instant) {
        let Accusation { observer, health } = accusation;
        self.retract(observer);
        if self.accusers.len() < ACCUSERS_MAX {
            self.accusers.push(Accuser { observer, weight: health.weight(), at: now });
        }
    }

    pub(super) fn retract(&mut self, observer: u32) {
        self.accusers.retain(|accuser| accuser.observer != observer);
    }

    /// Forgets all that speaks against it; what it was is changed by the next step.
    pub(super) fn acquit(&mut self) {
        self.bad = [None; 4];
        self.accusers.clear();
    }

    pub(super) fn is_accused_by(&self, observer: u32) -> bool {
        self.accusers.iter().any(|accuser| accuser.observer == observer)
    }

    /// Forgets what was not renewed, and notes since when anything is left.
    pub(super) fn expire(&mut self, now: Instant, ttl: Duration) {
        let is_fresh = |at: Instant| now < at.after(ttl);
        self.bad.iter_mut().for_each(|bad| *bad = bad.filter(|at| is_fresh(*at)));
        self.accusers.retain(|accuser| is_fresh(accuser.at));
        let clean = self.evidence().is_empty() && self.accusers.is_empty();
        self.since = if clean { None } else { self.since.or(Some(now)) };
    }

    /// When the next of it will be forgotten.
    pub(super) fn expires(&self, ttl: Duration) -> Option<Instant> {
        let accused = self.accusers.iter().map(|accuser| accuser.at);
        self.bad.iter().flatten().copied().chain(accused).min().map(|at| at.after(ttl))
    }

    pub(super) fn evidence(&self) -> EvidenceKinds {
        let found = EvidenceKind::ALL.iter().zip(&self.bad).filter(|(_, bad)| bad.is_some());
        found.fold(EvidenceKinds::default(), |kinds, (kind, _)| kinds.with(*kind))
    }

    pub(super) fn observers(&self) -> u32 {
        self.accusers.iter().map(|accuser| accuser.weight).sum()
    }

    /// Whether what is known suffices to declare it dead.
    pub(super) fn is_condemned(&self, settings: &FusionSettings) -> bool {
        let quorum = settings.observers_to_declare;
        self.evidence().count() >= settings.kinds_to_declare
            || quorum.is_some_and(|weight| self.observers() >= weight.max(1))
    }

    pub(super) fn judgement(&self) -> Judgement {
        Judgement {
            evidence: self.evidence(),
            observers: self.observers(),
            is_out: self.is_out,
            is_dead: self.is_dead,
        }
    }
}
