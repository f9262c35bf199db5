//! What calls came to: of a recorded day, or of a simulated one.

use std::collections::BTreeMap;

use seawall_config::record::{Call, Verdict};

use crate::observe::{End, Latency, LoadRecord};
use crate::trace::Outcome;
use crate::verdict::share;

/// What some calls came to. An answer is good by the table of outcomes, whatever a config says
/// otherwise, so that two configs are measured alike.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls that began.
    pub calls: u64,
    /// Attempts that were made for them.
    pub attempts: u64,
    /// How many ended in each way, in the order of [`End::ALL`]. A caller that left counts as
    /// [`End::TimedOut`].
    pub ends: [u64; End::ALL.len()],
    /// Why calls were not answered by their service, by reason code.
    pub reasons: BTreeMap<&'static str, u64>,
    /// From the arrival of a call to the end of its answer, of those that ended well.
    pub latency: Latency,
}

impl Tally {
    /// Counts a recorded call, whose attempts came to `outcomes`.
    pub(super) fn count(&mut self, call: &Call, outcomes: &[Outcome]) {
        let end = end_of(call, outcomes);
        self.calls += 1;
        self.attempts += u64::try_from(outcomes.len()).unwrap_or(u64::MAX);
        if let Some(count) = self.ends.get_mut(end.index()) {
            *count += 1;
        }
        if end.is_good() {
            self.latency.record(call.latency.into());
        }
        let own = !matches!(call.verdict, Verdict::Answer | Verdict::Cancelled);
        if let Some(why) = call.reason.filter(|_| own) {
            *self.reasons.entry(why.code()).or_default() += 1;
        }
    }

    /// What the calls of a simulated load came to.
    pub(super) fn of(load: &LoadRecord) -> Self {
        Self {
            calls: load.started,
            attempts: load.sent,
            ends: load.ends,
            reasons: load.reasons.clone(),
            latency: load.latency.clone(),
        }
    }

    /// Adds what other calls came to.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.attempts += other.attempts;
        for (sum, count) in self.ends.iter_mut().zip(other.ends) {
            *sum += count;
        }
        for (reason, count) in &other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.latency.merge(&other.latency);
    }

    /// The share of calls that ended well, substitutes included.
    #[must_use]
    pub fn success(&self) -> f64 {
        let ends = End::ALL.iter().zip(self.ends).filter(|(end, _)| end.is_good());
        share(ends.map(|(_, count)| count).sum(), self.calls)
    }

    /// Attempts for each call.
    #[must_use]
    pub fn attempts_per_call(&self) -> f64 {
        share(self.attempts, self.calls)
    }

    /// Calls that had not ended when the world did.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.calls.saturating_sub(self.ends.iter().sum())
    }
}

fn end_of(call: &Call, outcomes: &[Outcome]) -> End {
    match call.verdict {
        Verdict::Answer if outcomes.iter().any(|outcome| outcome.is_good()) => End::Good,
        // The attempt that brought the answer may be one of those that no longer fitted.
        Verdict::Answer if call.untold > 0 && call.status.is_some_and(|status| status < 400) => {
            End::Good
        }
        Verdict::Answer | Verdict::Truncated | Verdict::Failed => End::Error,
        Verdict::Fallback => End::Substitute,
        Verdict::Rejected => End::Refused,
        Verdict::Cancelled => End::TimedOut,
    }
}
