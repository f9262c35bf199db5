//! Operation classes: the limits of a call by who waits for it.
//!
//! Limits by what is called are in `kind.rs`.

use crate::time::Duration;

/// Whether the calls of a class are retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retries {
    /// As long as it is safe.
    WhenSafe,
    /// Only until the first byte of the answer was handed on, which for a stream is all that is
    /// ever possible.
    UntilCommitted,
}

/// Whether the calls of a class are hedged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hedges {
    /// Yes, where safe.
    WhenSafe,
    /// Only where somebody asks for it.
    OptIn,
    /// Never.
    Never,
}

/// The limits of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the start of a call to the head of its answer; `None` for no limit. The body after it
    /// is bounded by `body_idle`, so that a long download is not cut.
    pub total: Option<Duration>,
    /// From the start of an attempt to the head of its answer.
    pub attempt: Duration,
    /// Between two pieces of the body of an answer.
    pub body_idle: Duration,
    /// Whether calls are retried.
    pub retries: Retries,
    /// Whether calls are hedged.
    pub hedges: Hedges,
}

/// What a call is for, and so how long anybody waits for it.
///
/// Each class but stream fits three attempts and the waits between them into its total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationClass {
    /// Somebody looks at a screen: 2 s in all, 600 ms an attempt. Hedged, since here the slowest
    /// hundredth is noticed.
    Interactive,
    /// 10 s in all, 3 s an attempt. The default.
    #[default]
    Standard,
    /// Nobody waits: 60 s in all, 18 s an attempt. Never hedged, since nobody gains by it.
    Batch,
    /// Long answers: no total, 5 s to the head. Never hedged: a stream is too much work to begin
    /// it twice.
    Stream,
}

impl OperationClass {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Interactive, Self::Standard, Self::Batch, Self::Stream];

    /// Its word in settings, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Stream => "stream",
        }
    }

    /// Its limits.
    #[must_use]
    pub const fn limits(self) -> Limits {
        let (secs, millis) = (Duration::from_secs, Duration::from_millis);
        let standard = Limits {
            total: Some(secs(10)),
            attempt: secs(3),
            body_idle: secs(10),
            retries: Retries::WhenSafe,
            hedges: Hedges::OptIn,
        };
        match self {
            Self::Interactive => Limits {
                total: Some(secs(2)),
                attempt: millis(600),
                body_idle: secs(2),
                hedges: Hedges::WhenSafe,
                ..standard
            },
            Self::Standard => standard,
            Self::Batch => Limits {
                total: Some(secs(60)),
                attempt: secs(18),
                body_idle: secs(30),
                hedges: Hedges::Never,
                ..standard
            },
            Self::Stream => Limits {
                total: None,
                attempt: secs(5),
                body_idle: secs(60),
                retries: Retries::UntilCommitted,
                hedges: Hedges::Never,
            },
        }
    }
}
