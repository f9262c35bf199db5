//! The body of `/v1/events`: server-sent events (WHATWG HTML, section 9.2), recent ones first and
//! then live. Which events there are is the gateway's; how many readers there may be is in
//! `answer`.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use seawall_gateway::observe::EventRecord;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::sleep;

/// Silence after which a comment shows that the gateway lives and finds readers that have gone.
/// Half of the thirty seconds after which common proxies give up.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A browser comes back after a second instead of its own three to five.
const RETRY: &str = "retry: 1000\n\n";
const ALIVE: &str = ": alive\n\n";

type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Source)>> + Send>>;

/// A response body that ends when the gateway or the admin side does.
pub(crate) struct Feed {
    next: Option<Next>,
}

impl Feed {
    /// The recent events after `seen` and then all that come. `place` is given back at the end.
    pub(crate) fn new(
        (recent, live): (Vec<EventRecord>, Receiver<Arc<EventRecord>>),
        seen: Option<u64>,
        closing: watch::Receiver<bool>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let start = Some(Bytes::from(format!("{RETRY}{}", resume(&recent, seen))));
        let last = recent.last().map_or(0, |event| event.seq);
        let source = Source { start, last, live, closing, _place: place };
        Self { next: Some(Box::pin(source.next())) }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Feed").field("ended", &self.next.is_none()).finish()
    }
}

impl Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(next) = self.next.as_mut() else { return Poll::Ready(None) };
        let outcome = ready!(next.as_mut().poll(context));
        let (text, next) = outcome.map(|(text, source)| (text, source.next())).unzip();
        self.next = next.map(|next| -> Next { Box::pin(next) });
        Poll::Ready(text.map(|text| Ok(Frame::data(text))))
    }
}

/// Where the texts come from.
struct Source {
    /// What is said first.
    start: Option<Bytes>,
    /// The number of the last event that was said.
    last: u64,
    live: Receiver<Arc<EventRecord>>,
    closing: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Source {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let text = match self.start.take() {
            Some(text) => text,
            None => self.wait().await?,
        };
        Some((text, self))
    }

    async fn wait(&mut self) -> Option<Bytes> {
        // Silence is counted from the last text, which is where this begins.
        let mut silence = std::pin::pin!(sleep(HEARTBEAT));
        loop {
            let received = tokio::select! {
                biased;
                _ = self.closing.wait_for(|closing| *closing) => return None,
                received = self.live.recv() => received,
                () = silence.as_mut() => return Some(Bytes::from_static(ALIVE.as_bytes())),
            };
            match received {
                // It was already among the recent ones.
                Ok(event) if event.seq <= self.last => {}
                Ok(event) => {
                    self.last = event.seq;
                    return Some(Bytes::from(text_of(&event)));
                }
                Err(RecvError::Lagged(missed)) => return Some(Bytes::from(lagged(missed))),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// The recent events that a reader has not seen, and how many of them are gone already.
fn resume(recent: &[EventRecord], seen: Option<u64>) -> String {
    let newest = recent.last().map_or(0, |event| event.seq);
    // A number that was never given comes from before a restart, and everything is new.
    let seen = seen.filter(|seen| *seen <= newest);
    let unseen = recent.iter().filter(|event| seen.is_none_or(|seen| event.seq > seen));
    let oldest = recent.first().map_or(0, |event| event.seq);
    let missed = seen.map_or(0, |seen| oldest.saturating_sub(seen.saturating_add(1)));
    let gap = if missed > 0 { lagged(missed) } else { String::new() };
    unseen.fold(gap, |text, event| text + &text_of(event))
}

fn text_of(event: &EventRecord) -> String {
    // JSON holds no bare line ends, so one data line is enough. The record is plain and always
    // becomes JSON; if it did not, its number would still be told.
    let record = serde_json::to_string(event).unwrap_or_default();
    format!("id: {}\ndata: {record}\n\n", event.seq)
}

fn lagged(missed: u64) -> String {
    format!("event: lagged\ndata: {{\"missed\":{missed}}}\n\n")
}

#[cfg(test)]
mod tests;
