//! Many calls by chance: polled, dropped and left waiting in any order, over one policy.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use proptest::prelude::*;
use seawall::{Attempt, BudgetSettings, Error, Hedge, Outcome, Policy, Ratio};
use tokio::time::advance;

use crate::world::{assert_nothing_held, ms, permits, poll, s, steady, touchy};

const PERMITS: u32 = 3;

/// What one attempt does.
#[derive(Clone, Copy, Debug)]
enum Script {
    Succeeds,
    Fails,
    /// Fails, provably unsent.
    Refused,
    Hangs,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A call whose attempts do this in turn, each after so many polls.
    Start { idempotent: bool, polls: u8, scripts: [Script; 3] },
    /// The call at this place is polled.
    Poll(u8),
    /// The call at this place is dropped.
    Drop(u8),
    /// Milliseconds pass.
    Pass(u16),
}

/// Attempts that run, and those of each call that may have had an effect.
#[derive(Debug, Default)]
struct Seen {
    running: u32,
    most: u32,
    sent: BTreeMap<usize, u32>,
}

struct Work<'a> {
    seen: &'a RefCell<Seen>,
    polls: u8,
    script: Script,
}

impl<'a> Work<'a> {
    fn begin(seen: &'a RefCell<Seen>, call: usize, polls: u8, script: Script) -> Self {
        let mut now = seen.borrow_mut();
        now.running += 1;
        now.most = now.most.max(now.running);
        *now.sent.entry(call).or_default() += u32::from(!matches!(script, Script::Refused));
        Self { seen, polls, script }
    }
}

impl Future for Work<'_> {
    type Output = Result<u32, &'static str>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls > 0 {
            self.polls -= 1;
            return Poll::Pending;
        }
        match self.script {
            Script::Succeeds => Poll::Ready(Ok(7)),
            Script::Fails => Poll::Ready(Err("down")),
            Script::Refused => Poll::Ready(Err("refused")),
            Script::Hangs => Poll::Pending,
        }
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.seen.borrow_mut().running -= 1;
    }
}

fn judge(result: Result<&u32, &&'static str>) -> Outcome {
    match result {
        Ok(_) => Outcome::success(),
        Err(&"refused") => Outcome::failure().unsent(),
        Err(_) => Outcome::failure(),
    }
}

fn script() -> impl Strategy<Value = Script> {
    prop_oneof![
        3 => Just(Script::Succeeds),
        2 => Just(Script::Fails),
        1 => Just(Script::Refused),
        1 => Just(Script::Hangs),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let scripts = [script(), script(), script()];
    prop_oneof![
        2 => (any::<bool>(), 0..3_u8, scripts)
            .prop_map(|(idempotent, polls, scripts)| Step::Start { idempotent, polls, scripts }),
        5 => any::<u8>().prop_map(Step::Poll),
        1 => any::<u8>().prop_map(Step::Drop),
        2 => (0..400_u16).prop_map(Step::Pass),
    ]
}

async fn run(steps: &[Step], seed: u64) {
    let ratio = Ratio::from_percent(50);
    let budget = BudgetSettings { ratio, ceiling: ratio, floor_per_second: 5, window: s(10) };
    let policy = Policy::builder()
        .attempt_timeout(ms(300))
        .total_timeout(s(2))
        .retry(steady(3).budget(budget))
        .hedge(Hedge::after(ms(100)).share(Ratio::ONE))
        .breaker(seawall::BreakerSettings { consecutive: Some(6), ..touchy() })
        .bulkhead(permits(PERMITS, 2))
        .seed(seed)
        .classify(judge)
        .build()
        .unwrap();
    let seen = RefCell::new(Seen::default());
    let (mut calls, mut unsafe_calls) = (Vec::new(), Vec::new());
    for (index, step) in steps.iter().enumerate() {
        match *step {
            Step::Start { idempotent, polls, scripts } => {
                let begin = {
                    let seen = &seen;
                    move |attempt: Attempt| {
                        let turn = (attempt.number() as usize - 1) % scripts.len();
                        Work::begin(seen, index, polls, scripts[turn])
                    }
                };
                let call = policy.call(begin);
                let call = if idempotent { call.idempotent() } else { call };
                unsafe_calls.extend((!idempotent).then_some(index));
                calls.push((index, Box::pin(call)));
            }
            Step::Poll(place) if !calls.is_empty() => {
                let place = place as usize % calls.len();
                if let Poll::Ready(ended) = poll(calls[place].1.as_mut()) {
                    assert_fits(&ended, seen.borrow().sent.get(&calls[place].0).copied());
                    drop(calls.swap_remove(place));
                }
            }
            Step::Drop(place) if !calls.is_empty() => {
                let place = place as usize % calls.len();
                drop(calls.swap_remove(place));
            }
            Step::Poll(_) | Step::Drop(_) => {}
            Step::Pass(millis) => advance(ms(millis.into())).await,
        }
        let snapshot = policy.snapshot().bulkhead;
        let running = seen.borrow().running;
        assert!(snapshot.in_use <= PERMITS);
        assert_eq!(running, snapshot.in_use - snapshot.unclaimed, "a permit for each attempt");
        for index in &unsafe_calls {
            assert!(seen.borrow().sent.get(index).is_none_or(|sent| *sent <= 1), "sent twice");
        }
    }
    drop(calls);
    assert!(seen.borrow().most <= PERMITS);
    assert_nothing_held(&policy);
}

/// What a caller is told agrees with what happened.
fn assert_fits(ended: &Result<u32, Error<&'static str>>, sent: Option<u32>) {
    match ended {
        Ok(value) => assert_eq!((*value, sent.is_some()), (7, true)),
        Err(Error::Rejected { .. }) => assert_eq!(sent, None, "rejected, yet an attempt was made"),
        Err(error) => assert!(error.attempts() >= 1 && sent.is_some(), "{error:?}"),
    }
}

proptest! {
    #[test]
    fn whatever_happens_permits_fit_attempts_and_nothing_is_sent_twice(
        steps in prop::collection::vec(step(), 1..120),
        seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(&steps, seed));
    }
}
