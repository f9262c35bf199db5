//! What an answer was worth: pure, from what was asked for and what came.

use http::{HeaderMap, StatusCode};

use crate::record::{Content, Seen};
use crate::stream::Planned;
use crate::wire;

/// Judges a whole answer to `asked`.
///
/// Only what claims to be right is held against what was asked for: an answer with another status
/// than 2xx is wrong anyhow, whatever its body. A 2xx that no replica made is wrong too: nobody
/// but replicas has anything to answer.
pub(super) fn judge(asked: &Planned, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Seen {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    let replica = number(wire::REPLICA).and_then(|replica| u8::try_from(replica).ok());
    let is_right = || {
        replica.is_some()
            && number(wire::ID) == Some(asked.id)
            && *body == wire::body(asked.id, asked.answer)
            && headers.get(wire::HASH).is_some_and(|hash| *hash == *wire::hash_of(body))
    };
    let body = if !status.is_success() || is_right() { Content::Right } else { Content::Wrong };
    Seen::Answer { status: status.as_u16(), replica, body }
}

/// Whether a user takes what was seen for what was wanted.
pub(super) const fn is_content(seen: Seen) -> bool {
    matches!(seen, Seen::Answer { status: 200..300, body: Content::Right, .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{Priority, Verb};
    use http::HeaderValue;

    fn asked() -> Planned {
        Planned {
            id: 7,
            at: 0,
            verb: Verb::Get,
            keyed: false,
            route: 0,
            tenant: 0,
            priority: Priority::Normal,
            deadline: 0,
            body: 0,
            answer: 20,
            service: 0,
        }
    }

    fn headers(id: u64, body: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(wire::ID, HeaderValue::from(id));
        headers.insert(wire::REPLICA, HeaderValue::from(2));
        headers.insert(wire::HASH, wire::hash_of(body).parse().unwrap());
        headers
    }

    fn content(headers: &HeaderMap, body: &[u8]) -> Content {
        match judge(&asked(), StatusCode::OK, headers, body) {
            Seen::Answer { body, .. } => body,
            other => panic!("{other:?} is no answer"),
        }
    }

    #[test]
    fn the_answer_that_was_asked_for_is_right() {
        let body = wire::body(7, 20);
        let seen = judge(&asked(), StatusCode::OK, &headers(7, &body), &body);
        let right = Seen::Answer { status: 200, replica: Some(2), body: Content::Right };
        assert_eq!(seen, right);
        assert!(is_content(seen));
    }

    #[test]
    fn a_foreign_id_a_short_body_a_changed_byte_and_a_wrong_hash_are_wrong() {
        let body = wire::body(7, 20);
        assert_eq!(content(&headers(8, &body), &body), Content::Wrong);
        let short = wire::body(7, 19);
        assert_eq!(content(&headers(7, &short), &short), Content::Wrong);
        let foreign = wire::body(8, 20);
        assert_eq!(content(&headers(7, &foreign), &foreign), Content::Wrong);
        assert_eq!(content(&headers(7, b"other"), &body), Content::Wrong);
    }

    #[test]
    fn a_success_that_no_replica_made_is_wrong_and_an_error_is_not_judged() {
        assert_eq!(content(&HeaderMap::new(), &wire::body(7, 20)), Content::Wrong);
        let refused = judge(&asked(), StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new(), b"full");
        let expected = Seen::Answer { status: 503, replica: None, body: Content::Right };
        assert_eq!(refused, expected);
        assert!(!is_content(refused) && !is_content(Seen::Cut));
    }
}
