//! A peer that writes its frames by hand, and bodies made of closures.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::io::AsyncReadExt as _;

use crate::testing::{Peer, Server};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_OF_STREAM: u8 = 1;
const END_OF_HEADERS: u8 = 4;
const END_OF_HEADERS_AND_STREAM: u8 = 5;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The far side of a connection, which says what a test tells it and nothing else.
pub(super) struct RawPeer {
    peer: Peer,
    heads: usize,
}

impl RawPeer {
    /// Accepts, and exchanges settings.
    pub(super) async fn accept(server: &Server) -> Self {
        let mut peer = server.accept().await;
        let mut preface = [0; 24];
        peer.stream.read_exact(&mut preface).await.unwrap();
        let mut peer = Self { peer, heads: 0 };
        peer.say(SETTINGS, 0, 0, &[]).await;
        peer.say(SETTINGS, ACK, 0, &[]).await;
        peer
    }

    async fn say(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.peer.say(&frame(kind, flags, stream, payload)).await;
    }

    /// Reads frames until so many request heads have come in all.
    pub(super) async fn wait_for_heads(&mut self, count: usize) {
        while self.heads < count {
            self.hear().await;
        }
    }

    /// Reads a frame; its kind and flags.
    async fn hear(&mut self) -> (u8, u8) {
        let mut head = [0; 9];
        self.peer.stream.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.peer.stream.read_exact(&mut payload).await.unwrap();
        self.heads += usize::from(head[3] == HEADERS);
        (head[3], head[4])
    }

    /// Waits until the other side has taken in all that was said.
    pub(super) async fn understood(&mut self) {
        self.say(PING, 0, 0, &[0; 8]).await;
        while self.hear().await != (PING, ACK) {}
    }

    /// Says that `last` is the last stream that it serves.
    pub(super) async fn go_away(&mut self, last: u32) {
        let payload = [last.to_be_bytes(), 0_u32.to_be_bytes()].concat();
        self.say(GOAWAY, 0, 0, &payload).await;
    }

    /// Answers a stream with 204 (entry 9 of the static table of HPACK).
    pub(super) async fn answer(&mut self, stream: u32) {
        self.say(HEADERS, END_OF_HEADERS_AND_STREAM, stream, &[0x80 | 9]).await;
    }

    /// Answers a stream with 200 (entry 8), and ends it with an empty frame in the same packet.
    pub(super) async fn answer_and_end(&mut self, stream: u32) {
        let head = frame(HEADERS, END_OF_HEADERS, stream, &[0x80 | 8]);
        self.peer.say(&[head, frame(DATA, END_OF_STREAM, stream, &[])].concat()).await;
    }

    /// How many streams the other side has reset, of all that it has begun so far.
    pub(super) async fn resets(&mut self) -> usize {
        self.say(PING, 0, 0, &[0; 8]).await;
        let mut resets = 0;
        loop {
            match self.hear().await {
                (PING, ACK) => return resets,
                (kind, _) => resets += usize::from(kind == RST_STREAM),
            }
        }
    }

    /// Ends the connection with a reset of TCP.
    pub(super) fn reset(self) {
        self.peer.reset();
    }
}

/// A body of what a closure gives.
pub(super) struct Polled<F>(pub(super) F);

impl<F> Body for Polled<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> + Unpin,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        (self.get_mut().0)(cx)
    }
}
