//! For tests of programs that use policies, and of services that stand around or behind them.
//!
//! - [`ManualClock`] moves a policy's time by hand, and runs a future through hours in no time.
//! - [`Script`] stands in for a dependency: it answers as it is told, when it is told, and
//!   remembers what reached it.
//! - [`contract`] finds out whether a Tower layer, of yours or of ours, keeps Tower's contract.
//!
//! ```
//! use std::time::Duration;
//! use seawall::test::{ManualClock, Script};
//! use seawall::{Policy, Retry};
//!
//! let clock = ManualClock::new();
//! let policy = Policy::builder()
//!     .clock(&clock)
//!     .attempt_timeout(Duration::from_secs(1))
//!     .retry(Retry::attempts(3))
//!     .idempotent()
//!     .build()?;
//! let users = Script::on(&clock)
//!     .fails("connection reset")
//!     .hangs()
//!     .answers("Ada").after(Duration::from_millis(20));
//!
//! let name = clock.run(policy.call(|_| users.call("GET /users/7")));
//!
//! assert_eq!(name, Ok("Ada"));
//! users.assert_spent();
//! let seen = users.seen();
//! assert_eq!(seen.len(), 3);
//! assert!(seen[2].at > Duration::from_secs(1), "the second one hung until it was given up");
//! # Ok::<(), seawall::BuildError>(())
//! ```

pub mod contract;
mod manual;
mod script;

#[cfg(test)]
mod tests;

pub use manual::ManualClock;
pub(crate) use manual::Timer;
pub use script::{Ending, Script, Seen};
