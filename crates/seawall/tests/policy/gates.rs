//! What keeps calls out before anything is sent, as callers see it.

use std::future::{pending, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seawall::{
    AdaptiveTimeout, EndpointSettings, Error, Event, Importance, LimitSettings, Mode, OptIn,
    OptIns, Outcome, Override, Policy, PolicyBuilder, RateLimit, Ratio, Reason, RetryRule, Row,
    ShedSettings, ThrottleSettings, Until, What,
};
use tokio::time::sleep;

use crate::world::{assert_nothing_held, ms, permits, poll, s, steady};

async fn ask(policy: &Policy) -> Result<u32, Error<String>> {
    policy.call(|_| ready(Ok(7))).await
}

fn rejected<T: std::fmt::Debug>(ended: Result<T, Error<String>>) -> (Reason, Until, String) {
    let error = ended.unwrap_err();
    let text = error.to_string();
    let Error::Rejected { reason, until, .. } = error else { panic!("{error}") };
    (reason, until, text)
}

fn limited() -> PolicyBuilder {
    Policy::builder().rate_limit(RateLimit::per_second(10).burst(2))
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_rate_are_told_when_to_come_back() {
    let policy = limited().build().unwrap();
    assert_eq!((ask(&policy).await, ask(&policy).await), (Ok(7), Ok(7)));
    let (reason, until, text) = rejected(ask(&policy).await);
    assert_eq!((reason, until), (Reason::RateLimited, Until::In(ms(100))));
    assert!(text.contains("rate_limited; may succeed in 100.0ms; calls come faster"), "{text}");
    sleep(ms(100)).await;
    assert_eq!(ask(&policy).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_costs_more_than_the_burst_never_passes() {
    let policy = limited().build().unwrap();
    let (reason, until, text) = rejected(policy.call(|_| ready(Ok(7))).cost(3).await);
    assert_eq!((reason, until), (Reason::CostExceedsLimit, Until::Never));
    assert!(text.contains("lower its cost"), "{text}");
    assert_eq!(policy.call(|_| ready(Ok::<_, String>(7))).cost(2).await, Ok(7));
    assert!(ask(&policy).await.is_err(), "two were charged");
}

#[tokio::test(start_paused = true)]
async fn retries_are_not_charged_to_the_rate() {
    let slow = RateLimit::new(1, s(60)).burst(2);
    let policy = Policy::builder().rate_limit(slow).retry(steady(3)).idempotent().build().unwrap();
    let ended = policy.call(|_| ready(Err::<u32, _>("down".to_owned()))).await;
    assert_eq!(ended.unwrap_err().attempts(), 3);
    assert_eq!(ask(&policy).await, Ok(7));
    assert_eq!(rejected(ask(&policy).await).0, Reason::RateLimited);
}

#[tokio::test(start_paused = true)]
async fn a_policy_in_shadow_reports_and_lets_pass() {
    let heard: Arc<Mutex<Vec<What>>> = Arc::default();
    let record = Arc::clone(&heard);
    let listen = move |event: &Event| record.lock().unwrap().push(event.what);
    let policy = limited().mode(Mode::Shadow).on_event(listen).build().unwrap();
    for _ in 0..5 {
        assert_eq!(ask(&policy).await, Ok(7));
    }
    let heard = heard.lock().unwrap();
    assert_eq!(heard.iter().filter(|what| matches!(what, What::Rate(_))).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_switched_off_keeps_nobody_out() {
    let policy = limited().build().unwrap();
    policy.reconfigure(|policy| policy.mode(Mode::Off)).unwrap();
    for _ in 0..5 {
        assert_eq!(ask(&policy).await, Ok(7));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_dependency_throttles_is_not_sent_after_a_while() {
    let settings = ThrottleSettings { cap: Ratio::from_percent(99), ..ThrottleSettings::default() };
    let policy = Policy::builder()
        .throttle(settings)
        .classify(|_: Result<&u32, &String>| Outcome::throttled())
        .seed(1)
        .build()
        .unwrap();
    let mut refused = 0;
    for _ in 0..100 {
        if let Err(error) = policy.call(|_| ready(Ok::<u32, String>(7))).await {
            let (reason, until, text) = rejected(Err::<u32, _>(error));
            assert_eq!((reason, until), (Reason::Throttled, Until::Unknown));
            assert!(text.contains("send it less"), "{text}");
            refused += 1;
        }
    }
    assert!(refused > 50, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn the_adaptive_limit_refuses_what_is_too_much_at_once() {
    let limit = LimitSettings { initial: 2, min: 1, ..LimitSettings::default() };
    let policy = Policy::builder().concurrency(limit).build().unwrap();
    let mut running: Vec<_> =
        (0..2).map(|_| Box::pin(policy.call(|_| pending::<Result<u32, String>>()))).collect();
    assert!(running.iter_mut().all(|call| poll(call.as_mut()).is_pending()));
    let (reason, until, text) = rejected(ask(&policy).await);
    assert_eq!(reason, Reason::ConcurrencyLimit);
    assert!(matches!(until, Until::In(_) | Until::Unknown), "{until:?}");
    assert!(text.contains("slows down"), "{text}");
    drop(running);
    assert_nothing_held(&policy);
    assert_eq!(ask(&policy).await, Ok(7));
}

/// Calls of this importance in turn with critical ones, of which ten arrive where one can be
/// served; how many of each were refused by shedding.
async fn shed_of(importance: Importance) -> (usize, usize) {
    let window = ms(100);
    let settings = ShedSettings { window, ..ShedSettings::default() };
    let policy = Policy::builder().bulkhead(permits(1, 1_000)).shed(settings).build().unwrap();
    let (mut critical, mut others) = (Vec::new(), Vec::new());
    for number in 0..2_000 {
        let (priority, calls) = match number % 2 {
            0 => (Importance::Critical, &mut critical),
            _ => (importance, &mut others),
        };
        let call = policy.clone().into_call(|_| async {
            sleep(ms(10)).await;
            Ok::<_, String>(7)
        });
        calls.push(tokio::spawn(async move { call.priority(priority).await }));
        sleep(ms(1)).await;
    }
    (count_shed(critical).await, count_shed(others).await)
}

async fn count_shed(calls: Vec<tokio::task::JoinHandle<Result<u32, Error<String>>>>) -> usize {
    let mut shed = 0;
    for call in calls {
        let reason = call.await.unwrap().err().map(|error| error.reason());
        shed += usize::from(reason == Some(Reason::Shed));
    }
    shed
}

#[tokio::test(start_paused = true)]
async fn the_less_important_calls_are_shed_first() {
    let (critical, low) = shed_of(Importance::Low).await;
    assert!(low > 500, "{low} of 1000 low ones shed");
    assert!(critical < low, "{critical} critical ones shed, {low} low ones");
}

#[tokio::test(start_paused = true)]
async fn a_heavy_call_takes_its_weight_of_permits() {
    let policy = Policy::builder().bulkhead(permits(3, 0)).build().unwrap();
    let mut heavy = pin!(policy.call(|_| pending::<Result<u32, String>>()).weight(3));
    assert!(poll(heavy.as_mut()).is_pending());
    assert_eq!(policy.snapshot().bulkhead.in_use, 3);
    assert_eq!(rejected(ask(&policy).await).0, Reason::BulkheadFull);
    let (reason, until, _) = rejected(policy.call(|_| ready(Ok(7))).weight(4).await);
    assert_eq!((reason, until), (Reason::CostExceedsLimit, Until::Never));
}

#[tokio::test(start_paused = true)]
async fn the_adaptive_timeout_tightens_to_what_answers_need() {
    let adaptive = AdaptiveTimeout::new().floor(ms(20));
    let policy =
        Policy::builder().attempt_timeout(s(1)).adaptive_timeout(adaptive).build().unwrap();
    let mut given = Duration::MAX;
    for _ in 0..20_000 {
        let call = policy.call(|attempt| {
            given = attempt.remaining().unwrap();
            async { Ok::<_, String>(sleep(ms(10)).await) }
        });
        call.await.unwrap();
    }
    assert!((ms(20)..ms(40)).contains(&given), "{given:?}");
}

#[tokio::test(start_paused = true)]
async fn attempts_follow_weights_and_levels() {
    let policy = Policy::builder()
        .endpoints([
            EndpointSettings::new("first").weight(3),
            EndpointSettings::new("second"),
            EndpointSettings::new("none").weight(0),
            EndpointSettings::new("stand-by").level(1),
        ])
        .balance(seawall::BalanceSettings {
            algorithm: seawall::Algorithm::SmoothWeighted,
            ..seawall::BalanceSettings::default()
        })
        .build()
        .unwrap();
    let mut sent = [0; 4];
    for _ in 0..400 {
        let call = policy.call(|attempt| {
            sent[attempt.endpoint().unwrap().index()] += 1;
            ready(Ok::<_, String>(()))
        });
        call.await.unwrap();
    }
    assert_eq!(sent, [300, 100, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_single_status_can_be_judged_otherwise() {
    let seen = |code| seawall::Observation::Status { code, retry_after: None, exhausted: false };
    let gone = Override {
        row: Row::Status(410),
        class: seawall::Class::Failure,
        retry: RetryRule::IfSafe,
    };
    let policy = Policy::builder()
        .retry(steady(3))
        .idempotent()
        .overrides([gone])
        .opt_ins(OptIns { on_500: OptIn::IfSafe, ..OptIns::default() })
        .classify(move |result: Result<&u16, &String>| match result {
            Ok(code) => seen(*code).into(),
            Err(_) => Outcome::failure(),
        })
        .build()
        .unwrap();
    for (status, attempts) in [(410, 3), (500, 3), (404, 1), (200, 1)] {
        let mut made = 0;
        let call = policy.call(|attempt| {
            made = attempt.number();
            ready(Ok::<u16, String>(status))
        });
        assert_eq!(call.await, Ok(status));
        assert_eq!(made, attempts, "{status}");
    }
}
