//! What users felt in each minute: pure, from what the generator wrote down.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::measure::{Class, quantile};
use crate::record::Answered;
use crate::stamp::Stamp;

/// What users felt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Felt {
    /// Requests that were to start in that time.
    pub requests: u64,
    /// Those that did not end well, by the names of their classes.
    pub failed: BTreeMap<&'static str, u64>,
    /// 99 of 100 took no longer, in nanoseconds, failed ones as long as their users waited.
    pub p99: Option<u64>,
}

impl Felt {
    /// How many did not end well.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

/// Parts of a soak of equal length, the first of which begins at `from`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) from: Stamp,
    /// Nanoseconds.
    pub(super) each: u64,
    pub(super) count: usize,
}

impl Parts {
    /// The part that holds a time.
    pub(super) fn of(&self, at: Stamp) -> Option<usize> {
        let since = at.0.checked_sub(self.from.0)?.checked_div(self.each)?;
        usize::try_from(since).ok().filter(|part| *part < self.count)
    }
}

/// What users felt in each part, by when their requests were to start.
pub(super) fn felt(answered: &[Answered], parts: Parts, deadline: u64) -> Vec<Felt> {
    let mut all = vec![(Felt::default(), Vec::new()); parts.count];
    for one in answered {
        let part = parts.of(one.intended).and_then(|part| all.get_mut(part));
        let Some((felt, latencies)) = part else { continue };
        felt.requests += 1;
        latencies.push(one.ended.since(one.intended));
        let class = Class::of(one, deadline);
        if !class.is_ok() {
            *felt.failed.entry(class.name()).or_insert(0) += 1;
        }
    }
    let ended = all.into_iter().map(|(felt, mut latencies)| {
        latencies.sort_unstable();
        Felt { p99: quantile(&latencies, 990), ..felt }
    });
    ended.collect()
}

/// 99 of 100 requests were sent no later than so many nanoseconds after their time.
pub(super) fn lag(answered: &[Answered]) -> Option<u64> {
    let mut lags: Vec<u64> = answered.iter().map(|one| one.begun.since(one.intended)).collect();
    lags.sort_unstable();
    quantile(&lags, 990)
}
