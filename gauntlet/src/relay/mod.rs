//! The fault relay: it sits on the link between a product and a replica, passes on every byte, and
//! delays, cuts or falsifies answers as its switches say.
//!
//! Here: its arguments, its life as a process and its listener. Switches are in `switches`, one
//! connection in `link`, answers in `answers`, what all links share in `hub`.
//!
//! A relay that accepted before it has dialled would hide that a replica refuses or hangs: the
//! kernel completes the handshake of whoever comes to a listener. Therefore it listens only while
//! it holds a connection to the replica that nobody uses yet, and gives that one to the next that
//! comes. Where it cannot have one, its listener is closed and callers are refused as they would
//! be by the replica.

mod answers;
mod hub;
mod link;
mod switches;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time;

use hub::{Hub, add};
pub use switches::{State, Switches};

use crate::control::{self, Address};
use crate::process::{Failed, Tie, runtime};

/// Connections that may wait to be accepted: more than any scenario opens at once.
const BACKLOG: u32 = 4_096;
/// A replica on the same host that does not answer a handshake in this time does not answer.
const DIAL_MAX: Duration = Duration::from_secs(1);
/// The pause between two attempts to reach a replica: short beside the time in which any product
/// would notice that it is back.
const DIAL_AGAIN: Duration = Duration::from_millis(10);

/// A relay as a process. It runs until it is killed.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where products connect.
    #[arg(long)]
    pub listen: SocketAddr,
    /// The replica.
    #[arg(long)]
    pub to: SocketAddr,
    /// Where its runner reaches it: an address, or the path of a socket to make.
    #[arg(long)]
    pub control: Address,
    /// Whether it ends with its starter.
    #[command(flatten)]
    pub tie: Tie,
}

/// Relays until the process is killed.
///
/// # Errors
/// When an address cannot be had.
pub fn serve(args: Args) -> Result<(), Failed> {
    args.tie.hold()?;
    runtime()?.block_on(async {
        let control = control::Listener::bind(&args.control)
            .await
            .map_err(|source| Failed::Listen { address: args.control.to_string(), source })?;
        let hub = Arc::new(Hub::new().map_err(Failed::to("start a timer"))?);
        // Asked for at once, so that an address which is taken is told before the run begins.
        listen(args.listen).map_err(Failed::to_listen(args.listen)).map(drop)?;
        tokio::select! {
            failed = relay(&hub, args.listen, args.to) => failed,
            never = control::serve(control, Arc::clone(&hub)) => match never {},
        }
        .map_err(Failed::to_listen(args.listen))
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Listens whenever the replica can be reached.
async fn relay(hub: &Arc<Hub>, at: SocketAddr, to: SocketAddr) -> io::Result<()> {
    let mut links = JoinSet::new();
    loop {
        tokio::select! {
            listened = listen_while_reached(hub, at, to, &mut links) => listened?,
            () = hub.storm() => return Ok(()),
        }
        // Links that are open live on.
        time::sleep(DIAL_AGAIN).await;
    }
}

/// Listens until the replica can no longer be reached.
async fn listen_while_reached(
    hub: &Arc<Hub>,
    at: SocketAddr,
    to: SocketAddr,
    links: &mut JoinSet<()>,
) -> io::Result<()> {
    let Some(mut spare) = dial(hub, to).await else { return Ok(()) };
    let listener = listen(at)?;
    hub.listening.store(true, Ordering::Relaxed);
    loop {
        let used = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => Some(stream),
                // Out of descriptors: the listener opens anew after a pause.
                Err(_) => break,
            },
            () = gone(&spare) => None,
            Some(_) = links.join_next() => continue,
        };
        let next = dial(hub, to).await;
        if let Some(product) = used {
            // A refusal only costs latency.
            product.set_nodelay(true).ok();
            let ticket = hub.enter();
            match next {
                Some(next) => {
                    let replica = std::mem::replace(&mut spare, next);
                    links.spawn(link::run(Arc::clone(hub), product, replica, ticket));
                }
                None => {
                    links.spawn(link::run(Arc::clone(hub), product, spare, ticket));
                    break;
                }
            }
        } else {
            match next {
                Some(next) => spare = next,
                None => break,
            }
        }
    }
    hub.listening.store(false, Ordering::Relaxed);
    Ok(())
}

/// A connection to the replica.
async fn dial(hub: &Hub, to: SocketAddr) -> Option<TcpStream> {
    let dialled = time::timeout(DIAL_MAX, TcpStream::connect(to)).await;
    let Ok(Ok(stream)) = dialled else {
        add(&hub.counts.unreachable, 1);
        return None;
    };
    // A refusal only costs latency.
    stream.set_nodelay(true).ok();
    Some(stream)
}

/// Waits until a connection that nobody has used was closed by the replica.
async fn gone(spare: &TcpStream) {
    let mut scratch = [0_u8; 1];
    loop {
        if spare.readable().await.is_err() {
            return;
        }
        match spare.try_read(&mut scratch) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // It has ended, broken, or says something unasked: it is of no use.
            _ => return,
        }
    }
}
