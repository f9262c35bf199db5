//! The soak: half an hour at half load with a fault a minute, and whether the product then still
//! holds no more than at the beginning.
//!
//! Here: the command and what it leaves behind. Which fault comes when is in `plan`, how one
//! product is soaked in `course`, what users felt in `felt`, the judgement in `verdict`, what is
//! printed in `table`. Faults, load and replicas are those of all other runs.

mod course;
mod felt;
mod plan;
mod table;
#[cfg(test)]
mod tests;
mod verdict;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;
use serde::Serialize;

use crate::cli::{Configs, Peer, Where};
use crate::fault::Host;
use crate::matrix::{self, Trouble, say};
use crate::peer::{self, Product, Settings};
use crate::run::Stop;
use crate::scenario::{self, Scenario};
use crate::stamp::Stamp;

pub use felt::Felt;
pub use verdict::{Change, Reading, Verdict};

/// A long time at half load with a fault a minute: does it hold what it held before?
#[derive(Clone, Debug, Parser)]
#[command(
    name = "gauntlet --soak",
    after_help = "Exit status: 0 all is well; 1 Seawall holds \
    more than before; 2 a fault could not be shown or a product not be soaked; 3 the command line \
    or this host is at fault; 130 stopped."
)]
pub struct Args {
    /// Products, by commas, one after the other.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Peer::Seawall])]
    pub peers: Vec<Peer>,
    /// Minutes, each with a fault. The last third is judged against the first: below ten minutes
    /// the thirds do not see the same faults.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=240))]
    pub minutes: u32,
    /// Which configs of the products.
    #[arg(long, value_enum, default_value_t)]
    pub settings: Configs,
    /// The seed of requests, order of faults, and targets.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub master: u64,
    /// Where the seats are; by itself the best that this user may have.
    #[arg(long, value_enum, default_value_t)]
    pub ground: Where,
    /// Writes every reading there.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Args {
    /// Reads what stands beside `--soak`. A mistake, or a call for help, is answered and ends the
    /// process as command lines do.
    #[must_use]
    pub fn of_words(words: impl Iterator<Item = OsString>) -> Self {
        Self::parse_from(std::iter::once(OsString::from("gauntlet --soak")).chain(words))
    }
}

/// A minute of a soak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Minute {
    /// The fault, in words.
    pub fault: String,
    /// The replicas that it struck, from 0; empty where it struck none.
    pub targets: Vec<u8>,
    /// What users felt.
    pub felt: Felt,
    /// The mean of resident bytes.
    pub resident: Option<u64>,
    /// The most descriptors.
    pub descriptors: Option<u64>,
    /// The most threads.
    pub threads: Option<u64>,
}

/// A product that was soaked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Soaked {
    /// Which.
    pub product: Product,
    /// Its config.
    pub settings: Settings,
    /// Its version as it prints it.
    pub version: String,
    /// Requests a second.
    pub rate: f64,
    /// The seed.
    pub master: u64,
    /// When the load began.
    pub start: Stamp,
    /// Its minutes, after the warm-up.
    pub minutes: Vec<Minute>,
    /// What was judged.
    pub verdict: Verdict,
    /// Why this soak does not count, in words; empty where it does.
    pub flaws: Vec<String>,
    /// Readings of the quiet before the load.
    pub before: Vec<Reading>,
    /// Readings under load, every second.
    pub during: Vec<Reading>,
    /// Readings of the quiet after it.
    pub after: Vec<Reading>,
}

/// Soaks every product that is asked for, prints a table, and gives the status to exit with.
///
/// # Errors
/// When nothing can be soaked, or the user stops it.
pub fn run(args: &Args, stop: &Stop) -> Result<(u8, String), Trouble> {
    let host = Host::look(matrix::ground(args.ground)?);
    let scenario = half_load()?;
    let slots = plan::slots(&scenario, args.minutes, args.master, &host);
    let (mut soaked, mut failed) = (Vec::new(), Vec::new());
    for (product, settings) in entrants(args) {
        say(&format!("{product} ({settings:?}): {} minutes", args.minutes));
        let asked = course::Asked { product, settings, scenario: &scenario, slots: &slots };
        let done = peer::present(product).map_err(|missing| missing.to_string());
        let done = match done {
            Ok(_) => course::soak(&asked, (args.master, host.ground), stop),
            Err(missing) => Err(course::Failed::Product(missing)),
        };
        match done {
            Ok(one) => soaked.push(one),
            Err(course::Failed::Stopped(stopped)) => return Err(stopped.into()),
            Err(why) => failed.push(format!("{product} ({settings:?}) was not soaked: {why}")),
        }
    }
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&soaked).map_err(std::io::Error::other);
        let written = json.and_then(|json| std::fs::write(path, json + "\n"));
        written.map_err(|source| Trouble::Write { path: path.clone(), source })?;
    }
    let status = verdict::status(&soaked, !failed.is_empty());
    Ok((status, table::text(&soaked, &failed)))
}

/// Every product with every config that is meant. Without a gateway there is nothing to soak.
fn entrants(args: &Args) -> Vec<(Product, Settings)> {
    let products = args.peers.iter().map(|peer| Product::from(*peer));
    let gateways = products.filter(|product| *product != Product::Direct);
    let each = |product| args.settings.list().iter().map(move |settings| (product, *settings));
    gateways.flat_map(each).collect()
}

/// The base profile at half of what all replicas can do.
fn half_load() -> Result<Scenario, Trouble> {
    let all = scenario::builtin().map_err(Trouble::Mistakes)?;
    let calm = all.into_iter().find(|one| one.faults.is_empty());
    let calm = calm.ok_or_else(|| Trouble::Words("no scenario is without faults".to_owned()))?;
    let replicas = calm.replicas;
    let workers = f64::from(replicas.workers) * f64::from(replicas.count);
    let rate = workers / replicas.service.as_secs_f64() / 2.0;
    let load = scenario::Load { rate, ..calm.load };
    Ok(Scenario { id: "soak".to_owned(), name: "soak".to_owned(), load, ..calm })
}
