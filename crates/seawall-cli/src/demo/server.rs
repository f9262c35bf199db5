//! A small HTTP/1.1 server loop for the shop's services and the ledger. What is answered is the
//! handler's business; the gateway's server is a different one, in `seawall-gateway`.

use std::convert::Infallible;
use std::future::Future;

use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The answer of every handler: small and complete.
pub(super) type Reply = Response<Full<Bytes>>;

/// Connections served at once; more wait in the accept queue. Ten times what the demo opens.
const CONNECTIONS_MAX: usize = 1024;

/// Serves `listener` with `handler` until the future is dropped.
pub(super) async fn serve<H, F>(listener: TcpListener, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                // A peer that left before the accept is no reason to stop serving the others.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, handler.clone()));
                }
            }
        }
    }
}

async fn connection<H, F>(stream: TcpStream, handler: H)
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Reply>,
{
    // Small answers must not wait for a full segment; a refusal only costs latency.
    stream.set_nodelay(true).ok();
    let service = service_fn(|request| {
        let reply = handler(request);
        async { Ok::<_, Infallible>(reply.await) }
    });
    // The error is a peer that went away in mid request, which is the peer's to count.
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &serde_json::Value) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body.to_string())));
    *reply.status_mut() = status;
    let media_type = http::HeaderValue::from_static("application/json");
    reply.headers_mut().insert(http::header::CONTENT_TYPE, media_type);
    reply
}

/// A JSON answer that says in words what is wrong.
pub(super) fn refusal(status: StatusCode, why: &str) -> Reply {
    json(status, &serde_json::json!({ "error": why }))
}

/// `reply` with one more header.
pub(super) fn marked(mut reply: Reply, name: HeaderName, value: &'static str) -> Reply {
    reply.headers_mut().insert(name, http::HeaderValue::from_static(value));
    reply
}
