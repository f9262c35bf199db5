//! A scenario: one readable TOML file that says what load, what replicas, what breaks and when.
//!
//! Here: the types. Reading them from a file is in `read.rs` and `read_fault.rs`, with the help of
//! `table.rs` and `units.rs`; what is taken where a file says nothing is in `base.rs`. Faults are
//! carried out in `fault`.

use std::time::Duration;

mod base;
mod check;
mod files;
mod mistake;
mod read;
mod read_fault;
mod table;
pub mod units;

pub use mistake::{Mistake, list};
pub use read::{builtin, load, read};

/// One scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// `G0` … `G30`, with a suffix where one id has several variants (`G4-100x`).
    pub id: String,
    /// A few words.
    pub name: String,
    /// What happens and what a user hopes for, in one or two sentences.
    pub about: String,
    /// The load.
    pub load: Load,
    /// The replicas.
    pub replicas: Replicas,
    /// How long each phase is.
    pub phases: Phases,
    /// The same for `--quick`.
    pub quick: Phases,
    /// Whether links go through the fault relay, also while it is idle.
    pub path: Path,
    /// What happens in the fault phase.
    pub faults: Vec<Disturbance>,
    /// Whether the product does active health checks where it can.
    pub health_checks: Checks,
}

/// Whether links are plain or go through a relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// Gateway and replica are linked directly.
    #[default]
    Direct,
    /// Every link goes through a fault relay of user space.
    Relay,
}

/// Whether health checks are configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checks {
    /// None: every product sees real requests alone.
    Off,
    /// Every half second, where the product has them. They see what users' requests see.
    #[default]
    On,
    /// They pass whatever happens to users' requests.
    Blind,
}

/// Lengths of the phases; see [`crate::record::Phase`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// Discarded.
    pub warm_up: Duration,
    /// Reference values.
    pub control: Duration,
    /// The fault holds.
    pub fault: Duration,
    /// After it has been lifted.
    pub observation: Duration,
}

/// The load of users.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Requests a second.
    pub rate: f64,
    /// Arrivals.
    pub arrivals: Arrivals,
    /// Which requests.
    pub mix: Mix,
    /// By when users want their answer.
    pub deadline: Duration,
    /// When the generator gives up.
    pub patience: Duration,
    /// Routes; the last one has replicas of its own where there is more than one.
    pub routes: u8,
    /// Tenants.
    pub tenants: u8,
    /// The share of requests of high priority.
    pub high: f64,
    /// The share of low priority; the rest is normal.
    pub low: f64,
    /// Bytes of bodies and answers.
    pub bytes: u32,
}

/// How users come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    /// Independent of each other and of the answers.
    Poisson,
    /// At equal distances.
    Constant,
    /// Independent of each other for `lasts` out of every `every`, and nobody in between: what
    /// lets connections go stale.
    Bursts {
        /// From the beginning of one burst to the next.
        every: Duration,
        /// How long a burst lasts; the rate of the load holds within it.
        lasts: Duration,
    },
    /// So many users who think, ask, wait, and after a failure ask again up to 3 times.
    Closed {
        /// How many.
        users: u32,
        /// Mean time of an exponential pause.
        think: Duration,
    },
}

/// Which requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mix {
    /// GET alone.
    Gets,
    /// POST without a key alone.
    Posts,
    /// 70 % GET, 10 % PUT, 15 % POST, 5 % POST with a key.
    #[default]
    Mixed,
}

/// The replicas, all alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// How many there are, the last route's own apart.
    pub count: u8,
    /// How many the last route has for itself, where there are several. No fault strikes them.
    pub aside: u8,
    /// Requests that one works on at a time.
    pub workers: u32,
    /// Requests that one lets wait; beyond it answers 503.
    pub queue: u32,
    /// The mean service time.
    pub service: Duration,
}

impl Replicas {
    /// All of them, those of the last route last.
    #[must_use]
    pub const fn all(&self) -> u8 {
        self.count.saturating_add(self.aside)
    }
}

/// A fault and when it holds, from the beginning of the fault phase on.
#[derive(Clone, Debug, PartialEq)]
pub struct Disturbance {
    /// When it begins.
    pub at: Duration,
    /// How long it holds; to the end of the phase unless given.
    pub lasts: Option<Duration>,
    /// Whom it strikes.
    pub target: Target,
    /// What happens.
    pub fault: Fault,
}

/// Whom a fault strikes. Which replica "one" is follows from the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// So many replicas.
    Some(u8),
    /// Every replica.
    All,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// SIGKILL; started anew when the fault ends.
    Crash,
    /// SIGSTOP; SIGCONT when it ends.
    Freeze,
    /// SIGSTOP for `pause` out of every `every`.
    Pauses {
        /// How long it is stopped.
        pause: Duration,
        /// From one pause to the next.
        every: Duration,
    },
    /// Answers take so much longer.
    Slow {
        /// Added to each answer.
        by: Duration,
    },
    /// Service takes so many times as long, with a worker busy all the time.
    Slower {
        /// How many times.
        times: f64,
    },
    /// The processor share that is left, by cgroup.
    StarvedCpu {
        /// Between 0 and 1.
        share: f64,
    },
    /// Packets lost in both directions.
    Loss {
        /// Between 0 and 1.
        share: f64,
    },
    /// Packets that open connections are dropped; existing ones live.
    BlackHoledSyn,
    /// All packets are dropped both ways.
    BlackHole,
    /// So many established connections are reset each second.
    Resets {
        /// A second.
        rate: f64,
    },
    /// Every packet is answered by a reset: connections die and new ones are refused.
    Refused,
    /// Answers of so large a share have this status.
    Status {
        /// Between 0 and 1.
        share: f64,
        /// The status.
        code: u16,
    },
    /// Every request of every replica queues for one lock for so long.
    SharedLock {
        /// How long each holds it.
        hold: Duration,
    },
    /// SIGTERM with a drain of so long, then a start anew, one replica after the other.
    RollingRestart {
        /// Drain time of a replica.
        drain: Duration,
    },
    /// Reachable and unreachable in turn.
    Flapping {
        /// How long it is reachable.
        up: Duration,
        /// How long it is not.
        down: Duration,
    },
    /// A replica closes idle connections after so long.
    IdleClose {
        /// How long they may idle.
        after: Duration,
    },
    /// It accepts no connections, and its backlog is full.
    NoAccept,
    /// Answers are cut after so many bytes.
    Cut {
        /// Bytes of the answer that pass.
        after: u32,
    },
    /// A byte of each body is changed on the way.
    Corrupt,
    /// Answers with a wrong length or closed too early.
    WrongLength,
    /// The load is multiplied.
    Overload {
        /// How many times.
        times: f64,
    },
    /// One tenant sends so many times its share.
    HotTenant {
        /// How many times.
        times: f64,
    },
    /// One request in so many makes the replica exit that works on it.
    Poison {
        /// One in so many.
        one_in: u32,
    },
    /// Clients that drip heads or bodies, or read slowly.
    SlowClients {
        /// How many.
        count: u32,
    },
    /// SIGKILL of the product itself, and a start anew.
    GatewayKilled,
    /// The product's own way of a restart without loss.
    GatewayUpgraded,
    /// The product is told to read its config anew; its endpoints stand in another order in it.
    GatewayReloaded,
    /// Names of replicas cannot be resolved, or resolve to nobody.
    Dns(DnsFault),
    /// What tells the product its endpoints is gone, or tells nonsense.
    Registry(RegistryFault),
}

/// Ways in which names fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsFault {
    /// The server says that it failed.
    ServerFailure,
    /// The server says nothing.
    Silence,
    /// There is no such address.
    Empty,
    /// The address is nobody's.
    Nobody,
}

/// Ways in which a registry fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryFault {
    /// It is down.
    Down,
    /// It says that there are no endpoints.
    Empty,
    /// It names one foreign endpoint.
    Foreign,
}

#[cfg(test)]
mod tests;
