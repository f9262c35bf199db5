//! From a request to its answer. The paths are in `router`, the checks of who may ask in `guard`,
//! the events in `feed`, connections in `server`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use seawall_gateway::observe::CallRecord;

use crate::assets::{self, Asset, OPENAPI};
use crate::feed::Feed;
use crate::reply::{self, JSON, Payload, Refusal, TEXT};
use crate::router::{self, Place};
use crate::subject::{Readiness, Subject};
use crate::{guard, query};

/// Readers of the event stream at once: half of all connections, so that readers which never
/// leave cannot keep health checks and scrapers out.
const EVENT_READERS_MAX: usize = 32;
/// Largest body that is read to the end; nothing here takes one.
const BODY_MAX: usize = 64 * 1024;
/// Longest time for that body.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// What the encoder of prometheus-client writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Start and drain last seconds; asking once a second is cheap.
const READY_AGAIN: &str = "1";

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Desk<S> {
    subject: Arc<S>,
    readers: Arc<Semaphore>,
    closing: watch::Receiver<bool>,
}

impl<S: Subject> Desk<S> {
    pub(crate) fn new(subject: Arc<S>, closing: watch::Receiver<bool>) -> Self {
        Self { subject, readers: Arc::new(Semaphore::new(EVENT_READERS_MAX)), closing }
    }

    /// Turns true when the admin side ends.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.clone()
    }

    fn feed(&self, headers: &HeaderMap) -> Result<Feed, Refusal> {
        let detail = format!("{EVENT_READERS_MAX} readers follow the events already");
        let full = || Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_readers", detail);
        let place = self.readers.clone().try_acquire_owned().map_err(|_| full())?;
        let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
        Ok(Feed::new(self.subject.events(), seen, self.closing(), place))
    }
}

/// Answers one request.
pub(crate) async fn answer<S, B>(request: Request<B>, desk: &Desk<S>) -> Response<Payload>
where
    S: Subject,
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let is_head = head.method == Method::HEAD;
    let response = match routed(&head) {
        Ok(Place::Reload) => reload(body, desk).await.unwrap_or_else(Refusal::into_response),
        Ok(place) => show(place, &head, desk).unwrap_or_else(Refusal::into_response),
        Err(response) => *response,
    };
    let response = reply::harden(response);
    if is_head { reply::head_only(response) } else { response }
}

/// The place that may be asked like this. Boxed, because a response is large and refusals rare.
fn routed(head: &Parts) -> Result<Place, Box<Response<Payload>>> {
    let refused = |refusal: Refusal| Box::new(refusal.into_response());
    guard::check(&head.method, &head.uri, &head.headers).map_err(refused)?;
    let path = head.uri.path();
    let place = router::find(path).ok_or_else(|| refused(unknown(path)))?;
    if place.takes(&head.method) {
        return Ok(place);
    }
    let detail = format!("{path} takes {}", place.allow());
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    Err(Box::new(reply::with(refusal.into_response(), ALLOW, place.allow())))
}

fn unknown(path: &str) -> Refusal {
    let detail = format!("there is no {path}; /v1/openapi.json lists what there is");
    Refusal::new(StatusCode::NOT_FOUND, "no_route", detail)
}

#[derive(Serialize)]
struct Calls {
    calls: Vec<CallRecord>,
}

fn show<S: Subject>(
    place: Place,
    head: &Parts,
    desk: &Desk<S>,
) -> Result<Response<Payload>, Refusal> {
    let subject = &desk.subject;
    match place {
        Place::Dashboard => Ok(file(&assets::INDEX)),
        Place::File(asset) => Ok(file(asset)),
        Place::Healthz => Ok(reply::whole(TEXT, "ok\n")),
        Place::Readyz => Ok(ready(subject.readiness())),
        Place::Metrics => Ok(reply::whole(OPEN_METRICS, subject.metrics())),
        Place::OpenApi => Ok(reply::whole(JSON, OPENAPI)),
        Place::Status => reply::json(&subject.status()),
        Place::Config => reply::json(&subject.config()),
        Place::Calls => {
            reply::json(&Calls { calls: subject.calls(query::limit(head.uri.query())?) })
        }
        Place::Events => Ok(reply::stream(desk.feed(&head.headers)?)),
        // Only POST leads there, and it brings a body.
        Place::Reload => Err(unknown(head.uri.path())),
    }
}

fn file(asset: &'static Asset) -> Response<Payload> {
    // A browser must ask again: the next version of the program has other files of these names.
    reply::with(reply::whole(asset.media_type, asset.bytes), CACHE_CONTROL, "no-cache")
}

fn ready(readiness: Readiness) -> Response<Payload> {
    match readiness {
        Readiness::Ready => reply::whole(TEXT, "ready\n"),
        Readiness::NotReady(why) => {
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", why);
            reply::with(refusal.into_response(), RETRY_AFTER, READY_AGAIN)
        }
    }
}

#[derive(Serialize)]
struct Reloaded {
    generation: u64,
}

async fn reload<S, B>(body: B, desk: &Desk<S>) -> Result<Response<Payload>, Refusal>
where
    S: Subject,
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    discard(body).await?;
    let rejected = |why| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "config_rejected", why);
    let generation = desk.subject.reload().await.map_err(rejected)?;
    reply::json(&Reloaded { generation })
}

/// Reads a body that nobody asked for, so that the connection can be used again.
async fn discard<B>(body: B) -> Result<(), Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let late = |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body is late");
    let read = timeout(BODY_TIMEOUT, Limited::new(body, BODY_MAX).collect()).await.map_err(late)?;
    match read {
        Ok(_) => Ok(()),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("the body is over {BODY_MAX} bytes; none is needed");
            Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail))
        }
        Err(_) => {
            let detail = "the body ended before its announced length";
            Err(Refusal::new(StatusCode::BAD_REQUEST, "malformed_request", detail))
        }
    }
}

#[cfg(test)]
mod tests;
