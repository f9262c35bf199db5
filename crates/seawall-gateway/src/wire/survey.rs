//! Which of the fields that a gateway deals with a head has: found in one walk over their names,
//! since to look each of them up would hash two dozen names, and most heads have few of them.

use http::HeaderMap;

/// Fields of a head, by name or kind. A field that was removed since may still be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Survey(u32);

/// A field, or a kind of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Known {
    Connection,
    ContentLength,
    Cookie,
    Expect,
    Http2Settings,
    KeepAlive,
    Priority,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyConnection,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    Via,
    /// What a caller may say about whom it asks for.
    Claim,
    /// The trace and its state.
    Trace,
    /// One that only a Seawall sets.
    Own,
    /// One with an underscore, which a service may mistake for another.
    Underscored,
}

impl Survey {
    /// Of these fields.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(headers.keys().fold(0, |found, name| found | bits(name.as_str())))
    }

    /// Whether it may have one of these.
    pub(super) fn any<const N: usize>(self, known: [Known; N]) -> bool {
        known.into_iter().any(|known| self.0 & bit(known) != 0)
    }
}

const fn bit(known: Known) -> u32 {
    1 << known as u8
}

fn bits(name: &str) -> u32 {
    let known = match name {
        "connection" => Known::Connection,
        "content-length" => Known::ContentLength,
        "cookie" => Known::Cookie,
        "expect" => Known::Expect,
        "http2-settings" => Known::Http2Settings,
        "keep-alive" => Known::KeepAlive,
        "priority" => Known::Priority,
        "proxy-authenticate" => Known::ProxyAuthenticate,
        "proxy-authorization" => Known::ProxyAuthorization,
        "proxy-connection" => Known::ProxyConnection,
        "te" => Known::Te,
        "trailer" => Known::Trailer,
        "transfer-encoding" => Known::TransferEncoding,
        "upgrade" => Known::Upgrade,
        "via" => Known::Via,
        "forwarded" | "x-real-ip" => Known::Claim,
        "traceparent" | "tracestate" => Known::Trace,
        other => return bits_of_kind(other),
    };
    bit(known)
}

fn bits_of_kind(name: &str) -> u32 {
    let claim = if name.starts_with("x-forwarded-") { bit(Known::Claim) } else { 0 };
    let own = if name.starts_with("seawall-") { bit(Known::Own) } else { 0 };
    let underscored = if name.contains('_') { bit(Known::Underscored) } else { 0 };
    claim | own | underscored
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn survey(names: &[&str]) -> Survey {
        let lines = names.iter().map(|name| (name.parse().unwrap(), HeaderValue::from_static("")));
        Survey::of(&HeaderMap::from_iter(lines))
    }

    #[test]
    fn every_field_of_a_connection_is_known_by_its_name() {
        for (known, name) in &super::super::hop::ALWAYS {
            assert!(survey(&["accept", name.as_str()]).any([*known]), "{name}");
            assert!(!survey(&["accept", "host", "x-connection"]).any([*known]), "{name}");
        }
    }

    #[test]
    fn kinds_are_known_by_the_beginning_of_their_names() {
        let found = survey(&["x-forwarded-any_thing", "seawall-anything"]);
        for known in [Known::Claim, Known::Own, Known::Underscored] {
            assert!(found.any([known]), "{known:?}");
        }
        assert!(!survey(&["x-forwarded", "seawall"]).any([Known::Claim, Known::Own]));
    }
}
