//! Circuit breaker: watches outcomes and stops traffic to what keeps failing.
//!
//! # The problem
//!
//! A dependency that fails keeps its callers waiting, and their retries keep it down. A breaker
//! cuts the traffic once failing is the rule, and lets a few real calls, the probes, find out when
//! it has ended. The idea is old (Nygard, *Release It!*, 2007); what goes wrong in practice is the
//! bookkeeping around the edges, so this is what the machine here is built on:
//!
//! - **A late result must not vote.** Every admission is a [`Ticket`] with the generation of the
//!   state that gave it; every change of state, manual ones included, starts a new generation. An
//!   outcome of an older one changes nothing, frees nothing, and is reported.
//! - **A probe must not get lost, and a burst of callers must not all be probes.** A place is
//!   reserved when the probe is admitted, and comes back whatever becomes of it. Half-open as a
//!   whole ends after a bounded time, decided or not.
//! - **A rate must be exact and recent.** Windows are a ring of bits over the last N calls, or ten
//!   buckets of time; both cost the same however much they hold. No moving average: weighted by
//!   arrival, a tight burst could hide a total outage.
//! - **Silence is not health.** A hung endpoint that loses every race to a hedge never produces a
//!   failure; [`AbandonedPolicy`] says when giving up on an attempt counts as one.
//! - **State follows from time when it is read.** Whether a probe is due needs no timer.
//!
//! # Bounds
//!
//! One breaker holds two bits for each call of a count window, at most 65 536 calls, or ten
//! buckets; it allocates when it is built and when a reload changes the shape of its window, never
//! while calls pass. Work per call is constant. Open times saturate at their maximum.
//!
//! A set of breakers by key ([`KeyedBreakers`]) holds a bounded number of them and one for the
//! rest.
//!
//! Here is everything about breakers. What a call was worth (`outcome.rs`), who owns breakers
//! and in which order they are asked (`upstream`, `call`), and locks are elsewhere.

mod call_ring;
mod collect;
mod cool_down;
mod event;
mod free_flow;
mod judge;
mod keyed;
mod keyed_event;
mod keyed_settings;
mod machine;
mod settings;
mod snapshot;
mod state;
mod ticket;
mod transition;
mod validate;
mod weigh;
mod window;

pub use call_ring::CALLS_MAX;
pub use collect::{Collect, Tallied};
pub use event::{BreakerEvent, Cause};
pub use free_flow::FreeFlow;
pub use keyed::{KeyedBreakers, KeyedSnapshot, KeyedTicket};
pub use keyed_event::{KeyClass, KeyedEvent};
pub use keyed_settings::KeyedSettings;
pub use machine::{Breaker, Manual};
pub use settings::{AbandonedPolicy, BreakerSettings, CoolDown, SlowCalls, WindowKind};
pub use snapshot::{BreakerSnapshot, Phase};
pub use ticket::{Probing, Refused, Ticket};
pub use weigh::Ended;

#[cfg(test)]
mod tests;
