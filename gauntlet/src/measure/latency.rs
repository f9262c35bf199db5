//! How long users waited: quantiles over all requests and over those that ended well.

use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, Request};
use super::number::{count, quantile, ratio};
use super::span::Span;

/// Quantiles of the latency of a phase, in nanoseconds; none where there was no such request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of all requests, failed ones counted as the generator's patience (5 s).
    pub p50: Option<u64>,
    /// 99 of 100, of all.
    pub p99: Option<u64>,
    /// 999 of 1000, of all.
    pub p99_9: Option<u64>,
    /// Half of those that ended well.
    pub ok_p50: Option<u64>,
    /// 99 of 100 of those that ended well.
    pub ok_p99: Option<u64>,
}

impl Latency {
    pub(crate) fn of(requests: &[Request<'_>]) -> Self {
        let all = sorted(requests.iter());
        let ok = sorted(requests.iter().filter(|request| !request.is_error()));
        Self {
            p50: quantile(&all, 500),
            p99: quantile(&all, 990),
            p99_9: quantile(&all, 999),
            ok_p50: quantile(&ok, 500),
            ok_p99: quantile(&ok, 990),
        }
    }

    /// How many times the p99 of control this p99 is.
    pub(crate) fn inflation(&self, control: &Self) -> Option<f64> {
        ratio(self.p99?, control.p99?)
    }
}

fn sorted<'a>(requests: impl Iterator<Item = &'a Request<'a>>) -> Vec<u64> {
    let mut latencies: Vec<u64> = requests.map(|request| request.latency).collect();
    latencies.sort_unstable();
    latencies
}

/// A distribution as a curve: shares in thousandths with the latency that so many requests do not
/// exceed, in nanoseconds. Failed requests count as the patience.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curve(pub Vec<(u64, u64)>);

/// Where a curve is read off: finer toward the slow end, where the harm is.
const STEPS: [u64; 24] = [
    1, 10, 50, 100, 200, 300, 400, 500, 600, 700, 800, 850, 900, 920, 940, 950, 960, 970, 980, 985,
    990, 995, 998, 999,
];

impl Curve {
    pub(crate) fn of(ledger: &Ledger<'_>, span: Span) -> Self {
        let requests = ledger.within(span);
        let all = sorted(requests.iter());
        // A step that fewer than one request stands for would repeat the slowest.
        let told = STEPS.into_iter().filter(|step| count(&all) * (1000 - step) >= 1000);
        Self(told.filter_map(|step| Some((step, quantile(&all, step)?))).collect())
    }
}
