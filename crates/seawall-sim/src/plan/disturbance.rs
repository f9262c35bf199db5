//! What befalls a world, and when.

use seawall_core::ratio::Ratio;
use seawall_core::time::{Duration, Instant};

use super::ServiceId;

/// One disturbance.
#[derive(Clone, Debug, PartialEq)]
pub struct Disturbance {
    /// When it begins.
    pub at: Instant,
    /// How long it lasts; `None` for ever.
    pub lasts: Option<Duration>,
    /// Whom.
    pub service: ServiceId,
    /// Which of its replicas.
    pub replicas: Replicas,
    /// What.
    pub fault: Fault,
}

/// Some replicas of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// All.
    All,
    /// This one, counted from 0.
    One(u32),
    /// Those in this zone.
    Zone(String),
}

/// What is wrong with a replica.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// It is gone: connections are refused, and what it was doing is lost.
    Crash,
    /// It stands still: it answers nothing, keeps what it has, and goes on afterwards.
    Freeze,
    /// Nothing arrives at it or comes back from it.
    BlackHole,
    /// This share of answers is errors.
    Errors(Ratio),
    /// Work takes so many times as long.
    Slower(f64),
    /// Work takes so much longer.
    Latency(Duration),
    /// It has this share of its workers, rounded, and at least none.
    Capacity(f64),
}
