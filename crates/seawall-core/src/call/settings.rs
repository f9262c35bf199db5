//! Settings of a route's calls, and the facts of one request.

use crate::backoff::BackoffSettings;
use crate::endpoint::EndpointId;
use crate::outcome::OptIns;
use crate::shed::{Class, Priority};
use crate::time::Duration;
use crate::timeout::Hedges;

/// Attempts of one call at most, whatever is configured: it sizes the list of tried endpoints.
pub const ATTEMPTS_MAX: u32 = 10;

/// The most of an answer's body that a driver keeps while a better answer is tried for, in bytes.
/// Error pages are rarely larger. Of what is larger only the head stands by: it must not hold the
/// connection that the next attempt may need.
pub const KEPT_BYTES_MAX: usize = 16 << 10;

/// How long a driver waits for that body. The rest of an error page usually comes with its head,
/// and the retry should not wait for it.
pub const KEPT_PATIENCE: Duration = Duration::from_millis(50);

/// How the calls of a route are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSettings {
    /// From the start of a call to the head of its answer; `None` for no limit. A body that
    /// flows is bounded by the driver's idle clocks instead, so that a long download is not cut.
    /// Default 10 s.
    pub total: Option<Duration>,
    /// From the start of an attempt to the head of its answer. Default 3 s: three of them and
    /// their backoffs fit the total.
    pub attempt: Duration,
    /// Attempts, the first included; 1 to [`ATTEMPTS_MAX`]. Default 3.
    pub max_attempts: u32,
    /// The same where it makes sense to go on: all attempts so far were answered, if badly, and
    /// at least half of the latest retries of all calls have helped. As many as `max_attempts` or
    /// fewer: no difference. At most [`ATTEMPTS_MAX`]. Default 1, so none more.
    ///
    /// Against errors at random two more attempts make of one call in forty that fails one in four
    /// hundred. In an outage nothing helps, and the limit is `max_attempts`; nor does a request
    /// that kills whoever reads it get any further.
    pub max_while_helping: u32,
    /// The wait after a transient failure.
    pub backoff: BackoffSettings,
    /// The wait after the service asked to slow down.
    pub throttled_backoff: BackoffSettings,
    /// Outcomes that are retried only where someone asked for it. Default none.
    pub opt_ins: OptIns,
    /// Whether these calls are hedged where the upstream hedges at all. Default: if it does. What
    /// is [`Hedges::Never`] starts no attempt beside another, whatever the upstream is set to.
    pub hedges: Hedges,
    /// Rungs of the fallback ladder below the upstream. Default none: a fallback that nobody
    /// asked for hides outages.
    pub rungs: u8,
}

impl CallSettings {
    /// The default.
    pub(super) const fn standard() -> Self {
        Self {
            total: Some(Duration::from_secs(10)),
            attempt: Duration::from_secs(3),
            max_attempts: 3,
            max_while_helping: 1,
            backoff: BackoffSettings::transient(),
            throttled_backoff: BackoffSettings::throttled(),
            opt_ins: OptIns::none(),
            hedges: Hedges::OptIn,
            rungs: 0,
        }
    }
}

impl Default for CallSettings {
    fn default() -> Self {
        Self::standard()
    }
}

/// Whether a request may be executed more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Safety {
    /// By its method (RFC 9110 section 9.2.2).
    Idempotent,
    /// By the caller's promise: it carries an idempotency key.
    Keyed,
    /// No. The default: nobody has promised anything.
    #[default]
    Unsafe,
}

impl Safety {
    /// Whether it may be executed more than once.
    #[must_use]
    pub const fn is_repeatable(self) -> bool {
        match self {
            Self::Idempotent | Self::Keyed => true,
            Self::Unsafe => false,
        }
    }
}

/// What carrying a request out twice at the same time could do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that its caller minds: it reads, or whoever allows hedges answers for it. The
    /// default.
    #[default]
    Harmless,
    /// It changes something. It may be sent twice in turn, and is never sent twice side by side:
    /// two at once can meet, and the answer to the later would stand for both (a 409 while the
    /// other is still at work, a 404 for what it has just deleted).
    Changes,
}

/// What the machine must know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whether it may be executed more than once.
    pub safety: Safety,
    /// What it does when it runs twice at once, which decides whether it is hedged.
    pub effect: Effect,
    /// The time that a trusted caller still has; it only ever shortens the total.
    pub remaining: Option<Duration>,
    /// The hash of what keyed balancing goes by (a user, a session, a cache key); calls with the
    /// same one go to the same endpoint where the algorithm knows keys. Without one they are
    /// spread by weight.
    pub affinity: Option<u64>,
    /// How important it is, where work is shed or throttled. Default normal.
    pub priority: Priority,
    /// What it counts against a rate limit. Default 1.
    pub cost: u32,
    /// How many permits of the bulkhead each of its attempts takes. Default 1.
    pub weight: u32,
    /// The most of its body that is kept while it is held through an outage, in bytes. Default 0.
    pub body: u64,
    /// The only endpoint that it may go to, as one of several that are asked the same. It is then
    /// attempted once and not hedged. Default none: the balancer chooses.
    pub only: Option<EndpointId>,
}

impl Default for Facts {
    fn default() -> Self {
        Self::of(Safety::default())
    }
}

impl Facts {
    /// A request of which only this is known.
    #[must_use]
    pub const fn of(safety: Safety) -> Self {
        let priority = Priority::new(Class::Normal, 0);
        let (remaining, affinity, only) = (None, None, None);
        let (effect, cost, weight, body) = (Effect::Harmless, 1, 1, 0);
        Self { safety, effect, remaining, affinity, priority, cost, weight, body, only }
    }
}
