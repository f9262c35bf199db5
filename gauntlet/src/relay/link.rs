//! One connection through the relay: bytes of requests go on as they come, answers with whatever
//! the switches say. How answers are falsified is in `answers`.

use std::io;
use std::sync::Arc;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};

use super::answers::{Answers, Then};
use super::hub::{Hub, add};
use crate::stamp::Stamp;

/// Bytes read at once.
const PIECE_MAX: usize = 16 << 10;
/// Pieces of answers on their way. With a delay of a second this allows 1 MiB a second on one
/// connection; a piece is mostly a whole answer.
const PIECES_MAX: usize = 64;

/// Why a link is over.
enum Over {
    /// Both sides have said all they had to.
    Done,
    /// An answer was cut, or its connection closed behind it.
    Cut,
    /// One side is gone, or is to believe that the other one is: both get a reset.
    Reset,
}

/// A piece of an answer on its way.
struct Piece {
    due: Stamp,
    bytes: Vec<u8>,
    then: Then,
}

/// Passes bytes between `product` and `replica` until the link is over or `reset`.
pub(super) async fn pass(
    hub: &Hub,
    mut product: TcpStream,
    mut replica: TcpStream,
    reset: oneshot::Receiver<()>,
) {
    let over = {
        let (asks, answers) = product.split();
        let (made, wanted) = replica.split();
        let (send, receive) = mpsc::channel(PIECES_MAX);
        let flows = async {
            tokio::try_join!(
                ask(hub, asks, wanted),
                delay(hub, made, send),
                answer(hub, receive, answers),
            )
        };
        tokio::select! {
            ended = flows => match ended {
                Ok(_) => Over::Done,
                Err(over) => over,
            },
            // The sender is only dropped with the hub.
            _ = reset => Over::Reset,
        }
    };
    if matches!(over, Over::Reset) {
        end_by_reset(&product);
        end_by_reset(&replica);
    }
}

/// Has a connection end by a reset when it is dropped.
fn end_by_reset(stream: &TcpStream) {
    // A connection that is gone needs no reset any more.
    SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO)).ok();
}

/// A connection that broke is reset on its other side too.
fn broken<T>(outcome: io::Result<T>) -> Result<T, Over> {
    outcome.map_err(|_| Over::Reset)
}

/// Requests, as they come.
async fn ask(hub: &Hub, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<(), Over> {
    let mut buffer = vec![0; PIECE_MAX];
    loop {
        let read = broken(from.read(&mut buffer).await)?;
        if read == 0 {
            return broken(to.shutdown().await);
        }
        add(&hub.counts.asked, read);
        broken(to.write_all(&buffer[..read]).await)?;
    }
}

/// Answers, falsified, each piece with the time at which it is due.
async fn delay(hub: &Hub, mut from: ReadHalf<'_>, to: mpsc::Sender<Piece>) -> Result<(), Over> {
    let mut buffer = vec![0; PIECE_MAX];
    let (mut answers, mut last) = (Answers::new(), Stamp(0));
    loop {
        let read = broken(from.read(&mut buffer).await)?;
        if read == 0 {
            return Ok(());
        }
        add(&hub.counts.answered, read);
        let switches = *hub.switches.borrow();
        let passed = answers.feed(&buffer[..read], &switches);
        hub.count(passed.hits);
        // Order is kept: nothing overtakes what came before it.
        let due = hub.due(&switches).max(last);
        last = due;
        let piece = Piece { due, bytes: passed.bytes, then: passed.then };
        if to.send(piece).await.is_err() || passed.then == Then::Close {
            return Ok(());
        }
    }
}

/// Answers, each piece at its time.
async fn answer(
    hub: &Hub,
    mut from: mpsc::Receiver<Piece>,
    mut to: WriteHalf<'_>,
) -> Result<(), Over> {
    while let Some(piece) = from.recv().await {
        hub.timers.until(piece.due).await;
        broken(to.write_all(&piece.bytes).await)?;
        if piece.then == Then::Close {
            return Err(Over::Cut);
        }
    }
    broken(to.shutdown().await)
}

/// Shares the hub with the task of a link.
pub(super) async fn run(
    hub: Arc<Hub>,
    product: TcpStream,
    replica: TcpStream,
    (serial, reset): (u64, oneshot::Receiver<()>),
) {
    pass(&hub, product, replica, reset).await;
    hub.leave(serial);
}
