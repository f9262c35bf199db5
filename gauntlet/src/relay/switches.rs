//! What can be switched on a relay while it runs, and what it tells of itself. All is off at
//! first: the relay passes on what it gets. What the switches do is in `link` and `answers`.

use serde::{Deserialize, Serialize};

/// All switches of a relay. Those that a message leaves out are off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Nanoseconds by which answers are delayed.
    pub delay: u64,
    /// Up to so many more, uniformly drawn for each piece of an answer; order is kept.
    pub jitter: u64,
    /// Each connection is closed after so many bytes of its next answer; 0 for not.
    pub cut_after: u32,
    /// A byte in the body of each answer is changed.
    pub corrupt: bool,
    /// Answers say that they are so many bytes longer than they are, and the connection is closed
    /// behind them; 0 for the truth.
    pub longer: u32,
    /// So many connections a second are reset at both ends, drawn from those open; 0 for none.
    pub resets: f64,
}

impl Switches {
    /// All off.
    pub const OFF: Self =
        Self { delay: 0, jitter: 0, cut_after: 0, corrupt: false, longer: 0, resets: 0.0 };

    /// Whether all of them mean something.
    ///
    /// # Errors
    /// What does not, in words.
    pub fn validate(&self) -> Result<(), String> {
        if self.resets.is_finite() && self.resets >= 0.0 {
            return Ok(());
        }
        Err(format!("resets is {}; it is a finite number, at least 0", self.resets))
    }
}

/// What a relay tells of itself: hits of each switch, so that a fault can be shown to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Whether it listens: it does as long as it can reach the other end.
    pub listening: bool,
    /// Connections that are open.
    pub open: u64,
    /// Connections that were ever accepted.
    pub accepted: u64,
    /// Times that the other end could not be reached.
    pub unreachable: u64,
    /// Bytes of requests.
    pub asked: u64,
    /// Bytes of answers.
    pub answered: u64,
    /// Pieces of answers that were delayed.
    pub delayed: u64,
    /// Answers that were cut.
    pub cut: u64,
    /// Answers of which a byte was changed.
    pub corrupted: u64,
    /// Answers that were said to be longer.
    pub lengthened: u64,
    /// Connections that were reset.
    pub resets: u64,
    /// The switches as they are.
    pub switches: Switches,
}
