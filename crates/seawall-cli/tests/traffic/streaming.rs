//! Bodies pass as they come: nothing is held back until it is whole, in either direction.

use crate::origin::Stage;
use crate::support::client::Connection;
use crate::support::gateway::Gateway;

/// A gateway with a service that the test plays, one caller, and the connection between.
fn meet(line: &str, lines: &[&str]) -> (Gateway, Connection, Connection) {
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut client = Connection::to(gateway.address());
    client.request(line, lines);
    let mut service = stage.accept();
    let (seen, _) = service.request_head().unwrap();
    assert_eq!(seen, format!("{line} HTTP/1.1"));
    (gateway, client, service)
}

#[test]
fn a_chunk_of_an_answer_arrives_before_the_next_is_sent() {
    let (_gateway, mut client, mut service) = meet("GET /feed", &[]);
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.head().unwrap().header("transfer-encoding"), Some("chunked"));
    for chunk in ["first", "second", "third"] {
        service.send(format!("{:x}\r\n{chunk}\r\n", chunk.len()));
        assert_eq!(client.chunk().unwrap(), chunk.as_bytes(), "before anything else is sent");
    }
    service.send("0\r\n\r\n");
    assert_eq!(client.chunk(), None);
}

#[test]
fn t53_bytes_of_a_sized_answer_arrive_before_the_rest_is_sent() {
    let (_gateway, mut client, mut service) = meet("GET /slow", &[]);
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    assert_eq!(client.head().unwrap().header("content-length"), Some("6"));
    let mut piece = [0; 6];
    assert_eq!((client.read(&mut piece), &piece[..3]), (3, &b"abc"[..]));
    service.send("def");
    assert_eq!((client.read(&mut piece), &piece[..3]), (3, &b"def"[..]));
}

#[test]
fn an_answer_that_ends_with_its_connection_ends_for_the_caller_alone() {
    let (_gateway, mut client, mut service) = meet("GET /old", &[]);
    service.send("HTTP/1.0 200 OK\r\n\r\nall of ");
    assert_eq!(client.head().unwrap().header("transfer-encoding"), Some("chunked"));
    assert_eq!(client.chunk().unwrap(), b"all of ");
    service.send("it");
    drop(service);
    assert_eq!(client.chunk().unwrap(), b"it");
    assert_eq!(client.chunk(), None);
}

#[test]
fn a_chunk_of_an_upload_arrives_before_the_next_is_sent() {
    let (_gateway, mut client, mut service) = meet("POST /feed", &["Transfer-Encoding: chunked"]);
    for chunk in ["first", "second", "third"] {
        client.send(format!("{:x}\r\n{chunk}\r\n", chunk.len()));
        assert_eq!(service.chunk().unwrap(), chunk.as_bytes(), "before anything else is sent");
    }
    client.send("0\r\n\r\n");
    assert_eq!(service.chunk(), None);
    assert!(service.fields().is_empty());
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(client.answer().text(), "ok");
}

#[test]
fn a_get_may_have_a_body_in_chunks() {
    let (_gateway, mut client, mut service) = meet("GET /search", &["Transfer-Encoding: chunked"]);
    client.send("5\r\nquery\r\n0\r\n\r\n");
    assert_eq!(service.chunk().unwrap(), b"query");
    assert_eq!(service.chunk(), None);
}

#[test]
fn an_answer_given_early_arrives_while_the_upload_is_unfinished() {
    let (_gateway, mut client, mut service) = meet("POST /upload", &["Content-Length: 1000000"]);
    client.send("the first bytes");
    let mut piece = [0; 64];
    assert!(service.read(&mut piece) > 0);
    service.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge");
    let answer = client.answer();
    assert_eq!((answer.status(), answer.text().as_str()), (413, "large"));
    assert!(client.rest().is_empty(), "what is left of the upload cannot be told from a request");
    assert_eq!(service.rest(), b"", "the upload was given up towards the service too");
}

#[test]
fn an_answer_may_start_early_and_end_after_the_upload() {
    let (_gateway, mut client, mut service) = meet("POST /talk", &["Transfer-Encoding: chunked"]);
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
    assert_eq!(client.head().unwrap().status, 200);
    assert_eq!(client.chunk().unwrap(), b"hi");
    for word in ["one", "two"] {
        client.send(format!("3\r\n{word}\r\n"));
        assert_eq!(service.chunk().unwrap(), word.as_bytes());
        service.send(format!("3\r\n{word}\r\n"));
        assert_eq!(client.chunk().unwrap(), word.as_bytes());
    }
    client.send("0\r\n\r\n");
    assert_eq!(service.chunk(), None);
    service.send("0\r\n\r\n");
    assert_eq!(client.chunk(), None);
}

#[test]
fn t53_a_caller_that_leaves_ends_the_upstream_request() {
    let (gateway, mut client, mut service) = meet("GET /feed", &[]);
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
    assert_eq!(client.head().unwrap().status, 200);
    drop(client);
    assert_eq!(service.rest(), b"", "closed, not left to run");
    gateway.wait_for_status("no attempt is left running", |status| {
        status["upstreams"][0]["endpoints"][0]["active"] == 0
    });
    assert_eq!(gateway.count("seawall_calls_total", "verdict=\"cancelled\""), 1);
}
