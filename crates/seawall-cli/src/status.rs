//! `seawall status`: what a running gateway sees, in the terminal.

mod table;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anstream::{eprintln, print, println};
use bytes::Bytes;
use clap::Args;
use http::header::{CONNECTION, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use crate::UNUSABLE;

/// A look that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest status that is read: a thousand endpoints take half a megabyte.
const STATUS_MAX: usize = 16 << 20;
/// How often the live view looks.
const EVERY: Duration = Duration::from_secs(1);

/// Show what a running gateway sees: upstreams, endpoints, breakers, rates
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatusArgs {
    /// The admin address of the gateway
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9900")]
    admin: SocketAddr,

    /// Look again each second until interrupted
    #[arg(long, short)]
    watch: bool,

    /// Print the status as JSON, once
    #[arg(long, conflicts_with = "watch")]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  seawall status
  seawall status --watch
  seawall status --json | jq '.upstreams[].endpoints[] | select(.standing != \"in\")'";

/// Anything that keeps the status from being had.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Looks once, or again and again.
pub(crate) fn status(args: &StatusArgs) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(look(args)),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("seawall: no status from {}: {error}", args.admin);
            eprintln!("seawall: is the gateway running? give its admin address with --admin");
            ExitCode::from(UNUSABLE)
        }
    }
}

async fn look(args: &StatusArgs) -> Result<(), Trouble> {
    let mut turns = interval(EVERY);
    let mut before: Option<Value> = None;
    loop {
        turns.tick().await;
        let status = timeout(PATIENCE, fetch(args.admin)).await??;
        show(args, &status, before.as_ref());
        if !args.watch {
            return Ok(());
        }
        before = Some(status);
    }
}

fn show(args: &StatusArgs, status: &Value, before: Option<&Value>) {
    if args.json {
        println!("{status:#}");
        return;
    }
    if args.watch && std::io::stdout().is_terminal() {
        // Home and clear below: the view is redrawn in place.
        print!("\x1b[H\x1b[J");
    }
    print!("{}", table::render(status, before));
}

async fn fetch(admin: SocketAddr) -> Result<Value, Trouble> {
    let stream = TcpStream::connect(admin).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get("/v1/status")
        .header(HOST, admin.to_string())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), STATUS_MAX).collect().await?.to_bytes();
        Ok::<_, Trouble>((status, body))
    };
    let (exchange, _closed) = tokio::join!(exchange, connection);
    let (code, body) = exchange?;
    if code != StatusCode::OK {
        return Err(format!("it answered {code}").into());
    }
    Ok(serde_json::from_slice(&body)?)
}
