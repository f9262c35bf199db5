//! Trailers: which fields may follow a body, and how many (RFC 9110 section 6.5).
//!
//! HTTP/1.1 can send only what its head announced in `Trailer`, so unannounced fields reach no
//! HTTP/1.1 peer. Carrying them is up to the bodies.

use http::header::TRAILER;
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use super::hop;

/// More fields after a body are a flood: gRPC, the busiest user of trailers, sends three.
const FIELDS_MAX: usize = 32;
/// All trailers of a body, names and values: 16 KiB, half of what a whole head may take.
const BYTES_MAX: usize = 16 << 10;

/// Fields that steer framing, routing, authentication or caches. They act on a message whose body
/// has already been handled, or on nobody; whoever sends them late wants to slip them past a check.
const FORBIDDEN: [&str; 42] = [
    "age",
    "authentication-info",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "forwarded",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "retry-after",
    "set-cookie",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "x-request-id",
];

/// Whether trailers may follow a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trailers {
    /// Both sides said so.
    Wanted,
    /// Nobody asked for them; they are dropped.
    Unwanted,
}

/// More trailers than a body may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Trailers {
    /// What a caller takes at the end of an answer.
    pub(super) fn taken_by(headers: &HeaderMap) -> Self {
        if hop::accepts_trailers(headers) { Self::Wanted } else { Self::Unwanted }
    }

    /// What the framing of a request leaves room for.
    pub(super) fn framed_by(headers: &HeaderMap, version: Version) -> Self {
        let framed = headers.contains_key(http::header::TRANSFER_ENCODING);
        if framed || version == Version::HTTP_2 { Self::Wanted } else { Self::Unwanted }
    }

    /// What of `trailers` goes on; `None` if nothing does.
    ///
    /// # Errors
    /// [`TooMany`] if they are over the bounds: cutting them would invent an ending.
    pub(crate) fn admit(self, trailers: HeaderMap) -> Result<Option<HeaderMap>, TooMany> {
        if self == Self::Unwanted {
            return Ok(None);
        }
        let bytes = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
        if trailers.len() > FIELDS_MAX || trailers.iter().map(bytes).sum::<usize>() > BYTES_MAX {
            return Err(TooMany);
        }
        let mut kept = trailers;
        let forbidden: Vec<HeaderName> =
            kept.keys().filter(|name| is_forbidden(name.as_str())).cloned().collect();
        for name in forbidden {
            kept.remove(name);
        }
        Ok((!kept.is_empty()).then_some(kept))
    }

    /// The announcement of trailers that goes on: the admitted names of all `Trailer` lines, read
    /// before they are stripped. `None` if nothing is left to announce.
    pub(super) fn announcement(self, headers: &HeaderMap) -> Option<HeaderValue> {
        if self == Self::Unwanted {
            return None;
        }
        let lines = headers.get_all(TRAILER).iter().filter_map(|line| line.to_str().ok());
        let names = lines.flat_map(|line| line.split(',')).filter_map(|name| {
            let name: HeaderName = name.trim().parse().ok()?;
            (!is_forbidden(name.as_str())).then_some(name)
        });
        let names: Vec<HeaderName> = names.take(FIELDS_MAX).collect();
        let list = names.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(", ");
        (!list.is_empty()).then(|| HeaderValue::try_from(list).ok())?
    }
}

/// Underscores read as dashes, as many services read them.
fn is_forbidden(name: &str) -> bool {
    let name = name.replace('_', "-");
    FORBIDDEN.binary_search(&name.as_str()).is_ok()
        || name.starts_with("x-forwarded-")
        || name.starts_with("seawall-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_list_of_forbidden_fields_can_be_searched() {
        assert!(FORBIDDEN.is_sorted());
    }

    #[test]
    fn fields_that_steer_are_dropped_and_the_rest_goes_on() {
        let given = fields(&[
            ("grpc-status", "0"),
            ("content-length", "3"),
            ("Authorization", "secret"),
            ("seawall-why", "x"),
            ("x_forwarded_for", "10.0.0.1"),
            ("set-cookie", "a=b"),
            ("x-sum", "1"),
        ]);
        let kept = Trailers::Wanted.admit(given.clone()).unwrap().unwrap();
        assert_eq!(kept, fields(&[("grpc-status", "0"), ("x-sum", "1")]));
        assert_eq!(Trailers::Unwanted.admit(given), Ok(None));
        assert_eq!(Trailers::Wanted.admit(fields(&[("host", "a")])), Ok(None));
    }

    #[test]
    fn too_many_trailers_are_an_error_and_are_not_cut() {
        let mut given = HeaderMap::new();
        for n in 0..FIELDS_MAX {
            given.append(HeaderName::try_from(format!("x-{n}")).unwrap(), HeaderValue::from(n));
        }
        assert_eq!(Trailers::Wanted.admit(given.clone()), Ok(Some(given.clone())));
        given.append("x-more", HeaderValue::from(1));
        assert_eq!(Trailers::Wanted.admit(given.clone()), Err(TooMany));
        assert_eq!(Trailers::Unwanted.admit(given), Ok(None));
        let fits = "v".repeat(BYTES_MAX - 1);
        assert!(Trailers::Wanted.admit(fields(&[("x", &fits)])).is_ok());
        assert_eq!(Trailers::Wanted.admit(fields(&[("xx", &fits)])), Err(TooMany));
    }

    #[test]
    fn the_announcement_names_what_may_come() {
        let given = fields(&[("trailer", "X-Sum, host"), ("trailer", "grpc-status,, bad name")]);
        let announced = Trailers::Wanted.announcement(&given).unwrap();
        assert_eq!(announced, "x-sum, grpc-status");
        assert_eq!(Trailers::Unwanted.announcement(&given), None);
        assert_eq!(Trailers::Wanted.announcement(&fields(&[("trailer", "host")])), None);
    }

    #[test]
    fn a_body_of_announced_length_has_no_room_for_trailers() {
        let (sized, chunked) =
            (fields(&[("content-length", "3")]), fields(&[("transfer-encoding", "chunked")]));
        let framed = |headers, version| Trailers::framed_by(headers, version);
        assert_eq!(framed(&sized, Version::HTTP_11), Trailers::Unwanted);
        assert_eq!(framed(&chunked, Version::HTTP_11), Trailers::Wanted);
        assert_eq!(framed(&sized, Version::HTTP_2), Trailers::Wanted);
    }
}
