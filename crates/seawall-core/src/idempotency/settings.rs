//! Settings of idempotency keys, with the reasons for their defaults.

use crate::invalid::Invalid;
use crate::time::Duration;

/// What to do when nobody knows whether the work of a key was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Refuse until a person has looked (409). The default: at most once.
    #[default]
    Manual,
    /// Run again, with the next attempt as fencing token: at least once.
    RetrySafe,
    /// Ask the resource, then decide.
    Probe,
}

/// Whether a route runs requests that are not protected by a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Need {
    /// No: without a key 400, without a store 503.
    Required,
    /// Yes, marked as unprotected. The default.
    #[default]
    Optional,
}

/// Settings of idempotency keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencySettings {
    /// When nobody knows. Default manual.
    pub policy: Policy,
    /// How long a duplicate waits for the first, at most 60 s. Default 2 s: most answers have come
    /// by then, and a caller who retries waits about as long for any answer.
    pub wait: Duration,
    /// The longest time to come back that a duplicate is told. Default 5 s.
    pub retry_after_max: Duration,
    /// The longest that an execution may take, above zero; later deadlines are cut to it. Default
    /// 5 min: past any total of a request, so that it cuts only deadlines that are none.
    pub exec_max: Duration,
    /// How long a result is kept, above zero. Default 24 h, as callers know it from Stripe.
    pub ttl: Duration,
    /// The largest answer that is kept, in bytes. Default 1 MiB; larger ones cannot be replayed.
    pub body_max: usize,
    /// The most records in memory, at least 1. Default 100 000: about one new key a second over a
    /// day, in some tens of megabytes.
    pub entries_max: usize,
    /// The most bytes of kept answers in memory. Default 64 MiB.
    pub bytes_max: usize,
}

impl Default for IdempotencySettings {
    fn default() -> Self {
        Self {
            policy: Policy::Manual,
            wait: Duration::from_secs(2),
            retry_after_max: Duration::from_secs(5),
            exec_max: Duration::from_secs(300),
            ttl: Duration::from_secs(24 * 3_600),
            body_max: super::BODY_MAX,
            entries_max: 100_000,
            bytes_max: 64 << 20,
        }
    }
}

impl IdempotencySettings {
    /// Checks what the fields say of themselves.
    ///
    /// # Errors
    ///
    /// No time to live or to execute, no record allowed, a wait above 60 s, or an answer that
    /// would fill more than all the bytes there are.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.ttl.is_zero() {
            return Err(Invalid::new("ttl", "0", "above 0"));
        }
        if self.exec_max.is_zero() {
            return Err(Invalid::new("exec_max", "0", "above 0"));
        }
        if self.entries_max == 0 {
            return Err(Invalid::new("entries_max", 0, "at least 1"));
        }
        if self.wait > Duration::from_secs(60) {
            return Err(Invalid::new("wait", self.wait.as_secs(), "at most 60 s"));
        }
        if self.body_max > self.bytes_max {
            return Err(Invalid::new("body_max", self.body_max, "at most bytes_max"));
        }
        Ok(())
    }
}
