//! Shedding by priority: under overload the least important calls are refused first.
//!
//! # The problem
//!
//! At twice its capacity a service must refuse every other call. Refused at random, a user action
//! that needs four calls succeeds once in sixteen times, though half of the work is done; refused
//! by user, every second user is served whole. So a call carries a [`Priority`]: its class, and
//! within it one of 128 sub-levels from a hash of its principal. The hash is salted by the hour, so
//! that over a day everyone is shed alike; the hour is that of the wall clock, so that every hop
//! sheds the same users.
//!
//! # The rule
//!
//! From DAGOR (Zhou et al., "Overload Control for Scaling `WeChat` Microservices", 2018). The
//! signal is the time that calls wait in queues *of ours*; response times contain those of other
//! services, whose overload shedding here would not cure. Arrivals are counted by level. At the end
//! of each window, of a second or 2 000 calls, a target is set: 95 % of what was admitted if calls
//! waited for 20 ms on average, else 1 % of the arrivals more than that. The [`Cursor`] is moved so
//! that the levels below it add up to the target.
//!
//! # What goes wrong elsewhere
//!
//! - **Shut for good.** The target is never below 5 % of the arrivals, or nobody would notice that
//!   the overload is over. Where one principal makes most of the calls, its level does not fit and
//!   would be refused whole; then as much of it is admitted as the target says.
//! - **Retries by luck.** A retry keeps the priority of its call.
//! - **Self-appointed importance.** What an untrusted caller says of its priority may lower it, and
//!   never raise it above the class of its route.
//!
//! # Bounds
//!
//! 512 counters (4 KiB), allocated when it is built. An arrival takes constant time, the end of a
//! window one walk over the counters.
//!
//! Which parts of the product are switched off under overload is in `brownout`; where the principal
//! comes from, and how the header is found, is the driver's business.

mod event;
mod levels;
mod machine;
mod priority;
mod settings;
mod snapshot;

pub use event::ShedEvent;
pub use machine::{Shed, Shedder};
pub use priority::{CLASSES, Class, Cursor, LEVELS, Priority, SUB_LEVELS, Trust, urgency};
pub use settings::ShedSettings;
pub use snapshot::ShedSnapshot;

#[cfg(test)]
mod tests;
