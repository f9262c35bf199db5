//! M15: a service, or whoever stands in front of it, may ask for any wait. The longest sleep when
//! the hint says a day, and what becomes of hints that are nonsense.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Response, StatusCode, header};
use layered::{Execute, Service as _, Stack as _};
use seatbelt::RecoveryInfo;
use seawall::{Classify as _, Http, Outcome};
use throttle_net::{RetryAction, parse_retry_after};

use super::{Care, Cell, Finding, block_on, block_on_paused};
use crate::measure::OURS;
use crate::ours;
use crate::rivals::{Answer, Fault, name, retry, seatbelt_context};

const DAY: Duration = Duration::from_secs(86_400);
/// What any caller could still want to wait for.
const SENSE: Duration = Duration::from_secs(3_600);

pub(super) fn find(_: Care) -> Vec<Finding> {
    let cells = vec![
        cell(OURS, block_on_paused(ours())),
        cell(name::SEATBELT, block_on(seatbelt())),
        cell(name::THROTTLE_NET, block_on_paused(throttle_net())),
        Cell::absent(name::TOWER, ""),
        Cell::absent(name::TOWER_RESILIENCE, ""),
        Cell::absent(name::BACKON, "the caller's own closure may adjust a wait"),
        Cell::absent(name::TOKIO_RETRY2, "an error may carry a wait that is slept as told"),
    ];
    vec![
        Finding {
            id: "M15",
            row: "time spent when the service says Retry-After: 86400".to_owned(),
            ideal: "a limit, or no retry",
            cells,
        },
        nonsense(),
    ]
}

fn cell(name: &'static str, spent: Duration) -> Cell {
    Cell::new(name, format!("{} s", spent.as_secs()), spent <= SENSE)
}

async fn ours() -> Duration {
    let says_a_day = |_: Result<&u64, &Fault>| Outcome::failure().retry_after(DAY);
    let policy = ours::policy::retry().with_classifier(says_a_day);
    timed(async move { drop(policy.call(|_| async { Answer::Err(Fault) }).await) }).await
}

/// What it sets its timer to.
async fn seatbelt() -> Duration {
    let waited = Arc::new(Mutex::new(Duration::ZERO));
    let log = Arc::clone(&waited);
    let context = seatbelt_context::on_tokio();
    let layer = retry::seatbelt(&context)
        .max_retry_attempts(1)
        .recovery_with(|_, _| RecoveryInfo::retry().delay(DAY))
        .on_retry(move |_, retry| *log.lock().expect("nothing panics") += retry.retry_delay());
    let failing = Execute::new(|_: u64| async { Answer::Err(Fault) });
    let service = (layer, failing).into_service();
    drop(tokio::time::timeout(Duration::from_millis(1), service.execute(1)).await);
    *waited.lock().expect("nothing panics")
}

async fn throttle_net() -> Duration {
    let policy = retry::throttle_net();
    let failing = || async { Answer::Err(Fault) };
    timed(async move { drop(policy.run(failing, |_| RetryAction::RetryAfter(DAY)).await) }).await
}

#[expect(clippy::disallowed_methods, reason = "virtual time, read from the paused runtime")]
async fn timed(run: impl Future<Output = ()>) -> Duration {
    let start = tokio::time::Instant::now();
    run.await;
    start.elapsed()
}

/// What is read from the header by those who read it themselves.
fn nonsense() -> Finding {
    let hints = ["-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999999999999"];
    let cells = vec![
        read(OURS, hints, ours_of),
        read(name::THROTTLE_NET, hints, parse_retry_after),
        Cell::absent(name::SEATBELT, "does not read the header"),
    ];
    let row = format!("hints read from {}", hints.join(" | "));
    Finding { id: "M15", row, ideal: "none or 0 for the first three", cells }
}

fn read(name: &'static str, hints: [&str; 4], wait_of: fn(&str) -> Option<Duration>) -> Cell {
    let waits = hints.map(wait_of);
    let shown = waits.map(|wait| match wait {
        None => "none".to_owned(),
        Some(wait) => format!("{} s", wait.as_secs()),
    });
    let ok = waits[..3].iter().all(|wait| wait.is_none_or(|wait| wait <= SENSE));
    Cell::new(name, shown.join(", "), ok)
}

fn ours_of(hint: &str) -> Option<Duration> {
    let busy = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE);
    let busy = busy.header(header::RETRY_AFTER, hint).body(()).expect("the hint is text");
    Http.classify(Result::<_, &Fault>::Ok(&busy)).hint()
}
