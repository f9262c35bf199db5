//! Settings of the balancer of an upstream, with the defaults.

use crate::time::Duration;

/// How an endpoint is chosen among those that may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// In turn.
    RoundRobin,
    /// The cheaper of two drawn at random, by peak-EWMA latency and attempts in flight. The
    /// default: it reacts to a slow endpoint within one answer and never herds on the best.
    #[default]
    PeakEwma,
}

/// Settings of the balancer of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceSettings {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Time constant of the latency estimate. Default 10 s.
    pub decay: Duration,
    /// The latency taken for an endpoint that has not answered yet. Default 30 ms.
    pub first_latency: Duration,
    /// A joining or re-admitted endpoint reaches its full weight over this time. Default 30 s.
    pub slow_start: Option<Duration>,
}

impl Default for BalanceSettings {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::PeakEwma,
            decay: Duration::from_secs(10),
            first_latency: Duration::from_millis(30),
            slow_start: Some(Duration::from_secs(30)),
        }
    }
}
