//! The summary at the end: the numbers of both sides, the audit of the payments, and the verdict
//! with its reasons. Serialised it is the JSON of `--json`; in words it is printed by `screen`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::arrivals::Wish;
use super::ledger::Audit;
use super::metrics::Effort;
use super::tally::Tally;

/// The numbers of one side. Latencies are of all requests, failed ones included, in milliseconds
/// from when the request was due.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Numbers {
    /// Requests that ended.
    pub(super) requests: u64,
    /// Of them, those that failed.
    pub(super) failed: u64,
    /// Of them, those served with a substitute for a part.
    pub(super) degraded: u64,
    /// Half of the requests took at most this.
    pub(super) p50_ms: f64,
    /// 99 of 100 took at most this.
    pub(super) p99_ms: f64,
    /// The slowest took this.
    pub(super) max_ms: f64,
    /// The failures by what was asked and why they failed.
    pub(super) failures: BTreeMap<String, u64>,
}

/// The seawall side: the same, and what the gateway did for it. Without the latter if the gateway
/// did not answer at the end.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Guarded {
    #[serde(flatten)]
    pub(super) numbers: Numbers,
    #[serde(flatten)]
    pub(super) effort: Option<Effort>,
}

/// The whole summary.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    /// How long the load was meant to run.
    pub(super) seconds: u32,
    /// The seed of arrivals and failures.
    pub(super) seed: u64,
    /// Requests a second on each side.
    pub(super) rate: u32,
    /// Whether the schedule was played to its end.
    pub(super) complete: bool,
    /// Plain round robin.
    pub(super) direct: Numbers,
    /// Through the gateway.
    pub(super) seawall: Guarded,
    /// What the ledger says, over both sides.
    pub(super) payments: Audit,
}

impl Numbers {
    /// The numbers of a tally.
    pub(super) fn of(tally: &Tally) -> Self {
        let whole = &tally.whole;
        let named = |((wish, failure), count): (&(Wish, _), &u64)| {
            let wish = if *wish == Wish::Page { "page" } else { "payment" };
            (format!("{wish}: {failure}"), *count)
        };
        Self {
            requests: whole.requests,
            failed: whole.failed,
            degraded: whole.degraded,
            p50_ms: milliseconds(whole.quantile(0.5)),
            p99_ms: milliseconds(whole.quantile(0.99)),
            max_ms: milliseconds(whole.quantile(1.0)),
            failures: tally.failures.iter().map(named).collect(),
        }
    }
}

impl Summary {
    /// Why the demo is not a success; empty if it is one.
    pub(super) fn objections(&self) -> Vec<String> {
        let lost = &self.seawall.numbers;
        let books = &self.payments;
        let unknown = u64::from(self.seawall.effort.is_none());
        [
            (lost.failed, format!("{} requests failed behind Seawall", lost.failed)),
            (books.executed_twice, format!("{} payments executed twice", books.executed_twice)),
            (
                books.confirmed_not_executed,
                format!("{} payments confirmed but not executed", books.confirmed_not_executed),
            ),
            (unknown, "the gateway did not tell its counters at the end".to_owned()),
        ]
        .into_iter()
        .filter_map(|(count, objection)| (count > 0).then_some(objection))
        .collect()
    }
}

/// Milliseconds with the microseconds as decimals. Latencies above 71 minutes count as that.
fn milliseconds(latency: Duration) -> f64 {
    f64::from(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX)) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::tally::{End, Failure};
    use serde_json::Value;

    fn summary(failed: u64) -> Summary {
        let mut tally = Tally::new();
        tally.count(Wish::Page, End::Degraded, Duration::from_millis(20));
        let direct = Numbers::of(&tally);
        for _ in 0..failed {
            let end = End::Failed(Failure::Status(502));
            tally.count(Wish::Page, end, Duration::from_millis(20));
        }
        let seawall = Guarded { numbers: Numbers::of(&tally), effort: Some(Effort::default()) };
        let payments = Audit::default();
        Summary { seconds: 30, seed: 1, rate: 55, complete: true, direct, seawall, payments }
    }

    fn has(value: &Value, keys: &[&str]) {
        for key in keys {
            assert!(value.get(key).is_some(), "{key} is missing in {value}");
        }
    }

    #[test]
    fn the_json_has_every_promised_key() {
        let json = serde_json::to_value(summary(0)).unwrap();
        has(&json, &["seconds", "seed", "complete", "direct", "seawall", "payments"]);
        let numbers = ["requests", "failed", "p50_ms", "p99_ms", "max_ms"];
        has(&json["direct"], &numbers);
        has(&json["seawall"], &numbers);
        has(&json["seawall"], &["degraded", "amplification", "retries", "ejections"]);
        has(&json["seawall"], &["breaker_opens", "fallbacks"]);
        has(&json["payments"], &["keys", "executed", "executed_twice", "received_more_than_once"]);
        assert_eq!(json["seawall"]["degraded"], 1);
    }

    #[test]
    fn failures_are_named_by_wish_and_reason() {
        let json = serde_json::to_value(summary(3)).unwrap();
        assert_eq!(json["seawall"]["failures"]["page: status 502"], 3);
        assert_eq!(json["direct"]["failures"], serde_json::json!({}));
    }

    #[test]
    fn each_broken_promise_is_an_objection() {
        assert!(summary(0).objections().is_empty());
        assert_eq!(summary(2).objections(), ["2 requests failed behind Seawall"]);
        let mut bad = summary(0);
        bad.payments.executed_twice = 1;
        bad.payments.confirmed_not_executed = 1;
        bad.seawall.effort = None;
        assert_eq!(bad.objections().len(), 3);
    }

    #[test]
    fn latencies_are_milliseconds() {
        assert!((milliseconds(Duration::from_micros(1_234_567)) - 1_234.567).abs() < 1e-9);
    }
}
