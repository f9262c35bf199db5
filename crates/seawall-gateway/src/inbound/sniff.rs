//! Tells HTTP/2 by prior knowledge from HTTP/1, by the connection preface of RFC 9113
//! section 3.4. It parses nothing else.

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::gauge::{Gauge, Protocol};
use crate::clock;

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads until the protocol is clear. Returns the bytes read, or nothing if the peer left.
/// Dropping it in between loses bytes that were read; the connection ends then anyway.
pub(super) async fn sniff(stream: &mut TcpStream, gauge: &Gauge) -> Option<Bytes> {
    let mut head = [0; PREFACE.len()];
    let mut filled = 0;
    loop {
        let count = stream.read(head.get_mut(filled..)?).await.ok().filter(|count| *count > 0)?;
        let read = head.get(filled..filled + count)?;
        gauge.on_read(read, clock::now);
        filled += count;
        let seen = head.get(..filled)?;
        let protocol = protocol(seen);
        if protocol != Protocol::Unknown {
            gauge.on_protocol(protocol, clock::now());
            return Some(Bytes::copy_from_slice(seen));
        }
    }
}

fn protocol(seen: &[u8]) -> Protocol {
    match (PREFACE.starts_with(seen), seen.len() == PREFACE.len()) {
        (false, _) => Protocol::Http1,
        (true, false) => Protocol::Unknown,
        (true, true) => Protocol::Http2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_preface_is_http2() {
        assert_eq!(protocol(b"P"), Protocol::Unknown);
        assert_eq!(protocol(&PREFACE[..23]), Protocol::Unknown);
        assert_eq!(protocol(PREFACE), Protocol::Http2);
        assert_eq!(protocol(b"POST /"), Protocol::Http1);
        assert_eq!(protocol(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"), Protocol::Http1);
    }
}
