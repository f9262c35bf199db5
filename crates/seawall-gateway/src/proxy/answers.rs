//! How an exchange answers its caller: with an attempt's answer, a rung, or words of our own.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::response::Parts;
use http::{HeaderName, HeaderValue, Method, Response};

use seawall_config::Expose;
use seawall_core::call::{Action, Replay, Rung, Until, Verdict};
use seawall_core::outcome::Observation;
use seawall_core::reason::Reason;

use super::attempt::Answer;
use super::delivery::Delivery;
use super::exchange::Exchange;
use super::kept::Kept;
use crate::answer::{LocalAnswer, WHY, why};
use crate::body::{Body, Relayed};
use crate::wire::{BodyFollows, clean_answer};

/// Attempts or budget are spent here; a Seawall nearer to the caller should not try again.
const EXHAUSTED: HeaderName = HeaderName::from_static("seawall-exhausted");

impl Exchange<'_> {
    /// Hands the answer of attempt `number` on.
    pub(super) fn deliver(mut self, number: u32) -> Response<Body> {
        match self.latest.take().filter(|kept| kept.number() == number) {
            Some(Kept::Streaming(answer)) => self.relay(*answer),
            Some(Kept::Whole(_, parts, body)) => self.hand_over(number, *parts, body),
            Some(Kept::HeadOnly(_, parts)) => self.stand_in(number, &parts),
            None => {
                debug_assert!(false, "the answer of attempt {number} is gone");
                self.refuse(Verdict::Failed { why: Reason::Internal })
            }
        }
    }

    /// Answers with a static rung; it cannot fail.
    pub(super) fn fall_back(mut self, rung: u8, why_failed: Reason) -> Response<Body> {
        let Some(rung) = self.call.route.rungs.get(usize::from(rung)).cloned() else {
            debug_assert!(false, "the machine knows {} rungs", self.call.route.rungs.len());
            return self.refuse(Verdict::Failed { why: Reason::Internal });
        };
        let mut response = rung.response(&self.head.id);
        self.call.record.status(response.status());
        let _finished: Action = self.call.step(|call, ctx| call.rung_done(Rung::Served, ctx));
        if self.expose != Expose::None {
            let shown = format!("{};after={why_failed}", why(Reason::FallbackDefault, None));
            if let Ok(value) = HeaderValue::try_from(shown) {
                response.headers_mut().insert(WHY, value);
            }
        }
        response.map(Body::local)
    }

    /// Answers for a call that brought nothing to hand on.
    pub(super) fn refuse(self, verdict: Verdict) -> Response<Body> {
        let (reason, until) = match verdict {
            Verdict::Rejected { why, until } => (why, until),
            Verdict::Failed { why } => (why, Until::Unknown),
            Verdict::Answered { .. }
            | Verdict::Truncated { .. }
            | Verdict::FellBack { .. }
            | Verdict::Cancelled => (Reason::Internal, Until::Unknown),
        };
        let mut response = self.words(reason, until);
        self.mark(&mut response);
        response.map(Body::local)
    }

    fn words(&self, reason: Reason, until: Until) -> Response<Bytes> {
        let worker = &self.call.worker;
        self.call.route.meters.local.bump(reason);
        let upstream = Some(&**self.call.upstream().name());
        let (id, expose) = (&self.head.id, self.expose);
        let local = LocalAnswer { reason, until, upstream, id, expose, allow: &[] };
        let mut rng = worker.rng.borrow_mut();
        local.response(&self.head.headers, worker.clock.now(), &mut *rng)
    }

    /// Streams an answer on.
    fn relay(mut self, answer: Answer) -> Response<Body> {
        let Answer { number, head, lease } = answer;
        let (parts, incoming) = head.into_parts();
        let mut response = Response::from_parts(self.clean(parts), ());
        self.mark(&mut response);
        let (idle, clock) = (self.call.route.body_idle, self.call.worker.clock);
        let delivery = Delivery::new(self.call, number, lease);
        let relayed = Relayed::new(incoming, delivery, self.head.trailers, idle, clock);
        response.map(|()| Body::Relayed(Box::new(relayed)))
    }

    /// Hands over an answer that was put by whole.
    fn hand_over(mut self, number: u32, parts: Parts, body: Bytes) -> Response<Body> {
        let mut response = Response::from_parts(self.clean(parts), ());
        self.mark(&mut response);
        self.over(number);
        response.map(|()| Body::local(body))
    }

    /// Stands in for an answer whose body could not be kept: its status, in words of our own.
    fn stand_in(mut self, number: u32, parts: &Parts) -> Response<Body> {
        let mut response = self.words(Reason::ResponseIncomplete, Until::Unknown);
        *response.status_mut() = parts.status;
        if let Some(hint) = parts.headers.get(RETRY_AFTER) {
            response.headers_mut().insert(RETRY_AFTER, hint.clone());
        }
        self.mark(&mut response);
        self.call.record.status(parts.status);
        self.over(number);
        response.map(Body::local)
    }

    fn clean(&mut self, mut parts: Parts) -> Parts {
        let bodiless = self.head.method == Method::HEAD || parts.status.as_u16() == 304;
        let follows = if bodiless { BodyFollows::No } else { BodyFollows::Yes };
        clean_answer(&mut parts, self.head, follows);
        self.call.record.status(parts.status);
        parts
    }

    fn over(&mut self, number: u32) {
        let seen = Observation::Completed;
        let _finished: Action =
            self.call.step(|call, ctx| call.ended(number, seen, Replay::Lost, ctx));
    }

    fn mark<B>(&self, response: &mut Response<B>) {
        let spent = [Some(Reason::AttemptsExhausted), Some(Reason::BudgetEmpty)];
        if spent.contains(&self.call.call.denied()) {
            response.headers_mut().insert(EXHAUSTED, HeaderValue::from_static("1"));
        }
    }
}
