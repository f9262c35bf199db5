//! Brownout: under pressure the product does less, and what it does it does well.
//!
//! # The problem
//!
//! Between everything and nothing there is room: recommendations, hedges, fresh instead of stale
//! answers, large instead of small results. Switched off by steps while pressure lasts, they leave
//! the capacity to what matters (Klein et al., "Brownout: building more robust cloud
//! applications", 2014). The step in force is the [`Level`]:
//!
//! | level | name | switched off |
//! | --- | --- | --- |
//! | 0 | normal | nothing |
//! | 1 | lean | hedges, mirrors, optional enrichment |
//! | 2 | reduced | fresh answers where stale ones do, large results |
//! | 3 | essential | all but critical and high calls |
//! | 4 | static | everything but last rungs |
//!
//! # The rule
//!
//! Pressure is the largest of the [`Signal`]s, each divided by its limit. Once a second it is
//! judged: at 100 % or more three times in a row, the level rises by one; at 70 % or less for
//! fifteen in a row, it falls by one. In between it stays.
//!
//! # What goes wrong elsewhere
//!
//! - **Levels flap.** What is switched off relieves the pressure that switched it off. Hence the
//!   gap between the two thresholds, the slow way down, and one step at a time.
//! - **A signal that is missing** must not degrade anything: it counts as none.
//! - **A person in the way of the rule.** A level that is pinned by hand stays until it is let go,
//!   and the rule goes on from there.
//!
//! # How a driver uses it
//!
//! It notes signals as they come and calls [`Brownout::tick`] once a second. Whoever owns optional
//! work registers it in [`Features`] with the highest level at which it still runs, and asks.
//!
//! # Bounds
//!
//! Five numbers, and for the features at most [`FEATURES_MAX`] names of [`NAME_MAX`] bytes. Every
//! step takes constant time.
//!
//! Which calls are refused at an equal level is decided in `shed`; what stands in for an answer, by
//! the fallback ladder of the driver.

mod event;
mod features;
mod level;
mod machine;
mod settings;
mod snapshot;

pub use event::{BrownoutEvent, Cause};
pub use features::{FEATURES_MAX, Feature, Features, NAME_MAX, Refused};
pub use level::{LEVELS, Level, LevelSet, SIGNALS, Signal};
pub use machine::Brownout;
pub use settings::BrownoutSettings;
pub use snapshot::BrownoutSnapshot;

#[cfg(test)]
mod tests;
