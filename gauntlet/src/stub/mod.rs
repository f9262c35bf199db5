//! The replica of a run: it works for as long as a request says, with so many workers and no
//! processor time, breaks as its switches say, and writes down every attempt that reaches it.
//!
//! Here: its arguments and its whole life as a process. Switches are in `switches`, capacity in
//! `desk`, the work in `work`, wire in `answer` and `connection`, the listener in `serve`.

mod answer;
mod connection;
mod desk;
mod lock;
mod replica;
mod serve;
mod switches;
#[cfg(test)]
pub(crate) mod tests;
mod work;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use replica::Replica;
pub use serve::End;
pub use switches::{Accept, Answers, Cache, Health, Lock, State, Status, Switches};

use crate::control::{self, Address, Panel};
use crate::process::{Failed, Tie, runtime};
use crate::record::Writer;

/// A replica as a process.
///
/// SIGTERM begins its drain: for as long as the switch says it serves on, but answers health checks
/// with 503 and asks its callers to leave (`connection: close`, GOAWAY); then its listener closes
/// and what is in flight may end, within ten seconds. SIGKILL leaves what its log has: the
/// beginning of each attempt.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Its number, from 0.
    #[arg(long)]
    pub replica: u8,
    /// Where it serves.
    #[arg(long)]
    pub listen: SocketAddr,
    /// Where its runner reaches it: an address, or the path of a socket to make.
    #[arg(long)]
    pub control: Address,
    /// The file to append its log to.
    #[arg(long)]
    pub log: PathBuf,
    /// What it can do at a time.
    #[command(flatten)]
    pub capacity: Capacity,
    /// A file with switches to begin with; all are off without it.
    #[arg(long)]
    pub switches: Option<PathBuf>,
    /// Whether it ends with its starter.
    #[command(flatten)]
    pub tie: Tie,
}

/// What a replica can do at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub struct Capacity {
    /// Requests that it works on.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub workers: u32,
    /// Requests that it lets wait; all beyond are answered with 503.
    #[arg(long)]
    pub queue: u32,
}

/// Serves until SIGTERM, or until a request kills it.
///
/// # Errors
/// When an address or the log cannot be had, or the log could not be written to its end.
pub fn serve(args: Args) -> Result<End, Failed> {
    args.tie.hold()?;
    runtime()?.block_on(async {
        let listener = serve::listen(args.listen).map_err(Failed::to_listen(args.listen))?;
        let control = control::Listener::bind(&args.control)
            .await
            .map_err(|source| Failed::Listen { address: args.control.to_string(), source })?;
        let mut term = signal(SignalKind::terminate()).map_err(Failed::to("listen to signals"))?;
        let told = async move {
            term.recv().await;
        };
        let log = Writer::append(&args.log).map_err(Failed::to_write(&args.log))?;
        let replica =
            Replica::new(args.replica, args.capacity, log).map_err(Failed::to("start a timer"))?;
        if let Some(path) = &args.switches {
            let set = std::fs::read(path).and_then(|json| Ok(replica.switch(&json)?));
            set.map_err(Failed::to("set the first switches"))?;
        }
        run(replica, listener, control, told).await.map_err(Failed::to_write(&args.log))
    })
}

/// Serves at listeners that are there, until `told` or poisoned, and closes the log.
async fn run(
    replica: Replica,
    listener: TcpListener,
    control: control::Listener,
    told: impl Future<Output = ()>,
) -> io::Result<End> {
    let replica = Arc::new(replica);
    let end = tokio::select! {
        end = serve::serve(Arc::clone(&replica), listener, told) => end,
        never = control::serve(control, Arc::clone(&replica)) => match never {},
    };
    // Work that goes on for callers who left belongs to a process that ends here.
    replica.log.flush()?;
    Ok(end)
}
