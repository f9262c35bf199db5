//! What admission gives: a ticket, or a refusal.
//!
//! Who gets which is decided in `machine.rs`.

use crate::time::Instant;

/// Whether a call may be used to learn if the dependency has recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probing {
    /// It may.
    Allowed,
    /// It must not: hedges never probe, and a call that has probed once does not do so again with
    /// its later attempts, or one call could use up every place.
    Forbidden,
}

/// The breaker lets nothing like this call pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Until when: the end of the cool-down, of half-open, or of the ramp. The present where only
    /// a call that may probe would pass; [`Instant::NEVER`] while forced open.
    pub until: Instant,
}

/// What the holder of a ticket is to the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its outcome is counted in the window.
    Counted,
    /// It holds a place among the probes.
    Probe,
    /// It passed where the breaker decides nothing (shadow, off), so its outcome is not looked at.
    Bystander,
}

/// Receipt of an admission. Ends in [`super::Breaker::settle`], exactly once: it cannot be copied.
///
/// Keep it in a guard that settles it as abandoned when dropped. A lost ticket of a probe keeps
/// its place until half-open ends.
#[derive(Debug)]
#[must_use = "a ticket that is never settled keeps its place among the probes"]
pub struct Ticket {
    pub(super) generation: u64,
    pub(super) role: Role,
}

impl Ticket {
    /// Whether its holder is a probe: later attempts of the same call are then
    /// [`Probing::Forbidden`].
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.role == Role::Probe
    }

    /// The generation of the state that gave it.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }
}
