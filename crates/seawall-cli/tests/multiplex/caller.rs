//! A caller over HTTP/2 that sends and reads piece by piece.

use std::future::poll_fn;
use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{SendRequest, handshake};
use http::{HeaderMap, Request};
use tokio::runtime::{Builder, Runtime};

/// One connection with the runtime that drives it.
pub(crate) struct Caller {
    runtime: Runtime,
    sender: SendRequest<Bytes>,
}

/// What a conversation brought.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) echoed: Vec<String>,
    pub(crate) trailers: HeaderMap,
}

impl Caller {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let sender = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let (sender, connection) = handshake(stream).await.unwrap();
            #[expect(clippy::disallowed_methods, reason = "ends with the runtime")]
            drop(tokio::spawn(connection));
            sender
        });
        Self { runtime, sender }
    }

    /// Sends each of `words` when the one before has come back.
    pub(crate) fn converse(&mut self, path: &str, words: &[&str]) -> Conversation {
        let uri = format!("http://shop.test{path}");
        let request = Request::post(uri).header("te", "trailers").body(()).unwrap();
        self.runtime.block_on(async {
            let (response, mut upload) = self.sender.send_request(request, false).unwrap();
            let mut body = response.await.unwrap().into_body();
            let mut echoed = Vec::new();
            for word in words {
                upload.send_data(Bytes::copy_from_slice(word.as_bytes()), false).unwrap();
                let bytes = body.data().await.unwrap().unwrap();
                echoed.push(String::from_utf8(bytes.to_vec()).unwrap());
            }
            upload.send_data(Bytes::new(), true).unwrap();
            assert!(body.data().await.is_none());
            let trailers = poll_fn(|cx| body.poll_trailers(cx)).await.unwrap();
            Conversation { echoed, trailers: trailers.unwrap_or_default() }
        })
    }
}
