//! What became of calls: counters, and the recent ones with their trails.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderValue, Method, StatusCode};

use seawall_core::call::{Call, Trail, Verdict};
use seawall_core::reason::Reason;
use seawall_core::time::Instant;

use crate::answer;
use crate::live::Route;
use crate::recorder::Asked;
use crate::wire::Accepted;
use crate::worker::Worker;

/// Names of the verdicts, in the order in which they are counted.
pub(crate) const VERDICTS: [&str; 6] =
    ["answer", "truncated", "fallback", "rejected", "failed", "cancelled"];

/// Calls kept of each kind: those with something to tell must not be washed out by the plain.
const KEPT: usize = 512;

/// Bytes of a path that are kept.
const PATH_MAX: usize = 256;

/// What is known of a call before it ends.
#[derive(Debug)]
pub(super) struct Record {
    id: HeaderValue,
    method: Method,
    path: Box<str>,
    status: Option<StatusCode>,
    /// For the record of the day, where one is made.
    asked: Option<Asked>,
    over: bool,
}

/// A call that is over.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) id: HeaderValue,
    pub(crate) method: Method,
    pub(crate) path: Box<str>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) route: Arc<Route>,
    pub(crate) verdict: Verdict,
    pub(crate) attempts: u32,
    denied: Option<Reason>,
    pub(crate) started: Instant,
    pub(crate) ended: Instant,
    pub(crate) trail: Box<Trail>,
}

impl Record {
    pub(super) fn new(head: &Accepted, asked: Option<Asked>) -> Self {
        let path = head.path();
        let cut = path.get(..PATH_MAX).unwrap_or(path);
        let (id, method) = (head.id.clone(), head.method.clone());
        Self { id, method, path: Box::from(cut), status: None, asked, over: false }
    }

    /// The status that the caller gets.
    pub(super) fn status(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Counts a call and keeps its trail, once.
    pub(super) fn finish(
        &mut self,
        (call, trail, ended): (&Call, Box<Trail>, Instant),
        verdict: Verdict,
        route: &Arc<Route>,
        worker: &Worker,
    ) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let status = match verdict {
            Verdict::Rejected { why, .. } | Verdict::Failed { why } => Some(answer::status(why)),
            Verdict::Cancelled if self.status.is_none() => None,
            _ => self.status,
        };
        let finished = Finished {
            id: self.id.clone(),
            method: self.method.clone(),
            path: std::mem::take(&mut self.path),
            status,
            route: Arc::clone(route),
            verdict,
            attempts: call.attempts(),
            denied: call.denied(),
            started: call.started(),
            ended,
            trail,
        };
        finished.count();
        finished.log();
        if let (Some(asked), Some(recorder)) = (self.asked, worker.shared.recorder()) {
            recorder.take(asked, &finished);
        }
        worker.shared.calls.keep(finished);
    }
}

impl Finished {
    fn count(&self) {
        let (route, upstream) = (&self.route.meters, &self.route.upstream.meters);
        let verdict = route.verdicts.get(verdict_index(self.verdict));
        if let Some(counter) = verdict {
            counter.bump();
        }
        let hundreds = self.status.map_or(0, |status| usize::from(status.as_u16() / 100));
        if let Some(counter) = hundreds.checked_sub(1).and_then(|index| route.statuses.get(index)) {
            counter.bump();
        }
        route.duration.observe(self.ended.since(self.started).as_secs_f64());
        upstream.calls.bump();
        if self.has_failed() {
            upstream.failed.bump();
        }
        if let Verdict::FellBack { .. } = self.verdict {
            upstream.fallbacks.bump();
        }
        if let Some(denied) = self.denied {
            upstream.denied.bump(denied);
        }
    }

    /// Whether the caller got no good answer for a reason that is not its own.
    pub(crate) fn has_failed(&self) -> bool {
        match self.verdict {
            Verdict::Answered { .. } => self.status.is_some_and(|status| status.is_server_error()),
            Verdict::Truncated { .. } | Verdict::Rejected { .. } | Verdict::Failed { .. } => {
                !self.reason().is_some_and(is_callers)
            }
            Verdict::FellBack { .. } | Verdict::Cancelled => false,
        }
    }

    /// Whether there is more to tell than that it went well at the first attempt.
    fn is_plain(&self) -> bool {
        matches!(self.verdict, Verdict::Answered { .. }) && self.attempts == 1 && !self.has_failed()
    }

    /// The reason code, where the answer was not simply the upstream's.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self.verdict {
            Verdict::Answered { .. } => None,
            Verdict::Truncated { why, .. }
            | Verdict::FellBack { why, .. }
            | Verdict::Rejected { why, .. }
            | Verdict::Failed { why } => Some(why),
            Verdict::Cancelled => Some(Reason::ClientGone),
        }
    }

    /// The name of the verdict.
    pub(crate) fn verdict_name(&self) -> &'static str {
        VERDICTS.get(verdict_index(self.verdict)).copied().unwrap_or_default()
    }

    fn log(&self) {
        tracing::debug!(
            target: "seawall::access",
            id = ?self.id,
            method = %self.method,
            path = %self.path,
            route = %self.route.name,
            status = self.status.map(|status| status.as_u16()),
            verdict = self.verdict_name(),
            reason = self.reason().map(Reason::code),
            attempts = self.attempts,
            seconds = self.ended.since(self.started).as_secs_f64(),
        );
    }
}

fn verdict_index(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Answered { .. } => 0,
        Verdict::Truncated { .. } => 1,
        Verdict::FellBack { .. } => 2,
        Verdict::Rejected { .. } => 3,
        Verdict::Failed { .. } => 4,
        Verdict::Cancelled => 5,
    }
}

/// The calls that ended last: some with something to tell, some plain.
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    telling: Mutex<VecDeque<Finished>>,
    plain: Mutex<VecDeque<Finished>>,
}

impl CallLog {
    fn keep(&self, call: Finished) {
        let ring = if call.is_plain() { &self.plain } else { &self.telling };
        let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(call);
    }

    /// The latest calls, newest first, those with something to tell included first of all.
    pub(crate) fn latest(&self, limit: usize) -> Vec<Finished> {
        let mut calls = self.copy(&self.telling, limit);
        calls.extend(self.copy(&self.plain, limit));
        calls.sort_by_key(|call| std::cmp::Reverse(call.ended));
        calls.truncate(limit);
        calls
    }

    fn copy(&self, ring: &Mutex<VecDeque<Finished>>, limit: usize) -> Vec<Finished> {
        let ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.iter().rev().take(limit).cloned().collect()
    }
}

/// Whether a call ended for a reason that is its caller's own.
const fn is_callers(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::BodyTimeout | Reason::BodyTooLarge | Reason::MalformedRequest | Reason::ClientGone
    )
}
