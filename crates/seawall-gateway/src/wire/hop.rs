//! Hop-by-hop fields: they describe one connection and go no further (RFC 9110 section 7.6.1).

use http::HeaderMap;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use seawall_core::reason::Reason;

const ALWAYS_COUNT: usize = 12;

/// Never forwarded, whether `Connection` names them or not.
static ALWAYS: [HeaderName; ALWAYS_COUNT] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    CONTENT_LENGTH,
    UPGRADE,
    HeaderName::from_static("http2-settings"),
    EXPECT,
];

/// Naming one of these in `Connection` is an attempt to have it removed behind our back.
const PROTECTED: [&str; 6] =
    ["host", "content-length", "authorization", "cookie", "forwarded", "via"];

/// Removes what belongs to one connection, framing included: the body that follows decides anew.
///
/// # Errors
/// [`Reason::MalformedRequest`] if `Connection` names a field that must reach the service.
pub(super) fn strip(headers: &mut HeaderMap) -> Result<(), Reason> {
    for name in named_by_connection(headers)? {
        headers.remove(name);
    }
    strip_always(headers);
    Ok(())
}

/// The same for an answer: a service that names protected fields confuses only itself. They are
/// kept, and what else it names is removed.
pub(super) fn strip_answer(headers: &mut HeaderMap) {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let names = lines.flat_map(|line| line.split(',')).filter_map(|token| {
        let name: HeaderName = token.trim().parse().ok()?;
        (!is_protected(name.as_str())).then_some(name)
    });
    for name in names.collect::<Vec<_>>() {
        headers.remove(name);
    }
    strip_always(headers);
}

/// Walks over the fields that there are, which are few: to look for each of those that must go
/// would hash all their names.
fn strip_always(headers: &mut HeaderMap) {
    let mut found = [false; ALWAYS_COUNT];
    for name in headers.keys() {
        for (found, always) in found.iter_mut().zip(&ALWAYS) {
            *found |= name == always;
        }
    }
    for (name, _) in ALWAYS.iter().zip(found).filter(|(_, found)| *found) {
        headers.remove(name);
    }
}

/// Whether the sender is ready for trailers.
pub(super) fn accepts_trailers(headers: &HeaderMap) -> bool {
    let listed = |line: &http::HeaderValue| {
        line.to_str().is_ok_and(|text| {
            text.split(',').any(|coding| {
                let name = coding.split(';').next().unwrap_or_default();
                name.trim().eq_ignore_ascii_case("trailers")
            })
        })
    };
    headers.get_all(TE).iter().any(listed)
}

fn named_by_connection(headers: &HeaderMap) -> Result<Vec<HeaderName>, Reason> {
    let mut names = Vec::new();
    for line in headers.get_all(CONNECTION) {
        let text = line.to_str().map_err(|_| Reason::MalformedRequest)?;
        for token in text.split(',').map(str::trim).filter(|token| !token.is_empty()) {
            let name: HeaderName = token.parse().map_err(|_| Reason::MalformedRequest)?;
            if is_protected(name.as_str()) {
                return Err(Reason::MalformedRequest);
            }
            names.push(name);
        }
    }
    Ok(names)
}

fn is_protected(name: &str) -> bool {
    PROTECTED.contains(&name) || name.starts_with("x-forwarded-") || name.starts_with("seawall-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn t184_every_connection_line_counts() {
        let mut given = headers(&[
            ("connection", "close, x-first"),
            ("connection", "X-Second"),
            ("x-first", "1"),
            ("x-second", "2"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "secret"),
            ("x-kept", "yes"),
        ]);
        strip(&mut given).unwrap();
        assert_eq!(given, headers(&[("x-kept", "yes")]));
    }

    #[test]
    fn protected_fields_cannot_be_named_away() {
        for name in ["Host", "Authorization", "X-Forwarded-For", "Seawall-Why", "cookie"] {
            let mut given = headers(&[("connection", name)]);
            assert_eq!(strip(&mut given), Err(Reason::MalformedRequest), "{name}");
        }
    }

    #[test]
    fn trailers_are_accepted_by_te_alone() {
        assert!(accepts_trailers(&headers(&[("te", "gzip;q=0.5, Trailers")])));
        assert!(!accepts_trailers(&headers(&[("te", "gzip")])));
    }
}
