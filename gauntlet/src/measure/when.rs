//! When something happened that may also never have happened. "Never" and "not known" are no
//! numbers, and a report must not confuse the two.

use serde::{Deserialize, Serialize};

use super::number::number;

/// When something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// After so many nanoseconds.
    After(u64),
    /// Not within the so many nanoseconds in which it was looked for.
    NotWithin(u64),
    /// The question has no answer: nothing to notice, or no way to see it.
    #[default]
    Unknown,
}

impl When {
    /// For comparisons, in nanoseconds: what did not happen took at least as long as was looked.
    #[must_use]
    pub const fn at_least(self) -> Option<f64> {
        match self {
            Self::After(nanos) | Self::NotWithin(nanos) => Some(number(nanos)),
            Self::Unknown => None,
        }
    }

    /// Whether it did not happen while it was looked for.
    #[must_use]
    pub const fn is_missed(self) -> bool {
        matches!(self, Self::NotWithin(_))
    }

    /// At the beginning of the piece of a place, in pieces of one length of what was looked at.
    pub(crate) const fn at(place: Option<usize>, piece: u64, looked: u64) -> Self {
        match place {
            Some(place) => Self::After(place as u64 * piece),
            None => Self::NotWithin(looked),
        }
    }

    /// Of two, the later one; what did not happen is later than what did.
    pub(crate) fn later(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::NotWithin(a), Self::NotWithin(b)) => Self::NotWithin(a.max(b)),
            (Self::NotWithin(_), Self::After(_)) => self,
            (Self::After(_), Self::NotWithin(_)) => other,
            (Self::After(a), Self::After(b)) => Self::After(a.max(b)),
        }
    }
}
