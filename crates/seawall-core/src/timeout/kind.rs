//! Presets by what is called: the time that such an operation may reasonably take.
//!
//! Limits by who waits are in `class.rs`.

use crate::time::Duration;

/// What an operation calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationKind {
    /// A look-up in a cache: 50 ms in all, one attempt. What the cache saves is a slower way to
    /// the same answer, which is where to go next, not to the cache again.
    Cache,
    /// A query to a database: 3 s an attempt, three attempts within 10 s.
    Query,
    /// Another service of the same system: 3 s an attempt, three attempts within 10 s.
    Internal,
    /// A service of somebody else across the open net: 15 s an attempt, three attempts within
    /// 50 s.
    External,
    /// A large request body: 60 s in all, one attempt, since its body is gone once it was sent.
    Upload,
    /// A heavy read: 10 s an attempt, two attempts within 25 s. A third would more often add to
    /// the load that made the first two slow than bring an answer.
    Report,
    /// A health check: 1 s in all, one attempt. It is repeated by its own interval, and an endpoint
    /// that needs longer is what it looks for.
    Health,
}

/// The limits of one kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// From the start of an attempt to the head of its answer; for an upload the sending is
    /// part of it.
    pub attempt: Duration,
    /// From the start of a call to the head of its answer. It fits all attempts and the waits of
    /// the default backoff between them.
    pub total: Duration,
    /// Attempts, the first included.
    pub attempts: u32,
}

impl OperationKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Cache,
        Self::Query,
        Self::Internal,
        Self::External,
        Self::Upload,
        Self::Report,
        Self::Health,
    ];

    /// Its word in settings, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Query => "query",
            Self::Internal => "internal",
            Self::External => "external",
            Self::Upload => "upload",
            Self::Report => "report",
            Self::Health => "health",
        }
    }

    /// Its limits.
    #[must_use]
    pub const fn preset(self) -> Preset {
        let (secs, millis) = (Duration::from_secs, Duration::from_millis);
        match self {
            Self::Cache => Preset { attempt: millis(50), total: millis(50), attempts: 1 },
            Self::Query | Self::Internal => {
                Preset { attempt: secs(3), total: secs(10), attempts: 3 }
            }
            Self::External => Preset { attempt: secs(15), total: secs(50), attempts: 3 },
            Self::Upload => Preset { attempt: secs(60), total: secs(60), attempts: 1 },
            Self::Report => Preset { attempt: secs(10), total: secs(25), attempts: 2 },
            Self::Health => Preset { attempt: secs(1), total: secs(1), attempts: 1 },
        }
    }
}
