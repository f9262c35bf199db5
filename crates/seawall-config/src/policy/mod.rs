//! Policies: what serves a caller. Layers of the file (`layer.rs`) are merged key by key into the
//! one policy that a route has.
//!
//! What protects a dependency stands at the upstream (`upstream/`).

mod fallback;
mod layer;

use seawall_core::backoff::BackoffSettings;
use seawall_core::outcome::RetryOn500;
use seawall_core::time::Duration;

pub use fallback::Rung;
pub(crate) use layer::{JITTER, PolicyLayer, merge};

/// The kind of operation, which sets the timeouts. Each class fits three attempts and their
/// backoff into its total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// Somebody waits at a screen: 2 s in all, 600 ms an attempt.
    Interactive,
    /// The default: 10 s in all, 3 s an attempt.
    #[default]
    Standard,
    /// Nobody waits: 60 s in all, 18 s an attempt.
    Batch,
    /// Long answers: no total, 5 s to the head of the response.
    Stream,
}

impl Class {
    /// The words of the config file, each with its meaning.
    pub(crate) const WORDS: [(&'static str, Self); 4] = [
        ("standard", Self::Standard),
        ("interactive", Self::Interactive),
        ("batch", Self::Batch),
        ("stream", Self::Stream),
    ];

    /// The word in the config file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Stream => "stream",
        }
    }

    /// Total, attempt and body idle timeouts.
    pub(crate) const fn timeouts(self) -> (Option<Duration>, Duration, Duration) {
        let (secs, millis) = (Duration::from_secs, Duration::from_millis);
        match self {
            Self::Interactive => (Some(secs(2)), millis(600), secs(2)),
            Self::Standard => (Some(secs(10)), secs(3), secs(10)),
            Self::Batch => (Some(secs(60)), secs(18), secs(30)),
            Self::Stream => (None, secs(5), secs(60)),
        }
    }
}

/// The longest durations of a call and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the start of the call to the head of its answer; `None` means no limit. A body that
    /// flows is bounded by `body_idle`.
    pub total: Option<Duration>,
    /// From the start of an attempt to the head of its response; never above `total`.
    pub attempt: Duration,
    /// Between two pieces of a response body.
    pub body_idle: Duration,
    /// How long an attempt waits for a connection; never above `attempt`, nor above the `connect`
    /// of the upstream's pool.
    pub connect: Duration,
}

/// When and how often a call is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryConfig {
    /// Attempts of one call, the first included; at least 1. Default 3.
    pub max_attempts: u32,
    /// The wait before a retry. Default 50 ms, doubled each time up to 2 s, full jitter.
    pub backoff: BackoffSettings,
    /// Whether a plain 500 is retried. Default no: a deterministic bug repeats.
    pub on_500: RetryOn500,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { max_attempts: 3, backoff: BackoffSettings::transient(), on_500: RetryOn500::Never }
    }
}

/// What a call gets on one route, all layers merged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyConfig {
    /// The class that gave the timeouts which no layer sets.
    pub class: Class,
    /// The timeouts.
    pub timeouts: Timeouts,
    /// Retries; `None` means that the first attempt is the only one.
    pub retry: Option<RetryConfig>,
    /// Bytes of a request body kept so that it can be sent again. Default 64 KiB; 0, for `off`,
    /// keeps none.
    pub replay: u64,
    /// Substitute answers in their order. Default none: a fallback that nobody asked for hides
    /// outages.
    pub fallback: Vec<Rung>,
}

/// Bytes of a request body that are kept for replay unless a layer says otherwise.
const REPLAY: u64 = 64 << 10;
