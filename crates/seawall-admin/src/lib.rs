//! The admin side of Seawall: JSON API, metrics and dashboard.
//!
//! It shows and asks, and decides nothing: whatever it tells comes from a [`Subject`]. The shapes
//! of what it tells live in `seawall_gateway::observe`, the gateway that implements [`Subject`]
//! is started by `seawall-cli`.

mod answer;
mod assets;
mod feed;
mod guard;
mod query;
mod reply;
mod router;
mod server;
mod subject;

pub use server::serve;
pub use subject::{Readiness, Subject};
