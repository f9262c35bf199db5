//! The seed of a run, and the streams of chance that everything in it draws from. No product is
//! part of it: all of them meet the same requests and the same faults.

use seawall_core::hash::mix;
use seawall_core::rng::Stream;
use serde::{Deserialize, Serialize};

/// What every draw of a run follows from, together with the id of its scenario.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Seed {
    /// The seed of the whole matrix.
    pub master: u64,
    /// Which of the seeds of a scenario.
    pub number: u64,
}

impl Seed {
    /// The stream called `name` of this seed in `scenario`. Equal arguments give equal streams,
    /// for ever; another name shifts nothing in this one.
    #[must_use]
    pub fn stream(self, scenario: &str, name: &str) -> Stream {
        Stream::new(mix(self.master, self.number), &format!("{scenario}/{name}"))
    }
}
