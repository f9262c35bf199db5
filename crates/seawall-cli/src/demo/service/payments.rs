//! The payments service: honours idempotency keys with the help of the shared ledger, so that a
//! repeat, on whichever replica it lands, never pays twice.

use std::net::SocketAddr;

use http::{HeaderName, Method, StatusCode, request};
use serde_json::json;

use super::behaviour::{Behaviour, OutOfOrder};
use crate::demo::client::Mishap;
use crate::demo::ledger::{Begun, Committed};
use crate::demo::ledger_http::{RemoteLedger, key_of};
use crate::demo::server::{self, Reply};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// One replica.
#[derive(Debug)]
pub(super) struct Payments {
    ledger: RemoteLedger,
    name: String,
}

impl Payments {
    /// The replica `name` in front of the ledger at `ledger`.
    pub(super) const fn new(ledger: SocketAddr, name: String) -> Self {
        Self { ledger: RemoteLedger::new(ledger), name }
    }

    /// Answers one request.
    pub(super) async fn answer(&self, head: &request::Parts, behaviour: &Behaviour) -> Reply {
        if head.method != Method::POST || head.uri.path() != "/pay" {
            return server::refusal(StatusCode::NOT_FOUND, "payments knows POST /pay");
        }
        let Some(key) = key_of(&head.headers) else {
            return server::refusal(StatusCode::BAD_REQUEST, "a payment needs an Idempotency-Key");
        };
        self.pay(key, behaviour).await.unwrap_or_else(|setback| setback.reply())
    }

    /// A key that is in progress elsewhere is worked on again: its replica may be dead, and the
    /// commit lets only one of the two count.
    async fn pay(&self, key: &str, behaviour: &Behaviour) -> Result<Reply, Setback> {
        match self.ledger.begin(key).await? {
            Begun::Done(receipt) => return Ok(replayed(&receipt)),
            Begun::Refused => return Err(Setback::Refused),
            Begun::Fresh | Begun::InProgress => behaviour.work().await?,
        }
        let receipt = format!("paid by {}", self.name);
        match self.ledger.commit(key, &receipt).await? {
            Committed::Executed => Ok(paid(&receipt)),
            Committed::Replayed(earlier) => Ok(replayed(&earlier)),
            Committed::Refused => Err(Setback::Refused),
        }
    }
}

/// Why a payment was not made.
enum Setback {
    OutOfOrder,
    Ledger(Mishap),
    Refused,
}

impl From<OutOfOrder> for Setback {
    fn from(_: OutOfOrder) -> Self {
        Self::OutOfOrder
    }
}

impl From<Mishap> for Setback {
    fn from(mishap: Mishap) -> Self {
        Self::Ledger(mishap)
    }
}

impl Setback {
    fn reply(&self) -> Reply {
        let why = match self {
            Self::OutOfOrder => "out of order",
            Self::Ledger(mishap) => mishap.name(),
            Self::Refused => "the ledger refused the key",
        };
        server::refusal(StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

fn paid(receipt: &str) -> Reply {
    server::json(StatusCode::OK, &json!({ "receipt": receipt }))
}

fn replayed(receipt: &str) -> Reply {
    server::marked(paid(receipt), REPLAYED, "true")
}
