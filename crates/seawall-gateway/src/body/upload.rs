//! The caller's request body: read once, kept while it fits, so that another attempt can send it
//! from the start.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep_until};

use seawall_core::call::Replay;
use seawall_core::time::{Duration, Instant};

use super::memory::ReplayMemory;
use crate::clock::Clock;

/// A body slower than this is held up on purpose, or as good as: 240 bytes a second.
const RATE_MIN: u64 = 240;
/// The rate is judged only after this, so that a slow start is forgiven.
const RATE_AFTER: Duration = Duration::from_secs(10);

/// What a request body may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UploadLimits {
    /// Bytes kept for further attempts.
    pub(crate) replay: u64,
    /// Bytes in all; `None` for no limit.
    pub(crate) body_max: Option<u64>,
    /// Longest silence of the caller.
    pub(crate) idle: Duration,
}

/// How the caller's body failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Silent for too long, or slower than the least rate.
    Stalled,
    /// Larger than allowed.
    TooLarge,
    /// Broke off or was malformed.
    Broken,
}

/// One request body. Attempts read it one after the other.
#[derive(Debug)]
pub(crate) struct Upload {
    incoming: Incoming,
    kept: Kept,
    ended: bool,
    fault: Option<Fault>,
    read: u64,
    length: Option<u64>,
    started: Instant,
    progress: Instant,
    waiting: bool,
    timer: Pin<Box<Sleep>>,
    limits: UploadLimits,
    clock: Clock,
}

/// The frames read so far, as long as they fit.
#[derive(Debug)]
struct Kept {
    frames: Vec<Bytes>,
    trailers: Option<http::HeaderMap>,
    bytes: u64,
    whole: bool,
    memory: ReplayMemory,
}

impl Upload {
    /// Takes over a body that has not been read.
    pub(crate) fn new(
        incoming: Incoming,
        limits: UploadLimits,
        memory: ReplayMemory,
        clock: Clock,
    ) -> Self {
        let now = clock.now();
        let length = incoming.size_hint().exact();
        // A body that is known not to fit is not kept at all.
        let whole = length.is_none_or(|length| length <= limits.replay);
        Self {
            ended: incoming.is_end_stream(),
            incoming,
            kept: Kept { frames: Vec::new(), trailers: None, bytes: 0, whole, memory },
            fault: None,
            read: 0,
            length,
            started: now,
            progress: now,
            waiting: false,
            timer: Box::pin(sleep_until(clock.runtime(now.after(limits.idle)))),
            limits,
            clock,
        }
    }

    /// Whether the body is announced as larger than allowed.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!((self.length, self.limits.body_max), (Some(length), Some(max)) if length > max)
    }

    /// Whether another attempt could send the request from the start.
    pub(crate) fn replay(&self) -> Replay {
        match self.fault.is_none() && (self.kept.whole || self.read == 0) {
            true => Replay::Possible,
            false => Replay::Lost,
        }
    }

    /// How the caller failed, if it did.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Since when the service waits for the caller; `None` if it is the service's turn.
    pub(crate) fn waiting_for_caller(&self) -> Option<Instant> {
        (self.waiting && !self.ended).then_some(self.progress)
    }

    /// The latest moment at which the caller sent something, while it still sends.
    pub(crate) fn last_progress(&self) -> Option<Instant> {
        (!self.ended && self.read > 0).then_some(self.progress)
    }

    /// The exact length, where the caller announced it.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.ended && self.read == 0 && self.kept.trailers.is_none()
    }

    /// Whether `next` frames are all there will ever be.
    pub(super) fn is_done(&self, next: usize) -> bool {
        self.ended && next >= self.kept.frames.len() && self.kept.trailers.is_none()
    }

    /// Frame number `next`, counted from 0 in this body.
    pub(super) fn poll_frame(
        &mut self,
        next: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if let Some(fault) = self.fault {
            return Poll::Ready(Some(Err(fault)));
        }
        if let Some(frame) = self.kept.frames.get(*next) {
            *next += 1;
            return Poll::Ready(Some(Ok(Frame::data(frame.clone()))));
        }
        if self.ended {
            let trailers = self.kept.trailers.clone().filter(|_| *next == self.kept.frames.len());
            *next = self.kept.frames.len() + 1;
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        }
        let frame = ready!(self.poll_caller(cx));
        if matches!(&frame, Some(Ok(frame)) if frame.is_data()) && self.kept.whole {
            *next += 1;
        }
        if matches!(&frame, Some(Ok(frame)) if frame.is_trailers()) {
            *next = self.kept.frames.len() + 1;
        }
        Poll::Ready(frame)
    }

    fn poll_caller(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(self.take(frame))),
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(self.fail(Fault::Broken)))),
            Poll::Ready(None) => {
                self.waiting = false;
                self.ended = true;
                Poll::Ready(None)
            }
            Poll::Pending => self.poll_silence(cx),
        }
    }

    fn take(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Fault> {
        self.waiting = false;
        self.progress = self.clock.now();
        self.ended = self.incoming.is_end_stream();
        match frame.into_data() {
            Ok(bytes) => self.take_bytes(bytes).map(Frame::data),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                self.ended = true;
                self.kept.trailers = Some(trailers.clone());
                Ok(Frame::trailers(trailers))
            }
        }
    }

    fn take_bytes(&mut self, bytes: Bytes) -> Result<Bytes, Fault> {
        self.read += bytes.len() as u64;
        if self.limits.body_max.is_some_and(|max| self.read > max) {
            return Err(self.fail(Fault::TooLarge));
        }
        let elapsed = self.progress.since(self.started);
        if elapsed > RATE_AFTER && !self.ended && self.read / elapsed.as_secs().max(1) < RATE_MIN {
            return Err(self.fail(Fault::Stalled));
        }
        self.kept.keep(&bytes, self.limits.replay);
        Ok(bytes)
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if !self.waiting {
            // The clock of the caller's silence starts when the service first wants more.
            self.waiting = true;
            self.progress = self.clock.now();
        }
        let limit = self.clock.runtime(self.progress.after(self.limits.idle));
        if self.timer.deadline() != limit {
            self.timer.as_mut().reset(limit);
        }
        ready!(self.timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(self.fail(Fault::Stalled))))
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        self.fault = Some(fault);
        self.kept.drop_all();
        fault
    }
}

impl Kept {
    fn keep(&mut self, bytes: &Bytes, cap: u64) {
        if !self.whole {
            return;
        }
        let length = bytes.len() as u64;
        if self.bytes + length > cap || self.memory.reserve(length).is_err() {
            self.drop_all();
            return;
        }
        self.bytes += length;
        self.frames.push(bytes.clone());
    }

    fn drop_all(&mut self) {
        self.memory.release(self.bytes);
        self.bytes = 0;
        self.frames = Vec::new();
        self.whole = false;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.memory.release(self.bytes);
    }
}
