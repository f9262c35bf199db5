//! curl through the gateway: what people try first.

use std::io::Write;
use std::process::Command;

use tempfile::NamedTempFile;

use crate::ordinary;
use crate::support::gateway::{Ended, finish};
use crate::support::program;

/// Runs curl quietly, or says that it is missing.
fn curl(args: &[&str]) -> Option<Ended> {
    let mut command = Command::new(program("curl")?);
    command.args(["-sS", "--max-time", "20", "--noproxy", "*"]).args(args);
    let ended = finish(command);
    assert_eq!(ended.code, Some(0), "curl {args:?}: {ended:?}");
    Some(ended)
}

fn file_of(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn curl_gets_a_page_with_its_fields() {
    let (_origin, gateway) = ordinary();
    let Some(ended) = curl(&["-i", &gateway.url("/hello")]) else { return };
    assert!(ended.stdout.starts_with("HTTP/1.1 200 OK\r\n"), "{ended:?}");
    assert!(ended.stdout.contains("etag: \"v1\"\r\n"), "{ended:?}");
    assert!(ended.stdout.contains("x-request-id: "), "{ended:?}");
    assert!(ended.stdout.ends_with("\r\n\r\nhello\n"), "{ended:?}");
}

#[test]
fn curl_posts_a_body_and_gets_it_back() {
    let (_origin, gateway) = ordinary();
    let Some(ended) = curl(&["-d", "name=lamp&count=2", &gateway.url("/echo")]) else { return };
    assert_eq!(ended.stdout, "name=lamp&count=2");
}

#[test]
fn curl_gets_heads_alone() {
    let (_origin, gateway) = ordinary();
    let Some(ended) = curl(&["-I", &gateway.url("/hello")]) else { return };
    assert!(ended.stdout.contains("content-length: 6\r\n"), "{ended:?}");
    assert!(ended.stdout.ends_with("\r\n\r\n"), "{ended:?}");
}

#[test]
fn curl_keeps_its_copy_of_what_has_not_changed() {
    let (_origin, gateway) = ordinary();
    let args = ["-i", "-H", "If-None-Match: \"v1\"", &gateway.url("/hello")];
    let Some(ended) = curl(&args) else { return };
    assert!(ended.stdout.starts_with("HTTP/1.1 304 Not Modified\r\n"), "{ended:?}");
    assert!(ended.stdout.contains("etag: \"v1\"\r\n"), "{ended:?}");
    assert!(ended.stdout.ends_with("\r\n\r\n"), "a 304 has no body: {ended:?}");
    assert!(!ended.stdout.contains("content-length"), "none was given: {ended:?}");
}

#[test]
fn curl_reads_and_writes_chunks() {
    let (_origin, gateway) = ordinary();
    let Some(down) = curl(&["-i", &gateway.url("/chunks")]) else { return };
    assert!(down.stdout.contains("transfer-encoding: chunked\r\n"), "{down:?}");
    assert!(down.stdout.ends_with("one two three\n"), "{down:?}");
    // More than is kept for another attempt.
    let body = "in chunks; ".repeat(200_000);
    let file = file_of(body.as_bytes());
    let (url, data) = (gateway.url("/echo"), format!("@{}", file.path().display()));
    let args = ["-H", "Transfer-Encoding: chunked", "--data-binary", &data, &url];
    let up = curl(&args).unwrap();
    assert!(up.stdout == body, "{} bytes came back", up.stdout.len());
}

#[test]
fn curl_waits_for_100_continue_and_gets_it() {
    let (_origin, gateway) = ordinary();
    let body = vec![b'u'; (1 << 20) + 1];
    let file = file_of(&body);
    let data = format!("@{}", file.path().display());
    let url = gateway.url("/echo");
    // Longer than the whole request may take: without the 100 the body is never sent.
    let wait = ["--expect100-timeout", "60", "-H", "Expect: 100-continue"];
    let args = [&["-v", "--data-binary", &data, &url], &wait[..]].concat();
    let Some(ended) = curl(&args) else { return };
    assert!(ended.stderr.contains("< HTTP/1.1 100 Continue"), "{}", ended.stderr);
    assert!(ended.stdout.as_bytes() == body, "{} bytes came back", ended.stdout.len());
}

#[test]
fn curl_follows_redirects_of_the_service_itself() {
    let (origin, gateway) = ordinary();
    let Some(ended) = curl(&["-i", &gateway.url("/moved")]) else { return };
    assert!(ended.stdout.starts_with("HTTP/1.1 302 Found\r\n"), "{ended:?}");
    assert!(ended.stdout.contains("location: /hello\r\n"), "{ended:?}");
    assert_eq!(origin.requests(), 1, "the gateway follows nothing");
    assert_eq!(curl(&["-L", &gateway.url("/moved")]).unwrap().stdout, "hello\n");
}

#[test]
fn curl_speaks_http_1_0() {
    let (_origin, gateway) = ordinary();
    let Some(sized) = curl(&["-0", "-i", &gateway.url("/hello")]) else { return };
    assert!(sized.stdout.ends_with("\r\n\r\nhello\n"), "{sized:?}");
    let open = curl(&["-0", "-i", &gateway.url("/chunks")]).unwrap();
    assert!(!open.stdout.contains("transfer-encoding"), "1.0 knows no chunks: {open:?}");
    assert!(open.stdout.ends_with("\r\n\r\none two three\n"), "{open:?}");
}

#[test]
fn curl_keeps_its_connection_between_requests() {
    let (origin, gateway) = ordinary();
    let (hello, head) = (gateway.url("/hello"), gateway.url("/chunks"));
    let shown = ["-o", "/dev/null", "-w", "%{http_code} %{num_connects}\\n"];
    let args = [&shown[..], &["-o", "/dev/null", "-o", "/dev/null", &hello, &head, &hello]];
    let Some(ended) = curl(&args.concat()) else { return };
    assert_eq!(ended.stdout, "200 1\n200 0\n200 0\n");
    assert_eq!((origin.connections(), origin.requests()), (1, 3), "one upstream connection too");
}

#[test]
fn curl_speaks_http_2_without_an_upgrade() {
    let (_origin, gateway) = ordinary();
    let url = gateway.url("/echo");
    let args = ["--http2-prior-knowledge", "-i", "-d", "over two", &url];
    let Some(ended) = curl(&args) else { return };
    assert!(ended.stdout.starts_with("HTTP/2 200"), "{ended:?}");
    assert!(ended.stdout.ends_with("\r\n\r\nover two"), "{ended:?}");
    let head = curl(&["--http2-prior-knowledge", "-I", &gateway.url("/hello")]).unwrap();
    assert!(head.stdout.contains("content-length: 6\r\n"), "{head:?}");
}

#[test]
fn t49_curl_that_offers_an_upgrade_to_http_2_stays_with_1_1() {
    let (_origin, gateway) = ordinary();
    let Some(ended) = curl(&["--http2", "-i", &gateway.url("/head")]) else { return };
    assert!(ended.stdout.starts_with("HTTP/1.1 200 OK"), "{ended:?}");
    let seen = ended.stdout.to_ascii_lowercase();
    assert!(!seen.contains("h2c") && !seen.contains("http2-settings"), "{ended:?}");
}
