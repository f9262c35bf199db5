//! Tests of the ladder and its parts; flights and shelf have files of their own.

mod flights;
mod shelf;

use super::*;
use crate::Mode;
use crate::outcome::{Class, GrpcCode, Row};
use crate::ratio::Ratio;
use crate::reason::Reason;
use crate::time::{Duration, Instant};
use std::vec;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);
const TERMS: Terms = Terms { max_staleness: Duration::from_secs(300), sharing: Sharing::Shared };
const OPEN: Above = Above::Silent(Reason::BreakerOpen);

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

/// Made at zero, fresh for a minute, stale for ten.
fn stored() -> Freshness {
    let forbids = Forbids::NONE;
    let (fresh_for, stale_for) = (SECOND * 60, SECOND * 600);
    Freshness { stored_at: at(0), fresh_for, stale_for, forbids }
}

fn status(code: u16, class: Class) -> Above {
    Above::Answered { row: Row::Status(code), class }
}

fn ladder(rungs: &[Rung]) -> Ladder {
    Ladder::new(LadderSettings { rungs: rungs.to_vec(), ..Default::default() }).unwrap()
}

const ALL: [Rung; 3] = [Rung::Stale, Rung::Upstream(7), Rung::Default];

fn scene(now: u64, stored: Option<&Freshness>) -> Scene<'_> {
    Scene { now: at(now), deadline: at(now + 10), stored, sharing: Sharing::Shared }
}

#[test]
fn fb_1_an_error_serves_what_is_stale_within_its_bound() {
    let (ladder, stored) = (ladder(&ALL), stored());
    for (now, source) in [(200, Rung::Stale), (360, Rung::Stale), (361, Rung::Upstream(7))] {
        let mut descent = Descent::default();
        let offer = descent.failed(&ladder, OPEN, &scene(now, Some(&stored)), &mut Vec::new());
        assert!(!matches!(offer, Offer::Exhausted(_)));
        let provenance = descent.provenance().unwrap();
        assert_eq!(provenance.source, Source::Rung(source), "{now}");
        assert_eq!(provenance.reason, Some(Reason::BreakerOpen));
        let age = (source == Rung::Stale).then(|| Duration::from_secs(now));
        assert_eq!(provenance.age, age);
    }
}

#[test]
fn freshness_ends_before_its_last_instant_and_staleness_after_it() {
    let stored = stored();
    let nano = Duration::from_nanos(1);
    assert!(matches!(stored.serve(at(0), TERMS), Serve::Fresh { .. }));
    let last = Instant::from_nanos(at(60).as_nanos() - 1);
    assert!(matches!(stored.serve(last, TERMS), Serve::Fresh { .. }));
    let stale = Serve::Stale { age: SECOND * 60, over: Duration::ZERO };
    assert_eq!(stored.serve(at(60), TERMS), stale);
    assert!(matches!(stored.serve(at(360), TERMS), Serve::Stale { .. }));
    let late = stored.serve(at(360).after(nano), TERMS);
    assert_eq!(late, Serve::Not(Unservable::TooOld));
    let own = Freshness { stale_for: SECOND, ..stored };
    assert!(matches!(own.serve(at(61), TERMS), Serve::Stale { .. }));
    assert_eq!(own.serve(at(62), TERMS), Serve::Not(Unservable::TooOld));
}

#[test]
fn a_clock_that_steps_back_makes_nothing_older() {
    let stored = Freshness { stored_at: at(100), ..stored() };
    assert_eq!(stored.serve(at(1), TERMS), Serve::Fresh { age: Duration::ZERO });
}

#[test]
fn t161_what_is_forbidden_is_not_served() {
    let mine = Terms { sharing: Sharing::Principal, ..TERMS };
    for (directive, fresh, stale, private) in [
        (Directive::NoStore, false, false, false),
        (Directive::NoCache, false, false, false),
        (Directive::MustRevalidate, true, false, true),
        (Directive::Private, false, false, true),
    ] {
        let stored = Freshness { forbids: Forbids::NONE.with(directive), ..stored() };
        let served = |seconds, terms| !matches!(stored.serve(at(seconds), terms), Serve::Not(_));
        assert_eq!(served(1, TERMS), fresh, "{directive:?}");
        assert_eq!(served(100, TERMS), stale, "{directive:?}");
        assert_eq!(served(1, mine), private, "{directive:?}");
    }
}

#[test]
fn only_failures_and_our_own_refusals_descend() {
    for (above, descends, stale) in [
        (status(503, Class::Failure), true, true),
        (status(500, Class::Failure), true, true),
        (status(507, Class::Failure), true, false),
        (status(404, Class::Success), false, false),
        (status(429, Class::Ignored), false, false),
        (status(503, Class::Ignored), false, false),
        (Above::Silent(Reason::ConnectRefused), true, true),
        (Above::Silent(Reason::QueueFull), true, true),
        (Above::Silent(Reason::DeadlineExceeded), true, true),
        (Above::Silent(Reason::ClientGone), false, false),
        (Above::Silent(Reason::RateLimited), false, false),
        (Above::Silent(Reason::IdempotencyMismatch), false, false),
        (Above::Silent(Reason::MalformedRequest), false, false),
    ] {
        assert_eq!((above.lets_descend(), above.lets_stale()), (descends, stale), "{above:?}");
    }
    let grpc = |code| Above::Answered { row: Row::Grpc(code), class: Class::Failure };
    assert!(grpc(GrpcCode::Unavailable).lets_stale());
    assert!(!grpc(GrpcCode::DataLoss).lets_stale());
}

#[test]
fn a_call_descends_rung_by_rung_and_each_answer_says_why() {
    let (ladder, stored, mut events) = (ladder(&ALL), stored(), Vec::new());
    let (mut descent, scene) = (Descent::default(), scene(200, Some(&stored)));
    assert_eq!(descent.provenance().unwrap().source, Source::Primary);
    assert!(matches!(descent.failed(&ladder, OPEN, &scene, &mut events), Offer::Serve(_)));
    let gone = Above::Silent(Reason::Internal);
    let call = descent.failed(&ladder, gone, &scene, &mut events);
    assert!(matches!(call, Offer::Call { upstream: 7, until, .. } if until == at(205)));
    let down = status(503, Class::Failure);
    assert!(matches!(descent.failed(&ladder, down, &scene, &mut events), Offer::Serve(_)));
    assert_eq!(descent.provenance().unwrap().source, Source::Rung(Rung::Default));
    let end = descent.failed(&ladder, gone, &scene, &mut events);
    assert_eq!(end, Offer::Exhausted(Reason::Internal));
    assert_eq!(descent.provenance(), None);
    assert_eq!(descent.failed(&ladder, gone, &scene, &mut events), end);
    assert_eq!(events[3], FallbackEvent::Exhausted { reason: Reason::Internal });
    assert!(matches!(events[0], FallbackEvent::Fallback { mode: Mode::Enforce, .. }));
}

#[test]
fn a_callers_mistake_asks_no_rung() {
    let mut descent = Descent::default();
    let mistake = status(404, Class::Success);
    let offer = descent.failed(&ladder(&ALL), mistake, &scene(0, None), &mut Vec::new());
    assert!(matches!(offer, Offer::Exhausted(_)));
}

#[test]
fn t164_the_ladder_has_time_of_its_own_and_none_after_the_deadline() {
    let ladder = ladder(&ALL);
    for (total, until) in [(10_000, 9_500), (1_000, 950), (400, 350), (60, 30), (0, 0)] {
        let deadline = Instant::from_millis(total);
        let primary = ladder.primary_until(at(0), deadline);
        assert_eq!(primary, Instant::from_millis(until), "{total}");
    }
    let late = Scene { deadline: at(5), ..scene(5, None) };
    assert_eq!(ladder.offer(2, OPEN, &late), None);
    let bare = Ladder::default();
    assert_eq!(bare.primary_until(at(0), at(1)), at(1));
    assert_eq!(ladder.primary_until(at(0), Instant::NEVER), Instant::NEVER);
}

#[test]
fn a_ladder_in_shadow_reports_and_one_that_is_off_does_not() {
    for (mode, reports) in [(Mode::Shadow, 1), (Mode::Off, 0)] {
        let settings = LadderSettings { mode, rungs: ALL.to_vec(), ..Default::default() };
        let (ladder, mut events) = (Ladder::new(settings).unwrap(), Vec::new());
        let offer = Descent::default().failed(&ladder, OPEN, &scene(0, None), &mut events);
        assert_eq!(offer, Offer::Exhausted(Reason::BreakerOpen));
        assert_eq!((events.len(), ladder.rungs().len()), (reports, 0));
    }
}

#[test]
fn ladders_that_cannot_work_are_refused() {
    let nine: Vec<_> = (0..9).map(Rung::Upstream).collect();
    for rungs in [nine, vec![Rung::Default, Rung::Stale], vec![Rung::Stale, Rung::Stale]] {
        let settings = LadderSettings { rungs, ..Default::default() };
        assert_eq!(settings.validate().unwrap_err().field(), "rungs");
    }
    let reserve_share = Ratio::from_percent(51);
    let settings = LadderSettings { reserve_share, ..Default::default() };
    assert_eq!(settings.validate().unwrap_err().field(), "reserve_share");
}

#[test]
fn t164_lint_finds_rungs_that_fail_with_what_they_stand_in_for() {
    let to = |upstream| [Rung::Stale, Rung::Upstream(upstream)];
    let database = 9;
    let all = [
        Guarded { upstream: 1, depends_on: &[3], rungs: &to(2) },
        Guarded { upstream: 2, depends_on: &[database], rungs: &[] },
        Guarded { upstream: 3, depends_on: &[database], rungs: &to(4) },
        Guarded { upstream: 4, depends_on: &[], rungs: &[Rung::Default] },
    ];
    let shared = Finding::SharedDependency { upstream: 1, rung: 2, dependency: database };
    assert_eq!(lint(&all), [shared]);
}

#[test]
fn lint_finds_each_cycle_once() {
    let (one, two, three) = ([Rung::Upstream(2)], [Rung::Upstream(3)], [Rung::Upstream(1)]);
    let all = [
        Guarded { upstream: 3, depends_on: &[], rungs: &three },
        Guarded { upstream: 1, depends_on: &[], rungs: &one },
        Guarded { upstream: 2, depends_on: &[], rungs: &two },
    ];
    assert_eq!(lint(&all), [Finding::Cycle(vec![1, 2, 3])]);
    let own = [Guarded { upstream: 1, depends_on: &[], rungs: &three }];
    let shared = Finding::SharedDependency { upstream: 1, rung: 1, dependency: 1 };
    assert_eq!(lint(&own), [shared, Finding::Cycle(vec![1])]);
}
