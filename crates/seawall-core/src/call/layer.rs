//! The layers of defence and their order, as they run and as they are printed.

use core::fmt;

/// A layer of defence that a call passes, outer to inner in the order of [`Layer::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// What is asked before anything else.
    Guards,
    /// So many calls in such a time.
    RateLimit,
    /// The less important go first when there is too much.
    Shedding,
    /// Substitute answers.
    Ladder,
    /// The time of the whole call.
    TotalDeadline,
    /// The breaker of the whole upstream.
    Breaker,
    /// Retries and hedges.
    Attempts,
    /// Calls wait while no endpoint can be reached.
    Hold,
    /// What the upstream would refuse is not sent.
    Throttle,
    /// So many attempts at once.
    Bulkhead,
    /// Where an attempt goes.
    Choice,
    /// What keeps traffic from a single endpoint.
    EndpointGuards,
    /// The time of one attempt.
    AttemptTimeout,
}

impl Layer {
    /// Every layer, outer to inner.
    pub const ALL: [Self; 13] = [
        Self::Guards,
        Self::RateLimit,
        Self::Shedding,
        Self::Ladder,
        Self::TotalDeadline,
        Self::Breaker,
        Self::Attempts,
        Self::Hold,
        Self::Throttle,
        Self::Bulkhead,
        Self::Choice,
        Self::EndpointGuards,
        Self::AttemptTimeout,
    ];

    /// What it is, in a line.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Guards => "guards: valid request, deadline not expired",
            Self::RateLimit => "rate limit of calls",
            Self::Shedding => "shedding by priority",
            Self::Ladder => "fallback ladder: everything below can end in a rung of it",
            Self::TotalDeadline => "total deadline",
            Self::Breaker => "breaker of the upstream",
            Self::Attempts => "retry and hedge loop under the attempt budget",
            Self::Hold => "hold: calls wait through a short outage, within bounds",
            Self::Throttle => "client throttle: what the upstream would refuse is not sent",
            Self::Bulkhead => "bulkhead of the upstream: a permit for each attempt",
            Self::Choice => "endpoint choice: ejected, unhealthy and tried endpoints left out",
            Self::EndpointGuards => "breaker and outlier detector of the endpoint",
            Self::AttemptTimeout => "attempt timeout",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}
