//! What whoever reads the result of a replay must know of it.

use std::fmt;
use std::sync::Arc;

use seawall_config::record::Tail;

/// Something that a replay could not, or only nearly, take over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The record does not end as it should.
    Tail(Tail),
    /// So many calls are missing from the record.
    Missing(u64),
    /// Of so many calls, some attempts may be missing.
    Untold(u64),
    /// The config changed so many times while it was recorded.
    Reloads(u64),
    /// The config is the one of the record: what differs is the error of the method.
    SameConfig,
    /// The calls of this route are left out, since the config does not have it.
    UnknownRoute {
        /// The route.
        route: Arc<str>,
        /// How many.
        calls: u64,
    },
    /// The calls of this route are left out, since the record has no attempt at its upstream.
    UnknownUpstream {
        /// The route.
        route: Arc<str>,
        /// Its upstream in the config.
        upstream: String,
        /// How many.
        calls: u64,
    },
    /// The record does not know this upstream, which behaves as another.
    Behaves {
        /// The upstream.
        upstream: String,
        /// The one that it behaves as.
        like: Arc<str>,
    },
    /// The upstream had another number of endpoints.
    Endpoints {
        /// The upstream.
        upstream: String,
        /// How many it had.
        had: u32,
        /// How many it has.
        has: u32,
    },
    /// Health checks are not recorded, and are off in the replay.
    ChecksOff(String),
    /// So many attempts at the upstream were given up, of so many: their latency is unknown.
    GivenUp {
        /// The upstream.
        upstream: String,
        /// Given up.
        given_up: usize,
        /// Of so many.
        of: usize,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tail(tail) => tail.fmt(f),
            Self::Missing(calls) => write!(f, "{calls} calls are missing from the record"),
            Self::Untold(calls) => {
                write!(f, "{calls} calls had more to tell than is written; attempts may be missing")
            }
            Self::Reloads(count) => {
                write!(f, "the config changed {count} times while this was recorded")
            }
            Self::SameConfig => f.write_str(
                "this is the config of the record: what differs is the error of the method",
            ),
            Self::UnknownRoute { route, calls } => {
                write!(f, "route {route:?} is not in the config: {calls} calls are left out")
            }
            Self::UnknownUpstream { route, upstream, calls } => write!(
                f,
                "the record has no attempt at upstream {upstream:?}: {calls} calls of route \
                 {route:?} are left out"
            ),
            Self::Behaves { upstream, like } => write!(
                f,
                "the record does not know upstream {upstream:?}: it behaves as {like:?} did"
            ),
            Self::Endpoints { upstream, had, has } if had < has => write!(
                f,
                "upstream {upstream:?} had {had} endpoints and has {has}: those beyond behave as \
                 the first ones did, and each as under the load that it had"
            ),
            Self::Endpoints { upstream, had, has } => write!(
                f,
                "upstream {upstream:?} had {had} endpoints and has {has}: each behaves as several \
                 did, and as under the load that they had"
            ),
            Self::ChecksOff(upstream) => write!(
                f,
                "health checks are not recorded: those of upstream {upstream:?} are off in the \
                 replay"
            ),
            Self::GivenUp { upstream, given_up, of } => write!(
                f,
                "{given_up} of {of} attempts at upstream {upstream:?} were given up: what they \
                 would have taken is only known to be longer"
            ),
        }
    }
}
