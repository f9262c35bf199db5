//! The running gateway as the admin side sees it.

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, oneshot};

use seawall_admin::{Readiness, Subject};
use seawall_gateway::observe::{CallRecord, EventRecord, Status};
use seawall_gateway::{Gateway, Lifecycle};

/// Somebody asks for a reload.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) answer: oneshot::Sender<Result<u64, String>>,
}

/// A gateway, and the way to the one who may change it.
#[derive(Debug)]
pub(super) struct Running {
    gateway: Gateway,
    asks: mpsc::Sender<Asked>,
}

impl Running {
    pub(super) fn new(gateway: Gateway, asks: mpsc::Sender<Asked>) -> Self {
        Self { gateway, asks }
    }
}

impl Subject for Running {
    fn status(&self) -> Status {
        self.gateway.status()
    }

    fn readiness(&self) -> Readiness {
        match self.gateway.lifecycle() {
            Lifecycle::Serving => Readiness::Ready,
            Lifecycle::Starting => Readiness::NotReady("the gateway is starting"),
            Lifecycle::Draining => Readiness::NotReady("the gateway is leaving"),
        }
    }

    fn metrics(&self) -> String {
        self.gateway.metrics()
    }

    fn config(&self) -> serde_json::Value {
        self.gateway.config()
    }

    fn calls(&self, limit: usize) -> Vec<CallRecord> {
        self.gateway.calls(limit)
    }

    fn events(&self) -> (Vec<EventRecord>, broadcast::Receiver<Arc<EventRecord>>) {
        let (recent, feed) = self.gateway.events();
        (recent.iter().map(|record| EventRecord::clone(record)).collect(), feed)
    }

    async fn reload(&self) -> Result<u64, String> {
        let (answer, answered) = oneshot::channel();
        let busy = |_| "another reload is running; try again when it is done".to_owned();
        self.asks.try_send(Asked { answer }).map_err(busy)?;
        answered.await.unwrap_or_else(|_| Err("the gateway is leaving".to_owned()))
    }
}
