//! A policy as its users see it: by subject, on the paused clock, through the public interface.

mod breaker;
mod bulkhead;
mod cancel;
mod deadline;
mod describe;
mod endpoints;
mod events;
mod fallback;
mod hedging;
mod panics;
mod retry;
mod settings;
mod threads;
mod world;
