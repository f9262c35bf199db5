//! Balancing: which endpoint takes the next attempt.
//!
//! A balancer chooses among the candidates it is given and knows how loaded each endpoint is.
//! Who is a candidate (not ejected, not tried, breaker closed) is decided by the upstream. From
//! there it goes by subset, priority level and zone (`route`, `levels`, `zones`) to the algorithm,
//! each in its own file; `peak_ewma` holds the latency estimate, `ramp` slow start, `keyed` what
//! happens where a key's own endpoint may not be chosen.
//!
//! [`Ring`], [`Maglev`], [`Rendezvous`], [`subset`], [`cap`], [`Loads`] and [`margin`] also stand
//! alone. Keys and names are hashed by [`crate::hash`].

mod balancer;
mod bounded;
mod keyed;
mod least;
mod levels;
mod load;
mod maglev;
mod margin;
mod member;
mod peak_ewma;
mod ramp;
mod random;
mod rendezvous;
mod ring;
mod route;
mod settings;
mod smooth;
mod subset;
mod turns;
mod two;
mod zones;

#[cfg(test)]
mod tests;

pub use balancer::Balancer;
pub use bounded::{BOUND, cap};
pub use levels::{LevelCount, LevelCounts, LevelMode, Loads, OVERPROVISIONING};
pub use load::{Joins, LoadSample, LoadSnapshot};
pub use maglev::{MAGLEV_ENTRIES_EACH, MAGLEV_SIZE, MAGLEV_SIZE_MAX, Maglev};
pub use margin::{Capacity, Margin, Redundancy, margin};
pub use member::{EndpointInfo, LEVELS_MAX, Member, WEIGHT_MAX, ZONES_MAX, Zone};
pub use rendezvous::Rendezvous;
pub use ring::{RING_MEMBERS_MAX, RING_POINTS, RING_POINTS_MAX, Ring};
pub use settings::{Algorithm, BalanceSettings, Compare};
pub use subset::{SUBSET_MIN, SubsetSettings, subset};
pub use two::DRAWN_MAX;
pub use zones::{Callers, ZONE_ENDPOINTS_MIN, ZoneSettings, ZoneShares};
