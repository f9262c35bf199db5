//! The matrix of runs: which products, configs, scenarios and seeds, one run after the other, and
//! what they came to.
//!
//! Here: carrying it out. What is meant by the command line is in `select`, the order in `order`,
//! lines on the way in `progress`, what `--list` prints in `catalogue`, what reports are made of in
//! `results`, what the simulator says of the same scenarios in `rehearsed`. One run is in `run`,
//! figures in `measure`, what is printed in `report`.

mod carry;
mod catalogue;
mod order;
mod progress;
mod rehearsed;
mod results;
mod select;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::arena::{Arena, Ground};
use crate::cli::{Options, Where};
use crate::fault::Host;
use crate::peer::{self, Installed, Product};
use crate::report::Results;
use crate::run::{Key, Stop, Stopped};
use crate::scenario::{self, Mistake, Scenario};

pub use catalogue::catalogue;
pub use order::{Axes, runs};
pub(crate) use progress::say;
pub use select::{Profile, scenarios};

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// Scenario files have mistakes.
    #[error("{}", scenario::list(.0))]
    Mistakes(Vec<Mistake>),
    /// The words do not fit together.
    #[error("{0}")]
    Words(String),
    /// This host does not give what is asked for.
    #[error("{0}")]
    Host(String),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The user has had enough.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// A matrix that is done.
#[derive(Clone, Debug)]
pub struct Done {
    /// What reports are made of.
    pub results: Results,
    /// Runs that were tried and came to no records, with the reasons.
    pub failed: Vec<String>,
}

/// All that is to be done, and what can be done of it.
#[derive(Debug)]
pub struct Matrix {
    /// What was asked for.
    pub options: Options,
    /// How long runs take.
    pub profile: Profile,
    /// The scenarios that are meant.
    pub scenarios: Vec<Scenario>,
    /// What this host can do.
    pub host: Host,
    /// The products that are meant, and why some are not there.
    pub products: BTreeMap<Product, Result<Installed, String>>,
    /// Every run in its order.
    pub runs: Vec<Key>,
}

impl Matrix {
    /// Reads scenarios, looks at the host and for the products.
    ///
    /// # Errors
    /// What has to be mended first. A product that is not there is no error: its cells say so.
    pub fn new(options: Options) -> Result<Self, Trouble> {
        let profile = profile(&options);
        let meant = meant(&options, profile)?;
        let host = Host::look(ground(options.ground)?);
        let products = products(&options);
        let ids: Vec<String> = meant.iter().map(|one| one.id.clone()).collect();
        let peers: Vec<Product> = products.keys().copied().collect();
        let runs = runs(&Axes {
            products: &peers,
            settings: options.settings.list(),
            scenarios: &ids,
            seeds: options.seeds.unwrap_or_else(|| profile.seeds()),
            master: options.master,
        });
        Ok(Self { options, profile, scenarios: meant, host, products, runs })
    }

    /// Carries out every run.
    ///
    /// # Errors
    /// When the user stops it, or records cannot be kept where they should be.
    pub fn carry_out(&self, stop: &Stop) -> Result<Done, Trouble> {
        let ended = carry::all(self, stop)?;
        let failed = ended.iter().filter_map(carry::failure).collect();
        let mut results = results::results(self, ended);
        results.rehearsed = rehearsed::all(self, &results);
        Ok(Done { results, failed })
    }

    /// The scenario of a run.
    fn scenario(&self, id: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|one| one.id == id)
    }
}

fn profile(options: &Options) -> Profile {
    match (options.smoke, options.quick) {
        (true, _) => Profile::Smoke,
        (false, true) => Profile::Quick,
        (false, false) => Profile::Full,
    }
}

/// The scenarios that are meant, with the mix of the command line.
fn meant(options: &Options, profile: Profile) -> Result<Vec<Scenario>, Trouble> {
    let mut all = scenario::builtin().map_err(Trouble::Mistakes)?;
    let (mut own, mut mistakes) = (Vec::new(), Vec::new());
    for path in &options.file {
        match scenario::load(path) {
            Ok(read) => own.push(read),
            Err(mut list) => mistakes.append(&mut list),
        }
    }
    if !mistakes.is_empty() {
        return Err(Trouble::Mistakes(mistakes));
    }
    if let Some(twice) = own.iter().find(|one| all.iter().any(|known| known.id == one.id)) {
        let id = &twice.id;
        return Err(Trouble::Words(format!(
            "{id} is the id of a scenario already; choose another"
        )));
    }
    let mut words = options.scenarios.clone();
    // A file that was named is meant.
    words.extend(own.iter().map(|one| one.id.clone()));
    all.append(&mut own);
    let mut meant = scenarios(all, &words, profile).map_err(Trouble::Words)?;
    if let Some(mix) = options.mix {
        meant.iter_mut().for_each(|one| one.load.mix = mix.into());
    }
    Ok(meant)
}

/// The ground that is asked for and can be had.
pub(crate) fn ground(wanted: Where) -> Result<Ground, Trouble> {
    let refused = |why: crate::arena::Trouble| Trouble::Host(why.to_string());
    match wanted {
        Where::Loopback => Ok(Ground::Loopback),
        Where::Namespaces => {
            Arena::build(1, Ground::Namespaces).map(|arena| arena.ground()).map_err(refused)
        }
        Where::Best => {
            let (arena, why) = Arena::build_best(1).map_err(refused)?;
            if let Some(why) = why {
                say(&format!("reduced set, on loopback: {why}"));
            }
            Ok(arena.ground())
        }
    }
}

fn products(options: &Options) -> BTreeMap<Product, Result<Installed, String>> {
    let look = |peer: &crate::cli::Peer| {
        let product = Product::from(*peer);
        if peer::found(product).is_none() {
            say(&format!("{product} is being made ready; that may take minutes"));
        }
        let found = peer::present(product).map_err(|missing| missing.to_string());
        if let Err(missing) = &found {
            say(&format!("{product} is not run: {missing}"));
        }
        (product, found)
    };
    options.peers.iter().map(look).collect()
}
