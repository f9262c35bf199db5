//! Answers that are written on the bare socket, because hyper has no say in them. Answers to
//! requests that were read whole are made by the handler.

use seawall_core::reason::Reason;

use super::meters::Closed;
use crate::answer::form;

/// The answer to a connection that ends for this reason, where HTTP/1.1 has one.
pub(super) fn refusal(closed: Closed) -> Option<String> {
    match closed {
        Closed::HeaderTimeout => Some(problem(Reason::HeaderTimeout)),
        Closed::UriTooLong => Some(problem(Reason::UriTooLong)),
        _ => None,
    }
}

/// The body of problem details (RFC 9457) for `status`, a code with its phrase.
pub(super) fn details(status: &str, reason: &str, detail: &str) -> String {
    let (code, title) = status.split_once(' ').unwrap_or((status, status));
    // Nothing in here comes from outside, so nothing needs escaping.
    let what = format!(r#""type":"about:blank","title":"{title}","status":{code}"#);
    format!(r#"{{{what},"detail":"{detail}","reason":"{reason}"}}"#)
}

fn problem(reason: Reason) -> String {
    let form = form(reason);
    let status = form.status.to_string();
    let body = details(&status, reason.code(), form.detail);
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\n\
         content-length: {}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
