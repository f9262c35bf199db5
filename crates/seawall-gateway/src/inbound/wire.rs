//! A socket as hyper reads and writes it, reporting to the gauge. It decides nothing.

use std::cell::RefCell;
use std::io::{IoSlice, Result};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::gauge::Gauge;
use crate::clock;

/// Bytes read at once. They pass through a buffer of ours, because the gauge must see them and
/// hyper's cursor shows nothing without unsafe code; 16 KiB is one full HTTP/2 frame.
const READ_MAX: usize = 16 << 10;

/// Where a [`Wire`] leaves its socket when hyper drops it, so that the end is ours to shape.
pub(super) type Slot = Rc<RefCell<Option<TcpStream>>>;

/// The socket of one connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Option<TcpStream>,
    /// Bytes that were read to tell the protocol.
    prefix: Bytes,
    gauge: Rc<Gauge>,
    slot: Slot,
}

impl Wire {
    /// A wire over `stream`, whose first bytes are `prefix`.
    pub(super) fn new(stream: TcpStream, prefix: Bytes, gauge: Rc<Gauge>) -> (Self, Slot) {
        let slot = Slot::default();
        (Self { stream: Some(stream), prefix, gauge, slot: Rc::clone(&slot) }, slot)
    }

    /// Bytes that were read too early come first again.
    pub(super) fn put_back(&mut self, bytes: Bytes) {
        debug_assert!(self.prefix.is_empty(), "bytes were read past those that came before");
        self.prefix = bytes;
    }

    /// Waits until the peer has sent something, or has left.
    pub(super) async fn heard(&self) {
        if let Some(stream) = &self.stream {
            // A socket that has failed says so at the next read.
            stream.readable().await.ok();
        }
    }

    fn stream(&mut self) -> Result<Pin<&mut TcpStream>> {
        // The socket leaves only when the wire is dropped.
        self.stream.as_mut().map(Pin::new).ok_or_else(|| std::io::ErrorKind::NotConnected.into())
    }

    fn note_write(&self, written: &Poll<Result<usize>>) {
        match written {
            Poll::Ready(Ok(_)) => self.gauge.on_written(clock::now),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.gauge.on_blocked(clock::now),
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.slot.replace(self.stream.take());
    }
}

impl Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        let room = cursor.remaining();
        if room == 0 {
            // A read of nothing would look like the end of the stream.
            return Poll::Ready(Ok(()));
        }
        if this.prefix.has_remaining() {
            cursor.put_slice(&this.prefix.split_to(room.min(this.prefix.len())));
            return Poll::Ready(Ok(()));
        }
        let mut store = [const { MaybeUninit::<u8>::uninit() }; READ_MAX];
        let mut buffer = ReadBuf::uninit(store.get_mut(..room.min(READ_MAX)).unwrap_or_default());
        ready!(this.stream()?.poll_read(cx, &mut buffer))?;
        match buffer.filled() {
            [] => this.gauge.on_eof(),
            bytes => this.gauge.on_read(bytes, clock::now),
        }
        if this.gauge.doomed().is_some() {
            // The watchdog is polled next, by the same task; hyper must not answer first.
            return Poll::Pending;
        }
        cursor.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = this.stream()?.poll_write(cx, bytes);
        this.note_write(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = this.stream()?.poll_write_vectored(cx, slices);
        this.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().stream()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().stream()?.poll_shutdown(cx)
    }
}
