//! An open-loop load of small requests: each is due at a fixed moment, whatever became of those
//! before it, and none is repeated by the client. At most [`AT_ONCE`] run at once.
//!
//! One careful exchange is in `client`; what the gateway does to bodies and heads is tested there.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::backend::ID;
use super::clock::{PATIENCE, Stopwatch, eventually};

/// Clients of a load. At 300 requests a second they bear a stall of a fifth of a second in which
/// nothing at all is answered before the load falls behind.
pub(crate) const AT_ONCE: u32 = 64;

/// What a client does when the other side has closed its connection between two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnClose {
    /// It opens another, as clients do.
    Reconnect,
    /// It leaves, so that every request of the load is one on a connection that was kept.
    Leave,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) per_second: u32,
    pub(crate) requests: u32,
    pub(crate) on_close: OnClose,
    /// The request line without the version, such as `GET /stock/1`.
    pub(crate) line: &'static str,
    /// Header lines, each with its line end; a number in braces stands for the request's own.
    pub(crate) lines: &'static str,
}

impl Plan {
    /// GETs at 300 a second on connections that are kept.
    pub(crate) fn gets(address: SocketAddr, requests: u32) -> Self {
        let (line, lines, on_close) = ("GET /stock/1", "", OnClose::Reconnect);
        Self { address, per_second: 300, requests, on_close, line, lines }
    }

    /// POSTs without a body and without an idempotency key.
    pub(crate) fn posts(address: SocketAddr, requests: u32) -> Self {
        let lines = "Content-Length: 0\r\n";
        Self { line: "POST /order", lines, ..Self::gets(address, requests) }
    }

    fn head(&self, number: u32) -> String {
        format!("{} HTTP/1.1\r\nHost: shop.test\r\n{ID}: {number}\r\n{}\r\n", self.line, self.lines)
    }
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// A whole answer with this status.
    Answer(u16),
    /// There was no connection to send it on.
    NotConnected,
    /// It was sent, and no whole answer came.
    Lost(String),
}

/// A load while it runs, and its results.
#[derive(Debug, Default)]
pub(crate) struct Results {
    came: Mutex<Vec<(u32, Came)>>,
    next: AtomicU32,
    over: AtomicBool,
}

impl Results {
    /// Returns once this many requests have come to something.
    pub(crate) fn wait_for(&self, count: usize) {
        eventually("the progress of the load", || (self.len() >= count).then_some(()));
    }

    /// Lets the clients end before the plan does.
    pub(crate) fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn len(&self) -> usize {
        self.came.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How many came to this.
    pub(crate) fn count(&self, wanted: impl Fn(&Came) -> bool) -> usize {
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.iter().filter(|(_, came)| wanted(came)).count()
    }

    /// Everything but answers with 200, by number.
    pub(crate) fn bad(&self) -> Vec<(u32, Came)> {
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.iter().filter(|(_, came)| *came != Came::Answer(200)).cloned().collect()
    }

    fn note(&self, number: u32, came: Came) {
        self.came.lock().unwrap_or_else(PoisonError::into_inner).push((number, came));
    }
}

/// Runs the load to its end, with `meanwhile` on this thread.
pub(crate) fn fire(plan: &Plan, meanwhile: impl FnOnce(&Results)) -> Results {
    let (results, started) = (Results::default(), Stopwatch::start());
    thread::scope(|clients| {
        for _ in 0..AT_ONCE {
            clients.spawn(|| Client { plan, results: &results, started, stream: None }.run());
        }
        // A failure in there must not leave the clients to their plan.
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| meanwhile(&results)));
        if let Err(panic) = failed {
            results.stop();
            std::panic::resume_unwind(panic);
        }
    });
    results
}

struct Client<'a> {
    plan: &'a Plan,
    results: &'a Results,
    started: Stopwatch,
    stream: Option<BufReader<TcpStream>>,
}

/// Whether the connection may be used again.
#[derive(PartialEq, Eq)]
enum After {
    Kept,
    Closed,
}

impl Client<'_> {
    fn run(mut self) {
        let mut connected_before = false;
        while !self.results.over.load(Ordering::Relaxed) {
            let number = self.results.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.plan.requests {
                return;
            }
            self.wait_until_due(number);
            self.stream = self.stream.take().filter(|stream| is_open(stream.get_ref()));
            if self.stream.is_none() && connected_before && self.plan.on_close == OnClose::Leave {
                return;
            }
            connected_before = true;
            let came = self.ask(number);
            self.results.note(number, came);
        }
    }

    fn ask(&mut self, number: u32) -> Came {
        let Some(mut stream) = self.stream.take().or_else(|| connect(self.plan.address)) else {
            return Came::NotConnected;
        };
        let sent = stream.get_mut().write_all(self.plan.head(number).as_bytes());
        match sent.and_then(|()| read_answer(&mut stream)) {
            Ok((status, after)) => {
                self.stream = (after == After::Kept).then_some(stream);
                Came::Answer(status)
            }
            Err(error) => Came::Lost(error.to_string()),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock of an open-loop load")]
    fn wait_until_due(&self, number: u32) {
        let due = Duration::from_secs(1) * number / self.plan.per_second;
        thread::sleep(due.saturating_sub(self.started.elapsed()));
    }
}

fn connect(address: SocketAddr) -> Option<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    Some(BufReader::new(stream))
}

/// Whether the other side has not closed yet, as far as can be known before sending.
fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let seen = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    matches!(seen, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<(u16, After)> {
    let (mut status, mut length, mut after) = (None, None, After::Kept);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::Error::other(format!("closed after status {status:?}")));
        }
        let line = line.trim_end().to_ascii_lowercase();
        match line.split_once(':') {
            None if line.is_empty() => break,
            None => status = line.split(' ').nth(1).and_then(|code| code.parse().ok()),
            Some(("content-length", value)) => length = value.trim().parse().ok(),
            Some(("connection", value)) if value.trim() == "close" => after = After::Closed,
            Some(_) => {}
        }
    }
    let (Some(status), Some(length)) = (status, length) else {
        return Err(io::Error::other("an answer without status or length"));
    };
    stream.read_exact(&mut vec![0; length])?;
    Ok((status, after))
}
