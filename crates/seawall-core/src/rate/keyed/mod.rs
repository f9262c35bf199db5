//! One limit for each key, in bounded memory.
//!
//! The table itself is in `table.rs`; what a driver asks of it is in `limiter.rs`.

mod limiter;
mod settings;
mod table;

pub use limiter::{Caller, Keyed, KeyedCharge, KeyedLayer, KeyedSnapshot};
pub use settings::{Capacity, KeyedSettings};
