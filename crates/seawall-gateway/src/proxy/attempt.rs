//! One attempt: a connection, the request, and what came of it.
//!
//! It knows nothing of its call but what it needs for the request, so that several can run beside
//! one another. When to begin and when to give up is said by the machine (`exchange.rs`).

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use http::header::TRANSFER_ENCODING;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;

use seawall_core::call::Safety;
use seawall_core::outcome::{ConnectFailure, Connection, Observation};
use seawall_core::time::Instant;
use seawall_upstream::{AnyBody, AnyLease, AnyPool, Reuse};

use super::flight::Recall;
use super::observe::{of_checkout, of_send};
use crate::body::{AttemptBody, Upload};
use crate::upstreams::EndpointInfo;
use crate::wire::{Accepted, AttemptFacts, retry_after};
use crate::worker::Worker;

/// An answer that has begun, with the connection that brings it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) number: u32,
    pub(super) head: Response<AnyBody>,
    pub(super) lease: AnyLease<AttemptBody>,
}

/// What an attempt brought.
#[derive(Debug)]
pub(super) enum Brought {
    Answer(Box<Answer>, Observation),
    Nothing(Observation),
}

/// What an attempt needs.
#[derive(Debug)]
pub(super) struct Errand<'a> {
    pub(super) number: u32,
    pub(super) worker: &'a Worker,
    pub(super) head: &'a Accepted,
    /// The body of the request, unless it has none.
    pub(super) upload: Option<Rc<RefCell<Upload>>>,
    /// Where it goes; none if the endpoint was removed between the choice and now.
    pub(super) target: Option<Target>,
    /// By when there must be a connection.
    pub(super) connected: Instant,
    /// By when the service must have answered, for it to know; `None` without a limit.
    pub(super) answered: Option<Instant>,
    pub(super) recall: &'a Recall,
}

/// An endpoint, and the connections to it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) endpoint: Arc<EndpointInfo>,
    pub(super) pool: Rc<AnyPool<AttemptBody>>,
}

impl Errand<'_> {
    /// Makes the attempt. Dropped, it closes its connection; called back, it also says how much of
    /// the request was sent.
    pub(super) async fn run(mut self) -> Brought {
        let Some(Target { endpoint, pool }) = self.target.take() else {
            return Brought::Nothing(Observation::ConnectFailed(ConnectFailure::Unroutable));
        };
        let deadline = self.worker.clock.runtime(self.connected);
        let checked_out = {
            let checkout = pin!(pool.checkout(self.reuse(), deadline));
            self.recall.unless_called(self.number, checkout).await
        };
        let lease = match checked_out {
            Some(Ok(lease)) => lease,
            Some(Err(error)) => return Brought::Nothing(of_checkout(&error)),
            None => {
                return Brought::Nothing(Observation::ConnectFailed(ConnectFailure::TimedOut));
            }
        };
        self.exchange_heads(lease, &endpoint.name).await
    }

    async fn exchange_heads(&self, mut lease: AnyLease<AttemptBody>, endpoint: &str) -> Brought {
        let connection = if lease.is_reused() { Connection::Reused } else { Connection::Fresh };
        let number = self.number;
        let request = self.request(endpoint);
        let sent = {
            let sending = pin!(lease.send(request));
            self.recall.unless_called(number, sending).await
        };
        match sent {
            Some(Ok(head)) => {
                let seen = of_head(&head);
                if head.status() == StatusCode::SWITCHING_PROTOCOLS {
                    return Brought::Nothing(Observation::Upgraded);
                }
                Brought::Answer(Box::new(Answer { number, head, lease }), seen)
            }
            Some(Err(error)) => {
                let seen = of_send(&error, connection, lease.sent());
                if let Observation::Lost { connection: Connection::Reused, .. } = seen {
                    lease.report_stale();
                }
                Brought::Nothing(seen)
            }
            None => Brought::Nothing(Observation::TimedOut { sent: lease.close() }),
        }
    }

    /// A request that must not be repeated gets a connection that is hardly ever found dead.
    fn reuse(&self) -> Reuse {
        match self.head.safety {
            Safety::Idempotent | Safety::Keyed => Reuse::Any,
            Safety::Unsafe => Reuse::FreshOrYoung,
        }
    }

    fn request(&self, endpoint: &str) -> Request<AttemptBody> {
        let body = AttemptBody::new(self.upload.as_ref());
        let now = self.worker.clock.now();
        let remaining = self.answered.map(|end| end.since(now));
        let unframed = body.size_hint().exact().is_none() && !body.is_empty();
        let bodiless = [Method::GET, Method::HEAD].contains(&self.head.method);
        let mut rng = self.worker.rng.borrow_mut();
        let facts = AttemptFacts { number: self.number, endpoint, remaining };
        let mut request = self.head.attempt(facts, body, &mut *rng);
        if unframed && bodiless {
            // hyper sends no body of unknown length with these methods unless told to.
            let chunked = HeaderValue::from_static("chunked");
            request.headers_mut().insert(TRANSFER_ENCODING, chunked);
        }
        request
    }
}

fn of_head(head: &Response<AnyBody>) -> Observation {
    let code = head.status().as_u16();
    let exhausted = head.headers().contains_key("seawall-exhausted");
    Observation::Status { code, retry_after: retry_after(head.headers()), exhausted }
}
