//! What the admin side asks of the gateway that it shows. The HTTP side of it is in `answer`.

use std::future::Future;
use std::sync::Arc;

use seawall_gateway::observe::{CallRecord, EventRecord, Status};
use tokio::sync::broadcast;

/// Whether new traffic should be sent here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It should.
    Ready,
    /// It should not, and why, as a sentence for a person.
    NotReady(&'static str),
}

/// A running gateway as the admin side sees it.
///
/// Every method but [`Subject::reload`] is called on the admin side's runtime for each request and
/// should return within a few milliseconds. None may wait for traffic.
pub trait Subject: Send + Sync + 'static {
    /// Everything that is known of upstreams, endpoints and routes at this moment.
    fn status(&self) -> Status;

    /// Whether new traffic should be sent here.
    fn readiness(&self) -> Readiness;

    /// All metrics in the OpenMetrics text format 1.0, with its `# EOF` at the end: what
    /// `prometheus_client::encoding::text::encode` writes.
    fn metrics(&self) -> String;

    /// The effective config with its generation, secrets left out.
    fn config(&self) -> serde_json::Value;

    /// At most `limit` finished calls, the newest first. `limit` lies between 1 and 1,000.
    fn calls(&self, limit: usize) -> Vec<CallRecord>;

    /// The recent events, the oldest first, and the ones to come.
    ///
    /// Subscribe before the recent ones are copied: an event that is in both is shown once, one
    /// that is in neither would be lost. The channel drops what a slow reader does not take, so
    /// no reader can hold the gateway up.
    fn events(&self) -> (Vec<EventRecord>, broadcast::Receiver<Arc<EventRecord>>);

    /// Reads the config again and makes it live as a whole.
    ///
    /// # Errors
    /// What is wrong with the config and how to mend it; the old one stays live then.
    fn reload(&self) -> impl Future<Output = Result<u64, String>> + Send;
}
