//! How answers are put together: bodies, media types, problem details and the headers that every
//! answer bears. What they say is in `answer`.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};
use serde::Serialize;

use crate::feed::Feed;

/// Complete, or the endless stream of events.
pub(crate) type Payload = Either<Full<Bytes>, Feed>;

pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Scripts, styles, pictures and connections from here and nowhere else; nobody may frame the
/// page, since a click on it can reload the gateway.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; object-src 'none'";

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

const EVERYWHERE: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    // What is told here is true for a moment only.
    (CACHE_CONTROL, "no-store"),
];

/// Why a request gets no answer of its own.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    reason: &'static str,
    detail: Cow<'static, str>,
}

/// Problem details of RFC 9457 with our `reason`.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    reason: &'static str,
    detail: &'a str,
}

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        reason: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, reason, detail: detail.into() }
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn into_response(self) -> Response<Payload> {
        let problem = Problem {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            reason: self.reason,
            detail: &self.detail,
        };
        // Five plain fields always become JSON; an empty body would still bear the right status.
        let text = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = whole(PROBLEM, text);
        *response.status_mut() = self.status;
        response
    }
}

/// A complete answer with status 200.
pub(crate) fn whole(media_type: &'static str, body: impl Into<Bytes>) -> Response<Payload> {
    of(media_type, Either::Left(Full::new(body.into())))
}

/// `value` as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<Response<Payload>, Refusal> {
    let failed = |error| {
        let detail = format!("the answer could not be written as JSON: {error}");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    };
    serde_json::to_vec(value).map(|text| whole(JSON, text)).map_err(failed)
}

/// A stream of server-sent events.
pub(crate) fn stream(feed: Feed) -> Response<Payload> {
    of("text/event-stream", Either::Right(feed))
}

fn of(media_type: &'static str, body: Payload) -> Response<Payload> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// `response` with one more header.
pub(crate) fn with(
    mut response: Response<Payload>,
    name: HeaderName,
    value: &'static str,
) -> Response<Payload> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

/// Adds the headers that every answer bears, where it has not set its own.
pub(crate) fn harden(mut response: Response<Payload>) -> Response<Payload> {
    for (name, value) in EVERYWHERE {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The answer to HEAD: the same head, and the length that the body would have had.
pub(crate) fn head_only(mut response: Response<Payload>) -> Response<Payload> {
    if let Either::Left(body) = response.body() {
        let length = length_of(body);
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    response.map(|_| Either::Left(Full::default()))
}

fn length_of(body: &Full<Bytes>) -> HeaderValue {
    HeaderValue::from(http_body::Body::size_hint(body).lower())
}
