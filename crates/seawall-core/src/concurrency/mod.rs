//! Adaptive concurrency: how many attempts at once a dependency takes, found out by itself.
//!
//! # The problem
//!
//! A bulkhead needs a number, and the right number changes with every deploy, neighbour and time
//! of day. By Little's law a service that does N attempts a second in S seconds each is busy with
//! N · S of them; everything beyond waits in its queues and makes every answer later. A limit that
//! watches latency can tell the one from the other: while more in flight costs no latency there is
//! room, and once latency rises there is none.
//!
//! # What goes wrong elsewhere
//!
//! - **The baseline follows the overload.** A long-term average that is fed while the service is
//!   slow takes slow for normal: after a lasting doubling Gradient2 is content again within 122
//!   updates and climbs to its maximum. Here only time slots in which at most half of the limit was
//!   in use may say what latency is without load.
//! - **Headroom while congested.** An update that always adds rests far above the capacity. Here
//!   nothing is added while latency is up.
//! - **Pinning to measure.** Envoy's filter admits three at once while it measures, and answers the
//!   rest with 503. Here the limit is halved for one update, at most every ten minutes, and only if
//!   no quiet slot has made that unnecessary.
//! - **Idle growth.** A limit that grows without being used is none when it is needed. Here growth
//!   needs half of the limit in use, and the limit stays within four times what was in use.
//! - **Samples that are none.** What was cancelled or failed at once says nothing about latency.
//!
//! # The algorithms
//!
//! | [`Algorithm`] | rule | source |
//! | --- | --- | --- |
//! | `Steady` (default) | gradient against a quiet baseline, no headroom while congested | ours |
//! | `Knee` | what an endpoint works on at once, told by any slow spell | ours, after BBR |
//! | `Aimd` | one more while fine, a tenth less on a drop | Chiu and Jain, 1989 |
//! | `Vegas` | keeps the estimated queue short | Brakmo and Peterson, 1994; Netflix |
//! | `Gradient2` | short over long average, with its drift | Netflix concurrency-limits |
//! | `Envoy` | gradient against a pinned minimum | Envoy adaptive concurrency filter |
//!
//! # How a driver uses it
//!
//! One limit for each upstream, as several in front of one dependency shrink each other, or a
//! `Knee` for each endpoint, whose latency does not mix with that of others. Either ask
//! [`Limit::admit`] with the number in flight, or hand [`Limit::in_force`] to
//! [`crate::bulkhead::Bulkhead::set_limit`] after each change. Every attempt that ends is reported
//! with [`Limit::on_finished`], as what [`Evidence`] says. Whoever would be refused because of a
//! `Knee` asks [`Limit::press`] first: it gives way unless latency speaks against it.
//!
//! # Bounds
//!
//! Two histograms (5 KiB) at most, allocated when it is built; a finished attempt costs constant
//! time, and every tenth of a second at most a walk over a histogram. All numbers are integers, in
//! millionths of a permit.
//!
//! Who waits when the limit is reached is the bulkhead's business; which of them is less important
//! is in `shed`.

mod aimd;
mod demand;
mod envoy;
mod epoch;
mod estimator;
mod event;
mod evidence;
mod gradient2;
mod knee;
mod machine;
mod millionths;
mod proven;
mod settings;
mod slots;
mod snapshot;
mod steady;
mod trial;
mod update;
mod vegas;

pub(crate) use demand::Demand;
pub use event::{Cause, LimitEvent};
pub use evidence::{Evidence, Finished};
pub use knee::Urgency;
pub use machine::{Limit, LimitRefused};
pub use settings::{Algorithm, LIMIT_MAX, LimitSettings};
pub use snapshot::LimitSnapshot;

#[cfg(test)]
mod tests;
