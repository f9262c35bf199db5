//! A client that survives a bad server: the first answers are 503, later ones good.
//!
//! `cargo run -p seawall --example reqwest_client --features reqwest`

#![expect(clippy::print_stdout, reason = "printing is what an example does")]

use std::error::Error;
use std::time::Duration;

use seawall::{BackoffSettings, BreakerSettings, Policy, Reqwest, Retry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::select! {
        served = serve(listener) => Ok(served?),
        greeted = greet(&url) => greeted,
    }
}

async fn greet(url: &str) -> Result<(), Box<dyn Error>> {
    let client = reqwest::Client::new();
    let backoff =
        BackoffSettings { base: Duration::from_millis(10), ..BackoffSettings::transient() };
    let policy = Policy::builder()
        .name("greetings")
        .classify(Reqwest)
        .total_timeout(Duration::from_secs(5))
        .retry(Retry::attempts(4).backoff(backoff))
        .breaker(BreakerSettings::for_upstream())
        .idempotent() // A GET may be repeated.
        .build()?;

    let response = policy
        .call(|attempt| {
            println!("attempt {}", attempt.number());
            client.get(url).send()
        })
        .await?;
    println!("{}: {}", response.status(), response.text().await?);
    Ok(())
}

/// Answers 503 twice, then 200.
async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let mut served = 0;
    loop {
        let (mut stream, _) = listener.accept().await?;
        let _head = stream.read(&mut [0; 4096]).await?;
        let (status, body) = if served < 2 { ("503 Busy", "") } else { ("200 OK", "hello") };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}");
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await?;
        served += 1;
    }
}
