//! The command line: what can be asked for, and the hidden parts that run as processes of a run.
//!
//! Here: the words and their help. What is done with them is in `main.rs` and `matrix`.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::peer::{Product, Settings};
use crate::{load, relay, scenario, stub};

const EXAMPLES: &str = "Examples:
  gauntlet --list
  gauntlet --peers seawall,nginx --scenarios G0,G1,G3 --quick --seeds 1
  gauntlet --smoke --keep target/gauntlet/records
  gauntlet --quick --mix gets --json gauntlet.json --html gauntlet.html
  gauntlet --throughput --peers seawall,nginx
  gauntlet --throughput --help
  gauntlet --soak --minutes 30 --json soak.json
  GAUNTLET_SEAWALL=/usr/bin/seawall gauntlet --quick     a program as it is, built from nothing here

Exit status: 0 all is well; 1 an effect of Seawall's was committed twice, an answer was corrupt,
service did not come back, or it leaks; 2 runs remain that do not count; 3 the command line, a
scenario file or this host is at fault; 130 stopped.";

/// Measures what users of a gateway feel while the things behind it fail: the same load and the
/// same faults for Seawall and its peers.
#[derive(Debug, Parser)]
#[command(name = "gauntlet", version, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// A part that runs as a process of its own.
    #[command(subcommand)]
    pub part: Option<Part>,
    /// What is asked for.
    #[command(flatten)]
    pub options: Options,
}

/// The word that asks for the other benchmark, whose options are in [`crate::throughput`].
pub const THROUGHPUT: &str = "--throughput";

/// The word that asks for a soak, whose options are in [`crate::soak`].
pub const SOAK: &str = "--soak";

/// Processes of a run.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
pub enum Part {
    /// A replica.
    #[command(hide = true)]
    Stub(stub::Args),
    /// The generator.
    #[command(hide = true)]
    Load(load::Args),
    /// Clients that are slow on purpose.
    #[command(hide = true)]
    Slow(load::SlowArgs),
    /// A relay.
    #[command(hide = true)]
    Relay(relay::Args),
}

/// What is asked for.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Products, by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [
        Peer::Seawall, Peer::Nginx, Peer::Haproxy, Peer::Envoy, Peer::Pingora,
    ])]
    pub peers: Vec<Peer>,
    /// Scenarios by id, by commas: G8 means all its variants, G8-one a single one. All without it.
    #[arg(long, value_delimiter = ',')]
    pub scenarios: Vec<String>,
    /// A scenario file of your own, beside those that come with the program; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub file: Vec<PathBuf>,
    /// Seeds for each scenario: 5 unless given, 2 with --quick, 1 with --smoke.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub seeds: Option<u64>,
    /// The seed of it all: requests, targets, and the order of the runs.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub master: u64,
    /// Runs of about 20 s, of which the fault takes 7; scenarios G0, G1, G3, G4, G8, G10, G12,
    /// G18 and G22 unless given.
    #[arg(long)]
    pub quick: bool,
    /// Runs of a few seconds; scenarios G0, G1 and G3 unless given. Shows that all works, measures
    /// nothing.
    #[arg(long, conflicts_with = "quick")]
    pub smoke: bool,
    /// Which configs of the products.
    #[arg(long, value_enum, default_value_t)]
    pub settings: Configs,
    /// Which requests, in place of what the scenarios say.
    #[arg(long, value_enum)]
    pub mix: Option<Mix>,
    /// Where the seats are; by itself the best that this user may have.
    #[arg(long, value_enum, default_value_t)]
    pub ground: Where,
    /// Writes every run with all its figures there.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Writes a page with all timelines there.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Prints Markdown in place of a table for the terminal.
    #[arg(long)]
    pub markdown: bool,
    /// Keeps the raw records in this folder, one folder for each run.
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
    /// Says which scenarios and products there are, and what cannot be run here and why.
    #[arg(long)]
    pub list: bool,
    /// Measures what a request costs instead, without faults; it has options of its own.
    #[arg(long)]
    pub throughput: bool,
    /// Looks for leaks instead: half an hour with a fault a minute; it has options of its own.
    #[arg(long)]
    pub soak: bool,
}

/// Products by their names on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// Ours.
    Seawall,
    /// nginx.
    Nginx,
    /// HAProxy.
    Haproxy,
    /// Envoy.
    Envoy,
    /// A small program over Pingora.
    Pingora,
    /// No gateway: users take turns at the replicas.
    Direct,
}

impl From<Peer> for Product {
    fn from(peer: Peer) -> Self {
        match peer {
            Peer::Seawall => Self::Seawall,
            Peer::Nginx => Self::Nginx,
            Peer::Haproxy => Self::Haproxy,
            Peer::Envoy => Self::Envoy,
            Peer::Pingora => Self::Pingora,
            Peer::Direct => Self::Direct,
        }
    }
}

/// Which configs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Configs {
    /// The shortest that works.
    #[default]
    Default,
    /// Best practice.
    Tuned,
    /// One after the other, as two rows.
    Both,
}

impl Configs {
    /// Them as a list.
    #[must_use]
    pub const fn list(self) -> &'static [Settings] {
        match self {
            Self::Default => &[Settings::Default],
            Self::Tuned => &[Settings::Tuned],
            Self::Both => &[Settings::Default, Settings::Tuned],
        }
    }
}

/// Which requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mix {
    /// GET alone.
    Gets,
    /// POST without a key alone.
    Posts,
    /// 70 % GET, 10 % PUT, 15 % POST, 5 % POST with a key.
    Mixed,
}

impl From<Mix> for scenario::Mix {
    fn from(mix: Mix) -> Self {
        match mix {
            Mix::Gets => Self::Gets,
            Mix::Posts => Self::Posts,
            Mix::Mixed => Self::Mixed,
        }
    }
}

/// Where the seats are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Where {
    /// Namespaces for root, loopback for others.
    #[default]
    Best,
    /// A network namespace for each seat.
    Namespaces,
    /// All on loopback: the reduced set.
    Loopback,
}
