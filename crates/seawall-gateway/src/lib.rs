//! The data plane of Seawall: listeners, routes, proxying, reload and drain.
//!
//! A thin driver of the call machine in `seawall-core`. It brings time, chance and I/O, and asks
//! the machine what to do; it decides nothing about resilience by itself. The admin API and the
//! dashboard are in `seawall-admin`, connections to endpoints in `seawall-upstream`.

pub mod inbound;
pub mod observe;
