//! Active health checks: one check of one endpoint on a fresh connection.
//!
//! When checks happen is in `run`. What a series of results means for an endpoint is decided by
//! `seawall_core::health`.

mod run;

use std::{convert::Infallible, io, net::SocketAddr, ops::RangeInclusive, rc::Rc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, header, uri::PathAndQuery};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client::conn::http1::SendRequest};
use tokio::net::TcpStream;

pub use self::run::{CheckTurns, run_checks};
use crate::{
    DialError, SendError, conn, dial,
    h2::{self, StreamCut},
    meter::Meter,
    send::Scene,
};

/// Most bytes that are read of the answer to a check. A page larger than this has shown that the
/// service works; the rest would only cost both sides.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// How an endpoint is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckSettings {
    /// What is asked of the endpoint.
    pub kind: CheckKind,
    /// From the start of one check to the start of the next, ± 20 %. Default 5 s.
    pub every: Duration,
    /// How long one check may take, from the dial to the last byte. Default 1 s.
    pub timeout: Duration,
}

impl CheckSettings {
    /// A check of `kind` with the defaults for the rest.
    pub fn new(kind: CheckKind) -> Self {
        Self { kind, every: Duration::from_secs(5), timeout: Duration::from_secs(1) }
    }
}

/// What is asked of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckKind {
    /// That it accepts a TCP connection. Says nothing about the service behind the socket.
    Tcp,
    /// That it answers a GET with an expected status and a whole body.
    Http {
        /// How it is asked.
        over: CheckProtocol,
        /// The target of the request, in origin form.
        path: PathAndQuery,
        /// The `Host` field of the request.
        host: HeaderValue,
        /// The statuses that pass; 200 to 299 is the usual choice.
        expect: RangeInclusive<u16>,
    },
}

/// What a check that asks something speaks: the same as the attempts, or it would pass where they
/// fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckProtocol {
    /// HTTP/1.1 in clear text.
    Http1,
    /// HTTP/2 in clear text, with prior knowledge.
    H2c,
}

/// What one check came to.
#[derive(Debug)]
pub enum CheckResult {
    /// The endpoint did what was asked.
    Pass,
    /// It did not.
    Fail(CheckFailure),
    /// It did nothing within the timeout. Apart from `Fail`, because an overloaded endpoint is
    /// slow too, and timeouts alone must not remove the last one.
    Timeout,
}

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckFailure {
    /// No connection. If [`DialError::is_own`], the check says nothing about the endpoint.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// No response head.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A status outside the expected range.
    #[error("the health check was answered with status {0}")]
    Status(u16),
    /// The response body ended too soon.
    #[error("the answer to the health check was cut short")]
    BodyCut(#[source] hyper::Error),
    /// The same over HTTP/2.
    #[error("the answer to the health check was cut short")]
    StreamCut(#[source] StreamCut),
}

/// Checks `endpoint` once, on a connection of its own.
///
/// A response body is read up to 64 KiB. Redirects are not followed. Dropping the future ends
/// the check.
pub async fn check_once(endpoint: SocketAddr, settings: &CheckSettings) -> CheckResult {
    match tokio::time::timeout(settings.timeout, check(endpoint, settings)).await {
        Ok(Ok(())) => CheckResult::Pass,
        Ok(Err(CheckFailure::Dial(DialError::TimedOut))) | Err(_) => CheckResult::Timeout,
        Ok(Err(failure)) => CheckResult::Fail(failure),
    }
}

async fn check(endpoint: SocketAddr, settings: &CheckSettings) -> Result<(), CheckFailure> {
    let stream = dial::dial(endpoint, settings.timeout).await?;
    match &settings.kind {
        CheckKind::Tcp => Ok(()),
        CheckKind::Http { over, path, host, expect } => {
            let request = request(path, host)?;
            match over {
                CheckProtocol::Http1 => check_http(stream, request, expect).await,
                CheckProtocol::H2c => check_h2c(stream, request, expect).await,
            }
        }
    }
}

async fn check_h2c(
    stream: TcpStream,
    request: Request<Empty<Bytes>>,
    expect: &RangeInclusive<u16>,
) -> Result<(), CheckFailure> {
    let (status, whole) = h2::check::ask(stream, request, BODY_BYTES_MAX).await?;
    if !expect.contains(&status) {
        return Err(CheckFailure::Status(status));
    }
    whole.map_err(CheckFailure::StreamCut)
}

fn request(path: &PathAndQuery, host: &HeaderValue) -> Result<Request<Empty<Bytes>>, DialError> {
    Request::get(path.as_str())
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .header(header::USER_AGENT, "seawall-health-check")
        .body(Empty::new())
        // A valid path is a valid target; were it not, the mistake would be ours.
        .map_err(|error| DialError::Other(io::Error::other(error)))
}

async fn check_http(
    stream: TcpStream,
    request: Request<Empty<Bytes>>,
    expect: &RangeInclusive<u16>,
) -> Result<(), CheckFailure> {
    let meter = Rc::new(Meter::default());
    let (sender, connection) = conn::handshake(stream, Rc::clone(&meter)).await?;
    let driver = async {
        // The exchange learns of an error by itself, and may read what arrived before it.
        drop(connection.await);
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        result = exchange(sender, request, expect, &meter) => result,
        never = driver => match never {},
    }
}

async fn exchange(
    mut sender: SendRequest<Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
    expect: &RangeInclusive<u16>,
    meter: &Meter,
) -> Result<(), CheckFailure> {
    let response = sender.try_send_request(request).await.map_err(|error| {
        let unsent = error.message().is_some();
        let scene = Scene { reused: false, heard: meter.received() > 0, unsent };
        SendError::classify(error.into_error(), scene)
    })?;
    let status = response.status().as_u16();
    if !expect.contains(&status) {
        return Err(CheckFailure::Status(status));
    }
    read(response.into_body()).await.map_err(CheckFailure::BodyCut)
}

async fn read(mut body: Incoming) -> Result<(), hyper::Error> {
    let mut seen = 0;
    while seen <= BODY_BYTES_MAX
        && let Some(frame) = body.frame().await
    {
        seen += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
