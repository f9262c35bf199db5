//! Memory of connections that do nothing.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::peer::{Running, pause};

use super::results::Sample;

/// Opens so many connections, has one request answered on each, and weighs the product before and
/// after. Connections that are refused or closed again count as failed.
pub(super) fn sample(running: &Running<'_>, count: u32) -> io::Result<Sample> {
    // What the first requests cost is not the connections'.
    (0..64).try_for_each(|_| open(running).map(drop))?;
    pause(Duration::from_millis(300));
    let before = running.cost().resident;
    let mut held = Vec::new();
    let mut failed = 0;
    for _ in 0..count {
        match open(running) {
            Ok(stream) => held.push(stream),
            Err(_) => failed += 1,
        }
        // A product at its limit lets everybody wait; a tenth tells as much as all.
        if failed > u64::from(count / 100) {
            break;
        }
    }
    pause(Duration::from_millis(500));
    let resident = running.cost().resident;
    let open = u64::try_from(held.len()).unwrap_or(u64::MAX);
    if open == 0 {
        return Err(io::Error::other("no connection could be opened"));
    }
    let each = resident.saturating_sub(before) / open;
    let closed = u64::from(count).saturating_sub(open);
    Ok(Sample { resident: each, failed: closed, ..Sample::default() })
}

fn open(running: &Running<'_>) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&running.address(), Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: gauntlet\r\n\r\n")?;
    let mut seen = Vec::new();
    let mut part = [0; 1024];
    while !seen.ends_with(b"xxxx") {
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => seen.extend_from_slice(part.get(..length).unwrap_or_default()),
        }
    }
    Ok(stream)
}
