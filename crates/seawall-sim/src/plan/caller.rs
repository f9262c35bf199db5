//! Callers with habits of their own: those who know nothing of Seawall, before it or in its place.

use seawall_core::backoff::BackoffSettings;
use seawall_core::time::Duration;

use super::{Network, Target};

/// How somebody calls somebody else.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// Whom.
    pub target: Target,
    /// The way there.
    pub network: Network,
    /// Processes that call, each with a state of its own. Each call belongs to one of them.
    pub instances: u32,
    /// Attempts of a call, the first included.
    pub attempts: u32,
    /// How long an attempt may take; `None` for as long as it takes.
    pub timeout: Option<Duration>,
    /// The wait before a retry.
    pub wait: BackoffSettings,
    /// What else keeps it from trying again.
    pub guard: Guard,
    /// Whether the other side is told when it is no longer waited for.
    pub cancel: Cancel,
    /// How a replica is chosen where a service is called directly.
    pub pick: Pick,
    /// Connections of each instance; `None` for as many as it takes.
    pub pool: Option<Pool>,
}

impl Caller {
    /// One patient process without retries.
    #[must_use]
    pub const fn of(target: Target) -> Self {
        Self {
            target,
            network: Network::NONE,
            instances: 1,
            attempts: 1,
            timeout: None,
            wait: BackoffSettings::none(),
            guard: Guard::None,
            cancel: Cancel::Never,
            pick: Pick::Random,
            pool: None,
        }
    }
}

/// The connections of one process. An attempt holds one until its answer or its timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Attempts under way at once.
    pub connections: u32,
    /// Attempts that may wait for a connection, the oldest first; more fail at once.
    pub queue: usize,
}

/// What keeps a caller from trying again, one for each instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    None,
    /// A bucket of tokens, in thousandths: a call puts some in, a retry takes 1000. Programs keep
    /// such tokens in floating point, and so does this: ten tenths may be a hair more than one.
    Bucket {
        /// Tokens at the start, and at most.
        full: u32,
        /// What the start of a call puts in.
        gain: u32,
        /// A retry needs more than this.
        above: u32,
    },
    /// No retry while failed attempts are more than this many thousandths of all calls, counted
    /// from the beginning.
    FailureShare(u32),
}

/// Whether the other side learns that it is no longer waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// It does not.
    Never,
    /// One leg after the timeout.
    OnTimeout,
}

/// How a caller of a service chooses a replica. What gateways do is not here but in the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Any.
    Random,
    /// One after the other.
    RoundRobin,
    /// The one with fewer jobs, as if that were known.
    LeastLoaded,
    /// The one with fewer jobs of two draws, which may be of the same one (Mitzenmacher, 2001).
    ShorterOfTwo,
}
