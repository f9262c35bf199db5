//! What goes over the wire: judging and rebuilding the heads of requests and answers.
//!
//! Heads are built anew from parsed parts, never relayed. Pure functions on `http` types; sockets
//! and bodies are elsewhere.

mod answer;
mod authority;
mod forwarded;
mod hop;
mod line;
mod path;
mod priority;
mod request;
mod retry_after;
mod safety;
mod survey;
mod trace;
mod trailers;

pub(crate) use answer::{BodyFollows, clean_answer};
pub(crate) use authority::authority;
pub(crate) use forwarded::{Caller, Identity, REQUEST_ID, fresh_id};
pub(crate) use request::{Accepted, AttemptFacts, accept};
pub(crate) use retry_after::retry_after;
pub(crate) use safety::{idempotency_key, safety};
pub(crate) use trailers::Trailers;

/// Marks a value that no other message will have: HTTP/2 then leaves it out of its table of fields,
/// from which each such value would drive one that comes with every message.
fn once(mut value: http::HeaderValue) -> http::HeaderValue {
    value.set_sensitive(true);
    value
}
