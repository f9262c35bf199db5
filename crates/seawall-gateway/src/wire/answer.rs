//! The head of a service's answer, made ready for the caller.

use http::header::{CONTENT_LENGTH, HeaderName, VIA};
use http::response::Parts;
use http::{HeaderMap, HeaderValue};

use seawall_core::reason::Reason;

use super::forwarded::REQUEST_ID;
use super::hop;

/// Strips what belongs to the upstream connection or only a Seawall may say, and names the
/// request. `length` is what the answer to a HEAD or a 304 says of a body that does not follow.
pub(crate) fn clean_answer(parts: &mut Parts, id: &HeaderValue, length: BodyFollows) {
    let announced = parts.headers.get(CONTENT_LENGTH).cloned();
    if hop::strip(&mut parts.headers).is_err() {
        // A service that names protected fields confuses only itself; they are end-to-end.
        strip_fixed(&mut parts.headers);
    }
    if let (BodyFollows::No, Some(announced)) = (length, announced) {
        parts.headers.insert(CONTENT_LENGTH, announced);
    }
    let own: Vec<HeaderName> = parts
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("seawall-"))
        .cloned()
        .collect();
    for name in own {
        parts.headers.remove(name);
    }
    parts.headers.insert(REQUEST_ID, id.clone());
    parts.headers.append(VIA, HeaderValue::from_static("1.1 seawall"));
}

/// Whether the body that the head announces really follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFollows {
    /// It does; its length is taken from the body itself.
    Yes,
    /// It does not: the answer to a HEAD, or a 304.
    No,
}

fn strip_fixed(headers: &mut HeaderMap) {
    headers.remove(http::header::CONNECTION);
    let again: Result<(), Reason> = hop::strip(headers);
    debug_assert!(again.is_ok(), "nothing is named any more");
}
