//! The HTTP/2 pool of one endpoint, as the proxy loop uses it.

use std::{fmt, net::SocketAddr, rc::Rc};

use tokio::time::{Instant, sleep_until};

use super::{
    lease::StreamLease,
    settings::StreamSettings,
    shared::{Admission, Shared, Turn, Waiting},
};
use crate::{CheckoutError, DialError, Exhausted, PoolSnapshot, Reuse, clock};

/// The HTTP/2 connections of one worker to one endpoint.
///
/// Attempts share connections, up to the smaller of what the peer allows and
/// [`StreamSettings::streams`], on the least loaded first. Another connection is opened when all
/// are four fifths full. Dropping the pool closes each connection when its last stream has ended.
pub struct StreamPool {
    shared: Rc<Shared>,
}

impl StreamPool {
    /// An empty pool for `endpoint`; connections are opened as checkouts need them.
    pub fn new(endpoint: SocketAddr, settings: StreamSettings) -> Self {
        Self { shared: Rc::new(Shared::new(endpoint, settings)) }
    }

    /// The address that this pool connects to.
    pub fn endpoint(&self) -> SocketAddr {
        self.shared.endpoint()
    }

    /// Takes new settings; learned limits and totals stay. Connections over a lowered cap get no
    /// new streams and close when theirs have ended.
    pub fn reconfigure(&self, settings: StreamSettings) {
        self.shared.reconfigure(settings);
    }

    /// Closes the connections that have been without streams for too long at `now`.
    pub fn sweep(&self, now: Instant) {
        self.shared.sweep(now);
    }

    /// Counts, totals and the idle limit in force at `now`.
    pub fn snapshot(&self, now: Instant) -> PoolSnapshot {
        self.shared.snapshot(now)
    }

    /// Takes a stream's place on the least loaded connection that `reuse` accepts, or waits for
    /// one, in the order of arrival.
    ///
    /// Connections are opened by tasks of the pool, so a checkout that leaves costs nobody the
    /// connection it waited for. Dropping the future at any point frees its place.
    ///
    /// # Errors
    /// [`CheckoutError::PoolExhausted`] if the queue is full or `deadline` passes in it;
    /// [`CheckoutError::Dial`] if a dial failed and nothing else can serve this checkout, or
    /// `deadline` passes while the first connection is being opened.
    ///
    /// # Panics
    /// Outside a [`tokio::task::LocalSet`], where connections cannot be driven.
    pub async fn checkout(
        &self,
        reuse: Reuse,
        deadline: Instant,
    ) -> Result<StreamLease, CheckoutError> {
        match self.shared.admit(reuse, clock::now())? {
            Admission::Granted(turn) => Ok(StreamLease::new(turn)),
            Admission::Wait(waiting) => self.wait(waiting, deadline).await.map(StreamLease::new),
        }
    }

    async fn wait(&self, mut waiting: Waiting, deadline: Instant) -> Result<Turn, CheckoutError> {
        tokio::select! {
            biased;
            Ok(granted) = &mut waiting.granted => granted,
            () = sleep_until(deadline) => Err(self.late()),
        }
    }

    /// What a checkout has waited for in vain.
    fn late(&self) -> CheckoutError {
        let seen = self.snapshot(clock::now());
        if seen.idle + seen.leased == 0 {
            return CheckoutError::Dial(DialError::DeadlinePassed);
        }
        CheckoutError::PoolExhausted(Exhausted::DeadlinePassed)
    }
}

impl Drop for StreamPool {
    fn drop(&mut self) {
        // The tasks that drive connections refer to the pool, and it to them.
        self.shared.retire();
    }
}

impl fmt::Debug for StreamPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamPool").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}
