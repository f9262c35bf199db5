//! A gRPC client and a service that is busy at first. Without protobuf: messages are plain bytes,
//! so nothing is generated at build time; a generated client is called in the same way.
//!
//! `cargo run -p seawall --example tonic_client --features tonic`

#![expect(clippy::print_stdout, reason = "printing is what an example does")]

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use seawall::{Grpc, Policy, Retry};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::BoxFuture;
use tonic::codegen::http::{Request as HttpRequest, Response as HttpResponse, uri::PathAndQuery};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let channel = Channel::from_shared(format!("http://{}", listener.local_addr()?))?;
    let service = Server::builder().add_service(Greeter::default());
    tokio::select! {
        served = service.serve_with_incoming(TcpIncoming::from(listener)) => Ok(served?),
        greeted = call(channel.connect_lazy()) => greeted,
    }
}

async fn call(channel: Channel) -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .name("greeter")
        .classify(Grpc)
        .total_timeout(Duration::from_secs(5))
        .retry(Retry::attempts(3))
        .idempotent()
        .build()?;

    let reply = policy
        .call(|attempt| {
            println!("attempt {}", attempt.number());
            greet(channel.clone(), Bytes::from_static(b"Ada"))
        })
        .await?;
    println!("{}", String::from_utf8_lossy(&reply));
    Ok(())
}

/// What a generated client does.
async fn greet(channel: Channel, name: Bytes) -> Result<Bytes, Status> {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let path = PathAndQuery::from_static("/example.Greeter/Greet");
    Ok(grpc.unary(Request::new(name), path, Plain).await?.into_inner())
}

/// Busy at the first call, and asks to be left alone for 100 ms.
#[derive(Clone, Default)]
struct Greeter {
    calls: Arc<AtomicU32>,
}

impl tonic::server::NamedService for Greeter {
    const NAME: &'static str = "example.Greeter";
}

impl tonic::server::UnaryService<Bytes> for Greeter {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        if self.calls.fetch_add(1, Ordering::Relaxed) == 0 {
            let mut busy = Status::unavailable("busy");
            busy.metadata_mut().insert("grpc-retry-pushback-ms", 100.into());
            return ready(Err(busy));
        }
        let greeting = [b"hello ".as_slice(), &request.into_inner()].concat();
        ready(Ok(Response::new(greeting.into())))
    }
}

/// What a generated server does.
impl tower::Service<HttpRequest<Body>> for Greeter {
    type Response = HttpResponse<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        let greeter = self.clone();
        Box::pin(async move { Ok(tonic::server::Grpc::new(Plain).unary(greeter, request).await) })
    }
}

/// Messages as they are.
#[derive(Clone, Copy)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(message);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
