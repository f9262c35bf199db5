//! Ordinary traffic through `seawall run --to`, with real processes and real clients: `client`
//! programs, framing and `heads` to the byte, `bulk` bodies, HTTP/2 (`h2`) and `load`.
//!
//! What happens when services, callers or the gateway itself fail is in `faults.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail like the test itself"
)]

#[path = "traffic/bulk.rs"]
mod bulk;
#[path = "traffic/client.rs"]
mod client;
#[path = "traffic/h2.rs"]
mod h2;
#[path = "traffic/heads.rs"]
mod heads;
#[path = "traffic/load.rs"]
mod load;
#[path = "traffic/origin.rs"]
mod origin;
#[path = "traffic/streaming.rs"]
mod streaming;
#[expect(dead_code, reason = "shared by all end-to-end tests; this file needs a part of it")]
mod support;
#[path = "traffic/trailers.rs"]
mod trailers;

use origin::Origin;
use support::gateway::Gateway;

/// An ordinary server with the gateway in front of it.
fn ordinary() -> (Origin, Gateway) {
    let origin = Origin::start();
    let gateway = Gateway::to(&[origin.address()]);
    (origin, gateway)
}
