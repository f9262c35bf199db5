//! The transitions of a call, declared once. The machine checks every move against this table,
//! a test prints and compares it, and the documents draw from it.

use alloc::string::String;
use core::fmt::Write as _;

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Not started.
    New,
    /// Waiting for a permit.
    Queued,
    /// Held through an outage: no endpoint can be reached.
    Holding,
    /// An attempt is running, without a head so far.
    Attempting,
    /// Waiting before a retry.
    BackingOff,
    /// An answer is being handed on.
    Delivering,
    /// A rung of the ladder is being asked.
    FallingBack,
    /// Over.
    Finished,
}

/// What can happen to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The caller asks.
    Start,
    /// The bulkhead has granted a permit, or the hold is over.
    Granted,
    /// The head of an answer.
    Head,
    /// The end of an attempt, or of the answer being handed on.
    Ended,
    /// The caller still uploads.
    Uploading,
    /// A deadline has passed.
    Timer,
    /// The ladder's rung has answered or failed.
    RungDone,
    /// The caller has left.
    Cancelled,
}

impl State {
    /// Every state, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Queued,
        Self::Holding,
        Self::Attempting,
        Self::BackingOff,
        Self::Delivering,
        Self::FallingBack,
        Self::Finished,
    ];
}

impl Event {
    /// Every event, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Granted,
        Self::Head,
        Self::Ended,
        Self::Uploading,
        Self::Timer,
        Self::RungDone,
        Self::Cancelled,
    ];
}

/// Where the end of an attempt leads: anywhere but back to the start.
const ENDED: &[State] = &[
    State::Queued,
    State::Holding,
    State::Attempting,
    State::BackingOff,
    State::Delivering,
    State::FallingBack,
    State::Finished,
];

/// From a state, by an event, into one of these states. What is not listed cannot happen; the
/// machine answers it with [`super::Action::Wait`] and changes nothing.
pub const TABLE: &[(State, Event, &[State])] = {
    use Event::{Cancelled, Ended, Granted, Head, RungDone, Start, Timer, Uploading};
    use State::{Attempting, BackingOff, Delivering, FallingBack, Finished, Holding, New, Queued};
    &[
        (New, Start, &[Queued, Holding, Attempting, FallingBack, Finished]),
        (Queued, Granted, &[Holding, Attempting, Delivering, FallingBack, Finished]),
        (Queued, Timer, &[Holding, Attempting, Delivering, FallingBack, Finished]),
        (Queued, Cancelled, &[Finished]),
        (Holding, Granted, &[Queued, Attempting, Delivering, Finished]),
        (Holding, Timer, &[Queued, Attempting, Delivering, Finished]),
        (Holding, Cancelled, &[Finished]),
        (Attempting, Head, &[Attempting, BackingOff, Delivering, FallingBack]),
        (Attempting, Ended, ENDED),
        (Attempting, Uploading, &[Attempting]),
        (Attempting, Timer, &[Attempting]),
        (Attempting, Cancelled, &[Finished]),
        (BackingOff, Timer, &[Queued, Holding, Attempting, Delivering, FallingBack, Finished]),
        (BackingOff, Cancelled, &[Finished]),
        (Delivering, Ended, &[Finished]),
        (Delivering, Cancelled, &[Finished]),
        (FallingBack, RungDone, &[FallingBack, Delivering, Finished]),
        (FallingBack, Cancelled, &[Finished]),
    ]
};

/// The states that `event` can lead to from `state`; empty when it cannot happen.
pub(super) fn targets(state: State, event: Event) -> &'static [State] {
    TABLE.iter().find(|(from, by, _)| *from == state && *by == event).map_or(&[], |(_, _, to)| to)
}

/// The whole grid as text, one line for each state and event, impossible cells included.
#[must_use]
pub fn render() -> String {
    let mut text = String::new();
    for state in State::ALL {
        for event in Event::ALL {
            let targets = targets(state, event);
            let _infallible = if targets.is_empty() {
                writeln!(text, "{state:?} × {event:?} → impossible")
            } else {
                writeln!(text, "{state:?} × {event:?} → {targets:?}")
            };
        }
    }
    text
}
