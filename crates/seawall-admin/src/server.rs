//! The listener of the admin side: connections, their bounds and their end. What is answered is
//! in `answer`; the listeners for traffic are in `seawall-gateway`.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::answer::{Desk, answer};
use crate::subject::Subject;

/// Connections at once; more wait in the accept queue. A browser opens six, a scraper one.
const CONNECTIONS_MAX: usize = 64;
/// Longest time for the head of a request, and for an idle connection before the next one.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest head of a request, far above what browsers send.
const HEAD_MAX: usize = 64 * 1024;
/// Time for running answers after the shutdown began; they take milliseconds.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Wait after a refused accept: without descriptors the next one would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the admin side of `subject` until `shutdown` ends and the running answers with it.
///
/// Takes 64 connections at once. Answers only requests to loopback names.
///
/// # Errors
/// When `listener` is not on a loopback address: nothing here asks who is calling, so another
/// machine must not reach it.
pub async fn serve<S: Subject>(
    listener: TcpListener,
    subject: Arc<S>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    check_address(&listener)?;
    let (closing, is_closing) = watch::channel(false);
    let desk = Arc::new(Desk::new(subject, is_closing));
    let mut connections = JoinSet::new();
    tokio::select! {
        () = shutdown => {}
        () = accept(&listener, &desk, &mut connections) => {}
    }
    drop(listener);
    closing.send_replace(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(DRAIN_TIMEOUT, drained).await.is_err() {
        tracing::warn!(cut = connections.len(), "admin connections were cut at the shutdown");
    }
    Ok(())
}

fn check_address(listener: &TcpListener) -> io::Result<()> {
    let address = listener.local_addr()?;
    if address.ip().is_loopback() {
        return Ok(());
    }
    let what = format!(
        "the admin side must listen on a loopback address and not on {address}; \
         use 127.0.0.1 or [::1]"
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}

/// Accepts for ever.
async fn accept<S: Subject>(
    listener: &TcpListener,
    desk: &Arc<Desk<S>>,
    connections: &mut JoinSet<()>,
) {
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                match accepted {
                    Ok((stream, _)) => drop(connections.spawn(connection(stream, desk.clone()))),
                    Err(error) => {
                        tracing::warn!(%error, "an admin connection could not be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }
}

async fn connection<S: Subject>(stream: TcpStream, desk: Arc<Desk<S>>) {
    // Events are small and must not wait for a full segment; a refusal only costs latency.
    stream.set_nodelay(true).ok();
    let mut closing = desk.closing();
    let service = service_fn(move |request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(answer(request, &desk).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEAD_MAX);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // Errors below are peers that went away or spoke no HTTP; the admin side has nobody to tell.
    tokio::select! {
        ended = served.as_mut() => return drop(ended),
        _ = closing.wait_for(|closing| *closing) => served.as_mut().graceful_shutdown(),
    }
    served.await.ok();
}
