//! Stand-in until the hardened inbound side is merged.

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

#[derive(Debug, Clone)]
pub(crate) struct InboundSettings {
    pub header_timeout: Duration,
    pub idle_timeout: Duration,
    pub header_bytes: usize,
    pub write_stall: Duration,
    pub connections: usize,
    pub h2_streams: u32,
}
impl Default for InboundSettings {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            header_bytes: 32768,
            write_stall: Duration::from_secs(30),
            connections: 1000,
            h2_streams: 100,
        }
    }
}
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub remote: SocketAddr,
}
pub(crate) trait Handler: 'static {
    type Body: http_body::Body<Data = Bytes> + 'static;
    fn handle(
        self: Rc<Self>,
        request: Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = Response<Self::Body>>;
}
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Phase {
    Running,
    Draining,
    Forced,
}
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<Phase>);
#[derive(Debug)]
pub(crate) struct StopHandle(watch::Sender<Phase>);
impl StopHandle {
    pub fn enter(&self, p: Phase) {
        self.0.send_replace(p);
    }
}
pub(crate) fn stop() -> (StopHandle, Stop) {
    let (a, b) = watch::channel(Phase::Running);
    (StopHandle(a), Stop(b))
}
#[derive(Debug)]
pub(crate) struct Drained {
    pub cut: u64,
}
#[derive(Debug, Default)]
pub(crate) struct InboundMeters {
    pub open: crate::meters::Counter,
}
impl InboundMeters {
    pub fn closed(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [].into_iter()
    }
}

#[derive(Clone)]
struct Exec;
impl<F: Future + 'static> hyper::rt::Executor<F> for Exec {
    #[expect(clippy::disallowed_methods, reason = "x")]
    fn execute(&self, f: F) {
        tokio::task::spawn_local(async move {
            f.await;
        });
    }
}
pub(crate) async fn serve<H: Handler>(
    l: tokio::net::TcpListener,
    _s: InboundSettings,
    h: Rc<H>,
    mut stop: Stop,
    _m: Arc<InboundMeters>,
) -> Drained
where
    <H::Body as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let g = hyper_util::server::graceful::GracefulShutdown::new();
    loop {
        tokio::select! {
            _ = stop.0.changed() => break,
            Ok((s, remote)) = l.accept() => {
                let _ = s.set_nodelay(true);
                let h = Rc::clone(&h);
                let b = hyper_util::server::conn::auto::Builder::new(Exec);
                let c = b.serve_connection(hyper_util::rt::TokioIo::new(s), hyper::service::service_fn(move |r| { let h = Rc::clone(&h); async move { Ok::<_, std::convert::Infallible>(h.handle(r, Peer { remote }).await) } })).into_owned();
                let c = g.watch(c);
                #[expect(clippy::disallowed_methods, reason = "x")]
                tokio::task::spawn_local(async move { let _ = c.await; });
            }
        }
    }
    drop(l);
    g.shutdown().await;
    Drained { cut: 0 }
}
