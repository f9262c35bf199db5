//! `seawall run`: the gateway with its admin side, until a signal ends it.

mod admin;
mod record;
mod source;

use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;

use anstream::eprintln;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, LocalSet};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use seawall_config::Config;
use seawall_gateway::{Control, Notice};

use crate::{UNUSABLE, check, lifeline};
use admin::{Asked, Running};
use record::RecordArgs;
use source::{Source, SourceArgs};

/// Exit status of a drain that had to cut connections.
const CUT: u8 = 3;
/// Reloads that may wait; a newer one makes an older one pointless.
const RELOADS: usize = 4;

/// Run the gateway, from a file or in front of the given endpoints
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    source: SourceArgs,

    /// Worker threads, each with a runtime of its own [default: one for each core]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,

    #[command(flatten)]
    record: RecordArgs,

    /// End when this process ends
    #[arg(long, value_name = "PID", hide = true)]
    exit_with_parent: Option<u32>,
}

const EXAMPLES: &str = "Examples:
  seawall run --to 127.0.0.1:3000                          listens on 127.0.0.1:8080
  seawall run --listen 0.0.0.0:80 --to 10.0.0.1:80 --to 10.0.0.2:80
  seawall run -c seawall.toml --workers 4
  seawall run -c seawall.toml --record monday.jsonl        also writes down every call

Signals:
  SIGHUP            read the file again; a bad one leaves the old config in force
  SIGTERM, SIGINT   stop accepting, let running calls end, exit 0; again: cut them, exit 3

A record holds when calls came, at which route, what each attempt met and how long it took: no
bodies, headers or paths, and keys only as hashes that nobody can try out. docs/record.md has it
key by key.

Logs go to standard error. SEAWALL_LOG=debug shows more, SEAWALL_LOG=seawall::access=debug
each call.";

/// Runs until a signal ends it.
pub(crate) fn run(args: &RunArgs) -> ExitCode {
    if let Some(Err(error)) = args.exit_with_parent.map(lifeline::tie_to_parent) {
        eprintln!("seawall: {error}");
        return ExitCode::from(UNUSABLE);
    }
    let _flushed_at_the_end = log_to_standard_error();
    keep_pages_small();
    raise_open_files();
    match start(args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("seawall: {error}");
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Anything that keeps the gateway from starting, in words.
type Trouble = Box<dyn std::error::Error>;

fn start(args: &RunArgs) -> Result<ExitCode, Trouble> {
    let source = Source::from(&args.source)?;
    let config = source.read()?;
    check::warn(&config);
    let workers = workers(args, &config);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, serve(source, config, (workers, &args.record)))
}

async fn serve(
    source: Source,
    config: Config,
    (workers, record): (usize, &RecordArgs),
) -> Result<ExitCode, Trouble> {
    let mut signals = Signals::new()?;
    let admin = match &config.admin {
        Some(admin) => Some(bind_admin(admin.address).await?),
        None => None,
    };
    let record = record.create()?;
    let mut control = seawall_gateway::start(config, workers, seed()?)?;
    if let Some(file) = record {
        control.record(file)?;
    }
    control.start_checks();
    let (asks, mut asked) = mpsc::channel(RELOADS);
    let (closing, is_closing) = oneshot::channel();
    let running = Arc::new(Running::new(control.gateway(), asks));
    let admin = admin.map(|listener| serve_admin(listener, running, is_closing)).transpose()?;
    announce(&control, admin.as_ref().map(|(address, _)| *address), &source);
    let notice = loop {
        tokio::select! {
            _ = signals.hang_up.recv() => {
                let _told = reload(&mut control, &source);
            }
            Some(Asked { answer }) = asked.recv() => {
                // Whoever asked may have gone; the reload is done all the same.
                let _gone = answer.send(reload(&mut control, &source));
            }
            _ = signals.terminate.recv() => break Notice::Given,
            _ = signals.interrupt.recv() => break Notice::Skipped,
        }
    };
    // Whoever asks for a reload from now on is told that the gateway is leaving.
    drop(asked);
    let ended = control.drain(notice, signals.again()).await;
    drop(closing);
    if let Some((_, task)) = admin {
        task.await??;
    }
    if ended.cut == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("seawall: {} connections were cut at the end of the drain", ended.cut);
    Ok(ExitCode::from(CUT))
}

/// Reads the config again and takes it over as a whole, or says why not.
fn reload(control: &mut Control, source: &Source) -> Result<u64, String> {
    let config = source.read().map_err(|error| {
        if let Source::File(_) = source {
            control.reject(&error);
        }
        error.to_string()
    });
    let taken = config.and_then(|config| {
        check::warn(&config);
        control.reload(config).map_err(|error| error.to_string())
    });
    match &taken {
        Ok(generation) => eprintln!("seawall: config reloaded, generation {generation}"),
        Err(why) => eprintln!("seawall: config not reloaded, the old one stays in force:\n{why}"),
    }
    taken
}

async fn bind_admin(address: std::net::SocketAddr) -> Result<TcpListener, Trouble> {
    TcpListener::bind(address).await.map_err(|error| {
        format!(
            "admin: cannot listen on {address}: {error}; stop the program that holds the port, \
             or set another with [admin] address or --admin"
        )
        .into()
    })
}

type Admin = (std::net::SocketAddr, JoinHandle<std::io::Result<()>>);

fn serve_admin(
    listener: TcpListener,
    running: Arc<Running>,
    closing: oneshot::Receiver<()>,
) -> Result<Admin, Trouble> {
    let address = listener.local_addr()?;
    let closed = async {
        // An error means that the sender is gone, which is the signal.
        let _closing = closing.await;
    };
    #[expect(clippy::disallowed_methods, reason = "joined at the end of `serve`")]
    let task = tokio::task::spawn_local(seawall_admin::serve(listener, running, closed));
    Ok((address, task))
}

fn announce(control: &Control, admin: Option<std::net::SocketAddr>, source: &Source) {
    for (name, address) in control.addresses() {
        eprintln!("seawall: listening on http://{address} ({name}), {source}");
    }
    match admin {
        Some(address) => eprintln!("seawall: dashboard http://{address}/"),
        None => eprintln!("seawall: the admin side is off"),
    }
}

fn workers(args: &RunArgs, config: &Config) -> usize {
    let cores = || available_parallelism().map_or(1, NonZeroUsize::get);
    let configured = || config.gateway.workers.and_then(|count| usize::try_from(count).ok());
    args.workers.map(NonZeroUsize::get).or_else(configured).unwrap_or_else(cores)
}

/// Every instance draws its own numbers, or a fleet would act in step.
fn seed() -> Result<u64, Trouble> {
    let mut bytes = [0_u8; 8];
    let mut random = std::fs::File::open("/dev/urandom")?;
    std::io::Read::read_exact(&mut random, &mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Lines go through a bounded queue; when nobody reads them the latest are lost, not the traffic.
fn log_to_standard_error() -> WorkerGuard {
    let filter = EnvFilter::try_from_env("SEAWALL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let format = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    format.with_writer(writer).init();
    guard
}

/// Memory comes and goes in pages of the usual size, also where the host hands out huge ones unasked.
///
/// A peak, as of the calls held through an outage, leaves a few small pages in use all over the
/// memory that it took. Where huge pages may be used the kernel makes each such range whole again in
/// the background, up to 16 MiB every ten seconds, long after the allocator has given the rest back:
/// in even traffic a gateway went from 36 MiB to 119 within 72 s.
fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::warn!(%error, "memory may be taken in huge pages");
    }
}

/// The soft limit of open files is often 1 024 for the sake of old programs; ours may use it all.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// The signals that the gateway obeys.
struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Completes when somebody asks again.
    async fn again(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
