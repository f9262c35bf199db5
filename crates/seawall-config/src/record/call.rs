//! One call in a record, with its attempts.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use seawall_core::call::{self, Role, Safety};
use seawall_core::outcome::{Class, GrpcCode, Observation, Sent};
use seawall_core::reason::Reason;
use seawall_core::shed;

use super::word::Word;
use super::{Failure, Hex, Micros, word};

/// A call that has ended. Lines of a record are in the order in which calls ended; whoever wants
/// them in the order of arrival sorts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// When it arrived, since the start of the record. Key `t`.
    #[serde(rename = "t")]
    pub arrival: Micros,
    /// The name of its route. Key `r`.
    #[serde(rename = "r", serialize_with = "write_name", deserialize_with = "read_name")]
    pub route: Arc<str>,
    /// Whether it may be executed more than once. Key `m`.
    #[serde(rename = "m", with = "word")]
    pub safety: Safety,
    /// How important it was. Key `p`, absent when normal.
    #[serde(rename = "p", with = "word", default, skip_serializing_if = "is_normal")]
    pub priority: shed::Class,
    /// The salted hash of what keyed balancing went by. Key `a`.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Hex>,
    /// The salted hash of its idempotency key, where it had a good one. Key `k`.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Hex>,
    /// The time that its trusted caller still had. Key `d`.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Micros>,
    /// Its attempts, in the order in which they began. Key `n`, absent when none was made.
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Decisions that no longer fitted its trail: where this is not 0, attempts may be missing, and
    /// the last one may look as if it had brought nothing. Key `x`, absent when 0.
    #[serde(rename = "x", default, skip_serializing_if = "is_zero")]
    pub untold: u32,
    /// What it came to. Key `v`.
    #[serde(rename = "v", with = "word")]
    pub verdict: Verdict,
    /// Why, where the answer was not simply the upstream's. Key `w`.
    #[serde(rename = "w", with = "word::option", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The status that the caller got; absent when it left before. Key `s`.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// From its arrival to the end of its answer's body. Key `l`.
    #[serde(rename = "l")]
    pub latency: Micros,
}

/// One attempt of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The number of the endpoint within the upstream, from 0: its place in the config, for an
    /// upstream whose endpoints never changed. It stays with an endpoint through reloads, and may
    /// be given anew when one has left. Key `e`.
    #[serde(rename = "e")]
    pub endpoint: u32,
    /// When it began, since the arrival of the call. Key `o`.
    #[serde(rename = "o")]
    pub begun: Micros,
    /// How long it took to the head of its answer, or to its end where there was none. Key `l`.
    #[serde(rename = "l")]
    pub latency: Micros,
    /// Why it was made. Key `b`, absent for a first attempt.
    #[serde(rename = "b", with = "word", default = "first", skip_serializing_if = "is_first")]
    pub role: Role,
    /// What it said of the dependency, its body included. Key `c`.
    #[serde(rename = "c", with = "word")]
    pub class: Class,
    /// The status of its answer. Key `s`.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The gRPC status of its answer, by number. Key `g`.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub grpc: Option<u8>,
    /// The service's hint when to come back. Key `h`.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Micros>,
    /// Whether a Seawall nearer to the service had spent its own attempts. Key `z`, absent if not.
    #[serde(rename = "z", default, skip_serializing_if = "is_no")]
    pub exhausted: bool,
    /// Why it brought no whole answer. Key `f`.
    #[serde(rename = "f", with = "word::option", default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How much of the request had left when it failed, where that was open. Key `u`.
    #[serde(rename = "u", with = "word::option", default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
}

impl Attempt {
    /// How it ended, in the words that a driver reports to the call machine; none if it was given
    /// up before it brought anything. A gRPC service's demand to stop is not kept.
    #[must_use]
    pub fn observation(&self) -> Option<Observation> {
        if let Some(failure) = self.failure {
            return Some(failure.observation(self.sent.unwrap_or(Sent::Maybe)));
        }
        let (retry_after, exhausted) = (self.retry_after.map(Into::into), self.exhausted);
        if let Some(number) = self.grpc {
            let pushback = retry_after.map(seawall_core::outcome::Pushback::After);
            let code = GrpcCode::from_number(number.into());
            return Some(Observation::Grpc { code, pushback, exhausted });
        }
        self.status.map(|code| Observation::Status { code, retry_after, exhausted })
    }
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The answer of an attempt was handed on, whatever its status.
    Answer,
    /// The answer of an attempt broke off after part of it had been handed on.
    Truncated,
    /// A rung of the ladder answered.
    Fallback,
    /// Refused before anything was sent.
    Rejected,
    /// Attempts were made, and none brought an answer to hand on.
    Failed,
    /// The caller left.
    Cancelled,
}

impl From<call::Verdict> for Verdict {
    fn from(verdict: call::Verdict) -> Self {
        match verdict {
            call::Verdict::Answered { .. } => Self::Answer,
            call::Verdict::Truncated { .. } => Self::Truncated,
            call::Verdict::FellBack { .. } => Self::Fallback,
            call::Verdict::Rejected { .. } => Self::Rejected,
            call::Verdict::Failed { .. } => Self::Failed,
            call::Verdict::Cancelled => Self::Cancelled,
        }
    }
}

impl Word for Verdict {
    const WHAT: &'static str = "verdict";
    const ALL: &'static [Self] = &[
        Self::Answer,
        Self::Truncated,
        Self::Fallback,
        Self::Rejected,
        Self::Failed,
        Self::Cancelled,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Truncated => "truncated",
            Self::Fallback => "fallback",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

fn write_name<S: Serializer>(name: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name)
}

fn read_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(deserializer).map(Arc::from)
}

const fn first() -> Role {
    Role::First
}

const fn is_first(role: &Role) -> bool {
    matches!(role, Role::First)
}

const fn is_normal(class: &shed::Class) -> bool {
    matches!(class, shed::Class::Normal)
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

const fn is_no(answer: &bool) -> bool {
    !*answer
}
