//! The callbacks of a request.
//!
//! Untuned: round robin, and Pingora's own rules of retry (a reused connection that turned out to
//! be closed). Tuned: short connects, failed connects and answers of 502, 503 and 504 tried again
//! at another replica where that is safe, attempts cut to what is left of the deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pingora::http::ResponseHeader;
use pingora::lb::LoadBalancer;
use pingora::lb::selection::RoundRobin;
use pingora::prelude::HttpPeer;
use pingora::protocols::l4::socket::SocketAddr;
use pingora::proxy::{ProxyHttp, Session};
use pingora::{Error, ErrorType, Result};

/// A dial over one link takes a round trip; the same as for the other products.
const CONNECT: Duration = Duration::from_millis(250);

/// Three attempts of this length fit into the deadline of 2 s.
const ATTEMPT: Duration = Duration::from_millis(600);

/// Below the 5 s after which servers of the gauntlet close idle connections.
const IDLE: Duration = Duration::from_secs(4);

/// Attempts of one call.
const ATTEMPTS: u32 = 3;

/// The replicas behind a prefix.
pub struct Pool {
    pub prefix: String,
    pub balancer: Arc<LoadBalancer<RoundRobin>>,
}

/// The proxy.
pub struct Gateway {
    pools: Vec<Pool>,
    tuned: bool,
    deadline: Option<Duration>,
    h2: bool,
}

/// What is remembered between the attempts of a call.
pub struct Tries {
    begun: Instant,
    made: u32,
    last: Option<SocketAddr>,
}

impl Gateway {
    pub fn new(pools: Vec<Pool>, tuned: bool, deadline: Option<Duration>, h2: bool) -> Self {
        Self { pools, tuned, deadline, h2 }
    }

    fn pool(&self, path: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| path.starts_with(&pool.prefix))
    }

    /// Another replica than that of the attempt before, where there is one.
    fn choose(&self, path: &str, tries: &Tries) -> Option<SocketAddr> {
        let balancer = &self.pool(path)?.balancer;
        let other = balancer.select_with(b"", 16, |backend, healthy| {
            healthy && Some(&backend.addr) != tries.last.as_ref()
        });
        other.or_else(|| balancer.select(b"", 16)).map(|backend| backend.addr)
    }

    /// What is left of the deadline, and at most one attempt's share.
    fn patience(&self, tries: &Tries) -> Result<Duration> {
        let Some(deadline) = self.deadline else { return Ok(ATTEMPT) };
        match deadline.checked_sub(tries.begun.elapsed()) {
            Some(left) if !left.is_zero() => Ok(left.min(ATTEMPT)),
            _ => Error::e_explain(ErrorType::HTTPStatus(504), "the deadline has passed"),
        }
    }
}

fn repeatable(session: &Session) -> bool {
    session.req_header().method.is_idempotent() && !session.as_ref().retry_buffer_truncated()
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Tries;

    fn new_ctx(&self) -> Tries {
        Tries { begun: Instant::now(), made: 0, last: None }
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        tries: &mut Tries,
    ) -> Result<Box<HttpPeer>> {
        let chosen = self.choose(session.req_header().uri.path(), tries);
        let address = chosen.ok_or_else(|| Error::new(ErrorType::HTTPStatus(503)))?;
        tries.made += 1;
        tries.last = Some(address.clone());
        let mut peer = Box::new(HttpPeer::new(address, false, String::new()));
        if self.h2 {
            peer.options.set_http_version(2, 2);
        }
        if self.tuned {
            let patience = self.patience(tries)?;
            peer.options.connection_timeout = Some(CONNECT);
            peer.options.total_connection_timeout = Some(CONNECT);
            peer.options.read_timeout = Some(patience);
            peer.options.write_timeout = Some(patience);
            peer.options.idle_timeout = Some(IDLE);
        }
        Ok(peer)
    }

    /// Nothing was sent, so every method may be tried again.
    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        tries: &mut Tries,
        mut error: Box<Error>,
    ) -> Box<Error> {
        if self.tuned && tries.made < ATTEMPTS {
            error.set_retry(true);
        }
        error
    }

    fn error_while_proxy(
        &self,
        peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        tries: &mut Tries,
        client_reused: bool,
    ) -> Box<Error> {
        let mut error = error.more_context(format!("Peer: {peer}"));
        let answered = session.response_written().is_some();
        if !repeatable(session) || answered {
            error.set_retry(false);
        } else if self.tuned {
            error.set_retry(tries.made < ATTEMPTS);
        } else {
            error.retry.decide_reuse(client_reused);
        }
        error
    }

    /// An answer that another replica may better is an error of this attempt.
    async fn upstream_response_filter(
        &self,
        session: &mut Session,
        answer: &mut ResponseHeader,
        tries: &mut Tries,
    ) -> Result<()> {
        let poor = matches!(answer.status.as_u16(), 502..=504);
        if self.tuned && poor && repeatable(session) && tries.made < ATTEMPTS {
            let mut error = Error::new_up(ErrorType::HTTPStatus(answer.status.as_u16()));
            error.set_retry(true);
            return Err(error);
        }
        Ok(())
    }
}
