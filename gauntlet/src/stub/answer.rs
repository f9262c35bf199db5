//! From a request on the wire to an answer on the wire. What happens in between is in `work`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::connection::Caller;
use super::replica::{Life, Replica};
use super::switches::Answers;
use super::work::{self, Ask, Done};
use crate::stream::Verb;
use crate::wire;

/// The work of a health check: a look at something, far less than a request. Nanoseconds.
const HEALTH_WORK: u64 = 1_000_000;

/// Answers one request.
pub(super) async fn answer(
    replica: Arc<Replica>,
    caller: Arc<Caller>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, io::Error> {
    let version = request.version();
    let _visit = caller.enter(version);
    let (head, body) = request.into_parts();
    let ask = ask(&head.method, head.uri.path(), &head.headers);
    let attempt = work::begin(&replica, &ask, caller.serial);
    if let Some(id) = ask.id
        && wire::is_poison(id, replica.switches.borrow().poison)
    {
        replica.life.send_replace(Life::Poisoned);
        return std::future::pending().await;
    }
    let Ok(body) = Limited::new(body, wire::BODY_MAX).collect().await else {
        work::give_up(&replica, attempt);
        return Err(io::Error::other("the body of the request broke off"));
    };
    let told = work::start(&replica, ask.clone(), body.to_bytes(), attempt);
    let done = told.await.map_err(io::Error::other)?;
    let falsified = replica.switches.borrow().answers;
    Ok(response(&replica, &ask, done, falsified, version))
}

/// Reads what is asked for. What bears no id is a health check.
fn ask(method: &Method, path: &str, headers: &HeaderMap) -> Ask {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse().ok();
    let verb = match *method {
        Method::PUT => Verb::Put,
        Method::POST => Verb::Post,
        _ => Verb::Get,
    };
    let length = number(wire::LENGTH).and_then(|length: u64| u32::try_from(length).ok());
    let id = if path == wire::HEALTH { None } else { number(wire::ID) };
    Ask {
        id,
        verb,
        service: number(wire::SERVICE).unwrap_or(HEALTH_WORK),
        length: length.unwrap_or(2),
    }
}

fn response(
    replica: &Replica,
    ask: &Ask,
    done: Done,
    falsified: Answers,
    version: Version,
) -> Response<Reply> {
    let id = ask.id.unwrap_or(0);
    let whole = replica.body(ask.id, ask.length);
    let hash = wire::hash_of(&whole);
    let mut response = Response::new(Reply::new(whole, falsified));
    let is_draining = replica.life() >= Life::Draining;
    // A replica that drains tells its health checks so, and its callers to connect elsewhere.
    let status = if is_draining && ask.id.is_none() { 503 } else { done.status };
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(wire::ID, HeaderValue::from(id));
    headers.insert(wire::REPLICA, HeaderValue::from(u16::from(replica.number)));
    if let Ok(hash) = HeaderValue::from_str(&hash) {
        headers.insert(wire::HASH, hash);
    }
    if is_draining && version <= Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The body of an answer: one piece, and perhaps a lie.
#[derive(Debug)]
pub(super) struct Reply {
    piece: Option<Bytes>,
    /// Bytes that are said to come and do not.
    missing: u64,
    /// Whether what had come has had its chance to be sent.
    has_paused: bool,
}

impl Reply {
    fn new(whole: Bytes, falsified: Answers) -> Self {
        let length = whole.len();
        let mut missing = 0;
        let piece = match falsified {
            Answers::Right => whole,
            Answers::Truncated => {
                missing = u64::try_from(length - length / 2).unwrap_or(u64::MAX);
                whole.slice(..length / 2)
            }
            Answers::Short => whole.slice(..length.saturating_sub(1)),
            Answers::Corrupt => {
                let mut bytes = whole.to_vec();
                if let Some(byte) = bytes.get_mut(length / 2) {
                    *byte = !*byte;
                }
                bytes.into()
            }
        };
        Self { piece: Some(piece), missing, has_paused: false }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = self.piece.take().filter(|piece| !piece.is_empty());
        if let Some(piece) = piece {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if self.missing > 0 && !self.has_paused {
            // An error at once would discard what hyper holds and has not sent.
            self.has_paused = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.missing > 0 {
            self.missing = 0;
            return Poll::Ready(Some(Err(io::Error::other("cut, as the switch says"))));
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.missing == 0 && self.piece.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        let piece = self.piece.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(piece).unwrap_or(u64::MAX) + self.missing)
    }
}
