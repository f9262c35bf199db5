//! One attempt: a connection, the request, and what came of it within the attempt's time.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;

use http::header::TRANSFER_ENCODING;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::sleep_until;

use seawall_core::call::{Action, AttemptPlan, Safety};
use seawall_core::outcome::{CallerFault, ConnectFailure, Connection, Observation};
use seawall_upstream::{Lease, Reuse};

use super::exchange::Exchange;
use super::kept::Kept;
use super::observe::{of_checkout, of_send};
use crate::body::{AttemptBody, Upload};
use crate::wire::{AttemptFacts, retry_after};

/// An answer that has begun, with the connection that brings it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) number: u32,
    pub(super) head: Response<Incoming>,
    pub(super) lease: Lease<AttemptBody>,
}

/// What an attempt brought.
enum Brought {
    Answer(Box<Answer>, Observation),
    Nothing(Observation),
}

/// Whether something happened before the attempt's time was over.
enum InTime<T> {
    Yes(T),
    No,
}

impl Exchange {
    /// Makes the attempt that the machine planned and reports what it saw.
    pub(super) async fn attempt(&mut self, plan: AttemptPlan) -> Action {
        self.count(&plan);
        let brought = self.bring(&plan).await;
        self.charge_caller();
        match brought {
            Brought::Answer(answer, seen) => {
                let replay = self.replay();
                let action = self.call.step(|call, ctx| call.head(plan.number, seen, replay, ctx));
                self.latest = match action {
                    Action::Deliver(_) => Some(Kept::Streaming(answer)),
                    Action::Wait => Some(self.put_by(*answer).await),
                    _ => None,
                };
                action
            }
            Brought::Nothing(seen) => {
                let seen = self.callers_fault().map_or(seen, Observation::CallerFault);
                let replay = self.replay();
                self.call.step(|call, ctx| call.ended(plan.number, seen, replay, ctx))
            }
        }
    }

    async fn bring(&mut self, plan: &AttemptPlan) -> Brought {
        let endpoint = self.call.upstream().directory().find(plan.endpoint).cloned();
        let Some(endpoint) = endpoint else {
            // Removed between the choice and now.
            return Brought::Nothing(Observation::ConnectFailed(ConnectFailure::Unroutable));
        };
        let pool = self.call.worker.pools.of(&self.call.route, plan.endpoint, endpoint.address);
        let clock = self.call.worker.clock;
        let patience = clock.now().after(self.call.route.connect);
        let deadline = clock.runtime(plan.deadline.min(patience));
        let reuse = self.reuse();
        let lease = match self.in_time(pool.checkout(reuse, deadline)).await {
            InTime::Yes(Ok(lease)) => lease,
            InTime::Yes(Err(error)) => return Brought::Nothing(of_checkout(&error)),
            InTime::No => {
                return Brought::Nothing(Observation::ConnectFailed(ConnectFailure::TimedOut));
            }
        };
        let request = self.request(plan, &endpoint.name);
        self.exchange_heads(plan.number, lease, request).await
    }

    async fn exchange_heads(
        &mut self,
        number: u32,
        mut lease: Lease<AttemptBody>,
        request: Request<AttemptBody>,
    ) -> Brought {
        let connection = if lease.is_reused() { Connection::Reused } else { Connection::Fresh };
        let result = self.in_time(lease.send(request)).await;
        match result {
            InTime::Yes(Ok(head)) => {
                let seen = of_head(&head);
                if head.status() == StatusCode::SWITCHING_PROTOCOLS {
                    return Brought::Nothing(Observation::Upgraded);
                }
                Brought::Answer(Box::new(Answer { number, head, lease }), seen)
            }
            InTime::Yes(Err(error)) => {
                let seen = of_send(&error, connection, lease.sent());
                if let Observation::Lost { connection: Connection::Reused, .. } = seen {
                    lease.report_stale();
                }
                Brought::Nothing(seen)
            }
            InTime::No => Brought::Nothing(self.of_timeout(lease)),
        }
    }

    /// Waits for `work` until the machine gives the attempt up. While the caller is still sending
    /// its body the attempt's time does not run.
    async fn in_time<T>(&mut self, work: impl Future<Output = T>) -> InTime<T> {
        let mut work = pin!(work);
        loop {
            let Some(deadline) = self.call.call.next_deadline() else {
                return InTime::Yes(work.await);
            };
            let wake = self.call.worker.clock.runtime(deadline);
            tokio::select! {
                biased;
                result = &mut work => return InTime::Yes(result),
                () = sleep_until(wake) => {}
            }
            self.charge_caller();
            let Action::Abandon(_) = self.timer() else { continue };
            return InTime::No;
        }
    }

    /// The time is over. While the service waits for the caller's body that is no fault of the
    /// service.
    fn of_timeout(&self, lease: Lease<AttemptBody>) -> Observation {
        let sent = lease.close();
        let waits = |upload: &Rc<RefCell<Upload>>| upload.borrow().waiting_for_caller().is_some();
        match self.call.upload.as_ref().is_some_and(waits) {
            true => Observation::CallerFault(CallerFault::Stalled),
            false => Observation::TimedOut { sent },
        }
    }

    /// A request that must not be repeated gets a connection that is hardly ever found dead.
    fn reuse(&self) -> Reuse {
        match self.head.safety {
            Safety::Idempotent | Safety::Keyed => Reuse::Any,
            Safety::Unsafe => Reuse::FreshOrYoung,
        }
    }

    fn request(&mut self, plan: &AttemptPlan, endpoint: &str) -> Request<AttemptBody> {
        let worker = &self.call.worker;
        let body = AttemptBody::new(self.call.upload.as_ref());
        let remaining = self.call.call.remaining(worker.clock.now());
        let unframed = body.size_hint().exact().is_none() && !body.is_empty();
        let bodiless = [Method::GET, Method::HEAD].contains(&self.head.method);
        let mut rng = worker.rng.borrow_mut();
        let facts = AttemptFacts { number: plan.number, endpoint, remaining };
        let mut request = self.head.attempt(facts, body, &mut *rng);
        if unframed && bodiless {
            // hyper sends no body of unknown length with these methods unless told to.
            let chunked = HeaderValue::from_static("chunked");
            request.headers_mut().insert(TRANSFER_ENCODING, chunked);
        }
        request
    }

    /// Tells the machine how much of the attempt's time was the caller's.
    fn charge_caller(&mut self) {
        let replay = self.replay();
        self.call.charge_caller(replay);
    }

    fn count(&self, plan: &AttemptPlan) {
        let meters = &self.call.upstream().meters;
        meters.begun.bump();
        if plan.number == 1 { meters.first_attempts.bump() } else { meters.retries.bump() }
    }
}

fn of_head(head: &Response<Incoming>) -> Observation {
    let code = head.status().as_u16();
    let exhausted = head.headers().contains_key("seawall-exhausted");
    Observation::Status { code, retry_after: retry_after(head.headers()), exhausted }
}
