//! The inbound side: accepting connections and serving HTTP/1.1 and cleartext HTTP/2 on them.
//!
//! Everything here runs on one worker thread inside a `LocalSet`; several workers accept from
//! copies of one listening socket. A connection is one task: `connection` drives hyper over a
//! `wire` that reports to a `gauge`, and a `watchdog` with a single timer reads that gauge.
//! Nobody who is slow, silent or hostile may hold more than a bounded share for a bounded time.
//! What a request means, and which well-formed requests are refused, is the handler's business.

mod accept;
mod body;
mod call;
mod connection;
mod gauge;
mod meters;
mod refusal;
mod resets;
mod settings;
mod sniff;
mod stop;
mod streams;
mod watchdog;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use accept::{Drained, serve};
pub(crate) use call::{Handler, Peer};
pub(crate) use meters::InboundMeters;
pub(crate) use settings::InboundSettings;
pub(crate) use stop::Stop;
