//! M8 to M10: the random part of the waits between retries. Every crate's own backoff from 50 ms
//! to 2 s, or from 1 s where resolution is asked for, with each jitter that it offers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use backon::BackoffBuilder as _;
use layered::{Execute, Service as _, Stack as _};
use retry_policies::policies::ExponentialBackoff;
use retry_policies::{Jitter, RetryDecision, RetryPolicy as _};
use tower::retry::backoff::{Backoff as _, MakeBackoff as _};
use tower_resilience_retry::IntervalFunction as _;

use super::{Care, Cell, Finding, block_on, block_on_paused};
use crate::measure::OURS;
use crate::ours;
use crate::rivals::retry::{self, BASE, CAP};
use crate::rivals::{Answer, Fault, name, seatbelt_context};

const SECOND: Duration = Duration::from_secs(1);

/// One jitter of one crate.
struct Source {
    name: &'static str,
    kind: &'static str,
    /// Makes what a policy holds, from the raw first wait; that makes the first so many waits of
    /// a sequence anew.
    policy: fn(Duration) -> Sequences,
}

/// The waits of one retry sequence after the other, all from one policy.
type Sequences = Box<dyn FnMut(usize) -> Vec<Duration>>;

const SOURCES: [Source; 14] = [
    Source {
        name: OURS,
        kind: "full",
        policy: |base| ours_of(ours::backoff::full(base, cap(base))),
    },
    Source {
        name: OURS,
        kind: "equal",
        policy: |base| ours_of(ours::backoff::equal(base, cap(base))),
    },
    Source {
        name: OURS,
        kind: "decorrelated",
        policy: |base| ours_of(ours::backoff::decorrelated(base, cap(base))),
    },
    Source { name: name::BACKON, kind: "with_jitter", policy: backon },
    Source { name: name::TOKIO_RETRY2, kind: "jitter", policy: tokio_retry2 },
    Source { name: name::TOKIO_RETRY, kind: "jitter", policy: tokio_retry },
    Source { name: name::TOWER, kind: "0.99", policy: tower },
    Source { name: name::TOWER_RESILIENCE, kind: "0.5", policy: tower_resilience },
    Source {
        name: name::THROTTLE_NET,
        kind: "full",
        policy: |base| throttle_net(base, throttle_net::Jitter::Full),
    },
    Source {
        name: name::THROTTLE_NET,
        kind: "equal",
        policy: |base| throttle_net(base, throttle_net::Jitter::Equal),
    },
    Source {
        name: name::THROTTLE_NET,
        kind: "decorrelated",
        policy: |base| throttle_net(base, throttle_net::Jitter::Decorrelated),
    },
    Source {
        name: name::RETRY_POLICIES,
        kind: "full",
        policy: |base| retry_policies(base, Jitter::Full),
    },
    Source {
        name: name::RETRY_POLICIES,
        kind: "bounded",
        policy: |base| retry_policies(base, Jitter::Bounded),
    },
    Source { name: name::SEATBELT, kind: "decorrelated v2", policy: seatbelt },
];

/// Two seconds, or far enough above a longer base that few waits are cut to it.
fn cap(base: Duration) -> Duration {
    CAP.max(8 * base)
}

/// One cell for each crate: the worst of its jitters, all of them in the text.
fn cells(of: impl Fn(&Source) -> (String, bool)) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    for source in &SOURCES {
        let (value, ok) = of(source);
        let value = format!("{} {value}", source.kind);
        match cells.iter_mut().find(|cell| cell.name == source.name) {
            Some(cell) => {
                cell.value = format!("{}; {value}", cell.value);
                cell.ok = cell.ok.map(|before| before && ok);
            }
            None => cells.push(Cell::new(source.name, value, ok)),
        }
    }
    cells.push(Cell::absent(name::TRYHARD, "knows no jitter"));
    cells
}

/// M8.
pub(super) fn above_cap(care: Care) -> Vec<Finding> {
    let draws = care.pick(300, 10_000);
    let cells = cells(|source| {
        let mut policy = (source.policy)(BASE);
        let draws = if source.name == name::SEATBELT { draws / 100 } else { draws };
        let longest = (0..draws).flat_map(|_| policy(64)).max().unwrap_or_default();
        let ratio = longest.as_secs_f64() / CAP.as_secs_f64();
        (format!("{ratio:.2}"), longest <= CAP)
    });
    let row = format!("longest wait over its cap, retries 1 to 64, {draws} sequences");
    vec![Finding { id: "M8", row, ideal: "at most 1.00", cells }]
}

/// M9.
pub(super) fn identical(_: Care) -> Vec<Finding> {
    let cells = cells(|source| {
        let mut policy = (source.policy)(BASE);
        let mut seen: HashMap<Vec<Duration>, u32> = HashMap::new();
        for _ in 0..1_000 {
            *seen.entry(policy(3)).or_default() += 1;
        }
        let alike: u32 = seen.into_values().filter(|count| *count > 1).sum();
        (format!("{:.1} %", f64::from(alike) / 10.0), alike < 10)
    });
    let row = "retry sequences of one policy that share their first three waits".to_owned();
    vec![Finding { id: "M9", row, ideal: "0 % of 1,000", cells }]
}

/// M10.
pub(super) fn resolution(_: Care) -> Vec<Finding> {
    let cells = cells(|source| {
        let mut policy = (source.policy)(SECOND);
        let first = (0..1_000).filter_map(|_| policy(1).first().copied());
        let whole = first.filter(|wait| wait.subsec_nanos() == 0 && !wait.is_zero()).count();
        (format!("{:.1} %", whole as f64 / 10.0), whole < 10)
    });
    let row = "first waits of base 1 s that are whole seconds".to_owned();
    vec![Finding { id: "M10", row, ideal: "about 0 %", cells }]
}

fn ours_of(policy: impl FnMut(usize) -> Vec<Duration> + 'static) -> Sequences {
    Box::new(policy)
}

fn backon(base: Duration) -> Sequences {
    let policy = retry::backon().with_min_delay(base).with_max_delay(cap(base)).without_max_times();
    Box::new(move |waits| policy.build().take(waits).collect())
}

fn tokio_retry(base: Duration) -> Sequences {
    let factor = u64::try_from(base.as_millis()).unwrap_or(u64::MAX) / 2;
    Box::new(move |waits| {
        let raw = tokio_retry::strategy::ExponentialBackoff::from_millis(2).factor(factor);
        raw.max_delay(cap(base)).map(tokio_retry::strategy::jitter).take(waits).collect()
    })
}

fn tokio_retry2(base: Duration) -> Sequences {
    let millis = u64::try_from(base.as_millis()).unwrap_or(u64::MAX);
    Box::new(move |waits| {
        let raw = tokio_retry2::strategy::ExponentialFactorBackoff::from_millis(millis, 2.0);
        raw.max_delay(cap(base)).map(tokio_retry2::strategy::jitter).take(waits).collect()
    })
}

/// Its retry layer clones the policy for every request, and with it the backoff.
fn tower(base: Duration) -> Sequences {
    let policy = block_on_paused(async { retry::tower_backoff(base, 0.99).make_backoff() });
    Box::new(move |waits| {
        let mut backoff = policy.clone();
        block_on_paused(async move {
            let mut all = Vec::with_capacity(waits);
            for _ in 0..waits.min(32) {
                let now = tokio_now();
                all.push(backoff.next_backoff().deadline().duration_since(now));
            }
            all
        })
    })
}

#[expect(clippy::disallowed_methods, reason = "Tower hands out timers, not durations")]
fn tokio_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

fn tower_resilience(base: Duration) -> Sequences {
    let policy = tower_resilience_retry::ExponentialRandomBackoff::new(base, 0.5)
        .expect("0.5 is in range")
        .max_interval(cap(base));
    Box::new(move |waits| (0..waits).map(|retry| policy.next_interval(retry)).collect())
}

fn throttle_net(base: Duration, jitter: throttle_net::Jitter) -> Sequences {
    let policy =
        throttle_net::Backoff::exponential(base, 2.0).with_max(cap(base)).with_jitter(jitter);
    Box::new(move |waits| policy.iter().take(waits).collect())
}

/// It answers with a point in time; what passes between its look at the clock and ours is far
/// below what these rows ask for, and rounds the wait down.
fn retry_policies(base: Duration, jitter: Jitter) -> Sequences {
    let policy = ExponentialBackoff::builder()
        .retry_bounds(base, cap(base))
        .jitter(jitter)
        .build_with_max_retries(1_000);
    Box::new(move |waits| {
        let wait = |retry| match policy.should_retry(SystemTime::UNIX_EPOCH, retry) {
            RetryDecision::Retry { execute_after } => {
                execute_after.duration_since(wall_now()).unwrap_or_default()
            }
            RetryDecision::DoNotRetry => Duration::ZERO,
        };
        // Its powers overflow into the cap beyond the 31st retry.
        (0..u32::try_from(waits).unwrap_or(u32::MAX)).map(wait).collect()
    })
}

#[expect(clippy::disallowed_methods, reason = "retry-policies answers in wall time")]
fn wall_now() -> SystemTime {
    SystemTime::now()
}

/// Its backoff is private; what it waits shows in a callback. Its clock is real, so all of it
/// runs a thousand times faster; of a sequence of one wait only the beginning runs.
fn seatbelt(base: Duration) -> Sequences {
    const FASTER: u32 = 1_000;
    Box::new(move |waits| {
        let waited = Arc::new(Mutex::new(Vec::with_capacity(waits)));
        let log = Arc::clone(&waited);
        let retries = async move {
            let context = seatbelt_context::on_tokio();
            let layer = retry::seatbelt(&context)
                .base_delay(base / FASTER)
                .max_delay(cap(base) / FASTER)
                .max_retry_attempts(u32::try_from(waits).unwrap_or(u32::MAX))
                .on_retry(move |_, retry| {
                    log.lock().expect("no push panics").push(retry.retry_delay() * FASTER);
                });
            let failing = Execute::new(|_: u64| async { Answer::Err(Fault) });
            let service = (layer, failing).into_service();
            let running = service.execute(1);
            if waits > 1 {
                drop(running.await);
            } else {
                drop(tokio::time::timeout(Duration::ZERO, running).await);
            }
        };
        block_on(retries);
        let waited = waited.lock().expect("no push panics");
        waited.clone()
    })
}
