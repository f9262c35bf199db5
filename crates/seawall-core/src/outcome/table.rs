//! The whole table of outcomes, row by row, against literals.

use super::*;
use std::vec::Vec;

const HINT: Option<Duration> = Some(Duration::from_secs(2));

const fn http(code: u16) -> Observation {
    Observation::Status { code, retry_after: None, exhausted: false }
}

fn grpc(number: u32) -> Observation {
    let code = GrpcCode::from_number(number);
    Observation::Grpc { code, pushback: None, exhausted: false }
}

fn judge(seen: Observation) -> Outcome {
    classify(seen, OptIn::Never)
}

/// What may be said otherwise about the table.
#[derive(Default)]
struct Rules {
    opt_ins: OptIns,
    overrides: Overrides,
}

fn judged(seen: Observation, rules: &Rules) -> Outcome {
    classify_with(seen, rules.opt_ins, &rules.overrides)
}

fn opted_in() -> Rules {
    let every = OptIn::IfSafe;
    let opt_ins = OptIns { on_500: every, on_aborted: every, on_data_loss: every };
    Rules { opt_ins, overrides: Overrides::default() }
}

/// One row: what is seen, retry, class, origin, latency, throttled, retry when opted in.
type Line<'a> = (&'a [Observation], RetryRule, Class, Origin, Latency, bool, RetryRule);

fn check(lines: &[Line<'_>]) {
    for (all, retry, class, origin, latency, throttled, opted) in lines {
        for seen in *all {
            let outcome = judge(*seen);
            assert_eq!(outcome.retry, *retry, "{seen:?}");
            assert_eq!((outcome.class, outcome.origin), (*class, *origin), "{seen:?}");
            assert_eq!((outcome.latency, outcome.throttled), (*latency, *throttled), "{seen:?}");
            assert_eq!(judged(*seen, &Rules::default()), outcome, "{seen:?}");
            let willing = judged(*seen, &opted_in());
            assert_eq!(willing, Outcome { retry: *opted, ..outcome }, "{seen:?}");
        }
    }
}

#[test]
fn cl_1_cl_3_every_status_of_a_service_has_its_row() {
    use Class::{Abandoned, Failure, Ignored, Success};
    use Latency::{AtLeast, Nothing, Sample};
    use Origin::{Caller, Upstream};
    use RetryRule::{Always, IfSafe, Never};
    let fine: Vec<_> = (100..400).map(http).chain([grpc(0)]).collect();
    let mistakes: Vec<_> = [400, 401, 403, 404, 405, 406, 422, 426, 428, 431, 451]
        .into_iter()
        .chain(410..=417)
        .map(http)
        .chain([3, 5, 6, 7, 9, 11, 16].map(grpc))
        .collect();
    check(&[
        (&fine, Never, Success, Upstream, Sample, false, Never),
        (&mistakes, Never, Success, Upstream, Sample, false, Never),
        (&[http(408)], IfSafe, Ignored, Upstream, Nothing, false, IfSafe),
        (&[http(421), http(425)], Always, Ignored, Upstream, Nothing, false, Always),
        (&[http(409), grpc(10)], Never, Success, Upstream, Sample, false, IfSafe),
        (&[http(429), grpc(8)], IfSafe, Ignored, Upstream, Nothing, true, IfSafe),
        (&[http(500), grpc(2), grpc(13)], Never, Failure, Upstream, Nothing, false, IfSafe),
        (
            &[http(502), http(503), http(504), grpc(14)],
            IfSafe,
            Failure,
            Upstream,
            Nothing,
            false,
            IfSafe,
        ),
        (&[http(501), http(505), grpc(12)], Never, Ignored, Upstream, Nothing, false, Never),
        (&[grpc(4)], IfSafe, Failure, Upstream, AtLeast, false, IfSafe),
        (&[grpc(1)], Never, Abandoned, Caller, Nothing, false, Never),
        (&[grpc(15)], Never, Failure, Upstream, Nothing, false, IfSafe),
    ]);
}

#[test]
fn every_way_to_fail_without_a_status_has_its_row() {
    use Class::{Abandoned, Failure, Ignored};
    use ConnectFailure as C;
    use Latency::{AtLeast, Nothing};
    use Observation as O;
    use Origin::{Caller, Network, Own, Upstream};
    use RetryRule::{Always, IfSafe, Never};
    let names = [C::Unresolved, C::ResolveTimedOut].map(O::ConnectFailed);
    let way = [C::Refused, C::TimedOut, C::Unroutable, C::Handshake, C::WrongProtocol]
        .map(O::ConnectFailed);
    let unprocessed =
        [Unprocessed::StreamRefused, Unprocessed::GoneAway].map(Observation::Unprocessed);
    let late = [O::TimedOut { sent: Sent::Yes }, O::TimedOut { sent: Sent::Maybe }];
    let lost = |connection| [Sent::Maybe, Sent::Yes].map(|sent| O::Lost { connection, sent });
    let unsent = |connection| [O::Lost { connection, sent: Sent::No }];
    check(&[
        (&names, Always, Failure, Network, Nothing, false, Always),
        (&way, Always, Failure, Network, Nothing, false, Always),
        (&unprocessed, Always, Ignored, Upstream, Nothing, false, Always),
        (&lost(Connection::Reused), IfSafe, Ignored, Network, Nothing, false, IfSafe),
        (&lost(Connection::Fresh), IfSafe, Failure, Network, Nothing, false, IfSafe),
        (&unsent(Connection::Reused), Always, Ignored, Network, Nothing, false, Always),
        (&unsent(Connection::Fresh), Always, Failure, Network, Nothing, false, Always),
        (&late, IfSafe, Failure, Network, AtLeast, false, IfSafe),
        (&[O::CutShort, O::ReadStalled], Never, Failure, Upstream, Nothing, false, Never),
        (&[O::Malformed, O::WriteStalled], IfSafe, Failure, Upstream, Nothing, false, IfSafe),
        (&[O::Upgraded, O::HeadTooLarge], Never, Failure, Upstream, Nothing, false, Never),
        (&[O::CallerGone], Never, Abandoned, Caller, Nothing, false, Never),
        (&[O::ConnectFailed(C::Exhausted)], Always, Ignored, Own, Nothing, false, Always),
    ]);
}

#[test]
fn what_the_next_attempt_must_do_differently_is_said() {
    assert_eq!(judge(http(421)).demand, Demand::NewConnection);
    assert_eq!(judge(http(425)).demand, Demand::NoEarlyData);
    assert_eq!(judge(http(503)).demand, Demand::Nothing);
}

#[test]
fn a_pushback_is_kept_exactly_and_a_bad_one_stops() {
    for (value, pushback) in [
        ("0", Pushback::After(Duration::ZERO)),
        ("1500", Pushback::After(Duration::from_millis(1_500))),
        ("2147483647", Pushback::After(Duration::from_millis(2_147_483_647))),
        ("2147483648", Pushback::Stop),
        ("-1", Pushback::Stop),
        ("+5", Pushback::Stop),
        ("", Pushback::Stop),
        ("5s", Pushback::Stop),
    ] {
        assert_eq!(Pushback::parse(value), pushback, "{value}");
    }
    let code = GrpcCode::Unavailable;
    let told =
        |pushback| judge(Observation::Grpc { code, pushback: Some(pushback), exhausted: false });
    let later = told(Pushback::After(Duration::from_secs(2)));
    assert_eq!((later.retry, later.retry_after), (RetryRule::IfSafe, HINT));
    assert_eq!(later.pushback, Some(Pushback::After(Duration::from_secs(2))));
    assert_eq!(told(Pushback::Stop).retry, RetryRule::Never);
}

#[test]
fn a_pushback_makes_no_final_status_retryable() {
    let pushback = Some(Pushback::After(Duration::ZERO));
    let seen = Observation::Grpc { code: GrpcCode::NotFound, pushback, exhausted: false };
    assert_eq!(judge(seen).retry, RetryRule::Never);
}

#[test]
fn t54_the_head_of_a_grpc_answer_is_judged_by_its_trailers() {
    let head =
        GrpcHead { status: 200, code: None, pushback: None, retry_after: None, exhausted: true };
    let trailers = head.judge().unwrap_err().trailers(Some(GrpcCode::Unavailable), None);
    let code = GrpcCode::Unavailable;
    assert_eq!(trailers, Observation::Grpc { code, pushback: None, exhausted: true });
    assert_eq!(judge(trailers).class, Class::Failure);
    let bare = head.judge().unwrap_err().trailers(None, None);
    assert_eq!(judge(bare).class, Class::Failure);
    assert_eq!(head.judge().unwrap_err().cut_short(), Observation::CutShort);
}

#[test]
fn a_head_that_has_the_status_or_is_no_grpc_is_judged_at_once() {
    let head =
        GrpcHead { status: 503, code: None, pushback: None, retry_after: HINT, exhausted: false };
    let plain = Observation::Status { code: 503, retry_after: HINT, exhausted: false };
    assert_eq!(head.judge(), Ok(plain));
    let only = GrpcHead { status: 200, code: Some(GrpcCode::Aborted), ..head };
    let code = GrpcCode::Aborted;
    assert_eq!(only.judge(), Ok(Observation::Grpc { code, pushback: None, exhausted: false }));
}

#[test]
fn grpc_numbers_go_round_and_unknown_ones_are_unknown() {
    for (number, code) in (0..17).zip(GrpcCode::ALL) {
        assert_eq!(GrpcCode::from_number(number), code);
        assert_eq!(u32::from(code.number()), number);
    }
    assert_eq!(GrpcCode::from_number(17), GrpcCode::Unknown);
    for (value, code) in [("14", GrpcCode::Unavailable), ("+0", GrpcCode::Unknown)] {
        assert_eq!(GrpcCode::parse(value), code);
    }
    assert_eq!(GrpcCode::parse("99999999999"), GrpcCode::Unknown);
}

fn all_moved_to(class: Class) -> Rules {
    let retry = RetryRule::IfSafe;
    let codes = [200, 429, 500, 501, 503, 504, 409, 421, 425].map(Row::Status);
    let rows = codes.into_iter().chain(GrpcCode::ALL.map(Row::Grpc));
    let list: Vec<_> = rows.map(|row| Override { row, class, retry }).collect();
    Rules { overrides: Overrides::new(&list).unwrap(), ..opted_in() }
}

#[test]
fn an_override_moves_class_and_retry_of_its_row_alone() {
    let list =
        [Override { row: Row::Status(501), class: Class::Failure, retry: RetryRule::IfSafe }];
    let overrides = Overrides::new(&list).unwrap();
    let rules = Rules { overrides, ..Rules::default() };
    let moved = judged(http(501), &rules);
    assert_eq!((moved.class, moved.retry), (Class::Failure, RetryRule::IfSafe));
    assert_eq!(judged(http(505), &rules), judge(http(505)));
    assert_eq!(judged(grpc(12), &rules), judge(grpc(12)));
}

#[test]
fn cl_2_t34_no_override_makes_a_failure_of_what_no_service_said() {
    let rules = all_moved_to(Class::Failure);
    for seen in [
        Observation::ConnectFailed(ConnectFailure::Exhausted),
        Observation::CallerGone,
        Observation::CallerFault(CallerFault::Stalled),
        Observation::Lost { connection: Connection::Reused, sent: Sent::No },
    ] {
        assert_eq!(judged(seen, &rules), judge(seen), "{seen:?}");
    }
}

#[test]
fn t22_what_never_reached_the_service_is_no_success_under_any_override() {
    let rules = all_moved_to(Class::Success);
    for why in [ConnectFailure::Refused, ConnectFailure::Unresolved, ConnectFailure::Handshake] {
        let outcome = judged(Observation::ConnectFailed(why), &rules);
        assert_eq!(outcome.class, Class::Failure, "{why:?}");
    }
    let own = judged(Observation::ConnectFailed(ConnectFailure::Exhausted), &rules);
    assert_eq!(own.class, Class::Ignored);
}

#[test]
fn no_override_outvotes_an_inner_seawall_or_a_pushback() {
    let rules = all_moved_to(Class::Failure);
    let exhausted = Observation::Status { code: 503, retry_after: None, exhausted: true };
    let code = GrpcCode::Unavailable;
    let pushed = Observation::Grpc { code, pushback: Some(Pushback::Stop), exhausted: false };
    assert_eq!(judged(exhausted, &rules).retry, RetryRule::Never);
    assert_eq!(judged(pushed, &rules).retry, RetryRule::Never);
    assert_eq!(judged(http(500), &rules).retry, RetryRule::IfSafe);
}

#[test]
fn no_override_repeats_unsafe_calls_on_a_status_that_proves_nothing() {
    let always =
        |row| Overrides::new(&[Override { row, class: Class::Ignored, retry: RetryRule::Always }]);
    for code in [421, 425] {
        assert!(always(Row::Status(code)).is_ok(), "{code} says that nothing was processed");
    }
    for row in [408, 429, 500, 502, 503, 504].map(Row::Status) {
        assert_eq!(always(row).unwrap_err().field(), "overrides.retry", "{row:?}");
    }
    for row in GrpcCode::ALL.map(Row::Grpc) {
        assert_eq!(always(row).unwrap_err().field(), "overrides.retry", "{row:?}");
    }
}

#[test]
fn overrides_that_cannot_work_are_refused() {
    let one = |code, class| Override { row: Row::Status(code), class, retry: RetryRule::Never };
    let many: Vec<_> = (100..165).map(|code| one(code, Class::Success)).collect();
    assert!(Overrides::new(&many[..OVERRIDES_MAX]).is_ok());
    for (list, field) in [
        (&many[..], "overrides"),
        (&[one(99, Class::Success)], "overrides.row"),
        (&[one(1_000, Class::Success)], "overrides.row"),
        (&[one(500, Class::Abandoned)], "overrides.class"),
        (&[one(500, Class::Ignored), one(500, Class::Failure)], "overrides.row"),
    ] {
        assert_eq!(Overrides::new(list).unwrap_err().field(), field);
    }
}
