//! Words of a closed list: how the core's enums stand in a record.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use seawall_core::call::{Role, Safety};
use seawall_core::outcome::{Class, Sent};
use seawall_core::reason::Reason;
use seawall_core::shed;

/// A value that a record knows by a word. Words never change within a version of the format.
pub(super) trait Word: Copy + 'static {
    /// What kind of thing it is, for messages.
    const WHAT: &'static str;
    /// Every value there is.
    const ALL: &'static [Self];
    /// The word.
    fn word(self) -> &'static str;
}

impl Word for Class {
    const WHAT: &'static str = "class of an outcome";
    const ALL: &'static [Self] = &[Self::Success, Self::Failure, Self::Ignored, Self::Abandoned];

    fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Ignored => "ignored",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Word for Sent {
    const WHAT: &'static str = "share of a request that was sent";
    const ALL: &'static [Self] = &[Self::No, Self::Maybe, Self::Yes];

    fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Maybe => "maybe",
            Self::Yes => "yes",
        }
    }
}

impl Word for Role {
    const WHAT: &'static str = "role of an attempt";
    const ALL: &'static [Self] = &[Self::First, Self::Retry, Self::Hedge];

    fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Retry => "retry",
            Self::Hedge => "hedge",
        }
    }
}

impl Word for Safety {
    const WHAT: &'static str = "safety of a call";
    const ALL: &'static [Self] = &[Self::Idempotent, Self::Keyed, Self::Unsafe];

    fn word(self) -> &'static str {
        match self {
            Self::Idempotent => "idempotent",
            Self::Keyed => "keyed",
            Self::Unsafe => "unsafe",
        }
    }
}

impl Word for shed::Class {
    const WHAT: &'static str = "priority";
    const ALL: &'static [Self] = &[Self::Critical, Self::High, Self::Normal, Self::Low];

    fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl Word for Reason {
    const WHAT: &'static str = "reason code";
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.code()
    }
}

pub(super) fn serialize<T: Word, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.word())
}

pub(super) fn deserialize<'de, T: Word, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    find(&Cow::<'de, str>::deserialize(deserializer)?)
}

fn find<T: Word, E: Error>(word: &str) -> Result<T, E> {
    let known = T::ALL.iter().copied().find(|value| value.word() == word);
    known.ok_or_else(|| E::custom(format_args!("{word:?} is no {}", T::WHAT)))
}

/// The same for a word that may be absent.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Serializer, Word, find};
    use std::borrow::Cow;

    pub(in super::super) fn serialize<T: Word, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_str(value.word()),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, T: Word, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let word = Option::<Cow<'de, str>>::deserialize(deserializer)?;
        word.map(|word| find(&word)).transpose()
    }
}
