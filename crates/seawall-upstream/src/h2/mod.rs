//! HTTP/2 in clear text with prior knowledge: connections that many attempts share.
//!
//! Over the `h2` crate itself and not over hyper's client: that one hands each request through a
//! channel and a task of its own, and says less about why a stream ended. Here an attempt opens
//! its stream and waits for it; one task for each connection reads and writes.
//!
//! What a pool holds and who gets a stream is in `book`, waiting and dialling in `shared`, a
//! connection in `conn`, the task that drives it in `driver`, the suspicion that its peer is dead
//! in `watch`, a health check in `check`; one attempt's use of a stream in `lease`, `head`,
//! `upload`, `body` and `fault`.
//! HTTP/1.1 is in the modules beside this one.

mod body;
mod book;
pub(crate) mod check;
mod conn;
mod driver;
mod fault;
mod head;
mod lease;
mod pool;
mod settings;
mod shared;
mod upload;
mod watch;

#[cfg(test)]
mod tests;

pub use self::body::{StreamBody, StreamCut};
pub use self::lease::StreamLease;
pub use self::pool::StreamPool;
pub use self::settings::StreamSettings;
