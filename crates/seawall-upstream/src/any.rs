//! Pools, leases and bodies of either protocol, for callers to whom it makes no difference.
//!
//! HTTP/1.1 is in `pool` and `lease`, HTTP/2 in `h2`.

use std::{
    error::Error as StdError,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use seawall_core::outcome::Sent;
use tokio::time::Instant;

use crate::{
    CheckoutError, Lease, Pool, PoolSettings, PoolSnapshot, Reuse, SendError,
    h2::{StreamBody, StreamLease, StreamPool, StreamSettings},
};

/// What the connections of a pool speak, and the settings that go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolProtocol {
    /// HTTP/1.1 in clear text.
    Http1(PoolSettings),
    /// HTTP/2 in clear text, with prior knowledge.
    H2c(StreamSettings),
}

impl PoolProtocol {
    /// The version of HTTP that such connections speak.
    pub fn version(&self) -> Version {
        match self {
            Self::Http1(_) => Version::HTTP_11,
            Self::H2c(_) => Version::HTTP_2,
        }
    }
}

/// The connections of one worker to one endpoint, whatever they speak.
#[derive(Debug)]
pub enum AnyPool<B> {
    /// HTTP/1.1.
    Http1(Pool<B>),
    /// HTTP/2.
    H2c(StreamPool),
}

impl<B> AnyPool<B> {
    /// An empty pool for `endpoint`.
    pub fn new(endpoint: SocketAddr, protocol: &PoolProtocol) -> Self {
        match protocol {
            PoolProtocol::Http1(settings) => Self::Http1(Pool::new(endpoint, settings.clone())),
            PoolProtocol::H2c(settings) => Self::H2c(StreamPool::new(endpoint, settings.clone())),
        }
    }

    /// Takes new settings, and says whether it could: a pool whose connections speak something
    /// else cannot. Drop it then; its connections end with the attempts that hold them.
    #[must_use = "a pool of another protocol must be replaced"]
    pub fn reconfigure(&self, protocol: &PoolProtocol) -> bool {
        match (self, protocol) {
            (Self::Http1(pool), PoolProtocol::Http1(settings)) => {
                pool.reconfigure(settings.clone());
            }
            (Self::H2c(pool), PoolProtocol::H2c(settings)) => pool.reconfigure(settings.clone()),
            (Self::Http1(_), PoolProtocol::H2c(_)) | (Self::H2c(_), PoolProtocol::Http1(_)) => {
                return false;
            }
        }
        true
    }

    /// The address that this pool connects to.
    pub fn endpoint(&self) -> SocketAddr {
        match self {
            Self::Http1(pool) => pool.endpoint(),
            Self::H2c(pool) => pool.endpoint(),
        }
    }

    /// Closes the connections that have been idle too long at `now`.
    pub fn sweep(&self, now: Instant) {
        match self {
            Self::Http1(pool) => pool.sweep(now),
            Self::H2c(pool) => pool.sweep(now),
        }
    }

    /// Counts, totals and the idle limit in force at `now`.
    pub fn snapshot(&self, now: Instant) -> PoolSnapshot {
        match self {
            Self::Http1(pool) => pool.snapshot(now),
            Self::H2c(pool) => pool.snapshot(now),
        }
    }
}

impl<B> AnyPool<B>
where
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    /// Takes a connection, or a stream's place on one; see [`Pool::checkout`] and
    /// [`StreamPool::checkout`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// Outside a [`tokio::task::LocalSet`].
    pub async fn checkout(
        &self,
        reuse: Reuse,
        deadline: Instant,
    ) -> Result<AnyLease<B>, CheckoutError> {
        match self {
            Self::Http1(pool) => pool.checkout(reuse, deadline).await.map(AnyLease::Http1),
            Self::H2c(pool) => pool.checkout(reuse, deadline).await.map(AnyLease::H2c),
        }
    }
}

/// A connection, or a stream on one, held by one attempt. Dropped, it abandons the exchange: with
/// HTTP/1.1 by closing the connection, with HTTP/2 by resetting the stream.
#[derive(Debug)]
pub enum AnyLease<B> {
    /// HTTP/1.1.
    Http1(Lease<B>),
    /// HTTP/2.
    H2c(StreamLease),
}

impl<B> AnyLease<B> {
    /// Whether the connection had been idle in the pool, so that its end may be the keep-alive
    /// race.
    pub fn is_reused(&self) -> bool {
        match self {
            Self::Http1(lease) => lease.is_reused(),
            Self::H2c(lease) => lease.is_reused(),
        }
    }

    /// Whether the request can have reached the endpoint; see [`Lease::sent`] and
    /// [`StreamLease::sent`].
    pub fn sent(&self) -> Sent {
        match self {
            Self::Http1(lease) => lease.sent(),
            Self::H2c(lease) => lease.sent(),
        }
    }

    /// Tells the pool that this connection turned out to be dead when it was used.
    pub fn report_stale(&self) {
        match self {
            Self::Http1(lease) => lease.report_stale(),
            Self::H2c(lease) => lease.report_stale(),
        }
    }

    /// Abandons the exchange and says, finally, whether the request can have been sent.
    pub fn close(self) -> Sent {
        match self {
            Self::Http1(lease) => lease.close(),
            Self::H2c(lease) => lease.close(),
        }
    }

    /// The response body has ended: what the lease holds may serve again.
    pub fn give_back(self) {
        match self {
            Self::Http1(lease) => lease.give_back(),
            Self::H2c(lease) => drop(lease),
        }
    }
}

impl<B> AnyLease<B>
where
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    /// Sends a request of HTTP/1.1 form and waits for the head of its response; see
    /// [`Lease::send`] and [`StreamLease::send`].
    ///
    /// # Errors
    /// As there.
    pub async fn send(&mut self, request: Request<B>) -> Result<Response<AnyBody>, SendError> {
        match self {
            Self::Http1(lease) => Ok(lease.send(request).await?.map(AnyBody::Http1)),
            Self::H2c(lease) => Ok(lease.send(request).await?.map(AnyBody::H2c)),
        }
    }
}

/// The body of a response.
#[derive(Debug)]
pub enum AnyBody {
    /// HTTP/1.1.
    Http1(Incoming),
    /// HTTP/2.
    H2c(StreamBody),
}

impl Body for AnyBody {
    type Data = Bytes;
    type Error = Box<dyn StdError + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Http1(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::H2c(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(body) => body.is_end_stream(),
            Self::H2c(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(body) => body.size_hint(),
            Self::H2c(body) => body.size_hint(),
        }
    }
}
