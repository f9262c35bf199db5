//! One run: a product, a scenario and a seed become records.
//!
//! Here: which run is wanted, what it leaves behind and how it fails. `measure` turns records into
//! figures. How it goes is in `course`, who takes part in `scene` and `service`, what is sampled
//! beside it in `meter` and `packets`, what is read at its end in `gather`. `relief` lowers the
//! load where service does not come back.

mod course;
mod gather;
mod meter;
mod packets;
mod relief;
mod scene;
mod service;
mod stop;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use course::carry_out;
pub use scene::{Guarded, Scene};
pub(crate) use scene::{attempts_file, begin};
pub use service::{Place, Service, ask};
pub use stop::{Stop, Stopped};

use crate::arena::Ground;
use crate::peer::{Cost, Product, Settings};
use crate::record::{Answered, Attempt, Deed};
use crate::scenario::{Phases, Scenario};
use crate::stamp::Stamp;
use crate::stream::{Planned, Seed};

/// A run that is wanted.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// What happens.
    pub scenario: &'a Scenario,
    /// How long each phase is.
    pub phases: Phases,
    /// Which run it is.
    pub key: Key,
    /// What everything is drawn from.
    pub seed: Seed,
    /// How seats are kept apart.
    pub ground: Ground,
    /// An empty folder for the records.
    pub folder: &'a Path,
    /// This program: replicas, relays and generator are parts of it.
    pub program: &'a Path,
    /// The program of Seawall, in place of the released one.
    pub seawall: Option<&'a Path>,
    /// The word of the user.
    pub stop: &'a Stop,
}

/// Why there are no records.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The user has had enough.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The places could not be made.
    #[error("no arena: {0}")]
    Arena(String),
    /// A replica could not be started.
    #[error("replica {0} cannot be started: {1}")]
    Replica(u8, #[source] io::Error),
    /// A relay could not be started.
    #[error("the relay before replica {0} cannot be started: {1}")]
    Relay(u8, #[source] io::Error),
    /// The product could not be started.
    #[error("{0}")]
    Product(String),
    /// The generator could not be started or did not end in order.
    #[error("the generator failed: {0}")]
    Generator(String),
    /// Records could not be written or read.
    #[error("the records cannot be had: {0}")]
    Records(String),
}

/// Which run of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The product.
    pub product: Product,
    /// Its config.
    pub settings: Settings,
    /// The scenario's id.
    pub scenario: String,
    /// The seed of stream, fault moment and targets.
    pub seed: u64,
}

/// All that was written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Which.
    pub key: Key,
    /// When the load began: `Planned::at` counts from here.
    pub start: Stamp,
    /// The requests that were to be sent.
    pub stream: Vec<Planned>,
    /// The replicas that faults struck, from 0.
    pub targets: Vec<u8>,
    /// How users saw them end.
    pub answered: Vec<Answered>,
    /// How replicas saw them.
    pub attempts: Vec<Attempt>,
    /// What was done to whom, and whether it held.
    pub deeds: Vec<Deed>,
    /// Cost of the product, every half second.
    pub cost: Vec<(Stamp, Cost)>,
    /// Packets to each replica in each tenth of a second, by nft counters; empty on loopback.
    pub packets: BTreeMap<u8, Vec<(Stamp, u64)>>,
    /// The product's version as it prints it.
    pub version: String,
    /// What came of less load, where service had not come back by the end.
    pub relief: Option<Relief>,
}

/// What users saw after the load had been lower for a while, in a run whose service had not come
/// back: whether it does then tells a state that keeps itself up from a broken product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relief {
    /// The part of the load that is looked at: it is whole again, and has been for some seconds.
    pub from: Stamp,
    /// Its requests.
    pub offered: u64,
    /// What users saw of both parts.
    pub answered: Vec<Answered>,
}
