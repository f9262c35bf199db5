//! What a product adds to the work of the replicas: attempts beyond requests, effects carried out
//! twice, work that nobody had use for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, Request};
use super::number::{SECOND, count, number, seconds};
use super::span::Span;
use super::traffic::{BUCKET, Traffic};
use crate::record::{Attempt, Seen};

/// What was done beyond what was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extra {
    /// Attempts for each request over fault and observation; none without requests.
    pub amplification: Option<f64>,
    /// The same in the second where it was largest.
    pub amplification_peak: Option<f64>,
    /// POSTs without a key that were begun at replicas twice or more, in the whole run.
    pub duplicates_begun: u64,
    /// POSTs without a key whose effect was carried out twice or more, in the whole run.
    pub duplicates_committed: u64,
    /// The share of the replicas' work in fault and observation whose result reached no user in
    /// time; none without work.
    pub wasted: Option<f64>,
}

impl Extra {
    pub(crate) fn of(ledger: &Ledger<'_>, traffic: &Traffic) -> Self {
        let felt = ledger.spans.felt();
        let (duplicates_begun, duplicates_committed) = duplicates(ledger);
        Self {
            amplification: factor(ledger, traffic, felt),
            amplification_peak: peak(ledger, traffic, felt),
            duplicates_begun,
            duplicates_committed,
            wasted: wasted(ledger, felt),
        }
    }
}

fn factor(ledger: &Ledger<'_>, traffic: &Traffic, span: Span) -> Option<f64> {
    let requests = count(ledger.within(span));
    (requests > 0).then(|| traffic.over(traffic.replicas(), span) / number(requests))
}

/// The largest over windows of a second that begin at any bucket.
fn peak(ledger: &Ledger<'_>, traffic: &Traffic, felt: Span) -> Option<f64> {
    let starts = felt.pieces(BUCKET).map(|bucket| bucket.from);
    let windows = starts.map(|from| Span { from, to: from.after(SECOND) });
    let inside = windows.filter(|window| window.to <= felt.to);
    inside.filter_map(|window| factor(ledger, traffic, window)).max_by(f64::total_cmp)
}

/// Ids that a user of a closed loop asked for again are left out: there the user did it.
fn duplicates(ledger: &Ledger<'_>) -> (u64, u64) {
    let once = ledger.requests.iter().filter(|request| {
        request.is_unsafe() && request.answered.is_none_or(|one| one.tries_before == 0)
    });
    let ids: BTreeSet<u64> = once.map(|request| request.planned.id).collect();
    let (mut begun, mut committed) = (0, 0);
    for id in ids {
        let attempts = ledger.attempts_at(id);
        begun += u64::from(attempts.len() > 1);
        committed += u64::from(attempts.iter().filter(|one| one.committed).count() > 1);
    }
    (begun, committed)
}

fn wasted(ledger: &Ledger<'_>, felt: Span) -> Option<f64> {
    let attempts = ledger.run.attempts.iter();
    let all = attempts.filter(|one| one.id.is_some() && felt.has(one.begun));
    let all: f64 = all.map(|one| seconds(one.worked)).sum();
    let used = ledger.requests.iter().filter_map(|request| useful(ledger, request));
    let used: f64 = used.filter(|one| felt.has(one.begun)).map(|one| seconds(one.worked)).sum();
    (all > 0.0).then(|| (1.0 - used / all).clamp(0.0, 1.0))
}

/// The one attempt whose result its user had: the last one of the replica that answered.
fn useful<'a>(ledger: &Ledger<'a>, request: &Request<'a>) -> Option<&'a Attempt> {
    let answered = request.answered.filter(|_| !request.is_error())?;
    let Seen::Answer { replica: Some(replica), .. } = answered.seen else { return None };
    let attempts = ledger.attempts_at(request.planned.id).iter().copied();
    let fits = attempts.filter(|one| one.replica == replica && one.begun <= answered.ended);
    fits.filter(|one| (200..300).contains(&one.status)).max_by_key(|one| (one.ended, one.serial))
}
