//! A policy as its users see it: by subject, on the paused clock, through the public interface.

#![expect(clippy::unwrap_used, reason = "what tests share fails like a test")]

mod breaker;
mod bulkhead;
mod cancel;
mod deadline;
mod describe;
mod endpoints;
mod events;
mod fallback;
mod gates;
mod hedging;
mod panics;
mod random;
mod retry;
mod settings;
mod threads;
mod world;
