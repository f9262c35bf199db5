//! Accepting a request: judged, cleaned and made ready for every attempt.

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use seawall_core::call::Safety;
use seawall_core::deadline;
use seawall_core::reason::Reason;
use seawall_core::rng::Rng;
use seawall_core::shed::Class;
use seawall_core::time::Duration;

use super::forwarded::{Caller, Identity, REQUEST_ID, forward, fresh_id, request_id};
use super::line::Lines;
use super::priority::{self, Asked};
use super::survey::{Known, Survey};
use super::trace::Trace;
use super::trailers::Trailers;
use super::{authority, hop, path, safety};

/// The time that is left, in milliseconds, as one Seawall tells the next.
const TIMEOUT_MS: HeaderName = HeaderName::from_static("seawall-timeout-ms");
/// Which attempt of its call a request is, from the second on.
const ATTEMPT: HeaderName = HeaderName::from_static("seawall-attempt");

/// The head of a request that may be forwarded.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// The method.
    pub(crate) method: Method,
    /// The one authority, absent only in HTTP/1.0; `Host` among the fields names it.
    pub(crate) authority: Option<Authority>,
    /// Path, resolved, and query.
    pub(crate) target: PathAndQuery,
    /// End-to-end fields.
    pub(crate) headers: HeaderMap,
    /// Its id.
    pub(crate) id: HeaderValue,
    /// Whether it may be executed more than once.
    pub(crate) safety: Safety,
    /// The time that a trusted caller still has.
    pub(crate) remaining: Option<Duration>,
    /// Whether the caller takes trailers at the end of the answer.
    pub(crate) trailers: Trailers,
    asked: Asked,
    trace: Trace,
}

/// Judges a head and makes it ready. `unix_ms`, the time by the wall clock, goes into new ids.
///
/// # Errors
/// The reason of the local answer. `parts` then still says what its caller accepts.
pub(crate) fn accept(
    parts: &mut Parts,
    caller: Caller,
    identity: &Identity,
    unix_ms: u64,
    rng: &mut impl Rng,
) -> Result<Accepted, Reason> {
    let has = Survey::of(&parts.headers);
    judge_framing(parts, has)?;
    let authority = authority(parts)?;
    let target = target(&parts.uri)?;
    let headers = &mut parts.headers;
    let remaining = remaining(headers, caller, has);
    let asked = Asked::of(headers, caller, has);
    let (trailers, announced) = trailers(headers, parts.version, has);
    hop::strip(headers, has)?;
    if has.any([Known::Own, Known::Underscored]) {
        drop_own(headers);
    }
    if has.any([Known::Cookie]) {
        join_cookies(headers);
    }
    // Judged by what the service will see: a key that was stripped promises nothing.
    let safety = safety(&parts.method, headers);
    let id = request_id(headers, caller).unwrap_or_else(|| fresh_id(unix_ms, rng));
    headers.insert(REQUEST_ID, id.clone());
    let host = name_host(headers, authority.as_ref());
    forward(headers, caller, host.as_ref(), has);
    identity.pass(headers, parts.version, has)?;
    negotiate(headers, trailers, announced);
    let trace = Trace::of(headers, has, rng);
    let method = std::mem::take(&mut parts.method);
    Ok(Accepted {
        method,
        authority,
        target,
        headers: std::mem::take(headers),
        id,
        safety,
        remaining,
        trailers,
        asked,
        trace,
    })
}

/// What differs between the attempts of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttemptFacts<'a> {
    /// Which attempt it is, from 1.
    pub(crate) number: u32,
    /// The endpoint's name: the host of requests that name none.
    pub(crate) endpoint: &'a str,
    /// The time that is left of the call.
    pub(crate) remaining: Option<Duration>,
}

impl Accepted {
    /// The path that is matched, without the query.
    pub(crate) fn path(&self) -> &str {
        self.target.path()
    }

    /// The class of the request on a route of class `route`; every attempt tells the next hop.
    pub(crate) fn rank(&mut self, route: Class) -> Class {
        let class = self.asked.on(route);
        priority::stamp(&mut self.headers, class);
        class
    }

    /// The request of one attempt. Framing is set from the body by the caller, except that a body
    /// with trailers is sent in chunks.
    pub(crate) fn attempt<B>(
        &self,
        facts: AttemptFacts<'_>,
        body: B,
        rng: &mut impl Rng,
    ) -> Request<B> {
        let AttemptFacts { number, endpoint, remaining } = facts;
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(self.target.clone());
        *request.version_mut() = Version::HTTP_11;
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        if self.authority.is_none()
            && let Ok(host) = HeaderValue::try_from(endpoint)
        {
            headers.insert(HOST, host);
        }
        // A `traceparent` of 55 bytes and the digits of a number.
        let mut lines = Lines::with_room(55 + 20);
        self.trace.stamp(headers, &mut lines, rng);
        if number > 1 {
            headers.insert(ATTEMPT, HeaderValue::from(number));
        }
        if let Some(remaining) = remaining {
            let told = deadline::outgoing(remaining).as_millis();
            if let Some(told) = lines.line().number(told).value() {
                headers.insert(TIMEOUT_MS, super::once(told));
            }
        }
        request
    }
}

/// Framing that the parser let through and we do not. It hides `Content-Length` beside
/// `Transfer-Encoding` from us and closes afterwards, so nothing ambiguous is ever relayed.
fn judge_framing(parts: &Parts, has: Survey) -> Result<(), Reason> {
    if parts.method == Method::CONNECT || parts.method == Method::TRACE {
        return Err(Reason::MethodNotAllowed);
    }
    if !has.any([Known::TransferEncoding, Known::Expect]) {
        return Ok(());
    }
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => {}
        (Some(_), _) if parts.headers.contains_key(CONTENT_LENGTH) => {
            return Err(Reason::AmbiguousFraming);
        }
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {}
        (Some(_), _) => return Err(Reason::CodingUnsupported),
    }
    let expects = parts.headers.get_all(EXPECT).iter();
    for line in expects {
        if !line.as_bytes().eq_ignore_ascii_case(b"100-continue") {
            return Err(Reason::ExpectationFailed);
        }
    }
    Ok(())
}

/// What the caller takes at the end of an answer, and what it announces at the end of its request.
fn trailers(headers: &HeaderMap, version: Version, has: Survey) -> (Trailers, Option<HeaderValue>) {
    if !has.any([Known::Te, Known::Trailer]) {
        return (Trailers::Unwanted, None);
    }
    let announced = Trailers::framed_by(headers, version).announcement(headers);
    (Trailers::taken_by(headers), announced)
}

/// Makes `Host` name the one authority. It does already in nearly every request, whose own value
/// is kept then.
fn name_host(headers: &mut HeaderMap, authority: Option<&Authority>) -> Option<HeaderValue> {
    let name = authority?.as_str();
    if let Some(given) = headers.get(HOST).filter(|given| given.as_bytes() == name.as_bytes()) {
        return Some(given.clone());
    }
    let host = HeaderValue::try_from(name).ok()?;
    headers.insert(HOST, host.clone());
    Some(host)
}

/// Says to the service which trailers its answer may have, and which follow the request.
fn negotiate(headers: &mut HeaderMap, taken: Trailers, announced: Option<HeaderValue>) {
    if taken == Trailers::Wanted {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        // Whoever sends TE names it: a next hop that does not know it then drops it.
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    if let Some(announced) = announced {
        headers.insert(TRAILER, announced);
        // Only a chunked body can have trailers, even if its length is known.
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

fn target(uri: &Uri) -> Result<PathAndQuery, Reason> {
    let given = uri.path_and_query().ok_or(Reason::MalformedRequest)?;
    if given.path() == "*" {
        return Ok(given.clone());
    }
    let path = path::normalise(given.path())?;
    if path == given.path() {
        return Ok(given.clone());
    }
    let text = match given.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.into_owned(),
    };
    PathAndQuery::try_from(text).map_err(|_| Reason::MalformedRequest)
}

fn remaining(headers: &HeaderMap, caller: Caller, has: Survey) -> Option<Duration> {
    if !caller.trusted || !has.any([Known::Own]) {
        return None;
    }
    let text = headers.get(TIMEOUT_MS)?.to_str().ok()?;
    text.parse().ok().map(Duration::from_millis)
}

/// HTTP/2 may split the cookies into several fields; HTTP/1.1 knows only one (RFC 9113 section
/// 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() < 2 {
        return;
    }
    if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(COOKIE, whole);
    }
}

/// Drops fields that only a Seawall sets, and names that a service may mistake for fields we set.
fn drop_own(headers: &mut HeaderMap) {
    let own: Vec<HeaderName> =
        headers.keys().filter(|name| is_own(name.as_str())).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

/// Many services map `-` and `_` to the same variable.
fn is_own(name: &str) -> bool {
    if !name.contains('_') {
        return name.starts_with("seawall-");
    }
    let dashed = name.replace('_', "-");
    let single = ["x-request-id", "forwarded", "via", "traceparent", "host"];
    dashed.starts_with("seawall-")
        || dashed.starts_with("x-forwarded-")
        || single.contains(&dashed.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_core::rng::Stream;

    fn given(lines: &[(&str, &str)], trusted: bool) -> Result<Accepted, Reason> {
        let mut request = Request::builder().method("POST").uri("/a/../pay?x=1");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.header("host", "Shop.Test").body(()).unwrap().into_parts();
        let caller = Caller { address: "192.0.2.7:1".parse().unwrap(), trusted };
        accept(&mut parts, caller, &Identity::new("seawall", 1), 0, &mut Stream::new(1, "test"))
    }

    #[test]
    fn the_head_of_an_attempt_is_built_anew() {
        let accepted = given(&[("connection", "x-mine"), ("x-mine", "1"), ("x-kept", "2")], false);
        let accepted = accepted.unwrap();
        let left = Some(Duration::from_millis(400));
        let mut rng = Stream::new(2, "test");
        let facts = AttemptFacts { number: 2, endpoint: "127.0.0.1:9001", remaining: left };
        let request = accepted.attempt(facts, (), &mut rng);
        assert_eq!(request.uri(), "/pay?x=1");
        assert_eq!(request.headers()["host"], "shop.test");
        assert_eq!(request.headers()["seawall-timeout-ms"], "395");
        assert_eq!(request.headers()["seawall-attempt"], "2");
        assert_eq!(request.headers()["x-kept"], "2");
        assert!(!request.headers().contains_key("x-mine"));
        assert!(request.headers().contains_key("traceparent"));
    }

    #[test]
    fn a_key_that_is_stripped_makes_no_request_repeatable() {
        let key = ("idempotency-key", "8e03978e");
        assert_eq!(given(&[key], false).unwrap().safety, Safety::Keyed);
        let stripped = given(&[key, ("connection", "idempotency-key")], false).unwrap();
        assert_eq!(stripped.safety, Safety::Unsafe);
    }

    #[test]
    fn cookie_crumbs_become_one_field() {
        let accepted = given(&[("cookie", "a=1"), ("cookie", "b=2")], false).unwrap();
        let lines: Vec<_> = accepted.headers.get_all(COOKIE).iter().collect();
        assert_eq!(lines, ["a=1; b=2"]);
    }

    #[test]
    fn own_fields_count_only_from_trusted_callers() {
        let lines = [("seawall-timeout-ms", "250"), ("seawall-attempt", "9")];
        let edge = given(&lines, false).unwrap();
        assert_eq!(edge.remaining, None);
        assert!(!edge.headers.contains_key("seawall-attempt"));
        assert_eq!(given(&lines, true).unwrap().remaining, Some(Duration::from_millis(250)));
    }

    #[test]
    fn trailers_are_negotiated_anew() {
        let chunked = ("transfer-encoding", "chunked");
        let lines = [("te", "gzip, trailers"), ("trailer", "x-sum, host"), chunked];
        let accepted = given(&lines, false).unwrap();
        assert_eq!(accepted.trailers, Trailers::Wanted);
        assert_eq!(accepted.headers["te"], "trailers");
        assert_eq!(accepted.headers["connection"], "te");
        assert_eq!(accepted.headers["trailer"], "x-sum");
        assert_eq!(accepted.headers["transfer-encoding"], "chunked");
        let sized = given(&[("trailer", "x-sum"), ("content-length", "3")], false).unwrap();
        assert_eq!(sized.trailers, Trailers::Unwanted);
        for name in ["te", "connection", "trailer", "transfer-encoding"] {
            assert!(!sized.headers.contains_key(name), "{name}");
        }
    }

    #[test]
    fn underscored_twins_of_our_fields_are_dropped() {
        let accepted = given(&[("x_forwarded_for", "10.0.0.1"), ("x_mine", "1")], false).unwrap();
        assert!(!accepted.headers.contains_key("x_forwarded_for"));
        assert!(accepted.headers.contains_key("x_mine"));
    }

    #[test]
    fn doubtful_framing_is_refused() {
        for (lines, reason) in [
            (
                &[("transfer-encoding", "chunked"), ("content-length", "3")][..],
                Reason::AmbiguousFraming,
            ),
            (&[("transfer-encoding", "gzip, chunked")], Reason::CodingUnsupported),
            (
                &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
                Reason::CodingUnsupported,
            ),
            (&[("expect", "tea")], Reason::ExpectationFailed),
        ] {
            assert_eq!(given(lines, false).map(|_| ()), Err(reason), "{lines:?}");
        }
    }
}
