//! What a request costs while nothing fails: the same load through every product, beside the same
//! load without one.
//!
//! The product has a core of its own; load and backend share another. Machines are throttled in
//! phases, so products take turns within each round, a direct measurement stands beside each, and
//! processor time per request and ratios within one run count for more than requests a second.
//! Here: the command and the order of its steps. One measurement is in `cell`, its tools in
//! `tool`, the backend in `backend`, what is shown in `table` and `page`.

mod backend;
mod cell;
mod host;
mod idle;
mod number;
mod page;
mod plan;
mod results;
mod row;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod tool;

use std::ffi::OsString;
use std::io::{self, Write, stderr, stdout};
use std::ops::RangeInclusive;

use clap::builder::RangedI64ValueParser;
use clap::{Args as Arguments, Parser, ValueEnum};

use crate::arena::{Arena, Ground, Trouble};
use crate::peer::{Product, Settings};

pub use host::Host;
use plan::Plan;
pub use results::{Cell, Outcome, Results, RowResults, Sample};
pub use row::{Row, Who};

/// What a request costs, through each product and without one
#[derive(Clone, Debug, Arguments)]
pub struct Args {
    /// The products to measure, with commas between them
    #[arg(long, value_delimiter = ',', value_parser = product, default_value = PEERS)]
    pub peers: Vec<Product>,
    /// The rows to measure [default: all]
    #[arg(long, value_delimiter = ',', value_enum)]
    pub rows: Vec<Row>,
    /// Which of their configs the products run with
    #[arg(long, value_enum, default_value = "default")]
    pub config: Config,
    /// How often each product has its turn; medians are over the turns
    #[arg(long, default_value_t = 3, value_parser = between(1..=99))]
    pub rounds: u32,
    /// How long one measurement is
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = between(1..=600))]
    pub seconds: u32,
    /// Requests a second of the row that asks for latency [default: half of what the slowest
    /// product does]
    #[arg(long)]
    pub rate: Option<u32>,
    /// One round of one second, 1,000 idle connections: shows that it works, and factors at best
    #[arg(long)]
    pub quick: bool,
    /// Print one JSON object
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print a section of documentation
    #[arg(long)]
    pub markdown: bool,
}

/// Which configs the products run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Config {
    /// The shortest that works.
    Default,
    /// The advice of each product's documentation.
    Tuned,
}

impl From<Config> for Settings {
    fn from(config: Config) -> Self {
        match config {
            Config::Default => Self::Default,
            Config::Tuned => Self::Tuned,
        }
    }
}

const PEERS: &str = "seawall,nginx,haproxy,envoy,pingora";

fn between(range: RangeInclusive<i64>) -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(range)
}

/// `gauntlet --throughput` with its own options.
#[derive(Debug, Parser)]
#[command(name = "gauntlet --throughput")]
struct Command {
    #[command(flatten)]
    args: Args,
}

impl Args {
    /// Reads what follows `--throughput`. A mistake, or a call for help, is answered and ends the
    /// process as command lines do.
    #[must_use]
    pub fn of_words(words: impl Iterator<Item = OsString>) -> Self {
        let name = OsString::from("gauntlet --throughput");
        Command::parse_from(std::iter::once(name).chain(words)).args
    }
}

fn product(name: &str) -> Result<Product, String> {
    let named = Product::ALL.into_iter().find(|product| product.name() == name);
    named.filter(|product| *product != Product::Direct).ok_or_else(|| {
        "one of seawall, nginx, haproxy, envoy, pingora (direct is always measured)".to_owned()
    })
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
    /// There is no place to measure in.
    #[error(transparent)]
    Arena(#[from] Trouble),
    /// A tool that makes the load is not there.
    #[error("{0} is not installed; the packages wrk and nghttp2-client have the tools of the load")]
    Tool(&'static str),
    /// Something else that the system refused.
    #[error("throughput: {0}")]
    System(#[from] io::Error),
}

/// Measures, and prints what was found. Progress goes to standard error. A product or row that
/// cannot be measured is a cell with its reason.
///
/// # Errors
/// When nothing can be measured, or nothing printed.
pub fn run(args: &Args) -> Result<(), Failed> {
    let results = measure(args)?;
    let text = if args.json {
        serde_json::to_string_pretty(&results).map_err(io::Error::other)? + "\n"
    } else if args.markdown {
        page::markdown(&results)
    } else {
        table::text(&results)
    };
    Ok(stdout().lock().write_all(text.as_bytes())?)
}

/// Measures, and prints nothing but progress.
///
/// # Errors
/// As [`run`].
pub fn measure(args: &Args) -> Result<Results, Failed> {
    for tool in ["wrk", "h2load"] {
        crate::peer::on_path(tool).ok_or(Failed::Tool(tool))?;
    }
    raise_open_files();
    let arena = Arena::build(1, Ground::Loopback)?;
    pin_ourselves(&arena)?;
    let plan = Plan::of(args);
    let mut tell = |line: &str| {
        // Progress that nobody can read is no reason to stop.
        let _unread = writeln!(stderr(), "{line}");
    };
    plan.carry_out(&arena, &mut tell)
}

/// Backend and idle clients live in this process; they belong beside the load.
fn pin_ourselves(arena: &Arena) -> io::Result<()> {
    let rest = arena.cores().rest();
    if rest.is_empty() {
        return Ok(());
    }
    let mut set = rustix::thread::CpuSet::new();
    rest.iter().for_each(|core| set.set(*core));
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

/// 10,000 idle connections need as many descriptors here and twice as many in a product, which
/// inherits the limit. Where it cannot be raised the row says how many it had.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _unchanged = setrlimit(Resource::Nofile, raised);
}
