//! The `grpc-timeout` header: at most eight digits and a unit.
//!
//! Source: gRPC over HTTP/2, "Timeout → TimeoutValue TimeoutUnit". What is sent in it is computed
//! in `mod.rs`.

use core::fmt;

use crate::time::{Duration, nanos};

/// The largest number that the header holds, eight digits.
const LARGEST: u64 = 99_999_999;

/// Units from the finest to the coarsest, with their nanoseconds.
const UNITS: [(u8, u64); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60_000_000_000),
    (b'H', 3_600_000_000_000),
];

/// The remaining time in a `grpc-timeout` header; `None` when it is unreadable, which counts as
/// absent. Zero is readable and means that the call is to be refused. What does not fit 64 bits
/// of nanoseconds becomes [`Duration::MAX`], which no deadline reaches.
#[must_use]
pub fn parse_grpc_timeout(text: &str) -> Option<Duration> {
    let (unit, digits) = text.as_bytes().split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (_, unit) = UNITS.iter().find(|(letter, _)| letter == unit)?;
    let number = digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(number.checked_mul(*unit).map_or(Duration::MAX, Duration::from_nanos))
}

/// A duration as the header writes it: in the finest unit that fits eight digits, rounded down, so
/// that nobody is promised more than there is. Prints without allocating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcTimeout {
    number: u64,
    unit: u8,
}

impl GrpcTimeout {
    /// Of the time left. Beyond 99 999 999 hours it is that.
    #[must_use]
    pub fn new(left: Duration) -> Self {
        let left = nanos(left);
        let written = |(unit, width): &(u8, u64)| Self { number: left / width, unit: *unit };
        let finest = UNITS.iter().map(written).find(|written| written.number <= LARGEST);
        finest.unwrap_or(Self { number: LARGEST, unit: b'H' })
    }
}

impl fmt::Display for GrpcTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number, char::from(self.unit))
    }
}
