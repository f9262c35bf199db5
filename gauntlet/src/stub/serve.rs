//! The listener of a replica, and its end: by SIGTERM with a drain, or by a request that it does
//! not survive.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio::time;

use super::connection::attend;
use super::replica::{Life, Replica, count};
use super::switches::Accept;

/// Connections that may wait to be accepted: more than any scenario opens at once.
const BACKLOG: u32 = 4_096;
/// How long a replica that ends waits for what is in flight, after its drain.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// How a replica ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was told to, and has ended in order.
    Told,
    /// A request killed it.
    Poisoned,
}

/// A listener at `address`, which may have belonged to a former life.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `told` or poisoned.
pub(super) async fn serve(
    replica: Arc<Replica>,
    listener: TcpListener,
    told: impl Future<Output = ()>,
) -> End {
    let mut connections = JoinSet::new();
    let mut life = replica.life.subscribe();
    let over = async {
        told.await;
        replica.life.send_replace(Life::Draining);
        let drain = replica.switches.borrow().drain;
        time::sleep(Duration::from_nanos(drain)).await;
        replica.life.send_replace(Life::Ending);
    };
    let poisoned = async {
        // The sender lives in the replica, which outlives this.
        life.wait_for(|life| *life == Life::Poisoned).await.is_ok()
    };
    tokio::select! {
        biased;
        // All is dropped at once: sockets close with whatever was in them, as in a process that
        // exits.
        _ = poisoned => return End::Poisoned,
        () = accept(&replica, listener, &mut connections) => {}
        () = over => {}
    }
    time::timeout(LAST_WAIT, async { while connections.join_next().await.is_some() {} }).await.ok();
    End::Told
}

/// Accepts connections, or does not, as the switch says. The listener closes when this is dropped.
async fn accept(replica: &Arc<Replica>, listener: TcpListener, connections: &mut JoinSet<()>) {
    let mut switches = replica.switches.subscribe();
    loop {
        if switches.borrow_and_update().accept == Accept::Off {
            // The kernel takes backlog + 1 connections, which then wait for ever; it drops the
            // handshakes of all others.
            set_backlog(&listener, 0);
            if switches.wait_for(|now| now.accept == Accept::On).await.is_err() {
                return;
            }
            set_backlog(&listener, i32::try_from(BACKLOG).unwrap_or(i32::MAX));
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // A refusal only costs latency.
                    stream.set_nodelay(true).ok();
                    let serial = count(&replica.counts.accepted);
                    connections.spawn(attend(Arc::clone(replica), stream, serial));
                }
                // Out of descriptors: wait for one rather than spin.
                Err(_) => time::sleep(Duration::from_millis(10)).await,
            },
            changed = switches.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Listens anew with another backlog, which the kernel allows at any time.
fn set_backlog(listener: &TcpListener, backlog: i32) {
    let set = SockRef::from(listener).listen(backlog);
    debug_assert!(set.is_ok(), "a listening socket may listen again: {set:?}");
}
