//! A call may be dropped at any point, and gives back all that it holds.

use std::future::{Future, pending, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use seawall::{Outcome, Policy, Retry};
use tokio::time::advance;

use crate::world::{assert_nothing_held, ms, permits, poll, s, steady, touchy};

fn full() -> Policy {
    Policy::builder()
        .attempt_timeout(ms(500))
        .total_timeout(s(5))
        .retry(steady(3))
        .idempotent()
        .breaker(touchy())
        .bulkhead(permits(1, 1))
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn t1_a_call_that_was_never_polled_holds_nothing() {
    let policy = full();
    drop(policy.call(|_| ready(Ok::<_, String>(()))));
    assert_nothing_held(&policy);
    assert_eq!(policy.snapshot().outcomes.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn t20_t74_a_running_attempt_goes_with_its_call_and_blames_nobody() {
    let policy = full();
    for _ in 0..10 {
        let mut call = Box::pin(policy.call(|_| pending::<Result<(), String>>()));
        assert!(poll(call.as_mut()).is_pending());
        assert_eq!(policy.snapshot().bulkhead.in_use, 1);
        drop(call);
        assert_nothing_held(&policy);
    }
    assert_eq!(policy.snapshot().outcomes.abandoned, 10);
    assert_eq!(policy.call(|_| ready(Ok::<_, String>(7))).await, Ok(7), "the breaker is closed");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_permit_leaves_the_queue() {
    let policy = full();
    let mut holder = Box::pin(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(holder.as_mut()).is_pending());
    let mut waiting = Box::pin(policy.call(|_| ready(Ok::<_, String>(()))));
    assert!(poll(waiting.as_mut()).is_pending());
    assert_eq!(policy.snapshot().bulkhead.queued, 1);
    drop(waiting);
    assert_eq!(policy.snapshot().bulkhead.queued, 0);
    drop(holder);
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn t69_a_call_that_leaves_during_backoff_returns_its_reservation() {
    let policy = full();
    let mut call = Box::pin(policy.call(|_| ready(Err::<(), _>("down"))));
    assert!(poll(call.as_mut()).is_pending());
    assert_eq!(policy.snapshot().budget.extra, 1);
    drop(call);
    assert_eq!(policy.snapshot().budget.extra, 0);
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn t1_a_dropped_probe_gives_its_place_back() {
    let policy = full();
    policy.reconfigure(|policy| policy.retry(Retry::attempts(1))).unwrap();
    for _ in 0..2 {
        let _failed = policy.call(|_| ready(Err::<(), _>("down"))).await;
    }
    advance(s(6)).await;
    let mut probe = Box::pin(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(probe.as_mut()).is_pending());
    drop(probe);
    assert_eq!(policy.call(|_| ready(Ok::<_, String>(7))).await, Ok(7));
}

/// A call with a wait for a permit, a time-out, a backoff and a success, dropped after every
/// number of polls that it takes.
#[tokio::test(start_paused = true)]
async fn t1_t84_wherever_a_call_is_dropped_everything_comes_back() {
    let mut polls = 0;
    loop {
        let policy = full();
        let running = AtomicU32::new(0);
        let mut holder = Box::pin(policy.call(|_| async {
            tokio::time::sleep(ms(50)).await;
            Ok::<_, String>(())
        }));
        assert!(poll(holder.as_mut()).is_pending());
        let ended = {
            let mut call = pin!(policy.call(|attempt| {
                let running = Running::new(&running);
                async move {
                    let _running = running;
                    tokio::task::yield_now().await;
                    match attempt.number() {
                        1 => pending().await,
                        2 => Err("down"),
                        _ => Ok(()),
                    }
                }
            }));
            drive(call.as_mut(), polls, async || {
                advance(ms(50)).await;
                let _ended = poll(holder.as_mut());
            })
            .await
        };
        assert_eq!(running.load(Ordering::SeqCst), 0, "after {polls} polls an attempt runs on");
        drop(holder);
        assert_nothing_held(&policy);
        assert!(policy.snapshot().budget.extra <= 2);
        if ended {
            break;
        }
        polls += 1;
    }
    assert!(polls > 10, "the call was over after {polls} polls");
}

/// Polls so often, with time between; whether it ended.
async fn drive<F: Future>(
    mut call: std::pin::Pin<&mut F>,
    polls: u32,
    mut between: impl AsyncFnMut(),
) -> bool {
    for _ in 0..polls {
        if poll(call.as_mut()).is_ready() {
            return true;
        }
        between().await;
    }
    false
}

struct Running<'a>(&'a AtomicU32);

impl<'a> Running<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn t99_a_call_that_ended_holds_nothing_and_stays_ended() {
    let policy = Policy::builder()
        .classify(|_: Result<&(), &String>| Outcome::success())
        .bulkhead(permits(1, 0))
        .build()
        .unwrap();
    let mut call = pin!(policy.call(|_| ready(Ok::<_, String>(()))));
    assert!(poll(call.as_mut()).is_ready());
    assert!(poll(call.as_mut()).is_pending(), "no panic, no second attempt");
    assert_nothing_held(&policy);
}

/// Like a task that owns its future, and whose last owner is a waker.
struct Task(#[expect(dead_code, reason = "only dropped")] Mutex<Box<dyn Send>>);

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

/// A waker that owns a running call of this policy.
fn owner(policy: &Policy) -> Waker {
    let mut owned = Box::pin(policy.clone().into_call(|_| pending::<Result<(), String>>()));
    assert!(poll(owned.as_mut()).is_pending());
    Waker::from(Arc::new(Task(Mutex::new(Box::new(owned)))))
}

#[tokio::test(start_paused = true)]
async fn dropping_a_waker_may_drop_another_call_of_the_same_policy() {
    let policy = Policy::builder().bulkhead(permits(2, 2)).build().unwrap();
    let holders = [(); 2].map(|()| owner(&policy));
    let mut waiting = Box::pin(policy.call(|_| ready(Ok::<_, String>(()))));
    for holder in holders {
        // The queue becomes the last owner, first of one call, and then of the other in its place.
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&holder)).is_pending());
    }
    assert_eq!(policy.snapshot().bulkhead.in_use, 2, "one runs, and one permit is the waiter's");
    drop(waiting);
    assert_nothing_held(&policy);
}
