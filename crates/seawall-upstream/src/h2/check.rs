//! A health check over HTTP/2, on a connection of its own.
//!
//! What is asked and what passes is in `check`.

use std::{convert::Infallible, future::pending};

use ::h2::RecvStream;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use tokio::net::TcpStream;

use super::{
    body::{Content, StreamBody, StreamCut},
    conn::{BodyFollows, Conn, open_stream},
    fault::{Scene, classify},
    head::translate,
    settings::StreamSettings,
};
use crate::{CheckFailure, SendError};

/// Sends `request` on a new connection over `stream`, and reads the answer up to `bytes_max`. Its
/// status, if the whole of it came.
///
/// # Errors
/// [`CheckFailure::Dial`] if the peer does not speak HTTP/2; no answer; an answer cut short.
pub(crate) async fn ask(
    stream: TcpStream,
    request: Request<Empty<Bytes>>,
    bytes_max: usize,
) -> Result<(u16, Result<(), StreamCut>), CheckFailure> {
    let (conn, wire) = Conn::open(0, stream, &StreamSettings::default()).await?;
    let driver = async {
        // The exchange learns of an error by itself, and may read what arrived before it.
        drop(wire.await);
        pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        answer = exchange(&conn, request, bytes_max) => answer.map_err(CheckFailure::Send),
        never = driver => match never {},
    }
}

async fn exchange(
    conn: &Conn,
    request: Request<Empty<Bytes>>,
    bytes_max: usize,
) -> Result<(u16, Result<(), StreamCut>), SendError> {
    const SCENE: Scene = Scene { reused: false, unanswered: false };
    let Some((head, _empty)) = translate(request) else { return Err(SendError::NoHost) };
    let (method, fault) = (head.method().clone(), |error| classify(error, SCENE));
    let (response, _stream) = open_stream(conn.opener(), head, BodyFollows::No).map_err(fault)?;
    let (parts, stream): (_, RecvStream) = response.await.map_err(fault)?.into_parts();
    let content = Content::of(&method, parts.status);
    let body = StreamBody::new(stream, &parts.headers, content);
    Ok((parts.status.as_u16(), read(body, bytes_max).await))
}

async fn read(mut body: StreamBody, bytes_max: usize) -> Result<(), StreamCut> {
    let mut seen = 0;
    while seen <= bytes_max
        && let Some(frame) = body.frame().await
    {
        seen += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(())
}
