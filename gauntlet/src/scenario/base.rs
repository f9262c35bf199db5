//! The base profile: what a scenario file leaves out, so that it says only what is particular.

use std::time::Duration;

use super::{Arrivals, Load, Mix, Phases, Replicas};

/// 300 requests a second, which the slowest product of the field carries on one core at a third of
/// it; 2 s is what an impatient caller waits, 5 s what a patient one does.
pub(super) const LOAD: Load = Load {
    rate: 300.0,
    arrivals: Arrivals::Poisson,
    mix: Mix::Mixed,
    deadline: Duration::from_secs(2),
    patience: Duration::from_secs(5),
    routes: 1,
    tenants: 10,
    high: 1.0 / 3.0,
    low: 1.0 / 3.0,
    bytes: 100,
};

/// Three replicas of 400 requests a second each. One alone carries the base load at 75 %, so that
/// what is lost when one or two fail was lost by the product and not for want of capacity.
pub(super) const REPLICAS: Replicas =
    Replicas { count: 3, aside: 0, workers: 8, queue: 256, service: Duration::from_millis(20) };

/// Long enough that a product which looks every few seconds has looked several times.
pub(super) const PHASES: Phases = Phases {
    warm_up: Duration::from_secs(10),
    control: Duration::from_secs(20),
    fault: Duration::from_secs(20),
    observation: Duration::from_secs(60),
};

/// Twenty seconds in all, of which the fault takes seven.
pub(super) const QUICK: Phases = Phases {
    warm_up: Duration::from_secs(2),
    control: Duration::from_secs(4),
    fault: Duration::from_secs(7),
    observation: Duration::from_secs(7),
};
