//! Policies: what serves a caller. Layers of the file (`layer.rs`) are merged key by key into the
//! one policy that a route has.
//!
//! What protects a dependency stands at the upstream (`upstream/`).

mod fallback;
mod layer;
mod retry;
mod timeouts;

use seawall_core::call::CallSettings;
use seawall_core::shed::Class as Priority;
use seawall_core::timeout::{OperationClass, OperationKind};

pub use fallback::Rung;
pub(crate) use layer::{PRIORITIES, PolicyLayer, merge};
pub use retry::RetryConfig;
pub(crate) use retry::{FIRST, JITTER, schedule_word};
pub use timeouts::Timeouts;
pub(crate) use timeouts::usual;

/// What a call gets on one route, all layers merged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyConfig {
    /// The class that gave the timeouts which no layer sets.
    pub class: OperationClass,
    /// What is called, where that is said: it gives the timeouts before the class does, and the
    /// number of attempts.
    pub kind: Option<OperationKind>,
    /// How important calls are where the upstream sheds or throttles. Default normal.
    pub priority: Priority,
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

impl PolicyConfig {
    /// The settings of calls.
    #[must_use]
    pub fn call_settings(&self) -> CallSettings {
        let rungs = u8::try_from(self.fallback.len()).unwrap_or(u8::MAX);
        let (on, retry) = (self.retry.is_some(), self.retry.unwrap_or_default());
        CallSettings {
            total: self.timeouts.total,
            attempt: self.timeouts.attempt,
            max_attempts: if on { retry.max_attempts } else { 1 },
            max_while_helping: if on { retry.max_while_helping } else { 1 },
            backoff: retry.backoff,
            throttled_backoff: retry.throttled,
            opt_ins: retry.opt_ins,
            hedges: self.class.limits().hedges,
            rungs,
        }
    }
}
