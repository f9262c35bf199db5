//! One service process of the demo's shop: the hidden subcommand `demo-service`. It answers its
//! own path, `GET /healthz`, and `POST /_control`, which turns it slow or faulty.
//!
//! Who starts and kills these processes is in `demo::processes`.

mod behaviour;
mod catalog;
mod payments;
mod storefront;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, StatusCode, request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time;

use self::behaviour::Behaviour;
use self::payments::Payments;
use self::storefront::Storefront;
use super::server::{self, Reply};
use super::shop::Kind;
use crate::lifeline;

/// How often and how long apart a service tries to get its old port back after a restart. While
/// it was dead, an outgoing connection of somebody else may have been given the number.
const BIND_TRIES: u32 = 50;
const BIND_PAUSE: Duration = Duration::from_millis(100);

/// The longest request body, in bytes; the shop's are below 100.
const BODY_MAX: usize = 64 << 10;

/// The command line of one service process.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServiceArgs {
    /// Which service to be
    #[arg(long)]
    pub(super) kind: Kind,
    /// The name to answer with, such as payments-2
    #[arg(long)]
    pub(super) name: String,
    /// The process to end with; standard input must be a pipe from it
    #[arg(long)]
    pub(super) parent: u32,
    /// The port to listen on; 0 lets the system choose
    #[arg(long, default_value_t = 0)]
    pub(super) port: u16,
    /// Seeds the failures of `POST /_control?fail_percent=N`
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// Where payments finds the ledger
    #[arg(long, required_if_eq("kind", "payments"))]
    pub(super) ledger: Option<SocketAddr>,
    /// Where the storefront finds the stock
    #[arg(long, value_delimiter = ',', required_if_eq("kind", "storefront"))]
    pub(super) stock: Vec<SocketAddr>,
    /// Where the storefront finds the search
    #[arg(long, value_delimiter = ',', required_if_eq("kind", "storefront"))]
    pub(super) search: Vec<SocketAddr>,
    /// Where the storefront finds the recommendations
    #[arg(long, value_delimiter = ',', required_if_eq("kind", "storefront"))]
    pub(super) recommendations: Vec<SocketAddr>,
}

/// Runs one service until its parent ends it. Prints `{"ready":"ADDRESS"}` when it listens.
pub(crate) fn serve(args: &ServiceArgs) -> ExitCode {
    let runtime = match tie(args) {
        Ok(runtime) => runtime,
        Err(error) => return fail(args, &error),
    };
    match runtime.block_on(listen(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(args, &error),
    }
}

fn tie(args: &ServiceArgs) -> io::Result<tokio::runtime::Runtime> {
    lifeline::tie_to_parent(args.parent)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn fail(args: &ServiceArgs, error: &io::Error) -> ExitCode {
    anstream::eprintln!("seawall demo-service {}: {error}", args.name);
    ExitCode::FAILURE
}

async fn listen(args: &ServiceArgs) -> io::Result<()> {
    let listener = bind(args.port).await?;
    let ready = json!({ "ready": listener.local_addr()?.to_string() });
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{ready}")?;
    stdout.flush()?;
    drop(stdout);
    let service = Arc::new(Service::new(args)?);
    server::serve(listener, move |request| answer(Arc::clone(&service), request)).await;
    Ok(())
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    for _ in 1..BIND_TRIES {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                time::sleep(BIND_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
    TcpListener::bind(("127.0.0.1", port)).await
}

/// What a process needs to answer.
struct Service {
    name: String,
    behaviour: Behaviour,
    role: Role,
}

enum Role {
    Catalog(Kind),
    Payments(Payments),
    Storefront(Storefront),
}

impl Service {
    fn new(args: &ServiceArgs) -> io::Result<Self> {
        let role = match (args.kind, args.ledger) {
            (Kind::Payments, Some(at)) => Role::Payments(Payments::new(at, args.name.clone())),
            (Kind::Payments, None) => return Err(io::Error::other("payments needs --ledger")),
            (Kind::Storefront, _) => Role::Storefront(Storefront::new(args)),
            (kind @ (Kind::Inventory | Kind::Search | Kind::Recommendations), _) => {
                Role::Catalog(kind)
            }
        };
        let behaviour = Behaviour::new(args.kind.work(), args.seed);
        Ok(Self { name: args.name.clone(), behaviour, role })
    }

    fn control(&self, head: &request::Parts) -> Reply {
        match self.behaviour.turn(head.uri.query().unwrap_or_default()) {
            Ok(()) => server::json(StatusCode::OK, &json!({ "turned": true })),
            Err(why) => server::refusal(StatusCode::BAD_REQUEST, &why),
        }
    }

    async fn read(&self, kind: Kind, head: &request::Parts) -> Reply {
        if self.behaviour.work().await.is_err() {
            return server::refusal(StatusCode::SERVICE_UNAVAILABLE, "out of order");
        }
        let query = head.uri.query().unwrap_or_default();
        catalog::answer(kind, head.uri.path(), query, &self.name)
    }
}

/// The bodies of the shop's requests change no answer, but a request is only there when all of it
/// is: one that breaks off must not be paid.
async fn answer(service: Arc<Service>, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    if Limited::new(body, BODY_MAX).collect().await.is_err() {
        return server::refusal(StatusCode::BAD_REQUEST, "the body broke off or is too long");
    }
    match (&head.method, head.uri.path(), &service.role) {
        (&Method::GET, "/healthz", _) => server::json(StatusCode::OK, &json!({ "healthy": true })),
        (&Method::POST, "/_control", _) => service.control(&head),
        (_, _, Role::Payments(payments)) => payments.answer(&head, &service.behaviour).await,
        (&Method::GET, path, Role::Storefront(storefront)) => storefront.answer(path).await,
        (&Method::GET, _, Role::Catalog(kind)) => service.read(*kind, &head).await,
        _ => server::refusal(StatusCode::METHOD_NOT_ALLOWED, "this service answers GET only"),
    }
}
