//! A checkout that dials: its own dial against the connections that others return.
//!
//! Who is handed a returned connection is decided in `book`; opening the socket is in `dial`.

use std::{error::Error as StdError, pin::Pin, rc::Rc};

use http_body::Body;
use tokio::time::{Instant, sleep_until};

use super::shared::{Handed, Origin, Shared, Slot, Waiting};
use crate::{
    DialError, clock,
    conn::{self, Conn},
    dial,
    idle::Kept,
};

/// A dial under way. Dropping it closes the half-open socket and then frees the place.
type Dial<B> = Pin<Box<dyn Future<Output = Result<Conn<B>, DialError>>>>;

/// Dials in `slot`, unless a connection that `waiting` may use is returned first. The other of
/// the two goes to the pool.
///
/// # Errors
/// Why the own dial failed; [`DialError::DeadlinePassed`] if neither came before `deadline`.
pub(super) async fn race<B>(
    mut waiting: Waiting<B>,
    slot: Slot<B>,
    deadline: Instant,
) -> Result<Handed<B>, DialError>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let shared = Rc::clone(waiting.shared());
    if deadline <= clock::now() {
        shared.on_dial_failed();
        return Err(DialError::DeadlinePassed);
    }
    let mut dial: Dial<B> = Box::pin(open(Rc::clone(&shared), slot));
    // In this order a connection that is there already is never passed over for an error.
    tokio::select! {
        biased;
        Ok(handed) = waiting.handed() => {
            finish_late(shared, dial);
            Ok(handed)
        }
        conn = &mut dial => conn.map(fresh),
        () = sleep_until(deadline) => {
            shared.on_dial_failed();
            Err(DialError::DeadlinePassed)
        }
    }
}

async fn open<B>(shared: Rc<Shared<B>>, mut slot: Slot<B>) -> Result<Conn<B>, DialError>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let stream = dial::dial(shared.endpoint(), shared.connect_timeout())
        .await
        .inspect_err(|_| shared.on_dial_failed())?;
    slot.on_connected();
    conn::establish(stream, slot).await
}

fn fresh<B>(conn: Conn<B>) -> Handed<B> {
    Handed { kept: Kept { conn, since: clock::now(), limit: None }, origin: Origin::Dial }
}

/// Lets a dial end whose checkout has been served: its SYN is on the way, and the next checkout
/// will want what it brings. It keeps its place in the counts; its failure fails nobody.
#[expect(
    clippy::disallowed_methods,
    reason = "ends with the connect timeout, and what it brings belongs to the pool"
)]
fn finish_late<B: 'static>(shared: Rc<Shared<B>>, dial: Dial<B>) {
    let late = async move {
        match dial.await {
            Ok(conn) => shared.put(fresh(conn), clock::now()),
            Err(error) => {
                tracing::debug!(endpoint = %shared.endpoint(), %error, "a late dial failed");
            }
        }
    };
    drop(tokio::task::spawn_local(late));
}
