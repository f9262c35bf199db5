//! The data plane of Seawall: listeners, routes, proxying, reload and drain.
//!
//! A thin driver of the call machine in `seawall-core`. It brings time, chance and I/O, and asks
//! the machine what to do; it decides nothing about resilience by itself. The admin API and the
//! dashboard are in `seawall-admin`, connections to endpoints in `seawall-upstream`.
//!
//! Each worker is a thread with a runtime of its own (`worker.rs`). Workers share the machines of
//! upstreams behind one lock each (`upstreams.rs`) and the config in force (`live.rs`).

mod alarm;
mod answer;
mod body;
mod checks;
mod clock;
mod gateway;
mod inbound;
mod live;
mod meters;
pub mod observe;
mod pools;
mod proxy;
mod recorder;
mod resources;
mod shared;
mod upstreams;
mod wire;
mod worker;

pub use gateway::{Control, Ended, Gateway, GatewayError, Notice, start};
pub use recorder::RecordFile;
pub use shared::Lifecycle;
