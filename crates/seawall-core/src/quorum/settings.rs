//! Settings of majority reads.
//!
//! The machine is in `read.rs`.

use crate::invalid::Invalid;
use crate::time::Duration;

/// No read asks more replicas than this: the load is n-fold, and nine already outvote four liars.
pub const REPLICAS_MAX: u32 = 9;

/// Settings of majority reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumSettings {
    /// So many replicas are asked, 2 to 9. Default 3: the least that tells who is odd.
    pub ask: u32,
    /// So many must agree: more than half of `ask`, at most all. Default 2.
    pub agree: u32,
    /// Undecided after so long, a read ends without an answer; the deadline of the call may cut
    /// it further. Default 3 s, the usual attempt timeout.
    pub timeout: Duration,
    /// Answers up to so long after the decision are still compared. Default 1 s.
    pub linger: Duration,
}

impl Default for QuorumSettings {
    fn default() -> Self {
        Self { ask: 3, agree: 2, timeout: Duration::from_secs(3), linger: Duration::from_secs(1) }
    }
}

impl QuorumSettings {
    /// Asks `ask` replicas and takes what the smallest majority agrees on.
    #[must_use]
    pub fn majority_of(ask: u32) -> Self {
        Self { ask, agree: ask / 2 + 1, ..Self::default() }
    }

    /// # Errors
    ///
    /// [`Invalid`] for the first setting that cannot work.
    pub fn validate(&self) -> Result<(), Invalid> {
        if !(2..=REPLICAS_MAX).contains(&self.ask) {
            return Err(Invalid::new("ask", self.ask, "2 to 9"));
        }
        if self.agree <= self.ask / 2 || self.agree > self.ask {
            // Were half enough, two contradicting answers could both have it.
            return Err(Invalid::new("agree", self.agree, "more than half of ask, at most ask"));
        }
        if self.timeout.is_zero() {
            return Err(Invalid::new("timeout", "0", "above 0"));
        }
        Ok(())
    }
}
