//! The head of a service's answer, made ready for the caller.

use http::header::{CONTENT_LENGTH, HeaderName, TRAILER, VIA};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Version};

use super::forwarded::REQUEST_ID;
use super::hop;
use super::request::Accepted;
use super::survey::{Known, Survey};

/// Strips what belongs to the upstream connection or only a Seawall may say, and names the
/// request. Trailers stay announced where its caller takes them. The answer to a HEAD keeps the
/// length that it speaks of; a 304 does not, for its framing is the same in HTTP/1.1 and HTTP/2
/// only without one.
pub(crate) fn clean_answer(parts: &mut Parts, request: &Accepted, body: BodyFollows) {
    // As it was received (RFC 9110 section 7.6.3).
    let via = if parts.version == Version::HTTP_2 { "2 seawall" } else { "1.1 seawall" };
    // Ours, not the service's: an old service must not cost the caller its connection.
    parts.version = Version::HTTP_11;
    let has = Survey::of(&parts.headers);
    let framing = kept_framing(parts, request, body, has);
    hop::strip_answer(&mut parts.headers, has);
    if let Some((name, value)) = framing {
        parts.headers.insert(name, value);
    }
    if has.any([Known::Own]) {
        drop_own(&mut parts.headers);
    }
    parts.headers.insert(REQUEST_ID, request.id.clone());
    parts.headers.append(VIA, HeaderValue::from_static(via));
}

/// What an answer goes on saying of its body.
fn kept_framing(
    parts: &Parts,
    request: &Accepted,
    body: BodyFollows,
    has: Survey,
) -> Option<(HeaderName, HeaderValue)> {
    let sized = has.any([Known::ContentLength]);
    match body {
        BodyFollows::No if sized && parts.status != StatusCode::NOT_MODIFIED => {
            Some((CONTENT_LENGTH, parts.headers.get(CONTENT_LENGTH)?.clone()))
        }
        BodyFollows::Yes if !sized && has.any([Known::Trailer]) => {
            Some((TRAILER, request.trailers.announcement(&parts.headers)?))
        }
        BodyFollows::No | BodyFollows::Yes => None,
    }
}

fn drop_own(headers: &mut HeaderMap) {
    let is_own = |name: &&HeaderName| name.as_str().starts_with("seawall-");
    let own: Vec<HeaderName> = headers.keys().filter(is_own).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

/// Whether the body that the head announces really follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFollows {
    /// It does; its length is taken from the body itself.
    Yes,
    /// It does not: the answer to a HEAD, or a 304.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Caller, Identity, accept};
    use http::{Request, Response};
    use seawall_core::rng::Stream;

    fn request(te: &str) -> Accepted {
        let request = Request::builder().uri("/").header("host", "shop.test").header("te", te);
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let caller = Caller { address: "192.0.2.7:1".parse().unwrap(), trusted: false };
        let (identity, mut rng) = (Identity::new("seawall", 1), Stream::new(1, "test"));
        accept(&mut parts, caller, &identity, 0, &mut rng).unwrap()
    }

    fn cleaned(lines: &[(&str, &str)], te: &str, body: BodyFollows) -> HeaderMap {
        let mut response = Response::builder();
        for (name, value) in lines {
            response = response.header(*name, *value);
        }
        let (mut parts, ()) = response.body(()).unwrap().into_parts();
        clean_answer(&mut parts, &request(te), body);
        parts.headers
    }

    #[test]
    fn the_length_is_kept_only_where_no_body_follows() {
        let lines = [("content-length", "3"), ("etag", "\"1\"")];
        assert_eq!(cleaned(&lines, "", BodyFollows::No)["content-length"], "3");
        assert!(!cleaned(&lines, "", BodyFollows::Yes).contains_key("content-length"));
    }

    #[test]
    fn an_answer_of_http_1_0_goes_on_as_ours() {
        let (mut parts, ()) = Response::new(()).into_parts();
        parts.version = Version::HTTP_10;
        clean_answer(&mut parts, &request(""), BodyFollows::Yes);
        assert_eq!(parts.version, Version::HTTP_11);
    }

    #[test]
    fn trailers_are_announced_to_callers_that_take_them() {
        let lines = [("trailer", "x-sum, set-cookie"), ("transfer-encoding", "chunked")];
        assert_eq!(cleaned(&lines, "trailers", BodyFollows::Yes)["trailer"], "x-sum");
        assert!(!cleaned(&lines, "gzip", BodyFollows::Yes).contains_key("trailer"));
        assert!(!cleaned(&lines, "trailers", BodyFollows::No).contains_key("trailer"));
    }

    #[test]
    fn a_service_that_names_protected_fields_confuses_only_itself() {
        let lines = [("connection", "via, x-mine"), ("x-mine", "1"), ("seawall-why", "no")];
        let headers = cleaned(&[&lines[..], &[("x-kept", "1")]].concat(), "", BodyFollows::Yes);
        for name in ["connection", "x-mine", "seawall-why"] {
            assert!(!headers.contains_key(name), "{name}");
        }
        assert_eq!(headers["x-kept"], "1");
        assert_eq!(headers["via"], "1.1 seawall");
    }
}
