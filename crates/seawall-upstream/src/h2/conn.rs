//! One HTTP/2 connection: what opens streams on it, and what is known of it.
//!
//! Reading and writing is up to the task in `driver`; which connection gets a stream is decided
//! in `book`.

use std::{
    cell::{Cell, RefCell},
    fmt, io,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use ::h2::client::{Builder, Connection, SendRequest};
use bytes::Bytes;
use http::Request;
use tokio::{net::TcpStream, time::Instant};

use super::settings::{STREAM_WINDOW, StreamSettings};
use crate::{
    DialError,
    meter::{Meter, Metered},
};

/// Most bytes of a response head, names and values: 64 KiB, as for HTTP/1.1.
const HEAD_BYTES_MAX: u32 = 64 << 10;

/// Written bytes that one stream may hold: as much as the inbound side grants a stream.
const SEND_BUFFER: usize = 64 << 10;

/// Streams that we reset are remembered for a while, for what the peer sent before it knew of the
/// reset; a frame of a forgotten stream counts as the peer's mistake. Hedging resets many.
const RESETS_REMEMBERED: usize = 1_024;
const RESETS_REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// A refusal lowers the number of streams that we believe in for so long, unless the peer says a
/// number of its own before.
const BELIEVED_FOR: Duration = Duration::from_secs(10);

/// Attempts given up one after the other, without a byte from the peer between, that take a
/// connection out of choice: TCP may still hold on to a path that is gone.
const SILENT_MAX: u32 = 3;

/// An attempt that was given up sooner says nothing of the path: a hedge may have been quicker, or
/// the caller have left. Within this time a packet that was lost has been sent again, for Linux
/// waits 200 ms at least for that, and been answered over any usual distance.
const SILENT_AFTER: Duration = Duration::from_millis(300);

pub(super) type Wire = Connection<Metered<TcpStream>, Bytes>;

/// A connection as its users hold it. When the last of them lets go, it says goodbye and closes.
pub(super) struct Conn {
    pub(super) id: u64,
    pub(super) state: Rc<State>,
    sender: RefCell<SendRequest<Bytes>>,
}

/// What users and the driver of a connection know of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) meter: Rc<Meter>,
    /// Streams in use.
    pub(super) streams: Cell<u32>,
    /// Requests so far.
    pub(super) served: Cell<u64>,
    /// Whether anybody has had a place on it.
    pub(super) is_taken: Cell<bool>,
    /// Since when there have been no streams, or some, without a break.
    pub(super) since: Cell<Instant>,
    /// What the peer allows.
    peer_limit: Cell<u32>,
    believed: Cell<Option<(u32, Instant)>>,
    silent: Cell<u32>,
    /// Wakes the driver.
    driver: RefCell<Waker>,
    /// Whether the peer was given up because it answered no ping.
    pub(super) is_unanswered: Cell<bool>,
}

impl State {
    fn new(meter: Rc<Meter>, peer_limit: u32, now: Instant) -> Self {
        Self {
            meter,
            streams: Cell::new(0),
            served: Cell::new(0),
            is_taken: Cell::new(false),
            since: Cell::new(now),
            peer_limit: Cell::new(peer_limit),
            believed: Cell::new(None),
            silent: Cell::new(0),
            driver: RefCell::new(Waker::noop().clone()),
            is_unanswered: Cell::new(false),
        }
    }

    /// Takes over what the peer allows; whether that is news.
    pub(super) fn set_peer_limit(&self, limit: usize) -> bool {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let is_news = self.peer_limit.replace(limit) != limit;
        if is_news {
            self.believed.set(None);
        }
        is_news
    }

    /// Streams at once that the peer is believed to serve.
    pub(super) fn limit(&self, now: Instant) -> u32 {
        let limit = self.peer_limit.get();
        match self.believed.get() {
            Some((believed, until)) if now < until => believed.min(limit),
            _ => limit,
        }
    }

    /// The peer refused a stream, beside those that are in use now.
    pub(super) fn on_refused(&self, now: Instant) {
        let served = self.streams.get().saturating_sub(1).max(1);
        let believed = served.min(self.limit(now));
        self.believed.set(Some((believed, now + BELIEVED_FOR)));
        // It minds the end of this belief, of which it knows nothing yet.
        self.driver.borrow().wake_by_ref();
    }

    /// Until when fewer streams are believed in than the peer allows, if they are.
    pub(super) fn believed_until(&self) -> Option<Instant> {
        self.believed.get().map(|(_, until)| until)
    }

    /// Believes what the peer says again.
    pub(super) fn trust(&self) {
        self.believed.set(None);
    }

    /// The driver sleeps, and is to be woken by this.
    pub(super) fn attend(&self, waker: &Waker) {
        self.driver.borrow_mut().clone_from(waker);
    }

    /// An attempt was given up after `waited`, and no byte had come since it began. Whether that
    /// was once too often.
    pub(super) fn on_silence(&self, waited: Duration) -> bool {
        if waited < SILENT_AFTER {
            return false;
        }
        self.silent.set(self.silent.get().saturating_add(1));
        self.silent.get() >= SILENT_MAX
    }

    pub(super) fn on_heard(&self) {
        self.silent.set(0);
    }

    /// How long it has been without streams; `None` while it has some.
    pub(super) fn idle_age(&self, now: Instant) -> Option<Duration> {
        (self.streams.get() == 0).then(|| now.saturating_duration_since(self.since.get()))
    }

    /// Since when it has had streams without a break.
    pub(super) fn busy_since(&self) -> Option<Instant> {
        (self.streams.get() > 0).then(|| self.since.get())
    }
}

impl Conn {
    /// Speaks HTTP/2 on a connected socket, up to the peer's first SETTINGS: only then is it known
    /// that the peer speaks it at all, and how many streams it serves.
    ///
    /// # Errors
    /// [`DialError::NotHttp2`] if something else comes, or the end.
    pub(super) async fn open(
        id: u64,
        stream: TcpStream,
        settings: &StreamSettings,
    ) -> Result<(Rc<Self>, Wire), DialError> {
        let meter = Rc::new(Meter::default());
        let stream = Metered::new(stream, Rc::clone(&meter));
        let (sender, mut wire) =
            builder(settings).handshake(stream).await.map_err(DialError::NotHttp2)?;
        let limit = std::future::poll_fn(|cx| poll_settings(&mut wire, cx)).await?;
        let state = State::new(meter, 0, crate::clock::now());
        state.set_peer_limit(limit);
        Ok((Rc::new(Self { id, state: Rc::new(state), sender: RefCell::new(sender) }), wire))
    }

    /// What would open streams on it; a stream that must wait for room on the wire blocks no other.
    pub(super) fn opener(&self) -> SendRequest<Bytes> {
        self.sender.borrow().clone()
    }

    /// Why it takes no new streams, if it does not.
    pub(super) fn ended(&self) -> Option<::h2::Error> {
        let mut cx = Context::from_waker(Waker::noop());
        match self.sender.borrow_mut().poll_ready(&mut cx) {
            Poll::Ready(ready) => ready.err(),
            Poll::Pending => None,
        }
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn").field("id", &self.id).field("state", &self.state).finish()
    }
}

fn builder(settings: &StreamSettings) -> Builder {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(settings.connection_window())
        .max_header_list_size(HEAD_BYTES_MAX)
        .max_send_buffer_size(SEND_BUFFER)
        .max_concurrent_reset_streams(RESETS_REMEMBERED)
        .reset_stream_duration(RESETS_REMEMBERED_FOR)
        // None until the peer has said a number: the crate would guess a hundred.
        .initial_max_send_streams(0);
    builder
}

/// The peer's limit on streams, once it has come and allows any.
fn poll_settings(wire: &mut Wire, cx: &mut Context<'_>) -> Poll<Result<usize, DialError>> {
    use std::{future::Future as _, pin::Pin};
    if let Poll::Ready(ended) = Pin::new(&mut *wire).poll(cx) {
        let why = ended.err().unwrap_or_else(|| ::h2::Reason::NO_ERROR.into());
        return Poll::Ready(Err(match why.get_io().map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => DialError::TimedOut,
            _ => DialError::NotHttp2(why),
        }));
    }
    match wire.max_concurrent_send_streams() {
        0 => Poll::Pending,
        limit => Poll::Ready(Ok(limit)),
    }
}

/// Opens a stream for `request`. `opener` comes from [`Conn::opener`].
///
/// # Errors
/// Nothing was sent then.
pub(super) fn open_stream(
    mut opener: SendRequest<Bytes>,
    request: Request<()>,
    body: BodyFollows,
) -> Result<(::h2::client::ResponseFuture, ::h2::SendStream<Bytes>), ::h2::Error> {
    opener.send_request(request, body == BodyFollows::No)
}

/// Whether a body follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFollows {
    Yes,
    No,
}
