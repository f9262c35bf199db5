//! Majority reads: what is agreed on, who was odd, and what becomes of it.

use std::cell::{Cell, RefCell};
use std::future::{Future, ready};
use std::time::Duration;

use seawall::{Attempt, OutlierSettings, Policy, QuorumSettings, RateLimit, Reason, Retry};
use seawall_core::outlier::Standing;
use tokio::time::sleep;

use crate::world::{assert_nothing_held, ms, now, permits, s};

fn name(attempt: &Attempt) -> String {
    attempt.endpoint().unwrap().name().to_owned()
}

/// Who lies says 13, all others 7.
fn with_liar(liar: &'static str) -> impl Fn(Attempt) -> std::future::Ready<Result<u32, String>> {
    move |attempt| ready(Ok(if name(&attempt) == liar { 13 } else { 7 }))
}

fn three() -> Policy {
    Policy::builder().name("users").endpoints(["a", "b", "c"]).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_the_majority_is_taken() {
    let policy = three();
    let quorum = policy.quorum(QuorumSettings::default()).unwrap();
    for _ in 0..20 {
        let agreed = quorum.read(with_liar("b"), |value| Some(*value)).await.unwrap();
        assert_eq!(agreed.value, 7);
        assert!(agreed.odd.iter().all(|odd| odd.name() == "b"));
    }
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn who_is_odd_again_and_again_is_ejected() {
    let policy = three();
    let odd = OutlierSettings::default().odd.expect("on by default");
    let all = QuorumSettings { agree: 2, ..QuorumSettings::default() };
    let quorum = policy.quorum(all).unwrap();
    let mut reads = 0;
    while policy
        .snapshot()
        .endpoints
        .iter()
        .all(|endpoint| endpoint.outlier.standing == Standing::In)
    {
        // The liar is the quickest, or a majority would be there before it has spoken.
        let call = |attempt: Attempt| async move {
            let liar = name(&attempt) == "b";
            sleep(ms(if liar { 1 } else { 10 })).await;
            Ok::<u32, String>(if liar { 13 } else { 7 })
        };
        let agreed = quorum.read(call, |value| Some(*value)).await.unwrap();
        assert_eq!(agreed.odd[0].name(), "b");
        reads += 1;
        assert!(reads <= odd.reads, "never ejected");
    }
    assert_eq!(reads, odd.disagreements);
}

#[tokio::test(start_paused = true)]
async fn where_all_differ_nothing_is_taken_and_nobody_accused() {
    let policy = three();
    let quorum = policy.quorum(QuorumSettings::default()).unwrap();
    for _ in 0..20 {
        let undecided =
            quorum.read(|attempt| ready(Ok::<_, String>(name(&attempt))), |v| Some(v.clone()));
        let undecided = undecided.await.unwrap_err();
        assert_eq!((undecided.reason(), undecided.tally.different), (Reason::QuorumUndecided, 3));
        let text = "users: quorum_undecided: of 3 endpoints 3 answered in 3 ways, at most 1 alike, \
                    and 0 failed";
        assert_eq!(undecided.to_string(), text);
    }
    assert!(
        policy
            .snapshot()
            .endpoints
            .iter()
            .all(|endpoint| endpoint.outlier.standing == Standing::In)
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_wrong_by_itself_does_not_count() {
    let policy = three();
    let quorum = policy.quorum(QuorumSettings::default()).unwrap();
    let view = |value: &u32| (*value != 13).then_some(*value);
    let agreed = quorum.read(with_liar("a"), view).await.unwrap();
    assert_eq!(agreed.value, 7);
    let nonsense = |_: Attempt| ready(Ok::<u32, String>(13));
    let undecided = quorum.read(nonsense, view).await.unwrap_err();
    assert_eq!((undecided.tally.answered, undecided.tally.failed), (0, 2), "no third can help");
}

#[tokio::test(start_paused = true)]
async fn different_endpoints_are_asked_once_each_also_with_retries_and_queues() {
    let endpoints = ["a", "b", "c", "d", "e"];
    let builder = Policy::builder().endpoints(endpoints).retry(Retry::default()).idempotent();
    let policy = builder.bulkhead(permits(1, 8)).build().unwrap();
    let asked = RefCell::new(Vec::new());
    let settings = QuorumSettings { ask: 4, agree: 4, ..QuorumSettings::default() };
    let quorum = policy.quorum(settings).unwrap();
    let agreed = quorum.read(
        |attempt| {
            asked.borrow_mut().push(name(&attempt));
            async {
                sleep(ms(10)).await;
                Ok::<_, String>(7)
            }
        },
        |value| Some(*value),
    );
    assert_eq!(agreed.await.unwrap().value, 7);
    let mut asked = asked.into_inner();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 4);
    let asked = Cell::new(0);
    let failing = quorum.read(
        |_| {
            asked.set(asked.get() + 1);
            ready(Err::<u32, _>("down".to_owned()))
        },
        |value| Some(*value),
    );
    let undecided = failing.await.unwrap_err();
    assert_eq!((asked.get(), undecided.errors.len()), (1, 1), "one failure leaves no four");
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn a_read_waits_for_nobody_longer_than_it_must() {
    let policy = three();
    let quorum = policy.quorum(QuorumSettings::default()).unwrap();
    let began = now();
    let slow = |attempt: Attempt| async move {
        if name(&attempt) == "c" {
            sleep(s(60)).await;
        }
        Ok::<_, String>(7)
    };
    assert_eq!(quorum.read(slow, |value| Some(*value)).await.unwrap().value, 7);
    assert_eq!(began.elapsed(), ms(0));
    let hang = |_: Attempt| async {
        sleep(s(60)).await;
        Ok::<_, String>(7)
    };
    let undecided = quorum.read(hang, |value| Some(*value)).await.unwrap_err();
    assert_eq!(undecided.tally.largest, 0);
    assert_eq!(began.elapsed(), QuorumSettings::default().timeout);
    assert_nothing_held(&policy);
}

/// The liar of [`with_liar`], slow.
fn with_slow_liar(
    wait: Duration,
) -> impl Fn(Attempt) -> std::pin::Pin<Box<dyn Future<Output = Result<u32, String>> + Send>> {
    move |attempt| {
        Box::pin(async move {
            if name(&attempt) != "b" {
                return Ok(7);
            }
            sleep(wait).await;
            Ok(13)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_odd_and_slow_is_noticed_by_whoever_waits_for_late_answers() {
    let policy = three();
    let quorum = policy.quorum(QuorumSettings::default()).unwrap();
    let ask = with_slow_liar(ms(900));
    let (agreed, late) = quorum.read_lingering(&ask, |value| Some(*value)).await.unwrap();
    assert_eq!((agreed.value, agreed.odd.len()), (7, 0), "it has not spoken yet");
    let late = late.await;
    assert_eq!(late.odd.iter().map(|odd| odd.name()).collect::<Vec<_>>(), ["b"]);
    assert_eq!((late.tally.answered, late.tally.different), (3, 2));
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "it is waited for at once")]
async fn a_slow_liar_is_ejected_after_as_many_reads_as_a_quick_one() {
    let policy = three();
    let odd = OutlierSettings::default().odd.expect("on by default");
    let quorum = policy.quorum(QuorumSettings::default()).unwrap();
    for read in 0..odd.disagreements {
        let standing =
            policy.snapshot().endpoints.iter().all(|e| e.outlier.standing == Standing::In);
        assert!(standing, "ejected after {read} reads");
        let ask = with_slow_liar(ms(10));
        let (_, late) = quorum.read_lingering(ask, |value| Some(*value)).await.unwrap();
        tokio::spawn(late).await.unwrap();
    }
    let out =
        policy.snapshot().endpoints.iter().filter(|e| e.outlier.standing != Standing::In).count();
    assert_eq!(out, 1);
}

#[tokio::test(start_paused = true)]
async fn late_answers_are_waited_for_no_longer_than_the_settings_say() {
    let policy = three();
    let settings = QuorumSettings { timeout: s(3), linger: s(2), ..QuorumSettings::default() };
    let quorum = policy.quorum(settings).unwrap();
    let began = now();
    let (_, late) = quorum.read_lingering(with_slow_liar(s(60)), |v| Some(*v)).await.unwrap();
    assert_eq!(late.await.odd, []);
    assert_eq!(began.elapsed(), s(2));
    assert_nothing_held(&policy);
    let hang = |_: Attempt| async {
        sleep(s(60)).await;
        Ok::<u32, String>(7)
    };
    let began = now();
    let undecided = quorum.read_lingering(hang, |value| Some(*value)).await.err().unwrap();
    assert_eq!((undecided.tally.answered, began.elapsed()), (0, s(3)));
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn questions_pass_the_limits_of_the_policy() {
    let limit = RateLimit::new(1, s(60)).burst(2);
    let policy = Policy::builder().endpoints(["a", "b", "c"]).rate_limit(limit).build().unwrap();
    let quorum = policy.quorum(QuorumSettings { agree: 3, ..QuorumSettings::default() }).unwrap();
    let undecided = quorum.read(with_liar("none"), |value| Some(*value)).await.unwrap_err();
    assert_eq!(undecided.errors[0].reason(), Reason::RateLimited);
}

#[tokio::test(start_paused = true)]
async fn t89_a_majority_that_can_never_be_is_refused() {
    let policy = Policy::builder().endpoints(["a", "b"]).build().unwrap();
    let refuse = |settings| policy.quorum(settings).unwrap_err().to_string();
    assert_eq!(
        refuse(QuorumSettings::majority_of(5)),
        "the policy cannot work: `quorum.agree` is 3, but must be at most the number of endpoints \
         of the policy"
    );
    let half = QuorumSettings { ask: 4, agree: 2, ..QuorumSettings::default() };
    let text = "`quorum.agree` is 2, but must be more than half of ask, at most ask";
    assert!(refuse(half).ends_with(text));
    assert!(Policy::builder().build().unwrap().quorum(QuorumSettings::default()).is_err());
}

fn send<F: Future + Send>(future: F) -> F {
    future
}

#[tokio::test(start_paused = true)]
async fn a_read_can_be_sent_to_another_thread() {
    let policy = three();
    let quorum = policy.quorum(QuorumSettings::default()).unwrap();
    let read = send(quorum.read(with_liar("a"), |value| Some(*value)));
    assert_eq!(read.await.unwrap().value, 7);
}
