//! How important a call is, and up to where calls are admitted.
//!
//! When the cursor moves is decided in `machine.rs`.

use crate::hash::{GOLDEN, finish};

/// How many classes there are.
pub const CLASSES: u16 = 4;

/// Sub-levels of each class.
pub const SUB_LEVELS: u16 = 128;

/// Levels in all.
pub const LEVELS: u16 = CLASSES * SUB_LEVELS;

/// How important a call is; the first is the most important.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// What the product cannot do without: log-in, payment, health.
    Critical,
    /// A user waits for it.
    High,
    /// Most calls. The default.
    #[default]
    Normal,
    /// Prefetching, batches, crawlers.
    Low,
}

/// Whether what a caller says of its own importance is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// It is.
    Trusted,
    /// Only as far as it asks for less than its route has.
    Untrusted,
}

impl Class {
    /// Every class, the most important first.
    pub const ALL: [Self; CLASSES as usize] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// The class of a call on a route of class `route`, whose caller states the urgency `u` of RFC
    /// 9218 (0 to 7; see [`urgency`]): 0 is critical, 1 and 2 high, 3 and 4 normal, the others low.
    /// Without urgency it is the class of the route, which is also the ceiling for the untrusted.
    #[must_use]
    pub fn of(u: Option<u8>, trust: Trust, route: Self) -> Self {
        let asked = match u {
            None => return route,
            Some(0) => Self::Critical,
            Some(1 | 2) => Self::High,
            Some(3 | 4) => Self::Normal,
            Some(_) => Self::Low,
        };
        match trust {
            Trust::Trusted => asked,
            Trust::Untrusted => asked.max(route),
        }
    }

    pub(crate) const fn index(self) -> u16 {
        match self {
            Self::Critical => 0,
            Self::High => 1,
            Self::Normal => 2,
            Self::Low => 3,
        }
    }

    fn from_index(index: u16) -> Self {
        Self::ALL.get(usize::from(index)).copied().unwrap_or(Self::Low)
    }
}

/// The urgency in a value of the `priority` header (RFC 9218): its member `u`, the last if there
/// are several, from 0 to 7. What is not understood is as absent as the RFC asks for.
#[must_use]
pub fn urgency(header: &str) -> Option<u8> {
    header.split(',').filter_map(member_u).next_back().flatten()
}

/// The value of a dictionary member that is called `u`; its own value is absent if it is no
/// urgency. Parameters of the member mean nothing.
fn member_u(member: &str) -> Option<Option<u8>> {
    let item = member.split(';').next()?.trim_matches([' ', '\t']);
    let (key, value) = item.split_once('=').unwrap_or((item, ""));
    let digit = value.parse::<u8>().ok().filter(|u| *u <= 7 && value.len() == 1);
    (key == "u").then_some(digit)
}

/// The priority of a call, which all its attempts and the calls it causes keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Priority {
    class: Class,
    sub: u8,
}

impl From<Class> for Priority {
    /// The most important of its class.
    fn from(class: Class) -> Self {
        Self::new(class, 0)
    }
}

impl Priority {
    /// A priority of `class` with the sub-level `sub`, of which those from 128 on count as 127.
    #[must_use]
    pub const fn new(class: Class, sub: u8) -> Self {
        Self { class, sub: if sub < 128 { sub } else { 127 } }
    }

    /// The priority of the one whose stable 64-bit hash is `principal`, in `hour`: whole hours
    /// since the Unix epoch by the wall clock, on which the hops need to agree. In other hours
    /// the same principal is at other, unrelated sub-levels.
    #[must_use]
    pub const fn of(class: Class, principal: u64, hour: u64) -> Self {
        let mixed = mix(principal ^ mix(hour));
        Self { class, sub: (mixed >> 57) as u8 }
    }

    /// The class.
    #[must_use]
    pub const fn class(self) -> Class {
        self.class
    }

    /// The sub-level, below 128; the lower is the more important.
    #[must_use]
    pub const fn sub(self) -> u8 {
        self.sub
    }

    /// The level among all, below [`LEVELS`]; the lower is the more important.
    #[must_use]
    pub const fn level(self) -> u16 {
        self.class.index() * SUB_LEVELS + self.sub as u16
    }
}

/// One step of `SplitMix64`, so that zero mixes too. Its values never change: hops of different
/// versions must agree.
const fn mix(value: u64) -> u64 {
    finish(value.wrapping_add(GOLDEN))
}

/// Up to where calls are admitted. Callers that are told it can shed before they send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(u16);

impl Cursor {
    /// Everything is admitted.
    pub const OPEN: Self = Self(LEVELS);
    /// Nothing is.
    pub const SHUT: Self = Self(0);

    /// Admits the `levels` most important; at most [`LEVELS`].
    #[must_use]
    pub fn new(levels: u16) -> Self {
        Self(levels.min(LEVELS))
    }

    /// How many levels are admitted.
    #[must_use]
    pub const fn levels(self) -> u16 {
        self.0
    }

    /// Whether calls of this priority are admitted.
    #[must_use]
    pub const fn admits(self, priority: Priority) -> bool {
        priority.level() < self.0
    }

    /// The first priority that is not admitted, if there is one.
    #[must_use]
    pub fn first_shed(self) -> Option<Priority> {
        let sub = u8::try_from(self.0 % SUB_LEVELS).unwrap_or_default();
        let class = Class::from_index(self.0 / SUB_LEVELS);
        (self.0 < LEVELS).then_some(Priority { class, sub })
    }

    pub(super) fn opened_by(self, levels: u64) -> Self {
        let opened = u64::from(self.0).saturating_add(levels).min(u64::from(LEVELS));
        Self(u16::try_from(opened).unwrap_or(LEVELS))
    }
}
