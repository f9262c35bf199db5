//! What befalls a world, and when. The kinds of faults are those of the core.

use seawall_core::fault::{Fault, Shape};
use seawall_core::time::{Duration, Instant};

use super::{GatewayId, Protected, Route, ServiceId};

/// One disturbance.
#[derive(Clone, Debug)]
pub struct Disturbance {
    /// Its name in reports.
    pub name: String,
    /// When it begins.
    pub starts: Starts,
    /// How long it lasts; `None` for ever.
    pub lasts: Option<Duration>,
    /// Whom it concerns.
    pub victims: Victims,
    /// What is wrong with them.
    pub fault: Fault,
    /// How strong it is over time.
    pub shape: Shape,
}

impl Disturbance {
    /// At full strength from `at` on, for ever.
    #[must_use]
    pub fn new(at: Instant, victims: Victims, fault: Fault) -> Self {
        let (starts, shape) = (Starts::At(at), Shape::Constant);
        Self { name: fault.name().to_owned(), starts, lasts: None, victims, fault, shape }
    }

    /// The same for so long.
    #[must_use]
    pub fn lasting(self, time: Duration) -> Self {
        Self { lasts: Some(time), ..self }
    }

    /// When it begins and ends, as far as that is known beforehand.
    #[must_use]
    pub fn span(&self) -> Option<(Instant, Instant)> {
        let Starts::At(at) = self.starts else { return None };
        let end = match (self.fault, self.lasts) {
            (Fault::Restart { down, warm_up, .. }, _) => at.after(down).after(warm_up),
            (fault, _) if fault.is_instant() => at,
            (_, Some(lasts)) => at.after(lasts),
            (_, None) => Instant::NEVER,
        };
        Some((at, end))
    }
}

/// When a disturbance begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Starts {
    /// At this time.
    At(Instant),
    /// So long after the end of another, by its place in the plan. Without end it never begins.
    After(usize, Duration),
    /// When this is so, and not again.
    When(Trigger),
}

/// What sets off a disturbance.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// What is looked at.
    pub measure: Watched,
    /// Which side of the bound sets it off.
    pub side: Side,
    /// The bound: a share, or seconds.
    pub bound: f64,
    /// Over how long a time; it is looked at as often.
    pub window: Duration,
}

/// What a trigger looks at, over all loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Calls that ended well as a share of those that ended.
    Goodput,
    /// The mean latency of calls that ended, in seconds.
    Latency,
}

/// A side of a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Less than it.
    Below,
    /// More than it.
    Above,
}

/// Whom a disturbance concerns.
#[derive(Clone, Debug)]
pub enum Victims {
    /// Replicas of a service.
    Replicas(ServiceId, Replicas),
    /// All replicas of all services that are in this zone.
    Zone(String),
    /// A load, by its place in the plan.
    Load(usize),
    /// A gateway, which gets these settings: upstreams and routes in their places.
    Gateway(GatewayId, Vec<Protected>, Vec<Route>),
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
