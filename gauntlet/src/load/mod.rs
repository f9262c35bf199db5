//! The generator of a run: it replays a stream, each request at its time, and writes down what its
//! user saw.
//!
//! Here: its arguments, its life as a process, and what it tells of itself. Users are in `users`,
//! their client in `client`, the judgement of answers in `judge`, clients that are slow on purpose
//! in `slow`.

mod client;
mod judge;
mod metered;
mod slow;
#[cfg(test)]
mod tests;
mod users;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use client::Protocol;
use client::{Client, Turns};
pub use slow::{Manner, SlowArgs, SlowSummary, serve_slow};
use users::{Counts, Crowd, Ending};

use crate::process::{Failed, Tie, runtime};
use crate::record::{Answered, Writer};
use crate::stamp::Stamp;
use crate::stream::{self, Planned};
use crate::timer::Timers;

/// The most requests under way. A product that lets more pile up than this has failed long before,
/// and each costs the generator a descriptor.
const OUTSTANDING_MAX: usize = 20_000;

/// The generator as a process.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The file of the stream.
    #[arg(long)]
    pub stream: PathBuf,
    /// Whom to ask: the product, or several addresses in turns.
    #[arg(long, required = true)]
    pub to: Vec<SocketAddr>,
    /// Whom to ask in turns on the last route, where users know its replicas themselves.
    #[arg(long)]
    pub aside: Vec<SocketAddr>,
    /// The file to append what users saw to.
    #[arg(long)]
    pub out: PathBuf,
    /// The file to write the summary to, at the end.
    #[arg(long)]
    pub summary: PathBuf,
    /// When the load begins, in nanoseconds of the monotonic clock. It should lie in the future by
    /// enough for this process to start.
    #[arg(long)]
    pub start: u64,
    /// Milliseconds from its intended start after which a user gives up.
    #[arg(long, default_value_t = 5_000)]
    pub patience: u64,
    /// A closed loop of so many users; without it the loop is open.
    #[arg(long, requires = "lasts")]
    pub users: Option<u32>,
    /// Milliseconds from the start after which users of a closed loop ask no more.
    #[arg(long)]
    pub lasts: Option<u64>,
    /// What users speak.
    #[arg(long, value_enum, default_value_t)]
    pub protocol: Protocol,
    /// Requests under way at which the load stops, and the run does not count.
    #[arg(long, default_value_t = OUTSTANDING_MAX)]
    pub outstanding_max: usize,
    /// Whether it ends with its starter.
    #[command(flatten)]
    pub tie: Tie,
}

/// What a generator tells of itself at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Requests that were sent.
    pub sent: u64,
    /// Requests of the stream; more than were sent in a closed loop.
    pub planned: u64,
    /// The most requests that were under way at a time.
    pub outstanding_max: u64,
    /// Whether the safety stop was reached.
    pub stopped: bool,
    /// Whether a closed loop ran out of requests.
    pub exhausted: bool,
    /// Records that were lost.
    pub lost: u64,
    /// Connections that could not be opened for want of descriptors or ports of the generator.
    #[serde(default)]
    pub starved: u64,
}

impl Summary {
    /// Whether the generator did all that it was meant to do. Its own lag is in the records.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        !self.stopped && !self.exhausted && self.lost == 0 && self.starved == 0
    }
}

/// Plays the stream to its end.
///
/// # Errors
/// When the stream cannot be read, or the records cannot be written.
pub fn serve(args: Args) -> Result<Summary, Failed> {
    args.tie.hold()?;
    let stream = stream::read(&args.stream)?;
    let summary = runtime()?.block_on(play(&args, stream))?;
    let json = serde_json::to_vec(&summary).map_err(std::io::Error::other);
    json.and_then(|json| std::fs::write(&args.summary, json))
        .map_err(Failed::to_write(&args.summary))?;
    Ok(summary)
}

pub(crate) async fn play(args: &Args, stream: Vec<Planned>) -> Result<Summary, Failed> {
    let records = Writer::append(&args.out).map_err(Failed::to_write(&args.out))?;
    let crowd = Arc::new(crowd(args, &stream, records)?);
    let planned = u64::try_from(stream.len()).unwrap_or(u64::MAX);
    let ending = match args.users {
        None => crowd.open(stream, args.outstanding_max).await,
        Some(users) => {
            let lasts = Duration::from_millis(args.lasts.unwrap_or(0));
            let lasts = u64::try_from(lasts.as_nanos()).unwrap_or(u64::MAX);
            crowd.closed(stream, users, crowd.start.after(lasts)).await
        }
    };
    crowd.records.flush().map_err(Failed::to_write(&args.out))?;
    let most = crowd.counts.outstanding_max.load(Ordering::Relaxed);
    Ok(Summary {
        sent: crowd.counts.sent.load(Ordering::Relaxed),
        planned,
        outstanding_max: u64::try_from(most).unwrap_or(u64::MAX),
        stopped: ending == Ending::Stopped,
        exhausted: ending == Ending::Exhausted,
        lost: crowd.records.lost(),
        starved: crowd.client.starved(),
    })
}

fn crowd(args: &Args, stream: &[Planned], records: Writer<Answered>) -> Result<Crowd, Failed> {
    let aside = if args.aside.is_empty() { None } else { Some(Turns::new(args.aside.clone())) };
    Ok(Crowd {
        client: Client::new(args.protocol),
        to: Turns::new(args.to.clone()),
        aside,
        last_route: stream.iter().map(|planned| planned.route).max().unwrap_or(0),
        timers: Timers::new().map_err(Failed::to("start a timer"))?,
        records,
        start: Stamp(args.start),
        patience: Duration::from_millis(args.patience),
        counts: Counts::default(),
    })
}
