//! Clients that are slow on purpose: they drip their head, drip their body, or read their answer a
//! few bytes at a time. They measure nothing but themselves; whether others are unharmed is in the
//! records of the generator that runs beside them.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time;

use crate::process::{Failed, Tie, runtime};
use crate::wire;

/// One byte in so long: slow enough that no head is ever complete within a run.
const DRIP: Duration = Duration::from_millis(500);
/// The receive buffer of a slow reader: the kernel's smallest, so that the sender is held up.
const READ_BUFFER: u32 = 4_096;
/// What a slow reader asks for: more than all buffers on the way hold.
const READ_LENGTH: u32 = 4 << 20;
/// What a client whose body drips says that it will send.
const BODY_LENGTH: u32 = 1 << 20;

/// In which way a client is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Manner {
    /// Its head comes byte by byte.
    Head,
    /// Its head is whole, its body comes byte by byte.
    Body,
    /// It reads its answer byte by byte.
    Read,
    /// A third of the clients in each way.
    Each,
}

/// Slow clients as a process.
#[derive(Clone, Debug, clap::Args)]
pub struct SlowArgs {
    /// How many.
    #[arg(long)]
    pub count: u32,
    /// In which way.
    #[arg(long, value_enum, default_value = "each")]
    pub manner: Manner,
    /// Whom they ask.
    #[arg(long)]
    pub to: SocketAddr,
    /// Milliseconds after which they all leave.
    #[arg(long)]
    pub lasts: u64,
    /// The file to write the summary to, at the end.
    #[arg(long)]
    pub summary: PathBuf,
    /// Whether they end with their starter.
    #[command(flatten)]
    pub tie: Tie,
}

/// What became of slow clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowSummary {
    /// Connections that were opened.
    pub opened: u64,
    /// Connections that could not be opened.
    pub refused: u64,
    /// Connections that the other side closed before the client was done.
    pub closed: u64,
    /// Connections that were open at the end.
    pub open: u64,
}

#[derive(Debug, Default)]
struct Counts {
    opened: AtomicU64,
    refused: AtomicU64,
    closed: AtomicU64,
}

/// Lets slow clients be slow for their time.
///
/// # Errors
/// When the summary cannot be written.
pub fn serve_slow(args: SlowArgs) -> Result<SlowSummary, Failed> {
    args.tie.hold()?;
    let summary = runtime()?.block_on(crawl(&args));
    let json = serde_json::to_vec(&summary).map_err(io::Error::other);
    json.and_then(|json| std::fs::write(&args.summary, json))
        .map_err(Failed::to_write(&args.summary))?;
    Ok(summary)
}

pub(super) async fn crawl(args: &SlowArgs) -> SlowSummary {
    let counts = std::sync::Arc::new(Counts::default());
    let mut clients = JoinSet::new();
    for number in 0..args.count {
        let (counts, to) = (std::sync::Arc::clone(&counts), args.to);
        let manner = match args.manner {
            Manner::Each => [Manner::Head, Manner::Body, Manner::Read][number as usize % 3],
            one => one,
        };
        clients.spawn(async move { client(to, manner, &counts).await });
    }
    let all = async { while clients.join_next().await.is_some() {} };
    time::timeout(Duration::from_millis(args.lasts), all).await.ok();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (opened, closed) = (read(&counts.opened), read(&counts.closed));
    SlowSummary { opened, refused: read(&counts.refused), closed, open: opened - closed }
}

/// One client, until the other side closes.
async fn client(to: SocketAddr, manner: Manner, counts: &Counts) {
    let Ok(stream) = connect(to).await else {
        counts.refused.fetch_add(1, Ordering::Relaxed);
        return;
    };
    counts.opened.fetch_add(1, Ordering::Relaxed);
    // However it ends, the other side ended it.
    drip(stream, manner).await.ok();
    counts.closed.fetch_add(1, Ordering::Relaxed);
}

async fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_recv_buffer_size(READ_BUFFER)?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn drip(mut stream: TcpStream, manner: Manner) -> io::Result<()> {
    let head = |rest: &str| format!("{rest}\r\nhost: gauntlet\r\n");
    match manner {
        Manner::Head => {
            stream.write_all(head("GET /r0/slow HTTP/1.1").as_bytes()).await?;
            write_slowly(stream, b"x-drip: ").await
        }
        Manner::Body => {
            let head = head("PUT /r0/slow HTTP/1.1");
            let head = format!("{head}content-length: {BODY_LENGTH}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            write_slowly(stream, b"").await
        }
        Manner::Read | Manner::Each => {
            let head = head("GET /r0/slow HTTP/1.1");
            let head = format!("{head}{}: {READ_LENGTH}\r\n\r\n", wire::LENGTH);
            stream.write_all(head.as_bytes()).await?;
            read_slowly(stream).await
        }
    }
}

/// Writes `first` and then a letter at a time, until the other side has enough of it.
async fn write_slowly(mut stream: TcpStream, first: &[u8]) -> io::Result<()> {
    let mut scratch = [0_u8; 1_024];
    stream.write_all(first).await?;
    loop {
        tokio::select! {
            read = stream.read(&mut scratch) => if read? == 0 { return Ok(()) },
            () = time::sleep(DRIP) => stream.write_all(b"a").await?,
        }
    }
}

/// Reads a byte at a time.
async fn read_slowly(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let mut byte = [0_u8; 1];
        if stream.read(&mut byte).await? == 0 {
            return Ok(());
        }
        time::sleep(DRIP).await;
    }
}
