//! What failure detection reports.

use super::phi::Phi;
use super::target::EvidenceKinds;
use super::watch::Beat;
use crate::endpoint::Slot;
use crate::time::{Duration, Instant};

/// Something that happened to the detector of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetectEvent {
    /// The peer has been silent for too long.
    Suspected {
        /// How improbable the silence is; absent where a fixed timeout decided.
        phi: Option<Phi>,
        /// Since when there was no beat.
        since: Instant,
    },
    /// A suspected peer beats again, or the silence turned out to be our own.
    Recovered {
        /// How long it had been silent.
        silence: Duration,
    },
    /// The peer started anew.
    Restarted {
        /// Its new incarnation.
        incarnation: u64,
    },
    /// A beat was ignored: of an earlier incarnation, out of order, or a repetition.
    LateBeat {
        /// The beat.
        beat: Beat,
        /// The latest one before it.
        last: Beat,
    },
}

/// Something that happened to a target, or to the observer of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FusionEvent {
    /// Evidence of one kind: the target is out of its pool.
    Ejected {
        /// The target.
        target: Slot,
        /// What speaks against it.
        evidence: EvidenceKinds,
    },
    /// There is evidence, but as many targets as may be are out already. One that was out is in its
    /// pool again.
    Capped {
        /// The target.
        target: Slot,
        /// What speaks against it.
        evidence: EvidenceKinds,
        /// How many are out.
        out: u32,
    },
    /// Enough kinds or observers agree: a stateful role may move away from the target.
    DeclaredDead {
        /// The target.
        target: Slot,
        /// The kinds that agree.
        evidence: EvidenceKinds,
        /// The weight of the observers that accuse it.
        observers: u32,
    },
    /// Nothing speaks against the target any more.
    Recovered {
        /// The target.
        target: Slot,
    },
    /// An observer accused more targets than one may: the accusation was ignored.
    AccuserLimited {
        /// The observer.
        observer: u32,
        /// The target it accused.
        target: Slot,
    },
    /// Most of my targets look dead, so I suspect myself: nobody is ejected or declared dead.
    SelfSuspected {
        /// So many look dead ...
        failing: u32,
        /// ... of so many.
        targets: u32,
        /// When I believe what I see after all.
        until: Instant,
    },
    /// I no longer suspect myself.
    SelfCleared {
        /// So many look dead now.
        failing: u32,
        /// Of so many.
        targets: u32,
    },
}
