//! The little HTTP/1.1 that the scripted backends speak: they read requests as they come and write
//! answers as a script wants them, also wrong ones, which no HTTP library would do.

use std::io::{self, BufRead, Read, Write};

use super::ID;

/// The longest head that is read, in bytes.
const HEAD_MAX: u64 = 1 << 20;
/// Bodies are kept up to this size; the rest of longer ones is only counted.
const BODY_KEPT_MAX: usize = 4 << 20;

/// A request as a backend saw it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Which request of the backend this is, from 1.
    pub(crate) nth: usize,
    /// Which connection of the backend it came on, from 1.
    pub(crate) connection: usize,
    /// The head as it came, without the empty line.
    pub(crate) head: String,
    /// The body without its framing.
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end.
    pub(crate) complete: bool,
}

impl Seen {
    /// The method.
    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// The target.
    pub(crate) fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The first value of this header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    /// By what the test tells requests apart.
    pub(crate) fn id(&self) -> Option<&str> {
        self.header(ID)
    }
}

/// The next request; `None` when the peer is done. A body that breaks off makes it incomplete.
pub(super) fn read(reader: &mut impl BufRead, back: &mut impl Write) -> io::Result<Option<Seen>> {
    let Some(head) = read_head(reader)? else { return Ok(None) };
    let mut seen = Seen { head, ..Seen::default() };
    if seen.header("expect").is_some() {
        back.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let read = if seen.header("transfer-encoding").is_some() {
        read_chunks(reader, &mut seen.body)
    } else {
        let length = seen.header("content-length").and_then(|text| text.parse().ok());
        read_exactly(reader, length.unwrap_or_default(), &mut seen.body)
    };
    seen.complete = read.is_ok();
    Ok(Some(seen))
}

fn read_head(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut limited = reader.take(HEAD_MAX);
    while limited.read_until(b'\n', &mut head)? > 0 {
        if head.ends_with(b"\r\n\r\n") {
            head.truncate(head.len() - 4);
            return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
        }
    }
    Ok(None)
}

fn read_exactly(reader: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    let mut left = length;
    let mut piece = [0; 16 << 10];
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        let count = reader.read(&mut piece[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let kept = count.min(BODY_KEPT_MAX.saturating_sub(body.len()));
        body.extend_from_slice(&piece[..kept]);
        left -= u64::try_from(count).unwrap_or(left);
    }
    Ok(())
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let line = read_line(reader)?;
        let digits = line.split(';').next().unwrap_or_default();
        let length = u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        if length == 0 {
            // Trailers, if any, end with an empty line.
            while !read_line(reader)?.is_empty() {}
            return Ok(());
        }
        read_exactly(reader, length, body)?;
        read_line(reader)?;
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.take(HEAD_MAX).read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// A well-formed answer; `lines` are more header lines, each ending in CRLF.
pub(super) fn answer(
    back: &mut impl Write,
    status: u16,
    lines: &str,
    body: &[u8],
) -> io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Scripted\r\n{lines}Content-Length: {length}\r\n\r\n");
    back.write_all(&[head.as_bytes(), body].concat())
}
