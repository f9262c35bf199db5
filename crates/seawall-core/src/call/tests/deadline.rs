//! Deadlines: what they cut, and what may not start before them.

use super::world::{
    COMPLETED, MS, REFUSED, SECOND, TIMED_OUT, World, get, lenient, narrow, plain, plan, status,
    verdict, within,
};
use crate::call::{Action, CallSettings, CallState, Replay, Until, Verdict};
use crate::outcome::{ConnectFailure, Observation};
use crate::reason::Reason;
use crate::time::{Duration, Instant};

#[test]
fn to_3_each_attempt_is_told_what_is_left() {
    let mut settings = narrow(1, 4);
    settings.bulkhead.max_wait = MS * 500;
    let mut world = World::new(settings, 2);
    let (mut holder, _) = world.attempt(plain(), get());
    let mut settings = CallSettings { total: Some(SECOND), ..plain() };
    settings.backoff.base = MS * 100;
    let (mut call, _) = world.start(settings, get());
    world.pass(MS * 200);
    holder.cancelled(&mut world);
    assert!(world.upstream.next_grant(world.now, &mut world.journal).is_some());
    let first = plan(&call.granted(&mut world));
    assert_eq!(call.remaining(world.now), Some(MS * 800));
    world.pass(MS * 300);
    assert_eq!(call.ended(&mut world, first.number, REFUSED), Action::Wait);
    let second = call.retried(&mut world);
    assert_eq!(world.now.since(call.started()), MS * 600);
    // The driver sends five milliseconds less, for the hop: 395.
    assert_eq!(call.remaining(world.now), Some(MS * 400));
    assert_eq!(second.deadline.since(world.now), MS * 400);
}

#[test]
fn to_4_t55_a_retry_that_cannot_fit_is_not_started() {
    let mut world = World::new(lenient(), 2);
    for _ in 0..100 {
        let _answered = world.one(200, MS * 60);
    }
    world.pass(SECOND);
    let (mut call, _) = world.attempt(plain(), within(MS * 40));
    let end = call.ended(&mut world, 1, REFUSED);
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::ConnectRefused });
    assert_eq!(call.denial(), Some(Reason::DeadlineCannotFit));
    assert_eq!(world.extra(), 0);
}

#[test]
fn t59_each_limit_has_its_own_reason() {
    let dial = Observation::ConnectFailed(ConnectFailure::TimedOut);
    for (seen, total, reason) in [
        (dial, SECOND * 10, Reason::ConnectTimeout),
        (TIMED_OUT, SECOND * 10, Reason::AttemptTimeout),
        (TIMED_OUT, SECOND * 3, Reason::DeadlineExceeded),
        (Observation::WriteStalled, SECOND * 10, Reason::WriteTimeout),
    ] {
        let mut world = World::new(lenient(), 2);
        let settings = CallSettings { total: Some(total), max_attempts: 1, ..plain() };
        let (mut call, first) = world.attempt(settings, get());
        world.now = first.deadline;
        let end = call.ended(&mut world, 1, seen);
        assert_eq!(verdict(&end), Verdict::Failed { why: reason }, "{seen:?}");
    }
}

#[test]
fn t77_zero_refuses_and_asks_for_nothing() {
    let zero = CallSettings { total: Some(Duration::ZERO), ..plain() };
    let hasty = CallSettings { attempt: Duration::ZERO, ..plain() };
    for (settings, facts) in [(zero, get()), (plain(), within(Duration::ZERO)), (hasty, get())] {
        for rungs in [0, 1] {
            let mut world = World::new(lenient(), 2);
            let (call, action) = world.start(CallSettings { rungs, ..settings }, facts);
            let expected = Verdict::Rejected { why: Reason::DeadlineExpired, until: Until::Never };
            assert_eq!(verdict(&action), expected);
            assert_eq!((call.attempts(), world.in_use()), (0, 0));
            assert_eq!(world.snapshot().budget.first, 0, "a refused call deposits nothing");
        }
    }
}

#[test]
fn t77_a_deadline_that_overflows_is_none() {
    for rungs in [0, 2] {
        let mut world = World::new(lenient(), 2);
        let settings = CallSettings { total: Some(Duration::MAX), rungs, ..plain() };
        let settings = CallSettings { attempt: Duration::MAX, ..settings };
        let (call, first) = world.attempt(settings, get());
        assert_eq!(first.deadline, Instant::NEVER);
        assert_eq!(call.remaining(world.now), None);
    }
}

#[test]
fn t77_a_caller_only_ever_shortens_the_total() {
    let mut world = World::new(lenient(), 2);
    for (remaining, left) in [(SECOND, SECOND), (SECOND * 60, SECOND * 10)] {
        let (call, _) = world.attempt(plain(), within(remaining));
        assert_eq!(call.remaining(world.now), Some(left));
    }
    let unlimited = CallSettings { total: None, ..plain() };
    let (call, _) = world.attempt(unlimited, get());
    assert_eq!(call.remaining(world.now), None);
    let (call, _) = world.attempt(unlimited, within(SECOND));
    assert_eq!(call.remaining(world.now), Some(SECOND));
}

#[test]
fn t78_an_answer_that_is_ready_at_the_deadline_wins() {
    let mut world = World::new(lenient(), 2);
    for (late, timer_first) in [(0, false), (0, true), (5_000, false), (5_000, true)] {
        let settings = CallSettings { total: Some(SECOND * 3), ..plain() };
        let (mut call, first) = world.attempt(settings, get());
        world.now = first.deadline.after(MS * late);
        if timer_first {
            assert_eq!(call.timer(&mut world), Action::Abandon(1));
            assert_eq!(call.timer(&mut world), Action::Wait, "it is asked once");
            assert_eq!(call.next_deadline(), None);
        }
        assert_eq!(call.head(&mut world, 1, status(200)), Action::Deliver(1));
        let end = call.ended(&mut world, 1, COMPLETED);
        assert_eq!(verdict(&end), Verdict::Answered { attempt: 1 });
    }
}

#[test]
fn a_permit_that_comes_after_the_deadline_starts_nothing() {
    for by_timer in [false, true] {
        let mut settings = narrow(1, 4);
        settings.bulkhead.max_wait = SECOND * 60;
        let mut world = World::new(settings, 2);
        let (mut holder, _) = world.attempt(plain(), get());
        let (mut call, _) = world.start(plain(), within(MS * 50));
        world.pass(MS * 40);
        holder.cancelled(&mut world);
        assert!(world.upstream.next_grant(world.now, &mut world.journal).is_some());
        world.pass(MS * 10);
        let action = if by_timer { call.timer(&mut world) } else { call.granted(&mut world) };
        let why = Reason::DeadlineExceeded;
        assert_eq!(verdict(&action), Verdict::Rejected { why, until: Until::Never });
        assert_eq!(world.in_use(), 0);
    }
}

#[test]
fn a_retry_whose_timer_comes_after_the_deadline_starts_nothing() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), within(SECOND));
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    world.pass(SECOND);
    let end = call.timer(&mut world);
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::DeadlineExceeded });
    assert_eq!(world.extra(), 0);
}

#[test]
fn a_total_below_the_ladders_reserve_still_allows_an_attempt() {
    let mut world = World::new(lenient(), 2);
    let settings = CallSettings { rungs: 1, ..plain() };
    let (call, first) = world.attempt(settings, within(MS * 40));
    assert_eq!(call.state(), CallState::Attempting);
    assert!(first.deadline > world.now && first.deadline < world.now.after(MS * 40));
}

#[test]
fn the_ladder_keeps_its_reserve() {
    let mut world = World::new(lenient(), 2);
    for (total, left) in [(SECOND * 10, MS * 9_500), (SECOND, MS * 950), (MS * 500, MS * 450)] {
        let settings = CallSettings { total: Some(total), rungs: 1, ..plain() };
        let (call, _) = world.attempt(settings, get());
        assert_eq!(call.remaining(world.now), Some(left));
    }
}

#[test]
fn an_upload_moves_the_deadline_of_its_attempt_but_not_the_callers() {
    let mut world = World::new(lenient(), 2);
    let (mut call, first) = world.attempt(plain(), within(SECOND * 5));
    world.pass(SECOND * 2);
    let since = world.now;
    call.uploading(since, Replay::Lost);
    assert_eq!(call.next_deadline(), Some(since.after(SECOND * 3)));
    assert!(call.next_deadline() > Some(first.deadline));
    world.pass(SECOND);
    call.uploading(world.now, Replay::Lost);
    assert_eq!(call.next_deadline(), Some(call.started().after(SECOND * 5)));
}

#[test]
fn an_upload_beyond_the_replay_buffer_outlives_our_own_total() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    world.pass(SECOND * 9);
    call.uploading(world.now, Replay::Possible);
    assert_eq!(call.next_deadline(), Some(call.started().after(SECOND * 10)));
    call.uploading(world.now, Replay::Lost);
    assert_eq!(call.next_deadline(), Some(world.now.after(SECOND * 3)));
}

#[test]
fn an_upload_is_news_only_while_an_attempt_runs() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    let before = call.remaining(world.now);
    call.uploading(world.now.after(SECOND * 60), Replay::Lost);
    assert_eq!(call.remaining(world.now), before);
}

#[test]
fn a_wait_without_time_is_refused_on_arrival() {
    let mut settings = narrow(1, 4);
    settings.bulkhead.max_wait = Duration::ZERO;
    let mut world = World::new(settings, 2);
    let (_holder, _) = world.attempt(plain(), get());
    let (_, action) = world.start(plain(), get());
    let why = Reason::QueueWait;
    assert_eq!(verdict(&action), Verdict::Rejected { why, until: Until::At(world.now) });
    let seen = world.snapshot().bulkhead;
    assert_eq!((seen.in_use, seen.queued), (1, 0));
}

#[test]
fn t55_a_retry_that_just_fits_is_started() {
    // A backoff of 50 ms, and the least that an attempt needs.
    for (remaining, fits) in [(MS * 51, true), (MS * 51 - Duration::from_nanos(1), false)] {
        let mut world = World::new(lenient(), 2);
        let (mut call, _) = world.attempt(plain(), within(remaining));
        assert_eq!(call.ended(&mut world, 1, REFUSED) == Action::Wait, fits);
    }
}

#[test]
fn a_wait_for_a_permit_leaves_time_for_the_attempt() {
    let mut world = World::new(narrow(1, 4), 2);
    let (_holder, _) = world.attempt(plain(), get());
    let (call, _) = world.start(plain(), within(MS * 50));
    assert_eq!(call.state(), CallState::Queued);
    assert_eq!(call.next_deadline(), Some(world.now.after(MS * 49)));
    let (patient, _) = world.start(plain(), get());
    assert_eq!(patient.next_deadline(), Some(world.now.after(MS * 100)));
}

#[test]
fn t42_the_total_counts_the_work_and_not_only_the_waits() {
    let mut world = World::new(lenient(), 4);
    let settings = CallSettings { total: Some(SECOND), max_attempts: 4, ..plain() };
    let (mut call, _) = world.attempt(settings, get());
    let end = world.now.after(SECOND);
    let mut number = 1;
    let last = loop {
        world.pass(MS * 250);
        let action = call.ended(&mut world, number, REFUSED);
        if action != Action::Wait {
            break verdict(&action);
        }
        number = call.retried(&mut world).number;
    };
    assert_eq!(number, 3, "three times 250 ms of work and two waits; a fourth cannot fit");
    assert!(matches!(last, Verdict::Failed { .. }));
    assert!(world.now <= end);
}
