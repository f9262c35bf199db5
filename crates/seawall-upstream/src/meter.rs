//! The I/O wrapper of a connection: counts what the socket accepted and what it delivered, which
//! is the evidence of whether a request was sent, and can be sealed so that the evidence is final.
//!
//! What is made of the evidence is in `lease`; HTTP is hyper's.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use seawall_core::outcome::Sent;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Counters of one connection, shared by its socket and its lease.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    accepted: Cell<u64>,
    received: Cell<u64>,
    sealed: Cell<bool>,
}

impl Meter {
    /// Starts counting anew: a connection has been taken out.
    pub(crate) fn reset(&self) {
        self.accepted.set(0);
        self.received.set(0);
    }

    /// Bytes that the socket accepted since take-out.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.get()
    }

    /// Bytes that the socket delivered since take-out.
    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    /// From now on nothing is written, so that what the counters say stays true.
    pub(crate) fn seal(&self) {
        self.sealed.set(true);
    }

    /// Whether the request can have reached the endpoint.
    ///
    /// Nothing accepted proves that it did not, even when bytes arrived: some servers announce
    /// with an unasked 408 that they close an idle connection.
    pub(crate) fn sent(&self) -> Sent {
        match (self.accepted.get(), self.received.get()) {
            (0, _) => Sent::No,
            (_, 0) => Sent::Maybe,
            _ => Sent::Yes,
        }
    }

    fn check_open(&self) -> io::Result<()> {
        if self.sealed.get() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    fn count(total: &Cell<u64>, bytes: usize) {
        total.set(total.get().saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX)));
    }
}

/// A stream whose traffic is counted by a [`Meter`].
#[derive(Debug)]
pub(crate) struct Metered<S> {
    stream: S,
    meter: Rc<Meter>,
}

impl<S> Metered<S> {
    pub(crate) fn new(stream: S, meter: Rc<Meter>) -> Self {
        Self { stream, meter }
    }

    fn counted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            Meter::count(&self.meter.accepted, bytes);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        Meter::count(&self.meter.received, buf.filled().len().saturating_sub(before));
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.meter.check_open()?;
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.counted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.meter.check_open()?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.counted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn evidence_goes_from_no_over_maybe_to_yes() {
        let meter = Rc::new(Meter::default());
        let (near, mut far) = tokio::io::duplex(4);
        let mut near = Metered::new(near, Rc::clone(&meter));
        assert_eq!(meter.sent(), Sent::No);
        assert_eq!(near.write(b"request").await.unwrap(), 4);
        assert_eq!((meter.accepted(), meter.sent()), (4, Sent::Maybe));
        far.write_all(b"x").await.unwrap();
        assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 1);
        assert_eq!((meter.received(), meter.sent()), (1, Sent::Yes));
        meter.reset();
        assert_eq!(meter.sent(), Sent::No);
    }

    #[tokio::test]
    async fn bytes_received_before_anything_was_sent_prove_nothing_sent() {
        let meter = Rc::new(Meter::default());
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = Metered::new(near, Rc::clone(&meter));
        far.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n").await.unwrap();
        assert!(near.read(&mut [0; 8]).await.unwrap() > 0);
        assert_eq!(meter.sent(), Sent::No);
    }

    #[tokio::test]
    async fn sealed_stream_writes_nothing_more() {
        let meter = Rc::new(Meter::default());
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = Metered::new(near, Rc::clone(&meter));
        meter.seal();
        let refused = near.write(b"late").await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::BrokenPipe);
        let slices = [io::IoSlice::new(b"late")];
        assert!(near.write_vectored(&slices).await.is_err());
        assert_eq!(meter.sent(), Sent::No);
        drop(near);
        assert_eq!(far.read(&mut [0; 8]).await.unwrap(), 0);
    }
}
