//! The customers of one side: an open-loop load. Requests start when they are due, however many
//! are still unanswered, as customers do; latency counts from when they were due.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::task::JoinSet;

use super::SHOP_DEGRADED;
use super::arrivals::{Arrival, Arrivals, Wish};
use super::client::{Answer, Ask, CUSTOMER, Client, Mishap, Targets};
use super::clock::Clock;
use super::shop::Side;
use super::tally::{End, Failure, Tally};

/// Requests of one side in flight at once. At the default rate, a customer's whole patience
/// holds 275; what comes on top is not sent and counts as failed.
const IN_FLIGHT_MAX: usize = 1_024;

/// One side: where its requests go, and what became of them.
#[derive(Debug)]
pub(super) struct Arm {
    side: Side,
    pages: Targets,
    payments: Targets,
    client: Client,
    clock: Clock,
    tally: Mutex<Tally>,
}

impl Arm {
    /// The customers of `side`, who read pages and pay at these targets.
    pub(super) fn new(side: Side, clock: Clock, pages: Targets, payments: Targets) -> Self {
        let (client, tally) = (Client::new(CUSTOMER), Mutex::new(Tally::new()));
        Self { side, pages, payments, client, clock, tally }
    }

    /// What became of the requests so far.
    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The idempotency key of payment `number`, as the structured-field string of the draft.
    pub(super) fn key(&self, number: u64) -> String {
        format!("\"{}-{number}\"", self.side.name())
    }

    /// Sends all requests that are due before `end`, and waits for their answers.
    pub(super) async fn drive(self: Arc<Self>, arrivals: Arrivals, end: Duration) {
        let mut in_flight = JoinSet::new();
        for arrival in arrivals.take_while(|arrival| arrival.at < end) {
            self.clock.wait_until(arrival.at).await;
            while in_flight.try_join_next().is_some() {}
            if in_flight.len() < IN_FLIGHT_MAX {
                in_flight.spawn(Arc::clone(&self).serve(arrival));
            } else {
                self.count(arrival, End::Failed(Failure::InFlightBound));
            }
        }
        while in_flight.join_next().await.is_some() {}
    }

    async fn serve(self: Arc<Self>, arrival: Arrival) {
        let answer = match arrival.wish {
            Wish::Page => {
                let ask = Ask::get(format!("/page/{}", arrival.number));
                self.client.ask(&self.pages, &ask).await
            }
            Wish::Payment => {
                let ask = Ask::post("/pay", r#"{"amount":4200,"currency":"EUR"}"#);
                self.client.ask(&self.payments, &ask.keyed(self.key(arrival.number))).await
            }
        };
        self.count(arrival, judge(&answer));
    }

    fn count(&self, arrival: Arrival, end: End) {
        let latency = self.clock.elapsed().saturating_sub(arrival.at);
        let mut tally = self.tally();
        tally.count(arrival.wish, end, latency);
        if arrival.wish == Wish::Payment && !matches!(end, End::Failed(_)) {
            tally.confirmed.insert(arrival.number);
        }
    }
}

fn judge(answer: &Result<Answer, Mishap>) -> End {
    match answer {
        Err(mishap) => End::Failed(Failure::Mishap(*mishap)),
        Ok(answer) if answer.status != StatusCode::OK => {
            End::Failed(Failure::Status(answer.status.as_u16()))
        }
        Ok(answer) if answer.headers.contains_key(SHOP_DEGRADED) => End::Degraded,
        Ok(_) => End::Served,
    }
}
