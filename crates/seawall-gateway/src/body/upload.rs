//! The caller's request body: read once, kept while it fits, so that another attempt can send it
//! from the start. How slow the caller may be is the core's to say (`timeout::Upload`).

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep_until};

use seawall_core::call::Replay;
use seawall_core::outcome::CallerFault;
use seawall_core::time::{Duration, Instant};
use seawall_core::timeout::{Upload as Uploading, UploadRate, UploadSettings};

use super::BodyError;
use super::memory::{Full, ReplayMemory};
use crate::clock::Clock;
use crate::wire::Trailers;

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

/// One request body. Attempts read it one after the other, and beside one another once all of it
/// has come and is kept.
#[derive(Debug)]
pub(crate) struct Upload {
    incoming: Incoming,
    kept: Kept,
    trailers: Option<HeaderMap>,
    ended: bool,
    fault: Option<CallerFault>,
    length: Option<u64>,
    /// What has come, and how fast.
    progress: Uploading,
    /// The attempt that may read; earlier ones may still be alive in a connection's task.
    reader: u64,
    timer: Pin<Box<Sleep>>,
    limits: UploadLimits,
    clock: Clock,
}

/// How far an attempt has read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    reader: u64,
    bytes: u64,
    trailers: bool,
}

impl Place {
    /// The start, for the reader of this number.
    pub(super) fn start(reader: u64) -> Self {
        Self { reader, bytes: 0, trailers: false }
    }

    /// Whether nothing has been read.
    pub(super) fn is_start(self) -> bool {
        self.bytes == 0 && !self.trailers
    }
}

/// What was read so far, as long as it fits. It is a copy: a frame of one byte would hold on to
/// the whole buffer that it was read into, which no account of bytes would see.
#[derive(Debug)]
struct Kept {
    bytes: Vec<u8>,
    held: u64,
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
        let settings = UploadSettings { idle: limits.idle, ..UploadSettings::default() };
        let length = incoming.size_hint().exact();
        // A body that is known not to fit is not kept at all.
        let whole = length.is_none_or(|length| length <= limits.replay);
        Self {
            ended: incoming.is_end_stream(),
            incoming,
            kept: Kept { bytes: Vec::new(), held: 0, whole, memory },
            trailers: None,
            fault: None,
            length,
            progress: Uploading::new(settings, now),
            reader: 0,
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
        match self.fault.is_none() && (self.kept.whole || self.read() == 0) {
            true => Replay::Possible,
            false => Replay::Lost,
        }
    }

    /// Whether another attempt could send it while an earlier one may still be reading: not before
    /// all of it is here. What is still coming has one reader, and would take it from the other.
    pub(crate) fn beside(&self) -> Replay {
        if self.is_whole() { Replay::Possible } else { Replay::Lost }
    }

    /// The most memory that keeping it for another attempt may take, in bytes.
    pub(crate) fn memory_max(&self) -> u64 {
        match self.length {
            _ if !self.kept.whole => 0,
            Some(length) => length,
            None => self.limits.replay,
        }
    }

    /// How the caller failed, if it did.
    pub(crate) fn fault(&self) -> Option<CallerFault> {
        self.fault
    }

    /// Since when the service waits for the caller; `None` if it is the service's turn.
    pub(crate) fn waiting_for_caller(&self) -> Option<Instant> {
        self.progress.awaited_since().filter(|_| !self.ended)
    }

    /// Until when the time was the caller's to spend: still now if the service waits for it, else
    /// the latest moment at which it sent something.
    pub(crate) fn callers_time(&self, now: Instant) -> Option<Instant> {
        if self.waiting_for_caller().is_some() {
            return Some(now);
        }
        self.progress.latest()
    }

    /// Makes room for a new reader; earlier ones read no more of what is still to come.
    pub(super) fn enroll(&mut self) -> u64 {
        self.dismiss();
        self.reader
    }

    /// Lets no earlier reader read on: what it took would be missing from the next attempt.
    pub(crate) fn dismiss(&mut self) {
        self.reader += 1;
        self.progress.dismissed();
    }

    /// The exact length, where the caller announced it.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.ended && self.read() == 0 && self.trailers.is_none()
    }

    /// Whether nothing will ever follow after `place`.
    pub(super) fn is_done(&self, place: Place) -> bool {
        self.ended && place.bytes >= self.read() && (place.trailers || self.trailers.is_none())
    }

    /// The frame at `place`, which it moves on. A reader that is dismissed, or that would miss
    /// what is no longer kept, gets an error: a body with a hole must never look whole.
    pub(super) fn poll_frame(
        &mut self,
        place: &mut Place,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(fault) = self.fault {
            return Poll::Ready(Some(Err(BodyError::Caller(fault))));
        }
        if place.reader != self.reader && !self.is_whole() {
            return Poll::Ready(Some(Err(BodyError::Dismissed)));
        }
        if let Some(bytes) = self.kept.after(place.bytes) {
            place.bytes = self.read();
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if place.bytes < self.read() {
            return Poll::Ready(Some(Err(BodyError::Dismissed)));
        }
        if !self.ended {
            match ready!(self.poll_caller(cx)) {
                Some(Ok(bytes)) => {
                    place.bytes = self.read();
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Err(fault)) => return Poll::Ready(Some(Err(BodyError::Caller(fault)))),
                None => {}
            }
        }
        let trailers = self.trailers.clone().filter(|_| !place.trailers);
        place.trailers = true;
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    /// More bytes of the caller; `None` where the body ended, with its trailers, if any, taken.
    fn poll_caller(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, CallerFault>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(self.take(frame).transpose()),
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(self.fail(CallerFault::Broken)))),
            Poll::Ready(None) => {
                let _ended: UploadRate = self.heard(0);
                self.ended = true;
                Poll::Ready(None)
            }
            Poll::Pending => self.poll_silence(cx),
        }
    }

    /// Whether all of it has come and is kept.
    fn is_whole(&self) -> bool {
        self.ended && self.kept.whole && self.fault.is_none()
    }

    /// Bytes read so far.
    fn read(&self) -> u64 {
        self.progress.bytes()
    }

    /// The caller has sent something, if only the end.
    fn heard(&mut self, bytes: u64) -> UploadRate {
        self.progress.heard(bytes, self.clock.now())
    }

    fn take(&mut self, frame: Frame<Bytes>) -> Result<Option<Bytes>, CallerFault> {
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        let rate = self.heard(bytes);
        self.ended = self.incoming.is_end_stream();
        match frame.into_data() {
            Ok(bytes) => self.take_bytes(bytes, rate).map(Some),
            Err(frame) => {
                self.ended = true;
                let trailers = frame.into_trailers().unwrap_or_default();
                let admitted = Trailers::Wanted.admit(trailers);
                self.trailers = admitted.map_err(|_| self.fail(CallerFault::TooLarge))?;
                Ok(None)
            }
        }
    }

    fn take_bytes(&mut self, bytes: Bytes, rate: UploadRate) -> Result<Bytes, CallerFault> {
        if self.limits.body_max.is_some_and(|max| self.read() > max) {
            return Err(self.fail(CallerFault::TooLarge));
        }
        if rate == UploadRate::TooSlow && !self.ended {
            return Err(self.fail(CallerFault::Stalled));
        }
        self.kept.keep(&bytes, self.limits.replay);
        Ok(bytes)
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, CallerFault>>> {
        let silent_until = self.progress.awaited(self.clock.now());
        let limit = self.clock.runtime(silent_until);
        if self.timer.deadline() != limit {
            self.timer.as_mut().reset(limit);
        }
        ready!(self.timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(self.fail(CallerFault::Stalled))))
    }

    fn fail(&mut self, fault: CallerFault) -> CallerFault {
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
        let needed = (self.bytes.len() + bytes.len()) as u64;
        if needed > cap || self.grow(needed, cap).is_err() {
            self.drop_all();
            return;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Makes room for `needed` bytes in all, by doubling, and accounts for it.
    fn grow(&mut self, needed: u64, cap: u64) -> Result<(), Full> {
        if needed <= self.held {
            return Ok(());
        }
        let target = needed.max((self.held * 2).min(cap));
        self.memory.reserve(target - self.held)?;
        self.held = target;
        let more = usize::try_from(target).unwrap_or(usize::MAX) - self.bytes.len();
        self.bytes.reserve_exact(more);
        Ok(())
    }

    /// What was kept from byte `start` on, if anything.
    fn after(&self, start: u64) -> Option<Bytes> {
        let rest = self.bytes.get(usize::try_from(start).ok()?..)?;
        (!rest.is_empty()).then(|| Bytes::copy_from_slice(rest))
    }

    fn drop_all(&mut self) {
        self.memory.release(self.held);
        self.held = 0;
        self.bytes = Vec::new();
        self.whole = false;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.memory.release(self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(memory: &ReplayMemory) -> Kept {
        Kept { bytes: Vec::new(), held: 0, whole: true, memory: memory.clone() }
    }

    #[test]
    fn what_is_kept_can_be_read_again_from_any_place() {
        let memory = ReplayMemory::default();
        let mut kept = kept(&memory);
        kept.keep(&Bytes::from_static(b"one "), 16);
        kept.keep(&Bytes::from_static(b"two"), 16);
        assert_eq!(kept.after(0).unwrap(), "one two");
        assert_eq!(kept.after(4).unwrap(), "two");
        assert_eq!(kept.after(7), None);
        assert_eq!(kept.after(8), None);
    }

    #[test]
    fn many_small_frames_hold_what_was_accounted_for() {
        let memory = ReplayMemory::default();
        let mut kept = kept(&memory);
        let buffer = Bytes::from(vec![7; 8192]);
        for _ in 0..1000 {
            kept.keep(&buffer.slice(..1), 1500);
        }
        assert_eq!(kept.bytes.len(), 1000);
        assert_eq!(kept.bytes.capacity() as u64, memory.used());
        assert!(memory.used() <= 1500, "{}", memory.used());
        drop(kept);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn a_body_over_the_cap_is_not_kept_in_part() {
        let memory = ReplayMemory::default();
        let mut kept = kept(&memory);
        kept.keep(&Bytes::from_static(b"12345678"), 10);
        kept.keep(&Bytes::from_static(b"abc"), 10);
        assert_eq!((kept.whole, kept.after(0), memory.used()), (false, None, 0));
        kept.keep(&Bytes::from_static(b"d"), 10);
        assert_eq!((kept.after(0), memory.used()), (None, 0));
    }
}
