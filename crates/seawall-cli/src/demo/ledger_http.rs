//! The ledger over HTTP: the server end runs in the demo's process, the client end in each
//! payments replica. What the operations mean is in `ledger`.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::IDEMPOTENCY_KEY;
use super::client::{Ask, BETWEEN_SERVICES, Client, Mishap};
use super::ledger::{Begun, Committed, Ledger};
use super::server::{Reply, json, refusal};

/// The longest receipt, in bytes; the payments service writes some 40.
const RECEIPT_MAX: usize = 1024;

/// Answers one request of a payments replica.
pub(super) async fn answer(ledger: Arc<Ledger>, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    let Some(key) = key_of(&head.headers) else {
        return refusal(StatusCode::BAD_REQUEST, "the ledger needs an Idempotency-Key");
    };
    match head.uri.path() {
        "/begin" => known(&ledger.begin(key)),
        "/commit" => match receipt(body).await {
            Some(receipt) => known(&ledger.commit(key, receipt)),
            None => refusal(StatusCode::BAD_REQUEST, "the receipt is no short text"),
        },
        _ => refusal(StatusCode::NOT_FOUND, "the ledger knows /begin and /commit"),
    }
}

/// The idempotency key of a request, as the client wrote it.
pub(super) fn key_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(IDEMPOTENCY_KEY)?.to_str().ok()
}

async fn receipt(body: Incoming) -> Option<String> {
    let bytes = Limited::new(body, RECEIPT_MAX).collect().await.ok()?.to_bytes();
    String::from_utf8(bytes.into()).ok()
}

fn known(state: &impl Serialize) -> Reply {
    match serde_json::to_value(state) {
        Ok(value) => json(StatusCode::OK, &value),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// The client end.
#[derive(Debug)]
pub(super) struct RemoteLedger {
    address: SocketAddr,
    client: Client,
}

impl RemoteLedger {
    /// The ledger at `address`.
    pub(super) const fn new(address: SocketAddr) -> Self {
        Self { address, client: Client::new(BETWEEN_SERVICES) }
    }

    /// See [`Ledger::begin`].
    pub(super) async fn begin(&self, key: &str) -> Result<Begun, Mishap> {
        self.ask(Ask::post("/begin", Bytes::new()).keyed(key)).await
    }

    /// See [`Ledger::commit`].
    pub(super) async fn commit(&self, key: &str, receipt: &str) -> Result<Committed, Mishap> {
        self.ask(Ask::post("/commit", receipt.to_owned()).keyed(key)).await
    }

    async fn ask<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Mishap> {
        let answer = self.client.ask_at(self.address, &ask).await?;
        serde_json::from_slice(&answer.body).map_err(|_| Mishap::Broken)
    }
}
