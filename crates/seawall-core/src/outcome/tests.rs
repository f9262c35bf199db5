//! Tests of single rows and marks; the whole table is in `table.rs`.

use super::*;

fn of_status(code: u16) -> Outcome {
    let seen = Observation::Status { code, retry_after: None, exhausted: false };
    classify(seen, RetryOn500::Never)
}

#[test]
fn cl_1_t21_a_callers_mistake_is_a_success_of_the_dependency() {
    for code in [400, 401, 403, 404, 405, 409, 410, 422, 431, 451] {
        assert_eq!(of_status(code).class, Class::Success, "{code}");
        assert_eq!(of_status(code).retry, RetryRule::Never, "{code}");
    }
}

#[test]
fn cl_3_a_501_says_nothing_about_the_dependency() {
    assert_eq!(of_status(501).class, Class::Ignored);
    assert_eq!(of_status(505).retry, RetryRule::Never);
}

#[test]
fn gateway_errors_are_failures_that_safe_calls_retry() {
    for code in [502, 503, 504] {
        assert_eq!(of_status(code).class, Class::Failure);
        assert_eq!(of_status(code).retry, RetryRule::IfSafe);
    }
}

#[test]
fn a_500_is_retried_only_when_asked_for() {
    let seen = Observation::Status { code: 500, retry_after: None, exhausted: false };
    assert_eq!(classify(seen, RetryOn500::Never).retry, RetryRule::Never);
    assert_eq!(classify(seen, RetryOn500::IfSafe).retry, RetryRule::IfSafe);
}

#[test]
fn a_503_with_a_hint_throttles() {
    let hint = Some(Duration::from_secs(2));
    let seen = Observation::Status { code: 503, retry_after: hint, exhausted: false };
    let outcome = classify(seen, RetryOn500::Never);
    assert!(outcome.throttled);
    assert_eq!(outcome.retry_after, hint);
    assert!(!of_status(503).throttled);
    assert!(of_status(429).throttled);
}

#[test]
fn an_inner_seawall_that_gave_up_is_not_retried() {
    let seen = Observation::Status { code: 503, retry_after: None, exhausted: true };
    assert_eq!(classify(seen, RetryOn500::IfSafe).retry, RetryRule::Never);
}

#[test]
fn t46_a_reset_on_a_reused_connection_is_no_mark_against_the_endpoint() {
    let reused = Observation::Lost { connection: Connection::Reused, sent: Sent::Maybe };
    let fresh = Observation::Lost { connection: Connection::Fresh, sent: Sent::Maybe };
    assert_eq!(classify(reused, RetryOn500::Never).class, Class::Ignored);
    assert_eq!(classify(fresh, RetryOn500::Never).class, Class::Failure);
}

#[test]
fn t45_only_the_provably_unsent_is_retried_for_every_call() {
    for (sent, rule) in [
        (Sent::No, RetryRule::Always),
        (Sent::Maybe, RetryRule::IfSafe),
        (Sent::Yes, RetryRule::IfSafe),
    ] {
        let seen = Observation::Lost { connection: Connection::Reused, sent };
        assert_eq!(classify(seen, RetryOn500::Never).retry, rule);
        assert_eq!(classify(Observation::TimedOut { sent }, RetryOn500::Never).retry, rule);
    }
    let refused = Observation::ConnectFailed(ConnectFailure::Refused);
    assert_eq!(classify(refused, RetryOn500::Never).retry, RetryRule::Always);
}

#[test]
fn t34_an_exhausted_pool_is_our_own_doing() {
    let seen = Observation::ConnectFailed(ConnectFailure::Exhausted);
    let outcome = classify(seen, RetryOn500::Never);
    assert_eq!((outcome.class, outcome.origin), (Class::Ignored, Origin::Own));
}

#[test]
fn a_caller_whose_body_fails_moves_no_counter_of_the_service() {
    for (fault, reason) in [
        (CallerFault::Stalled, Reason::BodyTimeout),
        (CallerFault::TooLarge, Reason::BodyTooLarge),
        (CallerFault::Broken, Reason::MalformedRequest),
    ] {
        let outcome = classify(Observation::CallerFault(fault), RetryOn500::Never);
        assert_eq!((outcome.class, outcome.origin), (Class::Ignored, Origin::Caller));
        assert_eq!((outcome.retry, outcome.reason), (RetryRule::Never, Some(reason)));
    }
}

#[test]
fn t20_a_caller_that_leaves_is_no_failure() {
    let outcome = classify(Observation::CallerGone, RetryOn500::Never);
    assert_eq!(outcome.class, Class::Abandoned);
}

#[test]
fn a_wrong_answer_is_a_failure_that_is_not_retried_unless_asked_for() {
    for (on_data_loss, rule) in
        [(OptIn::Never, RetryRule::Never), (OptIn::IfSafe, RetryRule::IfSafe)]
    {
        let opt_ins = OptIns { on_data_loss, ..OptIns::default() };
        let outcome = classify_with(Observation::Invalid, opt_ins, &Overrides::default());
        assert_eq!((outcome.class, outcome.origin), (Class::Failure, Origin::Upstream));
        assert_eq!((outcome.retry, outcome.reason), (rule, Some(Reason::ResponseInvalid)));
        assert!(outcome.is_invalid_answer());
    }
}

#[test]
fn failures_are_told_apart_by_kind() {
    let kind = |seen| classify(seen, OptIn::Never).failure;
    let status = |code| kind(Observation::Status { code, retry_after: None, exhausted: false });
    assert_eq!(kind(Observation::TimedOut { sent: Sent::Yes }), Some(FailureKind::LocalOrigin));
    assert_eq!(status(503), Some(FailureKind::Gateway));
    assert_eq!(status(500), Some(FailureKind::Service));
    assert_eq!((status(404), status(429)), (None, None));
}

#[test]
fn the_short_way_of_a_plain_success_agrees_with_the_table() {
    let judged = |retry_after| {
        let (class, retry) = (Class::Success, RetryRule::Never);
        Observation::Judged(Judgement { class, retry, throttled: false, retry_after })
    };
    let status = |code| Observation::Status { code, retry_after: None, exhausted: false };
    let hinted = judged(Some(Duration::from_secs(1)));
    let seen = [Observation::Completed, judged(None), hinted].into_iter();
    for seen in seen.chain((100..=999).map(status)) {
        let short = classify_with(seen, OptIns::default(), &Overrides::default());
        assert_eq!(short, classify(seen, RetryOn500::Never), "{seen:?}");
    }
    let (class, retry) = (Class::Failure, RetryRule::IfSafe);
    let moved = Overrides::new(&[Override { row: Row::Status(204), class, retry }]).unwrap();
    assert_eq!(classify_with(status(204), OptIns::default(), &moved).class, Class::Failure);
}
