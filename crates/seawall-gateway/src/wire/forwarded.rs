//! Who asks, and how that is passed on: `Forwarded`, `X-Forwarded-*`, `Via`, `X-Request-Id`.

use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HeaderName, VIA};
use http::{HeaderMap, HeaderValue, Version};
use uuid::Uuid;

use seawall_core::reason::Reason;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Longest request id that is taken over from a trusted caller.
const REQUEST_ID_MAX: usize = 128;

/// The peer of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// Whether its word on deadlines, ids and earlier hops counts.
    pub(crate) trusted: bool,
}

/// How this gateway names itself in `Via`: unique, or loops would go unseen.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pseudonym: String,
}

impl Identity {
    /// A name of its own for a gateway called `name`.
    pub(crate) fn new(name: &str, instance: u32) -> Self {
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).take(32).collect();
        Self { pseudonym: format!("{name}-{instance:08x}") }
    }

    /// Adds this hop to `Via`.
    ///
    /// # Errors
    /// [`Reason::LoopDetected`] if the request has passed through here before.
    pub(crate) fn pass(&self, headers: &mut HeaderMap, version: Version) -> Result<(), Reason> {
        let seen = headers.get_all(VIA).iter().any(|line| {
            line.to_str()
                .is_ok_and(|text| text.split([',', ' ']).any(|word| word == self.pseudonym))
        });
        if seen {
            return Err(Reason::LoopDetected);
        }
        let protocol = if version == Version::HTTP_2 { "2" } else { "1.1" };
        if let Ok(value) = HeaderValue::try_from(format!("{protocol} {}", self.pseudonym)) {
            headers.append(VIA, value);
        }
        Ok(())
    }
}

/// The id of a request: a trusted caller's own if it is well-formed, else a new one.
pub(crate) fn request_id(headers: &HeaderMap, caller: Caller) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| caller.trusted && is_id(id.as_bytes()));
    given.cloned().unwrap_or_else(|| {
        let id = Uuid::now_v7().hyphenated().to_string();
        HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("-"))
    })
}

/// Says for whom we ask: appended to what a trusted caller says, instead of what another says.
pub(crate) fn forward(headers: &mut HeaderMap, caller: Caller, host: Option<&str>) {
    let address = caller.address.ip();
    if !caller.trusted {
        for name in claims(headers) {
            headers.remove(name);
        }
    }
    append(headers, FORWARDED_FOR, &address.to_string());
    let node = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("\"[{address}]\""),
    };
    let host = host.map(|host| format!(";host=\"{host}\"")).unwrap_or_default();
    append(headers, FORWARDED, &format!("for={node}{host};proto=http"));
    if let Some(host) = host.strip_prefix(";host=\"").and_then(|host| host.strip_suffix('"')) {
        set_missing(headers, FORWARDED_HOST, host);
    }
    set_missing(headers, FORWARDED_PROTO, "http");
}

/// What a caller may say about whom it asks for: believed of trusted ones alone.
fn claims(headers: &HeaderMap) -> Vec<HeaderName> {
    let claims = |name: &&HeaderName| {
        let name = name.as_str();
        name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-")
    };
    headers.keys().filter(claims).cloned().collect()
}

fn is_id(id: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:-".contains(byte);
    (1..=REQUEST_ID_MAX).contains(&id.len()) && id.iter().all(allowed)
}

fn append(headers: &mut HeaderMap, name: HeaderName, member: &str) {
    let before = headers.get_all(&name).iter().filter_map(|value| value.to_str().ok());
    let mut list = before.collect::<Vec<_>>();
    list.push(member);
    if let Ok(value) = HeaderValue::try_from(list.join(", ")) {
        headers.insert(name, value);
    }
}

fn set_missing(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let (false, Ok(value)) = (headers.contains_key(&name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(trusted: bool) -> Caller {
        Caller { address: "192.0.2.7:1234".parse().unwrap(), trusted }
    }

    #[test]
    fn an_untrusted_caller_cannot_speak_for_others() {
        let mut headers = HeaderMap::new();
        for name in ["x-forwarded-for", "x-forwarded-port", "x-real-ip"] {
            headers.insert(name, HeaderValue::from_static("10.0.0.1"));
        }
        forward(&mut headers, caller(false), Some("shop.test"));
        assert!(!headers.contains_key("x-forwarded-port") && !headers.contains_key("x-real-ip"));
        assert_eq!(headers[FORWARDED_FOR], "192.0.2.7");
        assert_eq!(headers[FORWARDED], "for=192.0.2.7;host=\"shop.test\";proto=http");
        assert_eq!(headers[FORWARDED_HOST], "shop.test");
    }

    #[test]
    fn a_trusted_callers_list_grows() {
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("10.0.0.1"));
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
        forward(&mut headers, caller(true), None);
        assert_eq!(headers[FORWARDED_FOR], "10.0.0.1, 192.0.2.7");
        assert_eq!(headers[FORWARDED_PROTO], "https");
    }

    #[test]
    fn a_request_that_was_here_before_is_a_loop() {
        let (ours, other) = (Identity::new("seawall", 7), Identity::new("seawall", 8));
        let mut headers = HeaderMap::new();
        assert_eq!(ours.pass(&mut headers, Version::HTTP_11), Ok(()));
        assert_eq!(other.pass(&mut headers, Version::HTTP_2), Ok(()));
        assert_eq!(ours.pass(&mut headers, Version::HTTP_11), Err(Reason::LoopDetected));
    }

    #[test]
    fn only_a_trusted_well_formed_id_is_kept() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("abc-1"));
        assert_eq!(request_id(&headers, caller(true)), "abc-1");
        assert_eq!(request_id(&headers, caller(false)).len(), 36);
        headers.insert(REQUEST_ID, HeaderValue::from_static("a b"));
        assert_eq!(request_id(&headers, caller(true)).len(), 36);
    }
}
