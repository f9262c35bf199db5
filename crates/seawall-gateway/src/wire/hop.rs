//! Hop-by-hop fields: they describe one connection and go no further (RFC 9110 section 7.6.1).

use http::HeaderMap;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use seawall_core::reason::Reason;

use super::survey::{Known, Survey};

/// Never forwarded, whether `Connection` names them or not.
pub(super) static ALWAYS: [(Known, HeaderName); 12] = [
    (Known::Connection, CONNECTION),
    (Known::KeepAlive, HeaderName::from_static("keep-alive")),
    (Known::ProxyConnection, HeaderName::from_static("proxy-connection")),
    (Known::ProxyAuthenticate, PROXY_AUTHENTICATE),
    (Known::ProxyAuthorization, PROXY_AUTHORIZATION),
    (Known::Te, TE),
    (Known::Trailer, TRAILER),
    (Known::TransferEncoding, TRANSFER_ENCODING),
    (Known::ContentLength, CONTENT_LENGTH),
    (Known::Upgrade, UPGRADE),
    (Known::Http2Settings, HeaderName::from_static("http2-settings")),
    (Known::Expect, EXPECT),
];

/// Naming one of these in `Connection` is an attempt to have it removed behind our back.
const PROTECTED: [&str; 6] =
    ["host", "content-length", "authorization", "cookie", "forwarded", "via"];

/// Removes what belongs to one connection, framing included: the body that follows decides anew.
///
/// # Errors
/// [`Reason::MalformedRequest`] if `Connection` names a field that must reach the service.
pub(super) fn strip(headers: &mut HeaderMap, has: Survey) -> Result<(), Reason> {
    if has.any([Known::Connection]) {
        for name in named_by_connection(headers)? {
            headers.remove(name);
        }
    }
    strip_always(headers, has);
    Ok(())
}

/// The same for an answer: a service that names protected fields confuses only itself. They are
/// kept, and what else it names is removed.
pub(super) fn strip_answer(headers: &mut HeaderMap, has: Survey) {
    if has.any([Known::Connection]) {
        for name in named_by_service(headers) {
            headers.remove(name);
        }
    }
    strip_always(headers, has);
}

fn named_by_service(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let tokens = lines.filter(|line| !is_option(line)).flat_map(|line| line.split(','));
    let names = tokens.map(str::trim).filter_map(|token| {
        let name: HeaderName = token.parse().ok()?;
        (!is_protected(name.as_str())).then_some(name)
    });
    names.collect()
}

/// Whether a line names no field, or one that goes anyway: nearly all do.
fn is_option(line: &str) -> bool {
    line.eq_ignore_ascii_case("keep-alive") || line.eq_ignore_ascii_case("close")
}

fn strip_always(headers: &mut HeaderMap, has: Survey) {
    for (_, name) in ALWAYS.iter().filter(|(known, _)| has.any([*known])) {
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
        if is_option(text) {
            continue;
        }
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
        let has = Survey::of(&given);
        strip(&mut given, has).unwrap();
        assert_eq!(given, headers(&[("x-kept", "yes")]));
    }

    #[test]
    fn protected_fields_cannot_be_named_away() {
        for name in ["Host", "Authorization", "X-Forwarded-For", "Seawall-Why", "cookie"] {
            let mut given = headers(&[("connection", name)]);
            let has = Survey::of(&given);
            assert_eq!(strip(&mut given, has), Err(Reason::MalformedRequest), "{name}");
        }
    }

    #[test]
    fn trailers_are_accepted_by_te_alone() {
        assert!(accepts_trailers(&headers(&[("te", "gzip;q=0.5, Trailers")])));
        assert!(!accepts_trailers(&headers(&[("te", "gzip")])));
    }
}
