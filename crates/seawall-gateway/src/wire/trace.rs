//! `traceparent` (W3C Trace Context, version 00): kept across the gateway, its span renewed for
//! each attempt.

use http::{HeaderMap, HeaderName};

use seawall_core::rng::Rng;

use super::line::{Lines, hex};
use super::survey::{Known, Survey};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The trace that a request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    id: [u8; 32],
    flags: [u8; 2],
}

impl Trace {
    /// The caller's trace, or a new unsampled one where it gave none or a broken one.
    pub(super) fn of(headers: &mut HeaderMap, has: Survey, rng: &mut impl Rng) -> Self {
        if has.any([Known::Trace]) {
            let given = headers.get(TRACEPARENT).and_then(|value| Self::parse(value.as_bytes()));
            if let Some(given) = given {
                return given;
            }
            headers.remove(TRACESTATE);
        }
        Self { id: hex(rng), flags: *b"00" }
    }

    /// Names a new span of this trace in the head of an attempt.
    pub(super) fn stamp(&self, headers: &mut HeaderMap, lines: &mut Lines, rng: &mut impl Rng) {
        let digits = hex(rng);
        let (_, span) = digits.split_at(16);
        let line = lines.line().text("00-").bytes(&self.id).text("-");
        if let Some(value) = line.bytes(span).text("-").bytes(&self.flags).value() {
            headers.insert(TRACEPARENT, super::once(value));
        }
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let [b'0', b'0', b'-', rest @ ..] = text else { return None };
        let (id, rest) = rest.split_first_chunk::<32>()?;
        let [b'-', rest @ ..] = rest else { return None };
        let (span, rest) = rest.split_first_chunk::<16>()?;
        let [b'-', flags @ ..] = rest else { return None };
        let flags: &[u8; 2] = flags.try_into().ok()?;
        let valid = is_hex(id) && is_hex(span) && is_hex(flags) && !zero(id) && !zero(span);
        valid.then_some(Self { id: *id, flags: *flags })
    }
}

fn is_hex(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn zero(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_core::rng::Stream;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn through(given: Option<&str>) -> String {
        let mut rng = Stream::new(1, "trace");
        let mut headers = HeaderMap::new();
        if let Some(given) = given {
            headers.insert(TRACEPARENT, given.parse().unwrap());
        }
        let has = Survey::of(&headers);
        let trace = Trace::of(&mut headers, has, &mut rng);
        trace.stamp(&mut headers, &mut Lines::with_room(55), &mut rng);
        headers[TRACEPARENT].to_str().unwrap().to_owned()
    }

    #[test]
    fn the_trace_is_kept_and_the_span_is_new() {
        let ours = through(Some(GIVEN));
        assert_eq!(ours.get(..35), GIVEN.get(..35));
        assert_eq!(ours.get(52..), GIVEN.get(52..));
        assert_ne!(ours.get(36..52), GIVEN.get(36..52));
    }

    #[test]
    fn a_broken_parent_begins_a_new_trace() {
        for given in [
            None,
            Some("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            Some("00-00000000000000000000000000000000-b7ad6b7169203331-01"),
            Some("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"),
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"),
            Some("garbage"),
        ] {
            let ours = through(given);
            assert!(Trace::parse(ours.as_bytes()).is_some(), "{ours}");
            assert_ne!(ours.get(3..35), GIVEN.get(3..35));
        }
    }
}
