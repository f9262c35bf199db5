//! The clock that is moved by hand, and the scripted dependency.

use std::time::Duration;

use tokio_test::{assert_pending, assert_ready, task};

use super::{Ending, ManualClock, Script};
use crate::{BackoffSettings, BreakerSettings, Error, Hedge, Jitter, Policy, Reason, Retry, only};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_clock_wakes_only_when_the_time_has_come() {
    let clock = ManualClock::new();
    let mut sleep = task::spawn(clock.sleep(ms(10)));
    assert_pending!(sleep.poll());
    clock.advance(ms(9));
    assert!(!sleep.is_woken());
    clock.advance(ms(1));
    assert!(sleep.is_woken());
    assert_ready!(sleep.poll());
}

#[test]
fn waits_end_in_the_order_of_their_times() {
    let clock = ManualClock::new();
    let order = std::cell::RefCell::new(Vec::new());
    let wait = async |millis: u64| {
        clock.sleep(ms(millis)).await;
        order.borrow_mut().push((millis, clock.elapsed()));
    };
    clock.run(async { tokio::join!(wait(30), wait(10), wait(20)) });
    assert_eq!(*order.borrow(), [(10, ms(10)), (20, ms(20)), (30, ms(30))]);
}

#[test]
fn a_dropped_wait_leaves_the_queue() {
    let clock = ManualClock::new();
    let mut sleep = task::spawn(clock.sleep(ms(10)));
    assert_pending!(sleep.poll());
    drop(sleep);
    assert!(!clock.advance_to_next(), "nobody waits");
}

#[test]
#[should_panic(expected = "waits for no time of this clock")]
fn a_future_that_nothing_can_end_is_not_awaited_for_ever() {
    ManualClock::new().run(std::future::pending::<()>());
}

#[test]
fn a_policy_lives_in_the_time_of_its_clock() {
    let clock = ManualClock::new();
    let backoff =
        BackoffSettings { base: ms(100), jitter: Jitter::None, ..BackoffSettings::transient() };
    let policy = Policy::builder()
        .clock(&clock)
        .attempt_timeout(ms(1_000))
        .retry(Retry::attempts(3).backoff(backoff))
        .idempotent()
        .build()
        .unwrap();
    let script = Script::on(&clock).fails("down").after(ms(10)).hangs().answers(7).after(ms(5));
    let result = clock.run(policy.call(|attempt| {
        assert_eq!(attempt.remaining(), Some(ms(1_000)));
        script.call(attempt.number())
    }));
    assert_eq!(result, Ok(7));
    assert_eq!(script.times_seen(), [ms(0), ms(110), ms(1_310)]);
    let endings: Vec<_> = script.seen().into_iter().map(|seen| seen.ending).collect();
    let expected = [Ending::Done(ms(10)), Ending::Dropped(ms(1_110)), Ending::Done(ms(1_315))];
    assert_eq!(endings, expected);
    script.assert_spent();
    script.assert_idle();
}

#[test]
fn an_open_breaker_half_opens_in_the_time_of_its_clock() {
    let clock = ManualClock::new();
    let settings = BreakerSettings {
        consecutive: Some(1),
        failure_rate: None,
        ..BreakerSettings::for_endpoint()
    };
    let policy = only::breaker(settings).clock(&clock).build().unwrap();
    let script = Script::on(&clock).fails("down").answers(1);
    let call = || clock.run(policy.call(|_| script.call(())));
    assert!(matches!(call(), Err(Error::Failed { .. })));
    assert_eq!(call().unwrap_err().reason(), Reason::BreakerOpen);
    clock.advance(Duration::from_secs(60));
    assert_eq!(call(), Ok(1));
}

#[test]
fn a_day_passes_in_no_time() {
    let clock = ManualClock::new();
    let policy = only::hedge(Hedge::after(ms(1))).clock(&clock).build().unwrap();
    let script = Script::on(&clock).answers(()).after(Duration::from_secs(86_400));
    assert_eq!(clock.run(policy.call(|_| script.call(()))), Ok::<_, Error<String>>(()));
    assert_eq!(clock.elapsed(), Duration::from_secs(86_400));
}

#[test]
#[should_panic(expected = "call 2 reached the dependency")]
fn a_script_that_has_ended_says_so() {
    let clock = ManualClock::new();
    let script = Script::<_, _, String>::on(&clock).answers(1);
    let _first = clock.run(script.call("a"));
    let _second = clock.run(script.call("b"));
}

#[test]
#[should_panic(expected = "1 steps of the script are left after 0 calls")]
fn a_step_that_nobody_took_is_reported() {
    Script::<(), _, String>::on(&ManualClock::new()).answers(1).assert_spent();
}
