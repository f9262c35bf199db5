//! Tests of idempotency keys: what they share, keys and endings.

mod examples;
mod property;
mod table;

use super::*;
use crate::outcome::{
    Class, ConnectFailure, Connection, GrpcCode, Judgement, Observation, RetryRule, Sent,
};
use crate::time::{Duration, Instant};
use std::string::String;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

/// A request of `owner` that comes at `now` and runs for ten seconds at most.
fn request(owner: u64, body: u8, now: Instant) -> Arrival {
    let exec_deadline = now.after(SECOND * 10);
    Arrival { owner, fingerprint: Fingerprint([body; 32]), since: now, exec_deadline }
}

fn key_of(tenant: &str, route: &str) -> RecordKey {
    RecordKey {
        tenant: tenant.into(),
        method: "POST".into(),
        route: route.into(),
        key: Key::parse("k-1").unwrap(),
    }
}

fn key() -> RecordKey {
    key_of("me", "/pay")
}

/// A table with a log.
struct Bench {
    records: Records<&'static str>,
    events: Vec<IdempotencyEvent>,
}

impl Bench {
    fn new(settings: IdempotencySettings) -> Self {
        Self { records: Records::new(settings).unwrap(), events: Vec::new() }
    }

    fn ask(&mut self, arrival: Arrival, now: Instant) -> Arrived {
        let asks = (arrival, Need::Required);
        let told = self.records.arrive(&key(), asks, now, &mut self.events);
        let Protection::Recorded(arrived) = told else { panic!("{told:?}") };
        arrived
    }

    fn run(&mut self, owner: u64, now: Instant) -> Claim {
        let arrived = self.ask(request(owner, 1, now), now);
        let Arrived::Run(claim) = arrived else { panic!("{arrived:?}") };
        claim
    }

    fn end(&mut self, claim: Claim, ending: Ending, now: Instant) -> Completed {
        let ended = (claim, ending, Some(("paid", 4)));
        self.records.complete(&key(), ended, now, &mut self.events)
    }
}

#[test]
fn a_key_is_a_quoted_string_or_a_bare_token() {
    for (line, key) in [
        ("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (" 8e03978e ", "8e03978e"),
        ("order:7/retry=1", "order:7/retry=1"),
        (r#""a\"b\\c""#, r#"a"b\c"#),
        ("\"a,b;c\"", "a,b;c"),
    ] {
        assert_eq!(Key::parse(line).unwrap().as_str(), key, "{line}");
    }
}

#[test]
fn keys_of_another_form_are_refused() {
    for (line, fault) in [
        ("", KeyFault::Empty),
        ("\"\"", KeyFault::Empty),
        ("\"a", KeyFault::Malformed),
        ("\"a\"b", KeyFault::Malformed),
        ("\"a\";p=1", KeyFault::Malformed),
        ("\"a\\n\"", KeyFault::Malformed),
        ("\"a b\"", KeyFault::Malformed),
        ("\"ä\"", KeyFault::Malformed),
        ("a, b", KeyFault::Malformed),
        ("a\"b\"", KeyFault::Malformed),
    ] {
        assert_eq!(Key::parse(line), Err(fault), "{line}");
    }
    assert_eq!(Key::from_lines([]), Ok(None));
    assert_eq!(Key::from_lines(["a", "a"]), Err(KeyFault::Several));
    assert_eq!(Key::from_lines(["a"]), Key::parse("\"a\"").map(Some));
}

#[test]
fn a_key_of_255_characters_fits_and_one_more_does_not() {
    for quote in ["", "\""] {
        let line = |length: usize| [quote, &"k".repeat(length), quote].concat();
        assert_eq!(Key::parse(&line(KEY_MAX)).unwrap().as_str().len(), KEY_MAX);
        assert_eq!(Key::parse(&line(KEY_MAX + 1)), Err(KeyFault::TooLong));
        assert_eq!(Key::parse(&line(10_000)), Err(KeyFault::TooLong));
    }
    let escaped: String = ["\"", &"\\\"".repeat(KEY_MAX), "\""].concat();
    assert!(Key::parse(&escaped).is_ok());
}

#[test]
fn t169_only_what_would_be_the_same_again_is_kept() {
    let status = |code| Observation::Status { code, retry_after: None, exhausted: false };
    let grpc = |code| Observation::Grpc { code, pushback: None, exhausted: false };
    for code in [200, 201, 204, 299, 400, 403, 404, 409, 422, 451] {
        assert_eq!(Ending::of(status(code)), Ending::Keep, "{code}");
    }
    for code in [408, 421, 425, 429, 501, 503, 302] {
        assert_eq!(Ending::of(status(code)), Ending::Free, "{code}");
    }
    let judged = |class, retry, throttled| {
        Observation::Judged(Judgement { class, retry, throttled, retry_after: None })
    };
    for (seen, ending) in [
        (status(500), Ending::Unknown),
        (status(502), Ending::Unknown),
        (status(504), Ending::Unknown),
        (grpc(GrpcCode::Ok), Ending::Keep),
        (grpc(GrpcCode::NotFound), Ending::Keep),
        (grpc(GrpcCode::ResourceExhausted), Ending::Free),
        (grpc(GrpcCode::Unavailable), Ending::Free),
        (grpc(GrpcCode::Aborted), Ending::Free),
        (grpc(GrpcCode::Internal), Ending::Unknown),
        (Observation::ConnectFailed(ConnectFailure::Refused), Ending::Free),
        (Observation::ConnectFailed(ConnectFailure::Exhausted), Ending::Free),
        (Observation::TimedOut { sent: Sent::Maybe }, Ending::Unknown),
        (Observation::TimedOut { sent: Sent::No }, Ending::Free),
        (Observation::Lost { connection: Connection::Reused, sent: Sent::Yes }, Ending::Unknown),
        (Observation::CutShort, Ending::Unknown),
        (Observation::CallerGone, Ending::Unknown),
        (Observation::Completed, Ending::Keep),
        (judged(Class::Success, RetryRule::Never, false), Ending::Keep),
        (judged(Class::Failure, RetryRule::IfSafe, false), Ending::Unknown),
        (judged(Class::Failure, RetryRule::Always, false), Ending::Free),
        (judged(Class::Ignored, RetryRule::IfSafe, true), Ending::Free),
        (judged(Class::Ignored, RetryRule::Never, false), Ending::Unknown),
    ] {
        assert_eq!(Ending::of(seen), ending, "{seen:?}");
    }
}

#[test]
fn a_key_is_free_only_if_no_attempt_can_have_done_the_work() {
    use Ending::{Free, Keep, Unknown};
    for (attempts, ending) in [
        (&[][..], Free),
        (&[Free, Free], Free),
        (&[Unknown, Free], Unknown),
        (&[Free, Unknown], Unknown),
        (&[Unknown, Keep], Keep),
        (&[Keep, Free], Unknown),
    ] {
        let folded = attempts.iter().fold(Free, |known, next| known.then(*next));
        assert_eq!(folded, ending, "{attempts:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let good = IdempotencySettings::default();
    assert_eq!(good.validate(), Ok(()));
    for (settings, field) in [
        (IdempotencySettings { ttl: Duration::ZERO, ..good }, "ttl"),
        (IdempotencySettings { exec_max: Duration::ZERO, ..good }, "exec_max"),
        (IdempotencySettings { entries_max: 0, ..good }, "entries_max"),
        (IdempotencySettings { wait: SECOND * 61, ..good }, "wait"),
        (IdempotencySettings { bytes_max: BODY_MAX - 1, ..good }, "body_max"),
    ] {
        assert_eq!(settings.validate().unwrap_err().field(), field);
    }
}
