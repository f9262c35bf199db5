//! The right to use one connection for one attempt, and the facts about its use.
//!
//! Where leases come from and go back to is in `pool`; the sorting of errors in `send`.

use std::{fmt, rc::Rc, time::Duration};

use http::{HeaderMap, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use seawall_core::outcome::Sent;

use crate::{
    SendError, clock,
    conn::Conn,
    idle::Kept,
    pool::{Handed, Origin, Shared},
    send::Scene,
};

/// One connection of a pool, held by one attempt.
///
/// Hold it until the response body has ended, then [`give_back`](Self::give_back). Dropping it
/// closes the connection: the only way in HTTP/1.1 to abandon an exchange.
pub struct Lease<B> {
    kept: Kept<Conn<B>>,
    shared: Rc<Shared<B>>,
    idle_age: Option<Duration>,
    exchange: Exchange,
    /// Boxed: it is most of a lease, which passes through many hands, and nearly always empty.
    unsent: Option<Box<Request<B>>>,
}

/// How far the one exchange of a lease has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    Untouched,
    /// Begun and not answered: failed, abandoned, or still waiting.
    Begun,
    Answered,
}

impl<B> Lease<B> {
    pub(crate) fn fresh(shared: Rc<Shared<B>>, kept: Kept<Conn<B>>) -> Self {
        Self { kept, shared, idle_age: None, exchange: Exchange::Untouched, unsent: None }
    }

    pub(crate) fn reused(shared: Rc<Shared<B>>, kept: Kept<Conn<B>>) -> Self {
        let idle_age = Some(kept.age(clock::now()));
        kept.conn.meter.reset();
        Self { kept, shared, idle_age, exchange: Exchange::Untouched, unsent: None }
    }

    /// Tells connections of one pool apart.
    #[cfg(test)]
    pub(crate) fn id(&self) -> u64 {
        self.kept.conn.id
    }

    /// Whether the connection came from the pool, so that a reset may be the keep-alive race.
    pub fn is_reused(&self) -> bool {
        self.idle_age.is_some()
    }

    /// How long the connection had been idle when it was taken; `None` if it is fresh.
    pub fn idle_age(&self) -> Option<Duration> {
        self.idle_age
    }

    /// Bytes that the socket accepted since take-out.
    pub fn bytes_written(&self) -> u64 {
        self.kept.conn.meter.accepted()
    }

    /// Bytes that the socket delivered since take-out.
    pub fn bytes_received(&self) -> u64 {
        self.kept.conn.meter.received()
    }

    /// Whether the request can have reached the endpoint, as far as bytes tell: `No` while the
    /// socket has accepted nothing, `Yes` once a byte came back, `Maybe` in between.
    ///
    /// Final after an error of [`send`](Self::send). While an exchange runs it holds only until
    /// the next await: to abandon one, use [`close`](Self::close). That a whole upload also
    /// counts as sent is for the owner of the body to add.
    pub fn sent(&self) -> Sent {
        self.kept.conn.meter.sent()
    }

    /// The request of a failed [`send`](Self::send), if not a byte of it was ever serialised.
    pub fn take_unsent(&mut self) -> Option<Request<B>> {
        self.unsent.take().map(|request| *request)
    }

    /// Tells the pool that this connection turned out to be dead when it was used.
    ///
    /// If it was reused, the idle limit of this pool falls to half of its idle age, at least
    /// 1 s, for 10 min.
    pub fn report_stale(&self) {
        if let Some(age) = self.idle_age {
            self.shared.on_stale_reset(age, clock::now());
        }
    }

    /// Closes the connection and says, finally, whether the request can have been sent.
    ///
    /// Drop the future of [`send`](Self::send) first; from then on nothing more is written.
    pub fn close(self) -> Sent {
        self.sent()
    }

    /// Returns the connection to the pool, or closes it if it cannot serve again: the exchange
    /// failed, has not ended on both sides, or the peer closes after it.
    ///
    /// Call it when the response body has ended. Give back early and the connection is closed.
    pub fn give_back(mut self) {
        let conn = &self.kept.conn;
        let is_reusable = match self.exchange {
            Exchange::Untouched => !conn.is_closed(),
            Exchange::Begun => false,
            Exchange::Answered => conn.sender.is_ready(),
        };
        if !is_reusable {
            return;
        }
        let now = clock::now();
        if self.exchange == Exchange::Answered {
            self.kept.since = now;
        }
        self.shared.put(Handed { kept: self.kept, origin: Origin::Lease }, now);
    }
}

impl<B: Body + 'static> Lease<B> {
    /// Sends a request and waits for the head of its response.
    ///
    /// The request needs an origin-form target, HTTP/1.1 and a `Host` field; hyper writes them as
    /// given. A 101 is handed out like any response, and its connection is closed. One exchange
    /// for each lease. There is no time limit here: drop the future to abandon the exchange.
    ///
    /// # Errors
    /// See [`SendError`]; [`sent`](Self::sent) then tells how far the request got.
    pub async fn send(&mut self, request: Request<B>) -> Result<Response<Incoming>, SendError> {
        self.exchange = Exchange::Begun;
        match self.kept.conn.sender.try_send_request(request).await {
            Ok(response) => {
                self.exchange = Exchange::Answered;
                self.kept.limit = announced_idle(response.headers()).or(self.kept.limit);
                Ok(response)
            }
            Err(mut error) => {
                // hyper may still flush what it had buffered when the error came.
                self.kept.conn.meter.seal();
                self.unsent = error.take_message().map(Box::new);
                Err(SendError::classify(error.into_error(), self.scene()))
            }
        }
    }

    fn scene(&self) -> Scene {
        Scene {
            reused: self.is_reused(),
            heard: self.bytes_received() > 0,
            unsent: self.unsent.is_some(),
        }
    }
}

impl<B> fmt::Debug for Lease<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("endpoint", &self.shared.endpoint())
            .field("idle_age", &self.idle_age)
            .field("sent", &self.sent())
            .finish_non_exhaustive()
    }
}

/// The idle time that `Keep-Alive: timeout=N` leaves us: N − 1 s, so that a request under way
/// still arrives in time. Absent or unreadable means no announcement.
fn announced_idle(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("keep-alive")?.to_str().ok()?;
    let seconds = value.split(',').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_timeout = name.trim().eq_ignore_ascii_case("timeout");
        is_timeout.then(|| value.trim().trim_matches('"').parse::<u32>().ok()).flatten()
    })?;
    Some(Duration::from_secs(u64::from(seconds.saturating_sub(1))))
}

#[cfg(test)]
mod tests;
