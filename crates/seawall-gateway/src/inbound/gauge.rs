//! What the parts of one connection tell its watchdog, and what follows from it. It reads no
//! clock and sets no timer; the watchdog does, in `watchdog`.

use std::cell::{Cell, RefCell};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::meters::Closed;
use super::resets::{ResetAt, ResetMeter};
use super::settings::InboundSettings;

/// A connection that waits for its next request for so long gives its buffers back. They are most
/// of its memory; they are made anew for the next request, once in this time at most.
const REST_AFTER: Duration = Duration::from_secs(1);

/// What the peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Too few bytes came to tell.
    Unknown,
    /// HTTP/1.0 or 1.1.
    Http1,
    /// HTTP/2 by prior knowledge.
    Http2,
}

/// What is waited for while no call is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaiting {
    /// The first byte of the connection.
    FirstByte,
    /// The first byte of a next request.
    Request,
    /// The rest of a head, or the first frame after the HTTP/2 preface.
    Head,
}

/// What the watchdog asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Drop the connection.
    Close(Closed),
    /// End it as the protocol wishes: nothing is in flight.
    Depart(Closed),
    /// Give its buffers back: it has been quiet for a while.
    Rest,
}

/// Whether a connection has given its buffers back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resting {
    Yes,
    No,
}

/// The state of one connection, shared by its parts. Single-threaded.
#[derive(Debug)]
pub(super) struct Gauge {
    settings: InboundSettings,
    protocol: Cell<Protocol>,
    calls: Cell<u32>,
    awaiting: Cell<Awaiting>,
    since: Cell<Instant>,
    line: Cell<Option<usize>>,
    blocked: Cell<Option<Instant>>,
    wrote: Cell<Instant>,
    offers: Cell<u32>,
    offered: Cell<Instant>,
    linger_until: Cell<Option<Instant>>,
    departed: Cell<Option<(Closed, Instant)>>,
    doom: Cell<Option<Closed>>,
    eof: Cell<bool>,
    resting: Cell<bool>,
    resets: RefCell<ResetMeter>,
    waker: RefCell<Option<Waker>>,
}

impl Gauge {
    pub(super) fn new(settings: &InboundSettings, now: Instant) -> Self {
        Self {
            settings: settings.clone(),
            protocol: Cell::new(Protocol::Unknown),
            calls: Cell::new(0),
            awaiting: Cell::new(Awaiting::FirstByte),
            since: Cell::new(now),
            line: Cell::new(None),
            blocked: Cell::new(None),
            wrote: Cell::new(now),
            offers: Cell::new(0),
            offered: Cell::new(now),
            linger_until: Cell::new(None),
            departed: Cell::new(None),
            doom: Cell::new(None),
            eof: Cell::new(false),
            resting: Cell::new(false),
            resets: RefCell::new(ResetMeter::new(settings.resets, now)),
            waker: RefCell::new(None),
        }
    }

    // --- facts ---

    /// The peer's protocol is known.
    pub(super) fn on_protocol(&self, protocol: Protocol, now: Instant) {
        self.protocol.set(protocol);
        if protocol == Protocol::Http2 {
            self.awaiting.set(Awaiting::Head);
            self.since.set(now);
        }
    }

    /// Bytes came. On HTTP/1 they belong to a head while no call is in flight; a body that is
    /// still read after its answer has ended counts as one too, for nobody waits for it.
    pub(super) fn on_read(&self, bytes: &[u8], now: impl FnOnce() -> Instant) {
        if self.calls.get() > 0 {
            return;
        }
        match (self.protocol.get(), self.awaiting.get()) {
            (Protocol::Http2, Awaiting::Head) => self.turn(Awaiting::Request, now()),
            (Protocol::Http2, _) => {}
            (_, Awaiting::Head) => self.measure_line(bytes),
            (_, Awaiting::FirstByte | Awaiting::Request) => {
                self.turn(Awaiting::Head, now());
                self.line.set(Some(0));
                self.measure_line(bytes);
            }
        }
    }

    /// The peer will send no more.
    pub(super) fn on_eof(&self) {
        self.eof.set(true);
    }

    /// The connection has given its buffers back, or has them again.
    pub(super) fn on_rest(&self, resting: Resting) {
        self.resting.set(resting == Resting::Yes);
    }

    /// A write made progress; `now` is asked for only where it matters.
    pub(super) fn on_written(&self, now: impl FnOnce() -> Instant) {
        if self.blocked.take().is_some() || self.offers.get() > 0 {
            self.wrote.set(now());
        }
    }

    /// The peer takes no more bytes for now.
    pub(super) fn on_blocked(&self, now: impl FnOnce() -> Instant) {
        if self.blocked.get().is_none() {
            self.blocked.set(Some(now()));
        }
    }

    /// A call begins.
    pub(super) fn on_call(&self) {
        self.calls.set(self.calls.get() + 1);
        self.line.set(None);
    }

    /// A call has ended: its body is written, or it was given up.
    pub(super) fn on_call_ended(&self, now: Instant) {
        self.calls.set(self.calls.get().saturating_sub(1));
        if self.calls.get() == 0 {
            self.turn(Awaiting::Request, now);
        }
    }

    /// An HTTP/2 stream was reset by the peer.
    pub(super) fn on_reset(&self, at: ResetAt, now: Instant) {
        if self.resets.borrow_mut().on_reset(at, now) {
            self.doom(Closed::ResetFlood);
        }
    }

    /// The body of an answer has bytes for its stream.
    pub(super) fn on_offer(&self, now: Instant) {
        if self.offers.replace(self.offers.get() + 1) == 0 {
            self.offered.set(now);
        }
    }

    /// The stream has taken those bytes, or the body is gone.
    pub(super) fn on_offer_taken(&self, now: Instant) {
        self.offers.set(self.offers.get().saturating_sub(1));
        self.offered.set(now);
    }

    /// The gateway drains. The connection is still served for the linger, if it is quiet.
    pub(super) fn on_drain(&self, now: Instant) {
        self.linger_until.set(Some(now + self.settings.drain_linger));
    }

    /// The connection was told to end.
    pub(super) fn on_depart(&self, reason: Closed, now: Instant) {
        self.departed.set(self.departed.get().or(Some((reason, now))));
    }

    // --- questions ---

    pub(super) fn protocol(&self) -> Protocol {
        self.protocol.get()
    }

    pub(super) fn is_draining(&self) -> bool {
        self.linger_until.get().is_some()
    }

    pub(super) fn is_calling(&self) -> bool {
        self.calls.get() > 0
    }

    pub(super) fn has_eof(&self) -> bool {
        self.eof.get()
    }

    /// Whether nobody would miss the connection: no call, no begun head, no unsent byte.
    pub(super) fn is_quiet(&self) -> bool {
        let waits = self.awaiting.get() != Awaiting::Head || self.protocol.get() == Protocol::Http2;
        !self.is_calling() && self.blocked.get().is_none() && waits
    }

    /// Whether it is kept only for a next request.
    pub(super) fn is_idle(&self) -> bool {
        self.is_quiet() && self.awaiting.get() == Awaiting::Request
    }

    /// Why it was told to end.
    pub(super) fn departed(&self) -> Option<Closed> {
        self.departed.get().map(|(reason, _)| reason)
    }

    /// What must happen without waiting.
    pub(super) fn doomed(&self) -> Option<Closed> {
        self.doom.get()
    }

    /// The earliest instant at which something must happen if no more facts arrive, and what.
    pub(super) fn next(&self) -> Option<(Instant, Verdict)> {
        let stall = self.stall_end().map(|at| (at, Verdict::Close(Closed::WriteStall)));
        let wait = if self.is_calling() || self.blocked.get().is_some() {
            None
        } else {
            Some(self.wait_end())
        };
        match (stall, wait) {
            (Some(stall), Some(wait)) => Some(if stall.0 < wait.0 { stall } else { wait }),
            (stall, wait) => stall.or(wait),
        }
    }

    /// Wakes this task when a fact from another one dooms the connection.
    pub(super) fn wake(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if waker.as_ref().is_none_or(|known| !known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    // --- what follows ---

    fn stall_end(&self) -> Option<Instant> {
        let offered = (self.offers.get() > 0).then(|| self.offered.get().max(self.wrote.get()));
        let since = [self.blocked.get(), offered].into_iter().flatten().min()?;
        Some(since + self.settings.write_stall)
    }

    fn wait_end(&self) -> (Instant, Verdict) {
        let since = self.since.get().max(self.wrote.get());
        if let Some((reason, departed)) = self.departed.get() {
            return (since.max(departed) + self.settings.write_stall, Verdict::Close(reason));
        }
        let Settled { wait, verdict } = self.patience();
        let end = match self.linger_until.get() {
            Some(until) if self.is_quiet() && until < since + wait => {
                (until, Verdict::Depart(Closed::Drained))
            }
            _ => (since + wait, verdict),
        };
        if self.may_rest() && since + REST_AFTER < end.0 {
            return (since + REST_AFTER, Verdict::Rest);
        }
        end
    }

    /// HTTP/2 keeps its state of the connection, which has no buffers to speak of.
    fn may_rest(&self) -> bool {
        self.protocol.get() == Protocol::Http1 && self.is_idle() && !self.resting.get()
    }

    fn patience(&self) -> Settled {
        let Self { settings, awaiting, .. } = self;
        let (wait, verdict) = match awaiting.get() {
            Awaiting::FirstByte | Awaiting::Head => {
                (settings.header_timeout, Verdict::Close(Closed::HeaderTimeout))
            }
            Awaiting::Request => (settings.idle_timeout, Verdict::Depart(Closed::Idle)),
        };
        Settled { wait, verdict }
    }

    fn turn(&self, awaiting: Awaiting, now: Instant) {
        self.awaiting.set(awaiting);
        self.since.set(now);
    }

    /// A request line that fills a whole head's room is refused as such: hyper would call it a
    /// large head (431), and a client could not tell what to shorten.
    fn measure_line(&self, bytes: &[u8]) {
        let Some(length) = self.line.get() else { return };
        let line = (!bytes.contains(&b'\n')).then_some(length + bytes.len());
        self.line.set(line);
        if line.is_some_and(|length| length >= self.settings.header_bytes) {
            self.doom(Closed::UriTooLong);
        }
    }

    fn doom(&self, reason: Closed) {
        self.doom.set(self.doom.get().or(Some(reason)));
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// How long the present state may last, and what ends it.
struct Settled {
    wait: Duration,
    verdict: Verdict,
}

#[cfg(test)]
mod tests;
