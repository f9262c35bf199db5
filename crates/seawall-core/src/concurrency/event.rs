//! What an adaptive limit reports.

use crate::Mode;
use crate::ratio::Ratio;
use crate::time::Duration;

/// Why a limit is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nothing was learned yet.
    Initial,
    /// It was doubled in search of the first congestion.
    Doubling,
    /// There was room, and enough of the limit was in use.
    Growth,
    /// Latency has risen.
    Congestion,
    /// Attempts timed out or were refused because of overload.
    Drop,
    /// It stood too far above what is in use.
    Unused,
    /// It is halved for one update, to learn the latency without load.
    Dip,
    /// It was pinned to learn the latency without load (Envoy's algorithm only).
    Pin,
    /// It is doubled for a moment, to learn whether more still only waits.
    Probe,
    /// It is lowered for a moment, to learn whether fewer are any faster.
    Trial,
    /// What was learned before a dip or a pin holds again.
    Resumed,
    /// The settings changed.
    Reconfigured,
}

/// Something that happened to a limit, emitted after its state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitEvent {
    /// So many may be in flight from now on.
    Changed {
        /// The limit before.
        old: u32,
        /// The limit now.
        new: u32,
        /// The latency without load, as far as known.
        base: Option<Duration>,
        /// The latency that decided, if one did.
        short: Option<Duration>,
        /// The gradient that decided, if one did: below 100 % is congestion.
        gradient: Option<Ratio>,
        /// Why.
        cause: Cause,
    },
    /// The limit is halved for one update, because nothing else told the latency without load for
    /// ten minutes. A change of the limit is reported beside it.
    Dip {
        /// The limit that will hold again.
        resume: u32,
        /// The base until now.
        base: Duration,
    },
    /// An attempt found the limit reached. In [`Mode::Shadow`] it was let pass.
    Rejected {
        /// Attempts in flight.
        in_flight: u32,
        /// The limit.
        limit: u32,
        /// Why the limit is what it is.
        cause: Cause,
        /// Whether it was acted upon.
        mode: Mode,
    },
}
