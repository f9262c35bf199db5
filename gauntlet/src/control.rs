//! How the runner speaks to replicas and relays while they run: JSON over HTTP/1.1, `PUT /switches`
//! and `GET /state`.
//!
//! At an address, or at a path of a file: a socket in the file system reaches into every network
//! namespace, and no fault of packets can cut it. What the switches are is in `stub` and `relay`.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;

/// The longest message either way; switches and states are some hundred bytes.
const MESSAGE_MAX: usize = 64 << 10;
/// Beyond it the process is taken for dead: it has one message to read.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a process listens for its runner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// An address of the network.
    Tcp(SocketAddr),
    /// A file, which is made anew.
    File(PathBuf),
}

impl FromStr for Address {
    type Err = Infallible;

    /// What is no address with a port is a path.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::File(PathBuf::from(text)), Self::Tcp))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// What can be switched, and looked at.
pub trait Panel: Send + Sync + 'static {
    /// Puts the switches as `json` says, all of them.
    ///
    /// # Errors
    /// When it says nothing that makes sense; nothing has changed then.
    fn switch(&self, json: &[u8]) -> Result<(), serde_json::Error>;

    /// The state as JSON.
    ///
    /// # Errors
    /// When it cannot be expressed, which is a mistake of ours.
    fn state(&self) -> Result<Vec<u8>, serde_json::Error>;
}

/// Why a process could not be told or asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Unheard {
    /// Nobody is there, or it broke off.
    #[error("nobody answers at {0}: {1}")]
    Gone(Address, io::Error),
    /// It did not answer in time.
    #[error("no answer from {0} within {PATIENCE:?}")]
    Silent(Address),
    /// It said no.
    #[error("{0} refused: {1}")]
    Refused(Address, String),
    /// It could not be understood.
    #[error("{0} answered what cannot be read: {1}")]
    Garbled(Address, serde_json::Error),
}

/// A listening control address.
#[derive(Debug)]
pub enum Listener {
    /// Of the network.
    Tcp(TcpListener),
    /// A file.
    File(UnixListener),
}

impl Listener {
    /// Listens at `address`.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            Address::File(path) => {
                // The file of a former life; a socket cannot be bound over it.
                std::fs::remove_file(path).ok();
                UnixListener::bind(path).map(Self::File)
            }
        }
    }

    async fn accept(&self) -> io::Result<Box<dyn Duplex>> {
        Ok(match self {
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
            Self::File(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

/// Both kinds of connection.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl Duplex for TcpStream {}
impl Duplex for UnixStream {}

/// Answers the runner until it is dropped.
pub async fn serve(listener: Listener, panel: Arc<impl Panel>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(stream) => { connections.spawn(attend(stream, Arc::clone(&panel))); }
                // Out of descriptors: wait for one rather than spin.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn attend(stream: Box<dyn Duplex>, panel: Arc<impl Panel>) {
    let service = service_fn(|request| {
        let panel = Arc::clone(&panel);
        async move { Ok::<_, Infallible>(respond(request, &*panel).await) }
    });
    let builder = hyper::server::conn::http1::Builder::new();
    // A runner that breaks off is a runner that has ended.
    builder.serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn respond(request: Request<Incoming>, panel: &impl Panel) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let outcome = match (&head.method, head.uri.path()) {
        (&Method::PUT, "/switches") => match Limited::new(body, MESSAGE_MAX).collect().await {
            Ok(body) => panel.switch(&body.to_bytes()).map(|()| Vec::new()),
            Err(_) => return plain(StatusCode::BAD_REQUEST, "the message broke off".into()),
        },
        (&Method::GET, "/state") => panel.state(),
        _ => return plain(StatusCode::NOT_FOUND, "PUT /switches or GET /state".into()),
    };
    match outcome {
        Ok(body) => plain(StatusCode::OK, body.into()),
        Err(mistake) => plain(StatusCode::BAD_REQUEST, mistake.to_string().into()),
    }
}

fn plain(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}

/// Puts all switches of the process at `address`.
///
/// # Errors
/// When it is not there, or refuses.
pub async fn put(address: &Address, switches: &impl Serialize) -> Result<(), Unheard> {
    let body = serde_json::to_vec(switches).map_err(|e| Unheard::Garbled(address.clone(), e))?;
    tell(address, Method::PUT, "/switches", body).await.map(drop)
}

/// The state of the process at `address`.
///
/// # Errors
/// When it is not there, or not understood.
pub async fn state<T: DeserializeOwned>(address: &Address) -> Result<T, Unheard> {
    let body = tell(address, Method::GET, "/state", Vec::new()).await?;
    serde_json::from_slice(&body).map_err(|e| Unheard::Garbled(address.clone(), e))
}

async fn tell(
    address: &Address,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<Bytes, Unheard> {
    let told = async {
        match address {
            Address::Tcp(to) => exchange(TcpStream::connect(to).await?, method, path, body).await,
            Address::File(to) => exchange(UnixStream::connect(to).await?, method, path, body).await,
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    let told = told.map_err(|_| Unheard::Silent(address.clone()))?;
    let (status, body) = told.map_err(|e| Unheard::Gone(address.clone(), e))?;
    if status == StatusCode::OK {
        return Ok(body);
    }
    Err(Unheard::Refused(address.clone(), String::from_utf8_lossy(&body).into_owned()))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> io::Result<(StatusCode, Bytes)> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "gauntlet")
        .body(Full::new(Bytes::from(body)))
        .map_err(io::Error::other)?;
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(io::Error::other)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MESSAGE_MAX).collect().await;
        let body = body.map_err(io::Error::other)?.to_bytes();
        Ok((status, body))
    };
    let mut answered = std::pin::pin!(answered);
    tokio::select! {
        answer = &mut answered => answer,
        // The connection may end with the answer already on its way to us.
        _ = connection => answered.await,
    }
}
