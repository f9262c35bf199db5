//! The head of a request in the form of HTTP/2 (RFC 9113 section 8.2 and 8.3).

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::{Authority, Parts as UriParts, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use http_body::Body;

/// Takes a request of HTTP/1.1 apart: its head for HTTP/2, and its body.
///
/// `Host` becomes `:authority`; what frames or concerns an HTTP/1.1 connection goes; a body of
/// known length is announced. `None` if the request names no host that can be an authority.
pub(super) fn translate<B: Body>(request: Request<B>) -> Option<(Request<()>, B)> {
    let (mut parts, body) = request.into_parts();
    let host = parts.headers.remove(HOST)?;
    parts.uri = target(&parts.uri, &host)?;
    parts.version = Version::HTTP_2;
    parts.headers.remove(CONNECTION);
    parts.headers.remove(TRANSFER_ENCODING);
    announce(&parts.method, &mut parts.headers, &body);
    Some((Request::from_parts(parts, ()), body))
}

fn target(uri: &Uri, host: &HeaderValue) -> Option<Uri> {
    let mut parts = UriParts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(Authority::try_from(host.as_bytes()).ok()?);
    parts.path_and_query = uri.path_and_query().cloned();
    Uri::from_parts(parts).ok()
}

/// A length of zero says something only where a body is usual (RFC 9110 section 8.6).
fn announce<B: Body>(method: &Method, headers: &mut HeaderMap, body: &B) {
    let usual = [Method::POST, Method::PUT, Method::PATCH].contains(method);
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0 || usual) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;

    fn translated(request: http::request::Builder, body: &'static [u8]) -> Request<()> {
        let request = request.body(Full::new(Bytes::from_static(body))).unwrap();
        translate(request).unwrap().0
    }

    #[test]
    fn host_becomes_the_authority_and_the_framing_goes() {
        let request = Request::put("/a?b=c")
            .header("host", "shop.test:81")
            .header("connection", "te")
            .header("te", "trailers")
            .header("trailer", "x-sum")
            .header("transfer-encoding", "chunked")
            .header("x-kept", "1");
        let head = translated(request, b"abc");
        assert_eq!(head.uri(), "http://shop.test:81/a?b=c");
        assert_eq!(head.version(), Version::HTTP_2);
        for name in ["host", "connection", "transfer-encoding"] {
            assert!(!head.headers().contains_key(name), "{name}");
        }
        assert_eq!(head.headers()["te"], "trailers");
        assert_eq!(head.headers()["trailer"], "x-sum");
        assert_eq!(head.headers()["x-kept"], "1");
        assert_eq!(head.headers()["content-length"], "3");
    }

    #[test]
    fn an_empty_body_is_announced_only_where_one_is_usual() {
        let host = |method: Method| Request::builder().method(method).uri("/").header(HOST, "a");
        assert!(!translated(host(Method::GET), b"").headers().contains_key(CONTENT_LENGTH));
        assert_eq!(translated(host(Method::POST), b"").headers()[CONTENT_LENGTH], "0");
    }

    #[test]
    fn the_asterisk_is_a_target() {
        let request = Request::builder().method(Method::OPTIONS).uri("*").header(HOST, "a.test");
        assert_eq!(translated(request, b"").uri().path(), "*");
    }

    #[test]
    fn a_request_without_a_host_has_no_form() {
        let request = |host: Option<&str>| {
            let request = Request::get("/");
            let request = match host {
                Some(host) => request.header(HOST, host),
                None => request,
            };
            request.body(Full::<Bytes>::default()).unwrap()
        };
        assert!(translate(request(None)).is_none());
        assert!(translate(request(Some("a b"))).is_none());
        assert!(translate(request(Some("a.test"))).is_some());
    }
}
