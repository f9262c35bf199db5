//! An axum server whose handlers stand behind a policy: at most 32 requests at once, a short queue,
//! one second for each.
//!
//! `cargo run -p seawall --example axum_server --features http,tower`, then `curl` what it prints.
//! It serves until its standard input ends.

#![expect(clippy::print_stdout, reason = "printing is what an example does")]

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::http::StatusCode;
use axum::routing::get;
use seawall::{BulkheadSettings, Http, Policy};
use tower::ServiceBuilder;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .name("handlers")
        .classify(Http)
        .total_timeout(Duration::from_secs(1))
        .bulkhead(BulkheadSettings { permits: 32, queue: 64, ..BulkheadSettings::default() })
        .build()?;
    let guard = ServiceBuilder::new()
        // axum wants services that cannot fail: what the policy refuses becomes an answer.
        .layer(HandleErrorLayer::new(refuse))
        // A request's body streams, so it cannot be sent twice.
        .layer(policy.layer().once());
    let app = Router::new()
        .route("/", get(async || "hello"))
        .route("/slow", get(std::future::pending::<&str>))
        .layer(guard);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(end_of_input()).await?;
    Ok(())
}

async fn refuse(error: seawall::Error<Infallible>) -> (StatusCode, String) {
    let status = match &error {
        seawall::Error::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, error.to_string())
}

async fn end_of_input() {
    let read = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    let _ended = tokio::task::spawn_blocking(read).await;
}
