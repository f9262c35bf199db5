//! Tests of the classifiers, and that the core judges as the classifier did.

use std::io;

use seawall_core::outcome::{Class, RetryOn500, RetryRule, classify};
use seawall_core::time::Duration;

use super::{AnyResult, Classify, Io, Outcome};

fn judged(outcome: Outcome) -> seawall_core::outcome::Outcome {
    classify(outcome.observation(), RetryOn500::Never)
}

#[test]
fn the_core_judges_as_the_classifier_did() {
    use Class::{Failure, Ignored, Success};
    use RetryRule::{Always, IfSafe, Never};
    for (outcome, class, retry) in [
        (Outcome::success(), Success, Never),
        (Outcome::success().unsent(), Success, Never),
        (Outcome::failure(), Failure, IfSafe),
        (Outcome::failure().unsent(), Failure, Always),
        (Outcome::failure().not_retryable(), Failure, Never),
        (Outcome::ignored(), Ignored, Never),
        (Outcome::ignored().unsent(), Ignored, Always),
        (Outcome::throttled(), Ignored, IfSafe),
        (Outcome::throttled().unsent(), Ignored, Always),
        (Outcome::throttled().not_retryable(), Ignored, Never),
    ] {
        let core = judged(outcome);
        assert_eq!((core.class, core.retry), (class, retry), "{outcome:?}");
    }
    assert!(judged(Outcome::throttled()).throttled);
    assert!(!judged(Outcome::failure()).throttled);
}

#[test]
fn a_hint_reaches_the_core() {
    let wait = Duration::from_secs(2);
    for outcome in [Outcome::failure(), Outcome::throttled(), Outcome::ignored()] {
        assert_eq!(judged(outcome.retry_after(wait)).retry_after, Some(wait), "{outcome:?}");
    }
}

#[test]
fn any_error_is_a_failure_by_default() {
    assert_eq!(AnyResult.classify(Ok::<_, &()>(&1)), Outcome::success());
    assert_eq!(AnyResult.classify(Err::<&u8, _>(&"boom")), Outcome::failure());
}

#[test]
fn io_errors_are_judged_by_their_kind() {
    use io::ErrorKind as Kind;
    for kind in [Kind::NotFound, Kind::PermissionDenied, Kind::InvalidInput, Kind::AlreadyExists] {
        assert_eq!(Io::of(kind), Outcome::success(), "{kind}");
    }
    for kind in [Kind::ConnectionReset, Kind::TimedOut, Kind::BrokenPipe, Kind::UnexpectedEof] {
        assert_eq!(Io::of(kind), Outcome::failure(), "{kind}");
    }
    assert_eq!(Io::of(Kind::ConnectionRefused), Outcome::failure().unsent());
    let refused = io::Error::from(Kind::ConnectionRefused);
    assert_eq!(Io.classify(Err::<&(), _>(&refused)), Outcome::failure().unsent());
}

#[cfg(feature = "http")]
mod http {
    use ::http::Response;

    use super::super::{Classify, Http, Outcome};
    use super::{Class, Duration, RetryRule, judged};

    fn answer(status: u16, retry_after: Option<&str>) -> Outcome {
        let mut response = Response::builder().status(status);
        if let Some(value) = retry_after {
            response = response.header("retry-after", value);
        }
        Http.classify(Ok::<_, &()>(&response.body(()).unwrap()))
    }

    #[test]
    fn cl_1_t21_a_callers_mistake_is_a_success_of_the_dependency() {
        for status in [400, 401, 403, 404, 409, 422] {
            assert_eq!(judged(answer(status, None)).class, Class::Success, "{status}");
        }
    }

    #[test]
    fn gateway_errors_are_retried_where_safe_and_a_500_is_not() {
        assert_eq!(judged(answer(503, None)).retry, RetryRule::IfSafe);
        assert_eq!(judged(answer(500, None)).retry, RetryRule::Never);
    }

    #[test]
    fn an_inner_seawall_that_gave_up_is_not_retried() {
        for status in [500, 503] {
            let response = Response::builder().status(status).header("seawall-exhausted", "1");
            let outcome = Http.classify(Ok::<_, &()>(&response.body(()).unwrap()));
            assert_eq!(judged(outcome).retry, RetryRule::Never, "{status}");
        }
    }

    #[test]
    fn t41_only_whole_seconds_are_a_hint() {
        assert_eq!(answer(503, Some("2")).hint(), Some(Duration::from_secs(2)));
        assert_eq!(
            answer(429, Some("99999999999999999999")).hint(),
            Some(Duration::from_secs(u64::MAX))
        );
        for value in ["-1", "1.5", "soon", "", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(answer(503, Some(value)).hint(), None, "{value}");
        }
    }
}
