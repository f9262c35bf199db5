//! The dashboard over a made-up shop, for looking at the page without a gateway:
//! `cargo run -p seawall-admin --example dashboard [-- PORT]`. The shop itself is in `shop`.

mod clock;
mod script;
#[expect(dead_code, reason = "only the browser test counts looks")]
mod shop;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use shop::{Pace, Shop};
use tokio::net::TcpListener;

/// The word that lets a look move the time: pictures of five minutes then take seconds.
const EACH_LOOK: &str = "--each-look";
const TICK: Duration = Duration::from_millis(100);

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let pace =
        if words.iter().any(|word| word == EACH_LOOK) { Pace::EachLook } else { Pace::Clock };
    let port = words.iter().find_map(|word| word.parse().ok()).unwrap_or(0);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    writeln!(io::stdout(), "http://{}", listener.local_addr()?)?;
    let shop = Arc::new(Shop::new(pace, clock::unix_ms()));
    tokio::select! {
        served = seawall_admin::serve(listener, shop.clone(), interrupted()) => served,
        () = live(&shop) => Ok(()),
    }
}

async fn interrupted() {
    // Without the signal there is nothing to wait for, and the example ends.
    tokio::signal::ctrl_c().await.ok();
}

async fn live(shop: &Shop) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        shop.tick();
    }
}
