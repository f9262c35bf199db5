//! Why a record cannot be replayed.

use std::error::Error;
use std::fmt;

use seawall_config::record::RecordError;

use super::Bounds;

/// Why a record cannot be replayed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReplayError {
    /// It cannot be read.
    Record(RecordError),
    /// It holds no call.
    Empty,
    /// It holds more than is kept in memory.
    TooLarge(Bounds),
    /// No call of it can be replayed under this config.
    NothingLeft,
}

impl From<RecordError> for ReplayError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(error) => error.fmt(f),
            Self::Empty => f.write_str(
                "the record holds no calls: record while there is traffic, and long enough",
            ),
            Self::TooLarge(Bounds { calls, attempts, routes }) => write!(
                f,
                "the record is larger than a replay holds in memory ({calls} calls, {attempts} \
                 attempts, {routes} routes): replay a part of it, such as its first million lines"
            ),
            Self::NothingLeft => f.write_str(
                "no call of the record can be replayed: its routes are not in the config, or \
                 nothing is known of their upstreams; give routes the names that they had",
            ),
        }
    }
}

impl Error for ReplayError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Record(error) => Some(error),
            Self::Empty | Self::TooLarge(_) | Self::NothingLeft => None,
        }
    }
}
