//! The config file of Seawall as types: parsing with places, validation, defaults, explanation.
//!
//! [`Config::parse`] is pure; [`Config::load`] is the only function that touches the disk. A
//! [`Config`] exists only if it can work: a file with mistakes gives all of them at once, each
//! with its place and its mend. Settings of mechanisms are those of `seawall-core`, declared once
//! there. A [`PolicyFile`] is the part of the same schema that programs with the library use;
//! [`Config::policy`] gives them what a gateway does on a route. [`record`] is the other file
//! format: a day's calls, for a replay. What can work and will still hurt is found by [`lint`].
//! Building machines, binding sockets and reloading are the gateway's.
//!
//! ```
//! let config = seawall_config::Config::parse(
//!     r#"
//!     [upstreams.payments]
//!     endpoints = ["127.0.0.1:9001", "127.0.0.1:9002"]
//!
//!     [[routes]]
//!     path = "/pay"
//!     upstream = "payments"
//!     "#,
//!     "first.toml",
//! )
//! .expect("a file without mistakes");
//! assert_eq!(config.upstreams[0].endpoints.len(), 2);
//!
//! let wrong = seawall_config::Config::parse("[gatewy]\n", "first.toml").unwrap_err();
//! let first = "first.toml:1:2: unknown key \"gatewy\" in the file; did you mean \"gateway\"?";
//! assert_eq!(wrong.to_string().lines().last(), Some(first));
//! ```

mod assume;
mod config;
mod explain;
mod gateway;
mod lines;
pub mod lint;
mod listener;
mod load;
mod mistake;
pub mod nearest;
mod network;
mod outline;
mod policy;
mod policy_file;
pub mod reader;
pub mod record;
mod route;
pub mod units;
mod upstream;

pub use config::Config;
pub use explain::{Origin, Setting, SettingValue};
pub use gateway::{AdminConfig, GatewayConfig};
pub use listener::{Expose, ListenerConfig};
pub use mistake::{ConfigError, MISTAKES_MAX, Mistake, Mistakes, Place};
pub use network::Network;
pub use policy::{PolicyConfig, RetryConfig, Rung, Timeouts};
pub use policy_file::{PolicyFile, PolicySettings};
pub use route::RouteConfig;
pub use upstream::{
    BulkheadConfig, EndpointConfig, HealthCheckConfig, HealthProbe, HoldConfig, PoolConfig,
    Protocol, StatusRange, UpstreamConfig,
};
