//! Opening a TCP connection to an endpoint: socket options, time limit, and why it failed.
//!
//! How many dials run at once is decided in `pool`; HTTP starts in `conn`.

use std::{io, net::SocketAddr, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};

/// Written bytes that stay unacknowledged this long end the connection: a dead peer is noticed
/// within one attempt instead of after the quarter of an hour of the kernel's default.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// A quiet connection is probed after 15 s, then every 5 s, and given up after 3 probes: a peer
/// that vanished is noticed within 30 s also while nothing is being written.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(15);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(5);
const KEEP_ALIVE_PROBES: u32 = 3;

/// Why no connection came about. In every case no byte of a request was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// Nobody listens at the address. The endpoint's fault.
    #[error("connection refused")]
    Refused,
    /// No answer within the connect timeout, or within the patience of the kernel. The fault of
    /// the endpoint or of the way to it.
    #[error("no connection in time")]
    TimedOut,
    /// The deadline of the call came before the connect timeout. Says little about the endpoint.
    #[error("the deadline passed while connecting")]
    DeadlinePassed,
    /// There is no way to the address: network or host unreachable.
    #[error("the address is unreachable")]
    Unroutable(#[source] io::Error),
    /// This process or machine has no free file descriptor. Our own fault: raise the limit
    /// (`ulimit -n`, `LimitNOFILE=`) or lower the cap on connections.
    #[error("no file descriptor left")]
    OutOfDescriptors(#[source] io::Error),
    /// This machine has no local port left for that address. Our own fault: widen
    /// `net.ipv4.ip_local_port_range`, or reuse connections more.
    #[error("no local port left for this address")]
    OutOfPorts(#[source] io::Error),
    /// Somebody listens, and ended the connection or said something else where the first SETTINGS
    /// of HTTP/2 were due. Only where the endpoint is said to speak HTTP/2 (`protocol = "h2c"`).
    #[error("the endpoint does not speak HTTP/2 in clear text with prior knowledge")]
    NotHttp2(#[source] ::h2::Error),
    /// Anything else that the operating system reports.
    #[error("connecting failed")]
    Other(#[source] io::Error),
}

impl DialError {
    /// Whether this machine is at fault, so that nothing is learned about the endpoint.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::OutOfDescriptors(_) | Self::OutOfPorts(_))
    }

    /// The same failure, for another who waited for the same dial.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Refused => Self::Refused,
            Self::TimedOut => Self::TimedOut,
            Self::DeadlinePassed => Self::DeadlinePassed,
            Self::Unroutable(error) => Self::Unroutable(copy(error)),
            Self::OutOfDescriptors(error) => Self::OutOfDescriptors(copy(error)),
            Self::OutOfPorts(error) => Self::OutOfPorts(copy(error)),
            Self::NotHttp2(error) => Self::NotHttp2(error.reason().map_or_else(
                || ::h2::Error::from(::h2::Reason::PROTOCOL_ERROR),
                ::h2::Error::from,
            )),
            Self::Other(error) => Self::Other(copy(error)),
        }
    }
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Self::Unroutable(error)
            }
            io::ErrorKind::AddrNotAvailable => Self::OutOfPorts(error),
            _ if is_out_of_descriptors(&error) => Self::OutOfDescriptors(error),
            _ => Self::Other(error),
        }
    }
}

/// An error of the system has a number; one made up has at least a kind.
fn copy(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// ENFILE is 23 and EMFILE is 24 on every Unix; `io::ErrorKind` has no name for them.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// Opens a connection to `endpoint` within `limit`.
///
/// Dropping the future closes the half-open socket.
///
/// # Errors
/// Every variant of [`DialError`] but [`DialError::DeadlinePassed`].
pub(crate) async fn dial(endpoint: SocketAddr, limit: Duration) -> Result<TcpStream, DialError> {
    let socket = socket(endpoint)?;
    let stream = tokio::time::timeout(limit, socket.connect(endpoint))
        .await
        .map_err(|_elapsed| DialError::TimedOut)??;
    refuse_self(stream)
}

fn socket(endpoint: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if endpoint.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A request head and its first body bytes are separate writes; neither may wait for an ack.
    socket.set_nodelay(true)?;
    let options = SockRef::from(&socket);
    options.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEP_ALIVE_AFTER)
            .with_interval(KEEP_ALIVE_EVERY)
            .with_retries(KEEP_ALIVE_PROBES),
    )?;
    #[cfg(target_os = "linux")]
    options.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    Ok(socket)
}

/// A dial to a dead local port from the ephemeral range can draw that very port as its own; TCP
/// then connects the socket to itself (simultaneous open, RFC 9293 section 3.5). Such a
/// connection echoes requests and keeps the service from binding its port again.
fn refuse_self(stream: TcpStream) -> Result<TcpStream, DialError> {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(near), Ok(far)) if near == far => Err(DialError::Refused),
        _ => Ok(stream),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::testing::{BlackHole, DeadEnd};

    const S: Duration = Duration::from_secs(1);

    fn os(code: i32) -> DialError {
        io::Error::from_raw_os_error(code).into()
    }

    #[tokio::test]
    async fn dead_port_is_refused() {
        let nobody = DeadEnd::bind();
        let error = dial(nobody.endpoint(), S).await.unwrap_err();
        assert!(matches!(error, DialError::Refused), "{error:?}");
        assert!(!error.is_own());
    }

    #[tokio::test(start_paused = true)]
    async fn black_hole_times_out_at_the_limit() {
        let hole = BlackHole::open();
        let before = crate::clock::now();
        let error = dial(hole.endpoint(), S).await.unwrap_err();
        assert!(matches!(error, DialError::TimedOut), "{error:?}");
        let waited = crate::clock::now() - before;
        assert!(waited >= S && waited < S + Duration::from_millis(10), "{waited:?}");
    }

    #[tokio::test]
    async fn socket_connected_to_itself_counts_as_refused() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let own = socket.local_addr().unwrap();
        let stream = socket.connect(own).await.unwrap();
        assert!(matches!(refuse_self(stream), Err(DialError::Refused)));
    }

    #[tokio::test]
    async fn socket_options_are_set() {
        let server = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let stream = dial(server.local_addr().unwrap(), S).await.unwrap();
        let options = SockRef::from(&stream);
        assert!(stream.nodelay().unwrap());
        assert!(options.keepalive().unwrap());
        assert_eq!(options.tcp_keepalive_time().unwrap(), KEEP_ALIVE_AFTER);
        assert_eq!(options.tcp_keepalive_interval().unwrap(), KEEP_ALIVE_EVERY);
        assert_eq!(options.tcp_keepalive_retries().unwrap(), KEEP_ALIVE_PROBES);
        #[cfg(target_os = "linux")]
        assert_eq!(options.tcp_user_timeout().unwrap(), Some(UNACKNOWLEDGED_MAX));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn errors_of_the_system_are_named() {
        assert!(matches!(os(111), DialError::Refused));
        assert!(matches!(os(110), DialError::TimedOut));
        assert!(matches!(os(101), DialError::Unroutable(_)));
        assert!(matches!(os(113), DialError::Unroutable(_)));
        assert!(matches!(os(99), DialError::OutOfPorts(_)));
        assert!(matches!(os(24), DialError::OutOfDescriptors(_)));
        assert!(matches!(os(23), DialError::OutOfDescriptors(_)));
        assert!(matches!(os(1), DialError::Other(_)));
        assert!(os(99).is_own() && os(24).is_own() && !os(113).is_own());
    }
}
