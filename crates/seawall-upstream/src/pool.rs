//! The connection pool of one endpoint: who may hold a connection, and who must wait for one.
//!
//! The counts are in `book`, the queue in `queue`, the handing over in `shared`, a checkout's own
//! dial in `race`; the idle connections in `idle`, dialling in `dial`, the use of a connection in
//! `lease`.

mod book;
mod queue;
mod race;
mod shared;

use std::{error::Error as StdError, fmt, net::SocketAddr, rc::Rc};

use http_body::Body;
use tokio::{sync::oneshot::Receiver, time::Instant};

use self::shared::{Admission, Grant, Waiting};
pub(crate) use self::shared::{Handed, Origin, Shared, Slot};
use crate::{DialError, Lease, PoolSettings, PoolSnapshot, Reuse, clock};

/// Why a checkout got no connection. Nothing was sent in any case.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckoutError {
    /// All connections are in use. Our own bound, not the endpoint's fault.
    #[error("no upstream connection is free: {0}")]
    PoolExhausted(Exhausted),
    /// No connection could be opened.
    #[error(transparent)]
    Dial(#[from] DialError),
}

/// Which bound an exhausted pool met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Exhausted {
    /// [`PoolSettings::waiters`] checkouts wait already.
    #[error("too many are waiting")]
    QueueFull,
    /// None came free before the deadline.
    #[error("the deadline passed while waiting")]
    DeadlinePassed,
}

/// The connections of one worker to one endpoint.
///
/// Never more than [`PoolSettings::connections`] are open or being opened. Dropping the pool
/// closes the idle ones; leased ones serve their attempt to its end and close then.
///
/// `B` is the type of request bodies.
pub struct Pool<B> {
    shared: Rc<Shared<B>>,
}

impl<B> Pool<B> {
    /// An empty pool for `endpoint`; connections are opened as checkouts need them.
    pub fn new(endpoint: SocketAddr, settings: PoolSettings) -> Self {
        Self { shared: Rc::new(Shared::new(endpoint, settings)) }
    }

    /// The address that this pool connects to.
    pub fn endpoint(&self) -> SocketAddr {
        self.shared.endpoint()
    }

    /// Takes new settings; connections, learned limits and totals stay. A lowered cap closes
    /// nothing that is leased: the count falls as leases end.
    pub fn reconfigure(&self, settings: PoolSettings) {
        self.shared.reconfigure(settings);
    }

    /// Closes the connections that have been idle too long at `now`. Taking out and giving back
    /// do it in passing; a timer that calls this lets a pool without traffic shrink too.
    pub fn sweep(&self, now: Instant) {
        self.shared.sweep(now);
    }

    /// Counts, totals and the idle limit in force at `now`.
    pub fn snapshot(&self, now: Instant) -> PoolSnapshot {
        self.shared.snapshot(now)
    }
}

impl<B> Pool<B>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    /// Takes the newest idle connection that `reuse` accepts, or dials, or waits for a place to.
    ///
    /// Whoever dials or waits also stands in line for the connections that come back: first
    /// come, first served, never a newcomer first. If one comes before the own dial has ended,
    /// the dial goes on, for the connect timeout at most, and its connection goes to the pool.
    /// Dropping the future at any point frees its place. A connection taken from the pool may
    /// still turn out to be closed by its peer.
    ///
    /// # Errors
    /// [`CheckoutError::PoolExhausted`] if the queue is full or `deadline` passes in it,
    /// [`CheckoutError::Dial`] if the own dial fails before a connection came back.
    ///
    /// # Panics
    /// Outside a [`tokio::task::LocalSet`], where connections cannot be driven.
    pub async fn checkout(
        &self,
        reuse: Reuse,
        deadline: Instant,
    ) -> Result<Lease<B>, CheckoutError> {
        let handed = match self.shared.admit(reuse, clock::now())? {
            Admission::Taken(handed) => handed,
            Admission::Dial(waiting, slot) => race::race(waiting, slot, deadline).await?,
            Admission::Wait(waiting, place) => wait(waiting, place, deadline).await?,
        };
        Ok(self.lease(handed))
    }

    fn lease(&self, handed: Handed<B>) -> Lease<B> {
        let shared = Rc::clone(&self.shared);
        match handed.origin {
            Origin::Dial => Lease::fresh(shared, handed.kept),
            Origin::Lease => {
                self.shared.on_reused();
                Lease::reused(shared, handed.kept)
            }
        }
    }
}

async fn wait<B>(
    mut waiting: Waiting<B>,
    place: Receiver<Slot<B>>,
    deadline: Instant,
) -> Result<Handed<B>, CheckoutError>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    match waiting.granted(place, deadline).await? {
        Grant::Conn(handed) => Ok(handed),
        Grant::Dial(slot) => Ok(race::race(waiting, slot, deadline).await?),
    }
}

impl<B> Drop for Pool<B> {
    fn drop(&mut self) {
        // Idle connections and the tasks that drive them refer to the pool and it to them;
        // without this neither would ever end.
        self.shared.retire();
    }
}

impl<B> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
