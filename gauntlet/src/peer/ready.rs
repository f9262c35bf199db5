//! Whether a product answers: a real request at its address, from where the clients are.

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::wait;
use super::wanted::Protocol;

/// How long a product may take to start. Envoy needs a second on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for three attempts at replicas that are not there.
const ANSWER: Duration = Duration::from_secs(3);

/// Asks until something answers or `still` says that nobody will.
pub(super) fn answers(
    address: SocketAddr,
    protocol: Protocol,
    still: &(dyn Fn() -> bool + Sync),
) -> bool {
    let asked = || match ask(address, protocol) {
        Ok(()) => Some(true),
        Err(_) if !still() => Some(false),
        Err(_) => None,
    };
    wait::until(PATIENCE, asked).unwrap_or(false)
}

/// Any answer will do: whether replicas are well is not asked here.
fn ask(address: SocketAddr, protocol: Protocol) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(500))?;
    stream.set_read_timeout(Some(ANSWER))?;
    let host = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    match protocol {
        Protocol::Http1 => stream.write_all(host.as_bytes())?,
        Protocol::Http2 => {
            stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")?;
        }
    }
    stream.read_exact(&mut [0])
}
