//! The dashboard in a real browser, over a made-up shop in which each look at the status lets a
//! second pass. Skipped, and noted as skipped, where there is no chromium.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails like a test")]

#[path = "../examples/dashboard/script.rs"]
mod script;
#[path = "../examples/dashboard/shop.rs"]
#[expect(dead_code, reason = "here it is looks that move the time, not ticks")]
mod shop;

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::Stdio;
use std::sync::{Arc, Once};
use std::time::Duration;

use shop::{Pace, Shop};
use tokio::net::TcpListener;

const SKIP: &str = "dashboard_in_browser: needs chromium";

/// It takes a second or two; the limit only keeps a hanging browser from hanging the tests.
const PATIENCE: Duration = Duration::from_secs(120);

const SWITCHES: [&str; 12] = [
    "--headless",
    // The page comes from this test, and the sandbox does not start for root in a container.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1600",
    // Timers run without waiting, so the page sees eight seconds at once.
    "--virtual-time-budget=8000",
    "--dump-dom",
];

/// Whether there is a browser; notes the skip, or fails where nothing may be missing.
fn has_browser() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join("chromium").is_file()) {
        return true;
    }
    let required = std::env::var_os("SEAWALL_REQUIRE");
    assert_ne!(required.as_deref(), Some(OsStr::new("all")), "{SKIP}; install it");
    NOTED.call_once(note_skip);
    false
}

/// Both tests need the browser, and one line is enough.
static NOTED: Once = Once::new();

fn note_skip() {
    if let Some(list) = std::env::var_os("SEAWALL_SKIPPED") {
        let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
        writeln!(list, "{SKIP}").unwrap();
    }
}

/// The page as the browser sees it after some seconds.
async fn dom(address: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("chromium");
    command.args(SWITCHES).arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("http://{address}/")).stdin(Stdio::null()).stderr(Stdio::null());
    let run = tokio::task::spawn_blocking(move || command.output());
    let output = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap().unwrap();
    assert!(output.status.success(), "chromium ended with {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// The page over a server that ends once the shop was looked at `looks_max` times.
async fn page(looks_max: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let shop = Arc::new(Shop::new(Pace::EachLook, 1_700_000_000_000));
    let looks = shop.looks();
    let ended = async move {
        looks.clone().wait_for(|looks| *looks >= looks_max).await.unwrap();
    };
    let server = async {
        seawall_admin::serve(listener, shop, ended).await.unwrap();
        std::future::pending::<String>().await
    };
    tokio::select! {
        page = dom(&address) => page,
        page = server => page,
    }
}

/// The text of the first element that begins with `start`, up to its end.
fn after<'a>(page: &'a str, start: &str) -> &'a str {
    let (_, rest) = page.split_once(start).unwrap_or_else(|| panic!("no {start} in {page}"));
    rest
}

fn card<'a>(page: &'a str, upstream: &str) -> &'a str {
    let card = after(page, &format!("aria-label=\"Upstream {upstream}\""));
    card.split("</article>").next().unwrap()
}

#[tokio::test]
async fn the_page_shows_upstreams_breakers_rates_endpoints_events_and_calls() {
    if !has_browser() {
        return;
    }
    let page = page(u64::MAX).await;
    assert!(!page.contains("data-errors"), "{}", after(&page, "data-errors"));
    assert!(page.contains("<title>shop · Seawall</title>"));
    for (upstream, port) in
        [("payments", 9001), ("inventory", 9011), ("search", 9021), ("recommendations", 9031)]
    {
        let card = card(&page, upstream);
        for port in port..port + 3 {
            assert!(card.contains(&format!("127.0.0.1:{port}")), "{upstream}: {card}");
        }
        // 90 to 280 calls a second: the rate is a whole number and not the sign for unknown.
        let rate = after(card, "<dt>calls</dt><dd>").split("/s</dd>").next().unwrap();
        assert!((80..300).contains(&rate.parse::<u32>().unwrap()), "{upstream}: {rate}");
        assert!(card.contains("<canvas"), "{upstream} has no chart");
    }
    assert!(card(&page, "payments").contains("breaker closed"));
    let dark = card(&page, "recommendations");
    assert!(dark.contains("not usable") && dark.contains("breaker open"), "{dark}");
    assert!(dark.contains("failure rate · ") && dark.contains(" left"), "{dark}");
    assert!(dark.contains("ejected") && dark.contains("5 connection failures in a row"));
    assert!(after(&page, "id=\"events\"").contains("<strong>opened</strong>"));
    let calls = after(&page, "id=\"calls\"");
    assert!(calls.contains("fallback") && calls.contains("breaker open"));
    assert!(calls.contains("/payments/&lt;b&gt;"), "what was received was read as markup");
    assert!(after(&page, "id=\"alarm\"").split('>').next().unwrap().contains("hidden"));
}

#[tokio::test]
async fn the_page_says_when_the_gateway_stops_answering() {
    if !has_browser() {
        return;
    }
    let page = page(4).await;
    assert!(page.contains("The gateway has not answered since "), "{page}");
    let alarm = after(&page, "id=\"alarm\"").split('>').next().unwrap();
    assert!(!alarm.contains("hidden"));
    assert!(page.contains("<title>no answer · Seawall</title>"));
    assert!(!page.contains("data-errors"), "{}", after(&page, "data-errors"));
    // What was known stays on the page.
    assert!(card(&page, "payments").contains("127.0.0.1:9001"));
}
