//! Who asks, and how that is passed on: `Forwarded`, `X-Forwarded-*`, `Via`, `X-Request-Id`.

use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HeaderName, VIA};
use http::{HeaderMap, HeaderValue, Version};
use uuid::{Builder, Uuid};

use seawall_core::reason::Reason;
use seawall_core::rng::Rng;

use super::line::{Line, Lines};
use super::survey::{Known, Survey};

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
    /// The member of `Via` for HTTP/1.1, and for HTTP/2.
    members: [HeaderValue; 2],
}

impl Identity {
    /// A name of its own for a gateway called `name`.
    pub(crate) fn new(name: &str, instance: u32) -> Self {
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).take(32).collect();
        let pseudonym = format!("{name}-{instance:08x}");
        let member = |version| {
            let mut lines = Lines::with_room(48);
            let line = lines.line().text(version).text(" ").text(&pseudonym);
            line.value().unwrap_or_else(|| HeaderValue::from_static("1.1 seawall"))
        };
        let members = ["1.1", "2"].map(member);
        Self { pseudonym, members }
    }

    /// Adds this hop to `Via`.
    ///
    /// # Errors
    /// [`Reason::LoopDetected`] if the request has passed through here before.
    pub(super) fn pass(
        &self,
        headers: &mut HeaderMap,
        version: Version,
        has: Survey,
    ) -> Result<(), Reason> {
        if has.any([Known::Via]) && self.is_in(headers) {
            return Err(Reason::LoopDetected);
        }
        let [older, newer] = &self.members;
        headers.append(VIA, if version == Version::HTTP_2 { newer } else { older }.clone());
        Ok(())
    }

    fn is_in(&self, headers: &HeaderMap) -> bool {
        headers.get_all(VIA).iter().any(|line| {
            line.to_str()
                .is_ok_and(|text| text.split([',', ' ']).any(|word| word == self.pseudonym))
        })
    }
}

/// The id of a request where a trusted caller gives a well-formed one.
///
/// It is copied: the value is a part of what was read from the connection, as much as 64 KiB
/// of it, and an id outlives its request by far, in the list of recent calls.
pub(crate) fn request_id(headers: &HeaderMap, caller: Caller) -> Option<HeaderValue> {
    if !caller.trusted {
        return None;
    }
    let id = headers.get(REQUEST_ID).filter(|id| is_id(id.as_bytes()))?;
    HeaderValue::from_bytes(id.as_bytes()).ok()
}

/// A new id: a UUID that sorts by time (version 7), its rest by our own chance. The generator of
/// the operating system would cost a system call for each request.
pub(crate) fn fresh_id(unix_ms: u64, rng: &mut impl Rng) -> HeaderValue {
    let chance = (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64());
    let [.., a, b, c, d, e, f, g, h, i, j] = chance.to_le_bytes();
    let id = Builder::from_unix_timestamp_millis(unix_ms, &[a, b, c, d, e, f, g, h, i, j]);
    let mut text = Uuid::encode_buffer();
    let text = id.into_uuid().hyphenated().encode_lower(&mut text);
    super::once(HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("-")))
}

/// Says for whom we ask: appended to what a trusted caller says, instead of what another says.
pub(super) fn forward(
    headers: &mut HeaderMap,
    caller: Caller,
    host: Option<&HeaderValue>,
    has: Survey,
) {
    let mut before = Before::default();
    if has.any([Known::Claim]) {
        if caller.trusted {
            before = Before::of(headers);
        } else {
            for name in claims(headers) {
                headers.remove(name);
            }
        }
    }
    let mut lines = Lines::with_room(before.bytes() + 160);
    let address = caller.address.ip();
    let line = before.addresses.iter().fold(lines.line(), followed);
    set(headers, FORWARDED_FOR, line.address(address));
    let line = before.members.iter().fold(lines.line(), followed);
    set(headers, FORWARDED, member(line, address, host));
    if let Some(host) = host {
        set_missing(headers, FORWARDED_HOST, host.clone());
    }
    set_missing(headers, FORWARDED_PROTO, HeaderValue::from_static("http"));
}

/// What trusted hops before this one said.
#[derive(Debug, Default)]
struct Before {
    addresses: Vec<HeaderValue>,
    members: Vec<HeaderValue>,
}

impl Before {
    fn of(headers: &HeaderMap) -> Self {
        let all = |name: HeaderName| {
            let readable = |line: &&HeaderValue| line.to_str().is_ok();
            headers.get_all(name).iter().filter(readable).cloned().collect()
        };
        Self { addresses: all(FORWARDED_FOR), members: all(FORWARDED) }
    }

    fn bytes(&self) -> usize {
        self.addresses.iter().chain(&self.members).map(|line| line.len() + 2).sum()
    }
}

fn followed<'a>(line: Line<'a>, before: &HeaderValue) -> Line<'a> {
    line.bytes(before.as_bytes()).text(", ")
}

/// Our member of `Forwarded`.
fn member<'a>(line: Line<'a>, address: IpAddr, host: Option<&HeaderValue>) -> Line<'a> {
    let node = line.text("for=");
    let node = match address {
        IpAddr::V4(_) => node.address(address),
        IpAddr::V6(_) => node.text("\"[").address(address).text("]\""),
    };
    let node = match host {
        Some(host) => node.text(";host=\"").bytes(host.as_bytes()).text("\""),
        None => node,
    };
    node.text(";proto=http")
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

fn set(headers: &mut HeaderMap, name: HeaderName, line: Line<'_>) {
    if let Some(value) = line.value() {
        headers.insert(name, value);
    }
}

fn set_missing(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use seawall_core::rng::Stream;

    fn caller(trusted: bool) -> Caller {
        Caller { address: "192.0.2.7:1234".parse().unwrap(), trusted }
    }

    #[test]
    fn an_untrusted_caller_cannot_speak_for_others() {
        let mut headers = HeaderMap::new();
        for name in ["x-forwarded-for", "x-forwarded-port", "x-real-ip"] {
            headers.insert(name, HeaderValue::from_static("10.0.0.1"));
        }
        let has = Survey::of(&headers);
        forward(&mut headers, caller(false), Some(&HeaderValue::from_static("shop.test")), has);
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
        let has = Survey::of(&headers);
        forward(&mut headers, caller(true), None, has);
        assert_eq!(headers[FORWARDED_FOR], "10.0.0.1, 192.0.2.7");
        assert_eq!(headers[FORWARDED_PROTO], "https");
    }

    #[test]
    fn a_request_that_was_here_before_is_a_loop() {
        let (ours, other) = (Identity::new("seawall", 7), Identity::new("seawall", 8));
        let mut headers = HeaderMap::new();
        let mut pass = |identity: &Identity, version| {
            let has = Survey::of(&headers);
            identity.pass(&mut headers, version, has)
        };
        assert_eq!(pass(&ours, Version::HTTP_11), Ok(()));
        assert_eq!(pass(&other, Version::HTTP_2), Ok(()));
        assert_eq!(pass(&ours, Version::HTTP_11), Err(Reason::LoopDetected));
    }

    #[test]
    fn only_a_trusted_well_formed_id_is_kept() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("abc-1"));
        assert_eq!(request_id(&headers, caller(true)).unwrap(), "abc-1");
        assert_eq!(request_id(&headers, caller(false)), None);
        headers.insert(REQUEST_ID, HeaderValue::from_static("a b"));
        assert_eq!(request_id(&headers, caller(true)), None);
    }

    #[test]
    fn an_id_that_is_kept_holds_nothing_of_the_connection() {
        let read = Bytes::from(vec![b'a'; 64 << 10]);
        let value = HeaderValue::from_maybe_shared(read.slice(..36)).unwrap();
        let headers = HeaderMap::from_iter([(REQUEST_ID, value)]);
        let id = request_id(&headers, caller(true)).unwrap();
        drop(headers);
        assert!(read.is_unique() && id.len() == 36);
    }

    #[test]
    fn a_new_id_is_a_uuid_that_tells_its_time() {
        let mut rng = Stream::new(1, "ids");
        let mut id = || fresh_id(1_700_000_000_123, &mut rng);
        let (one, other) = (id(), id());
        assert_ne!(one, other);
        let parsed = Uuid::try_parse(one.to_str().unwrap()).unwrap();
        assert_eq!((parsed.get_version_num(), one.len()), (7, 36));
        let (seconds, nanos) = parsed.get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos), (1_700_000_000, 123_000_000));
    }
}
