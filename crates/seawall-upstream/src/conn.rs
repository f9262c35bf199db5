//! One upstream connection: hyper's request sender, the meter of its socket, and the task that
//! drives it.
//!
//! Opening sockets is in `dial`, who may hold a connection in `pool`, what a request came to in
//! `lease` and `send`.

use std::{error::Error as StdError, fmt, io, rc::Rc};

use http_body::Body;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::AbortHandle};

use crate::{
    dial::DialError,
    meter::{Meter, Metered},
    pool::Slot,
};

/// Most bytes of a response head, and of any one buffer of a connection. 64 KiB is what the
/// largest known servers send, and bounds what a connection can hold in each direction.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The socket of a connection as hyper sees it.
pub(crate) type Socket = TokioIo<Metered<TcpStream>>;

/// An open connection. Dropping it closes the socket.
pub(crate) struct Conn<B> {
    pub(crate) id: u64,
    pub(crate) sender: SendRequest<B>,
    pub(crate) meter: Rc<Meter>,
    driver: AbortHandle,
}

impl<B> Conn<B> {
    /// Whether the peer or hyper has closed it, as far as the driver has noticed.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl<B> Drop for Conn<B> {
    fn drop(&mut self) {
        // An aborted task is never polled again, so the socket writes nothing more and what the
        // meter said stays true.
        self.driver.abort();
    }
}

impl<B> fmt::Debug for Conn<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn").field("id", &self.id).field("meter", &self.meter).finish()
    }
}

/// Starts HTTP/1.1 on a connected socket, with the limits of a client on what it accepts.
///
/// # Errors
/// Only what hyper reports of its own set-up; HTTP/1.1 sends nothing before the first request.
pub(crate) async fn handshake<B>(
    stream: TcpStream,
    meter: Rc<Meter>,
) -> Result<(SendRequest<B>, Connection<Socket, B>), DialError>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    Builder::new()
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(Metered::new(stream, meter)))
        .await
        .map_err(|error| DialError::Other(io::Error::other(error)))
}

/// Turns a connected socket into a connection whose driver holds `slot` until it ends.
///
/// # Errors
/// As [`handshake`].
pub(crate) async fn establish<B>(stream: TcpStream, slot: Slot<B>) -> Result<Conn<B>, DialError>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let meter = Rc::new(Meter::default());
    let (sender, connection) = handshake(stream, Rc::clone(&meter)).await?;
    let id = slot.id();
    let driver = spawn(connection, slot);
    Ok(Conn { id, sender, meter, driver })
}

#[expect(
    clippy::disallowed_methods,
    reason = "ends with the connection; `Conn` aborts it when dropped"
)]
fn spawn<B>(connection: Connection<Socket, B>, slot: Slot<B>) -> AbortHandle
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let driver = async move {
        // The slot outlives the socket, so that the count never runs ahead of the kernel.
        let slot = slot;
        if let Err(error) = connection.await {
            tracing::debug!(endpoint = %slot.endpoint(), %error, "upstream connection failed");
        }
    };
    tokio::task::spawn_local(driver).abort_handle()
}
