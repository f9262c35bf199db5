//! The algorithms behind one face: which of them is at work, and what it has learned.
//!
//! The rules are in a file each; what becomes of their updates is decided in `machine.rs`.

use alloc::boxed::Box;

use super::envoy::Envoy;
use super::gradient2::Gradient2;
use super::knee::{Knee, Urgency};
use super::millionths::Millionths;
use super::steady::Steady;
use super::update::{Scene, Update};
use super::vegas::Vegas;
use super::{Algorithm, Evidence, Finished, aimd};
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};

#[derive(Debug)]
pub(super) enum Estimator {
    /// Boxed, as it is far larger than the others.
    Steady(Box<Steady>),
    Knee(Box<Knee>),
    Aimd {
        backoff: Ratio,
        timeout: Duration,
    },
    Vegas(Vegas),
    Gradient2(Gradient2),
    Envoy(Envoy),
}

impl Estimator {
    pub(super) fn new(
        algorithm: Algorithm,
        (base, level): (Option<Duration>, Millionths),
        origin: Instant,
    ) -> Self {
        match algorithm {
            Algorithm::Steady { tolerance } => {
                Self::Steady(Box::new(Steady::new(tolerance, base, origin)))
            }
            Algorithm::Knee { tolerance } => {
                Self::Knee(Box::new(Knee::new(tolerance, base, origin)))
            }
            Algorithm::Aimd { backoff, timeout } => Self::Aimd { backoff, timeout },
            Algorithm::Vegas => Self::Vegas(Vegas::new(base)),
            Algorithm::Gradient2 => Self::Gradient2(Gradient2::new(base)),
            Algorithm::Envoy => Self::Envoy(Envoy::new(base, level)),
        }
    }

    pub(super) fn update(&mut self, scene: &Scene, finished: &Finished) -> Option<Update> {
        // Only the default minds what was in use when an attempt says nothing else.
        let says_nothing = finished.evidence == Evidence::None;
        match self {
            Self::Steady(steady) => steady.update(scene, finished),
            Self::Knee(knee) => knee.update(scene, finished),
            _ if says_nothing => None,
            Self::Aimd { backoff, timeout } => aimd::update(scene, finished, (*backoff, *timeout)),
            Self::Vegas(vegas) => vegas.update(scene, finished),
            Self::Gradient2(gradient2) => gradient2.update(scene, finished),
            Self::Envoy(envoy) => envoy.update(scene, finished),
        }
    }

    /// The latency without load, as far as known.
    pub(super) fn base(&self) -> Option<Duration> {
        match self {
            Self::Steady(steady) => steady.base(),
            Self::Knee(knee) => knee.base(),
            Self::Aimd { .. } => None,
            Self::Vegas(vegas) => vegas.base(),
            Self::Gradient2(gradient2) => gradient2.base(),
            Self::Envoy(envoy) => envoy.base(),
        }
    }

    /// What the limit is but for a measurement that holds it down.
    pub(super) const fn settled(&self, level: Millionths) -> Millionths {
        match self {
            Self::Steady(steady) => steady.settled(level),
            Self::Envoy(envoy) => envoy.settled(level),
            Self::Knee(_) | Self::Aimd { .. } | Self::Vegas(_) | Self::Gradient2(_) => level,
        }
    }

    /// Goes on from `level` under new parameters, without measurement under way; as another
    /// algorithm with the base of the old one, if the algorithm changed.
    pub(super) fn adopt(&mut self, algorithm: Algorithm, level: Millionths, origin: Instant) {
        match (self, algorithm) {
            (Self::Steady(steady), Algorithm::Steady { tolerance }) => steady.adopt(tolerance),
            (Self::Knee(knee), Algorithm::Knee { tolerance }) => knee.adopt(tolerance),
            (Self::Envoy(envoy), Algorithm::Envoy) => envoy.adopt(level),
            (Self::Vegas(_), Algorithm::Vegas) | (Self::Gradient2(_), Algorithm::Gradient2) => {}
            (this, _) => *this = Self::new(algorithm, (this.base(), level), origin),
        }
    }

    /// Whether the dependency is known to have all that it can work on.
    pub(super) const fn is_congested(&self) -> bool {
        match self {
            Self::Knee(knee) => knee.is_congested(),
            Self::Steady(_)
            | Self::Aimd { .. }
            | Self::Vegas(_)
            | Self::Gradient2(_)
            | Self::Envoy(_) => false,
        }
    }

    /// Whether the limit bounds nothing since nothing is known so far.
    pub(super) const fn is_blank(&self) -> bool {
        match self {
            Self::Knee(knee) => knee.base().is_none(),
            Self::Steady(_)
            | Self::Aimd { .. }
            | Self::Vegas(_)
            | Self::Gradient2(_)
            | Self::Envoy(_) => false,
        }
    }

    /// Whether what is in flight may be why the dependency is slow.
    pub(super) const fn explains_latency(&self) -> bool {
        match self {
            Self::Knee(knee) => knee.explains_latency(),
            Self::Steady(_)
            | Self::Aimd { .. }
            | Self::Vegas(_)
            | Self::Gradient2(_)
            | Self::Envoy(_) => false,
        }
    }

    /// Whether the limit is all that there is to know: nothing but latency moves it.
    pub(super) const fn is_firm(&self) -> bool {
        match self {
            Self::Knee(knee) => knee.is_congested(),
            Self::Steady(_)
            | Self::Aimd { .. }
            | Self::Vegas(_)
            | Self::Gradient2(_)
            | Self::Envoy(_) => true,
        }
    }

    /// Callers wait for the limit, and it has owed an answer for so long.
    pub(super) fn press(
        &mut self,
        scene: &Scene,
        (urgency, owed): (Urgency, Duration),
    ) -> Option<Update> {
        match self {
            Self::Knee(knee) => knee.press(scene, (urgency, owed)),
            Self::Steady(_)
            | Self::Aimd { .. }
            | Self::Vegas(_)
            | Self::Gradient2(_)
            | Self::Envoy(_) => None,
        }
    }

    pub(super) fn invariants(&self) {
        match self {
            Self::Steady(steady) => steady.invariants(),
            Self::Knee(knee) => knee.invariants(),
            Self::Aimd { .. } | Self::Vegas(_) | Self::Gradient2(_) | Self::Envoy(_) => {}
        }
    }
}
