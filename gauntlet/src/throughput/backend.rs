//! The backend: answers of constant length at once, on a thread of its own, and a count of them.
//!
//! The count is what the processor time of a product is divided by: it is exact, whatever a tool
//! of load calls a request.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A backend that runs. Dropping it closes all its connections.
#[derive(Debug)]
pub(super) struct Backend {
    address: SocketAddr,
    served: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Backend {
    /// Answers everything with `bytes` bytes, in HTTP/1.1 and HTTP/2.
    pub(super) fn start(bytes: u32) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let served = Arc::new(AtomicU64::new(0));
        let body = Bytes::from(vec![b'x'; usize::try_from(bytes).unwrap_or(0)]);
        let work = Work { body, served: Arc::clone(&served) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || runtime.block_on(serve(listener, work, stopped)));
        Ok(Self { address, served, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests so far.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A backend that panicked has shown itself in what was measured.
            let _ended = thread.join();
        }
    }
}

#[derive(Clone, Debug)]
struct Work {
    body: Bytes,
    served: Arc<AtomicU64>,
}

async fn serve(listener: std::net::TcpListener, work: Work, mut stopped: oneshot::Receiver<()>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, work.clone()));
                }
            }
        }
    }
}

async fn connection(stream: TcpStream, work: Work) {
    // A connection that cannot have it is merely slower.
    let _slower = stream.set_nodelay(true);
    let answer = service_fn(move |_: Request<Incoming>| {
        work.served.fetch_add(1, Ordering::Relaxed);
        let answer = Response::new(Full::new(work.body.clone()));
        async move { Ok::<_, Infallible>(answer) }
    });
    // How a connection ends is its client's affair.
    let _ended = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}
