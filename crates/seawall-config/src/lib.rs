//! The config file of Seawall as types: parsing with places, validation, defaults, explanation.

mod network;
pub mod units;

pub use network::Network;
