//! A plain HTTP/1.1 client on a blocking socket: sends the bytes it is given and reads answers one
//! by one. Whoever needs more than bytes uses a real client program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::clock::PATIENCE;

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Names in lower case, in the order of arrival.
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// The first value of a field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// An answer with its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    /// The lines after the last chunk.
    pub(crate) trailers: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect_timeout(&address, PATIENCE).unwrap())
    }

    /// One that is open already, from either side.
    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish_sending(&self) {
        self.socket().shutdown(Shutdown::Write).unwrap();
    }

    /// Sends `METHOD target` with `lines`, each without its line end, and a Host if none is given.
    pub(crate) fn request(&mut self, line: &str, lines: &[&str]) {
        let mut head = format!("{line} HTTP/1.1\r\n");
        if !lines.iter().any(|line| line.to_ascii_lowercase().starts_with("host:")) {
            head.push_str("Host: shop.test\r\n");
        }
        for line in lines {
            head.push_str(line);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        self.send(head);
    }

    /// The next request's line and fields, or `None` where the other side closed before it.
    pub(crate) fn request_head(&mut self) -> Option<(String, Vec<(String, String)>)> {
        let line = self.line()?;
        Some((line, self.fields()))
    }

    /// The next head, or `None` where the other side closed before it.
    pub(crate) fn head(&mut self) -> Option<Head> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {line:?}"));
        Some(Head { status, headers: self.fields() })
    }

    /// The next answer to a GET or POST as a whole.
    pub(crate) fn answer(&mut self) -> Answer {
        self.try_answer().expect("the connection was closed instead of an answer")
    }

    /// The next answer, or `None` where the other side closed before it.
    pub(crate) fn try_answer(&mut self) -> Option<Answer> {
        let head = self.head()?;
        let mut answer = Answer { head, body: Vec::new(), trailers: Vec::new() };
        if answer.header("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk() {
                answer.body.extend(chunk);
            }
            answer.trailers = self.fields();
        } else if let Some(length) = answer.header("content-length") {
            answer.body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut answer.body).unwrap();
        } else if answer.status() >= 200 && answer.status() != 204 && answer.status() != 304 {
            self.stream.read_to_end(&mut answer.body).unwrap();
        }
        Some(answer)
    }

    /// The next chunk, or `None` for the last; its trailers are then still to be read.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.line().expect("the connection was closed instead of a chunk");
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default(), 16);
        let size = size.unwrap_or_else(|_| panic!("no chunk size: {line:?}"));
        if size == 0 {
            return None;
        }
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).unwrap();
        assert!(chunk.ends_with(b"\r\n"), "a chunk ends with its line end");
        chunk.truncate(size);
        Some(chunk)
    }

    /// Fields up to the empty line.
    pub(crate) fn fields(&mut self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        while let Some(line) = self.line().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a field has a colon");
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        fields
    }

    /// The bytes of a body as they are; whoever reads them knows where they end.
    pub(crate) fn body(&mut self) -> &mut impl Read {
        &mut self.stream
    }

    /// Reads body bytes as they are; 0 at the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> usize {
        self.stream.read(buffer).unwrap()
    }

    /// Everything up to the end; a reset counts as one.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => {
                panic!("neither closed nor reset: {error}; so far {rest:?}")
            }
            _ => rest,
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
            read => read.unwrap(),
        };
        line.strip_suffix("\r\n").map(str::to_owned)
    }
}

/// Asks once on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    let mut connection = Connection::to(address);
    let host = format!("Host: {address}");
    connection.request(&format!("GET {path}"), &[&host, "Connection: close"]);
    connection.answer()
}
