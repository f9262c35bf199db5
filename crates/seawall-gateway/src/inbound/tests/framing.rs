//! Hostile framing in HTTP/1: each input gets its answer, and nothing is smuggled past it.

use super::*;

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// Sends a POST with these fields and this body, followed by a request that must not be served.
async fn post(site: &Site, fields: &str, body: &str) -> Told {
    let head = format!("POST /post HTTP/1.1\r\nHost: shop\r\n{fields}\r\n");
    site.raw(format!("{head}{body}{SMUGGLED}")).await
}

/// Refused by the parser: one answer, at once, and no call.
async fn refuses(what: &str, bytes: impl AsRef<[u8]>, status: u16) {
    let site = Site::open().await;
    let told = site.raw(bytes).await;
    assert_eq!(told.statuses(), [status], "{what}: {told:?}");
    assert!(told.after < Duration::from_secs(1), "{what}: {told:?}");
    assert_eq!(site.shop.paths(), Vec::<String>::new(), "{what}");
}

/// Let through by the parser: one call with this many lengths, one answer, then the end.
async fn calls_once(what: &str, fields: &str, body: &str, status: u16) -> Seen {
    let site = Site::open().await;
    let told = post(&site, fields, body).await;
    assert_eq!(told.statuses(), [status], "{what}: {told:?}");
    assert!(told.after < Duration::from_secs(1), "{what}: {told:?}");
    let seen = site.shop.seen.borrow().clone();
    assert_eq!(seen.len(), 1, "{what}: {seen:?}");
    seen[0].clone()
}

#[tokio::test(start_paused = true)]
async fn both_lengths_are_read_as_chunked_once_and_close() {
    local(async {
        for fields in
            [format!("Content-Length: 4\r\n{CHUNKED}"), format!("{CHUNKED}Content-Length: 4\r\n")]
        {
            let seen = calls_once(&fields, &fields, "0\r\n\r\n", 200).await;
            // hyper takes the length away, so the service cannot even see that it was there.
            assert_eq!((seen.content_lengths, seen.body), (0, Ok(0)), "{fields}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn codings_that_end_in_chunked_reach_the_service_which_refuses_them() {
    local(async {
        for fields in [
            format!("{CHUNKED}{CHUNKED}"),
            "Transfer-Encoding: gzip, chunked\r\n".to_owned(),
            "Transfer-Encoding: chunked, chunked\r\n".to_owned(),
        ] {
            calls_once(&fields, &fields, "0\r\n\r\n", 501).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn codings_that_do_not_end_in_chunked_are_400() {
    local(async {
        for fields in [
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: chunked, gzip",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding: \u{b}chunked",
            " Transfer-Encoding: chunked",
        ] {
            let bytes =
                format!("POST /post HTTP/1.1\r\nHost: shop\r\n{fields}\r\n\r\n0\r\n\r\n{SMUGGLED}");
            refuses(fields, bytes, 400).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn chunked_in_http_1_0_is_400() {
    local(async {
        let bytes = format!("POST / HTTP/1.0\r\n{CHUNKED}\r\n0\r\n\r\n{SMUGGLED}");
        refuses("HTTP/1.0", bytes, 400).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn lengths_that_differ_or_are_no_number_are_400() {
    local(async {
        for fields in [
            "Content-Length: 4\r\nContent-Length: 5",
            "Content-Length: +4",
            "Content-Length: -4",
            "Content-Length: 0x4",
            "Content-Length: 4, 4",
            "Content-Length: 4 4",
            "Content-Length: ",
            "Content-Length: 99999999999999999999",
        ] {
            let bytes =
                format!("POST /post HTTP/1.1\r\nHost: shop\r\n{fields}\r\n\r\nabcd{SMUGGLED}");
            refuses(fields, bytes, 400).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn equal_lengths_are_merged_into_one() {
    local(async {
        let site = Site::open().await;
        let fields = "Content-Length: 4\r\nContent-Length: 4\r\nConnection: close\r\n";
        let told = post(&site, fields, "abcd").await;
        assert_eq!(told.statuses(), [200]);
        let seen = site.shop.seen.borrow();
        assert_eq!((seen.len(), seen[0].content_lengths, seen[0].body), (1, 1, Ok(4)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn forbidden_bytes_and_folds_are_400() {
    local(async {
        for (what, head) in [
            ("bare CR in a value", "GET / HTTP/1.1\r\nHost: shop\r\nA: b\rc\r\n\r\n"),
            ("NUL in a value", "GET / HTTP/1.1\r\nHost: shop\r\nA: b\0c\r\n\r\n"),
            ("control byte in a value", "GET / HTTP/1.1\r\nHost: shop\r\nA: b\u{1}c\r\n\r\n"),
            ("NUL in a name", "GET / HTTP/1.1\r\nHost: shop\r\nA\0: b\r\n\r\n"),
            ("bare CR in a name", "GET / HTTP/1.1\r\nHost: shop\r\nA\r: b\r\n\r\n"),
            ("control byte in the target", "GET /\u{1} HTTP/1.1\r\nHost: shop\r\n\r\n"),
            ("NUL in the target", "GET /\0 HTTP/1.1\r\nHost: shop\r\n\r\n"),
            ("fold", "GET / HTTP/1.1\r\nHost: shop\r\nA: b\r\n c\r\n\r\n"),
            ("space in the name", "GET / HTTP/1.1\r\nHost: shop\r\nA b: c\r\n\r\n"),
            ("no version", "GET /\r\nHost: shop\r\n\r\n"),
            ("unknown version", "GET / HTTP/3.0\r\nHost: shop\r\n\r\n"),
        ] {
            refuses(what, format!("{head}{SMUGGLED}"), 400).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn refused_syntax_is_counted() {
    local(async {
        let site = Site::open().await;
        site.raw("GET / HTTP/1.1\r\nA\0: b\r\n\r\n").await;
        eventually(|| site.closed_only_by(Closed::Malformed) == 1).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bare_line_feeds_are_taken_as_line_ends() {
    local(async {
        let site = Site::open().await;
        let told = site.raw("GET /lf HTTP/1.1\nHost: shop\nConnection: close\n\n").await;
        assert_eq!((told.statuses(), site.shop.paths()), (vec![200], vec!["/lf".to_owned()]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bad_chunks_fail_the_body_and_nothing_is_read_after_them() {
    local(async {
        for body in [
            "zz\r\nabcd\r\n0\r\n\r\n",
            "-4\r\nabcd\r\n0\r\n\r\n",
            "0x4\r\nabcd\r\n0\r\n\r\n",
            "FFFFFFFFFFFFFFFFF\r\nabcd\r\n0\r\n\r\n",
            "4\nabcd\n0\n\n",
            "4\r\nabcdXX0\r\n\r\n",
            "4\r\nabcd0\r\n\r\n",
        ] {
            let seen = calls_once(body, CHUNKED, body, 400).await;
            assert_eq!(seen.body, Err(()), "{body}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn chunk_extensions_are_dropped_and_bounded() {
    local(async {
        let closing = format!("{CHUNKED}Connection: close\r\n");
        let seen = calls_once("small", &closing, "4;a=b\r\nabcd\r\n0\r\n\r\n", 200).await;
        assert_eq!(seen.body, Ok(4));
        let long = format!("4;{}\r\nabcd\r\n0\r\n\r\n", "x".repeat(17 << 10));
        let seen = calls_once("long", CHUNKED, &long, 400).await;
        assert_eq!(seen.body, Err(()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn oversized_heads_are_431_and_counted() {
    local(async {
        let wide = format!("GET / HTTP/1.1\r\nHost: shop\r\nA: {}\r\n\r\n", "x".repeat(40 << 10));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
        for head in [wide, many] {
            let site = Site::open().await;
            let told = site.raw(&head).await;
            assert_eq!(told.statuses(), [431]);
            assert!(site.shop.paths().is_empty());
            eventually(|| site.closed_only_by(Closed::HeadTooLarge) == 1).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_target_larger_than_a_head_is_414_and_counted() {
    local(async {
        let site = Site::open().await;
        let told = site.raw(get(&format!("/{}", "x".repeat(100 << 10)))).await;
        assert_eq!(told.statuses(), [414]);
        assert!(told.text.ends_with(r#""reason":"uri_too_long"}"#), "{told:?}");
        assert!(site.shop.paths().is_empty());
        eventually(|| site.closed_only_by(Closed::UriTooLong) == 1).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_head_just_below_the_bound_is_served() {
    local(async {
        let site = Site::open().await;
        let filler = "x".repeat((32 << 10) - 100);
        let head =
            format!("GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nA: {filler}\r\n\r\n");
        assert_eq!(site.raw(head).await.statuses(), [200]);
    })
    .await;
}
