//! What a caller says of the importance of its request, and what the next hop is told of it.
//!
//! Which class follows from it is the core's rule (`shed::Class::of`); what a class means under
//! overload is decided by the mechanisms of the upstream.

use http::{HeaderMap, HeaderName, HeaderValue};

use seawall_core::shed::{Class, Trust, urgency};

use super::forwarded::Caller;
use super::survey::{Known, Survey};

/// The priority of RFC 9218, which anybody may send.
const PRIORITY: HeaderName = HeaderName::from_static("priority");
/// The class, as one Seawall tells the next.
const OWN: HeaderName = HeaderName::from_static("seawall-priority");

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// This class, by a trusted hop that has judged already.
    Class(Class),
    /// This urgency, if any.
    Urgency(Option<u8>, Trust),
}

impl Asked {
    /// Reads it from the fields of a request, before ours are dropped from it.
    pub(super) fn of(headers: &HeaderMap, caller: Caller, has: Survey) -> Self {
        let trust = if caller.trusted { Trust::Trusted } else { Trust::Untrusted };
        if !has.any([Known::Priority, Known::Own]) {
            return Self::Urgency(None, trust);
        }
        let told = headers.get(OWN).filter(|_| caller.trusted).and_then(class);
        let lines = headers.get_all(PRIORITY).iter().filter_map(|line| line.to_str().ok());
        told.map_or_else(
            || Self::Urgency(lines.filter_map(urgency).next_back(), trust),
            Self::Class,
        )
    }

    /// The class on a route of class `route`.
    pub(super) fn on(self, route: Class) -> Class {
        match self {
            Self::Class(class) => class,
            Self::Urgency(u, trust) => Class::of(u, trust, route),
        }
    }
}

/// Tells the next hop, so that all hops shed alike.
pub(super) fn stamp(headers: &mut HeaderMap, class: Class) {
    headers.insert(OWN, HeaderValue::from_static(word(class)));
}

fn class(value: &HeaderValue) -> Option<Class> {
    let is = |class: &&Class| value.as_bytes().eq_ignore_ascii_case(word(**class).as_bytes());
    Class::ALL.iter().find(is).copied()
}

const fn word(class: Class) -> &'static str {
    match class {
        Class::Critical => "critical",
        Class::High => "high",
        Class::Normal => "normal",
        Class::Low => "low",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[(HeaderName, &'static str)], trusted: bool) -> Asked {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        let caller = Caller { address: "192.0.2.7:1".parse().unwrap(), trusted };
        Asked::of(&headers, caller, Survey::of(&headers))
    }

    #[test]
    fn the_untrusted_can_lower_their_class_and_never_raise_it() {
        for (line, on_high, on_low) in [
            ("u=0", Class::High, Class::Low),
            ("u=4, i", Class::Normal, Class::Low),
            ("u=7", Class::Low, Class::Low),
            ("u=9", Class::High, Class::Low),
        ] {
            let asked = asked(&[(PRIORITY, line), (OWN, "critical")], false);
            assert_eq!((asked.on(Class::High), asked.on(Class::Low)), (on_high, on_low), "{line}");
        }
    }

    #[test]
    fn the_trusted_are_believed_and_their_class_goes_first() {
        let urgent = asked(&[(PRIORITY, "u=0")], true);
        assert_eq!(urgent.on(Class::Low), Class::Critical);
        let told = asked(&[(PRIORITY, "u=0"), (OWN, "Low")], true);
        assert_eq!(told.on(Class::High), Class::Low);
        let nonsense = asked(&[(PRIORITY, "u=2"), (OWN, "very")], true);
        assert_eq!(nonsense.on(Class::Low), Class::High);
    }

    #[test]
    fn the_last_urgency_of_several_lines_counts() {
        let several = asked(&[(PRIORITY, "u=1"), (PRIORITY, "u=6"), (PRIORITY, "i")], false);
        assert_eq!(several.on(Class::Critical), Class::Low);
        assert_eq!(asked(&[], false).on(Class::Normal), Class::Normal);
    }

    #[test]
    fn what_is_stamped_is_read_by_the_next_hop() {
        for class in Class::ALL {
            let mut headers = HeaderMap::new();
            stamp(&mut headers, class);
            let caller = Caller { address: "10.0.0.1:1".parse().unwrap(), trusted: true };
            let asked = Asked::of(&headers, caller, Survey::of(&headers));
            assert_eq!(asked, Asked::Class(class));
        }
    }
}
