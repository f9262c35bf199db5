//! What a request came to for its user.

use serde::{Deserialize, Serialize};

use crate::record::{Answered, Content, Seen};

/// The classes of outcome. A request has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The right answer within the deadline.
    Ok,
    /// The right answer past the deadline.
    Late,
    /// An error that a replica made and the product passed on.
    UpstreamError,
    /// 429 or 503 of the product itself.
    LocalReject,
    /// Any other answer of the product itself that is no success.
    LocalError,
    /// Refused, or reset before any byte of an answer.
    Connect,
    /// Nothing within the generator's patience.
    Timeout,
    /// An answer that began and broke off, and the user could tell.
    Cut,
    /// A success that is not what was asked for, and nothing told the user so.
    Corrupt,
}

/// All classes, as reports order them: what is right first, then by who made the error.
pub const CLASSES: [Class; 9] = [
    Class::Ok,
    Class::Late,
    Class::UpstreamError,
    Class::LocalReject,
    Class::LocalError,
    Class::Connect,
    Class::Timeout,
    Class::Cut,
    Class::Corrupt,
];

impl Class {
    /// The class of an answer to a request that was to be answered within `deadline` nanoseconds
    /// of its intended start.
    #[must_use]
    pub fn of(answered: &Answered, deadline: u64) -> Self {
        match answered.seen {
            Seen::NoAnswer => Self::Connect,
            Seen::Cut => Self::Cut,
            Seen::TimedOut => Self::Timeout,
            Seen::Answer { status: 200..=299, replica: Some(_), body: Content::Right } => {
                let latency = answered.ended.since(answered.intended);
                if latency <= deadline { Self::Ok } else { Self::Late }
            }
            // A success without the mark of a replica is nobody's answer to this request.
            Seen::Answer { status: 200..=299, .. } => Self::Corrupt,
            Seen::Answer { replica: Some(_), .. } => Self::UpstreamError,
            Seen::Answer { status: 429 | 503, replica: None, .. } => Self::LocalReject,
            Seen::Answer { replica: None, .. } => Self::LocalError,
        }
    }

    /// Whether its user has what was asked for, in time.
    #[must_use]
    pub fn is_ok(self) -> bool {
        self == Self::Ok
    }

    /// Its place in [`CLASSES`].
    #[must_use]
    pub fn place(self) -> usize {
        CLASSES.iter().position(|class| *class == self).unwrap_or_default()
    }

    /// Its name in reports and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Late => "late",
            Self::UpstreamError => "upstream_error",
            Self::LocalReject => "local_reject",
            Self::LocalError => "local_error",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Cut => "cut",
            Self::Corrupt => "corrupt",
        }
    }
}
