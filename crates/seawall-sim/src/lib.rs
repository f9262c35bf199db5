//! The simulator: a world in virtual time around the call machine that also serves real traffic.
//!
//! A [`plan::Plan`] says what the world is made of: loads, clients with habits of their own,
//! gateways, services and what befalls them. [`world::World`] runs it: one queue of events
//! (`agenda`), named streams of chance (`chance`), no clock and no thread of its own. What happened
//! is kept by `observe` in memory that does not grow with the number of calls.
//!
//! A [`scenario::Scenario`] is a file that says all that, with what is varied and expected;
//! [`run::run`] runs it on several threads, and its [`outcome::Outcome`] is the same on any number.
//!
//! Policies are never written again here. A gateway of the world owns the machines of
//! `seawall-core`, drives them as the real gateway does, and adds nothing of its own.

pub mod agenda;
pub mod chance;
pub mod deployed;
pub mod dist;
pub mod numbers;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod prove;
pub mod replay;
pub mod report;
pub mod run;
pub mod scenario;
pub mod trace;
pub mod verdict;
pub mod world;
