//! Whether a request may be executed more than once.

use http::{HeaderMap, HeaderName, Method};

use seawall_core::call::Safety;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// By method (RFC 9110 section 9.2.2, and QUERY), or by a well-formed idempotency key: exactly
/// one line of 1 to 255 visible ASCII characters, quoted or bare (IETF httpapi draft).
pub(crate) fn safety(method: &Method, headers: &HeaderMap) -> Safety {
    let repeatable =
        [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE];
    if repeatable.contains(method) || method.as_str() == "QUERY" {
        return Safety::Idempotent;
    }
    if idempotency_key(headers).is_some() { Safety::Keyed } else { Safety::Unsafe }
}

/// The idempotency key of a request, without its quotes, where it has a well-formed one.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Option<&[u8]> {
    let mut lines = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let key = line.as_bytes();
    let key = key.strip_prefix(b"\"").and_then(|key| key.strip_suffix(b"\"")).unwrap_or(key);
    let good = (1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    good.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn judge(method: &str, keys: &[&str]) -> Safety {
        let mut request = Request::builder().method(method);
        for key in keys {
            request = request.header(IDEMPOTENCY_KEY, *key);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        safety(&parts.method, &parts.headers)
    }

    #[test]
    fn t44_a_post_is_unsafe_unless_it_carries_one_good_key() {
        assert_eq!(judge("POST", &[]), Safety::Unsafe);
        assert_eq!(judge("PATCH", &[]), Safety::Unsafe);
        assert_eq!(judge("LOCK", &[]), Safety::Unsafe);
        assert_eq!(judge("POST", &["\"8e03\""]), Safety::Keyed);
        assert_eq!(judge("POST", &["8e03978e-40d5-43dd"]), Safety::Keyed);
        for bad in [&["a", "b"][..], &["\"\""], &[""], &["a b"], &["é"]] {
            assert_eq!(judge("POST", bad), Safety::Unsafe, "{bad:?}");
        }
        assert_eq!(judge("POST", &[&"k".repeat(256)]), Safety::Unsafe);
    }

    #[test]
    fn idempotent_methods_need_no_key() {
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "QUERY"] {
            assert_eq!(judge(method, &[]), Safety::Idempotent);
        }
    }
}
