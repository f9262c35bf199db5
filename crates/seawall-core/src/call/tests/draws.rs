//! Random settings, requests and observations, tiny and endless ones included.

use super::world::{MS, SECOND};
use crate::Mode;
use crate::backoff::{BackoffSettings, Jitter};
use crate::balance::Algorithm;
use crate::breaker::{AbandonedPolicy, BreakerSettings, CoolDown, WindowKind};
use crate::bulkhead::{BulkheadSettings, QueueOrder};
use crate::call::{CallSettings, Facts, Safety};
use crate::concurrency::LimitSettings;
use crate::hedge::{HedgeDelay, HedgeSettings};
use crate::hold::HoldSettings;
use crate::outcome::{CallerFault, ConnectFailure, Connection, Observation, OptIn, OptIns, Sent};
use crate::rate::{LimiterSettings, Quota, Rate};
use crate::ratio::Ratio;
use crate::rng::{Rng, Stream};
use crate::shed::{Class, Priority, ShedSettings};
use crate::throttle::ThrottleSettings;
use crate::time::Duration;
use crate::upstream::{UpstreamSettings, WhenAllDown};

/// The budget's window, the same for all cases, so that a log can be counted.
pub(super) const BUDGET_WINDOW: Duration = SECOND;

/// Hedges of one call at most, in all cases.
pub(super) const HEDGES_MAX: u32 = 3;

pub(super) fn one_of<T: Copy>(chance: &mut Stream, all: &[T]) -> T {
    let index = usize::try_from(chance.below(all.len() as u64)).expect("a small number");
    all[index]
}

pub(super) fn small(chance: &mut Stream, bound: u32) -> u32 {
    u32::try_from(chance.below(u64::from(bound))).expect("below the bound")
}

pub(super) fn span(chance: &mut Stream) -> Duration {
    let nano = Duration::from_nanos(1);
    let spans = [Duration::ZERO, nano, MS, MS * 20, MS * 100, MS * 700, SECOND * 3, SECOND * 10];
    one_of(chance, &spans)
}

fn mode(chance: &mut Stream) -> Mode {
    one_of(chance, &[Mode::Enforce, Mode::Enforce, Mode::Enforce, Mode::Shadow, Mode::Off])
}

fn breaker(chance: &mut Stream) -> BreakerSettings {
    let policies = [AbandonedPolicy::Slow, AbandonedPolicy::Failure, AbandonedPolicy::All];
    let base = one_of(chance, &[MS, MS * 50, SECOND]);
    BreakerSettings {
        consecutive: one_of(chance, &[None, Some(1), Some(3)]),
        window: one_of(chance, &[WindowKind::Calls(4), WindowKind::Time(SECOND)]),
        min_calls: 1 + small(chance, 4),
        cool_down: CoolDown { base, growth: Ratio::from_percent(200), max: SECOND * 2 },
        max_probes: 1 + small(chance, 3),
        success_threshold: 1 + small(chance, 2),
        max_half_open: one_of(chance, &[MS * 10, SECOND * 30]),
        ramp: one_of(chance, &[None, None, Some(MS * 200)]),
        abandoned: one_of(chance, &policies),
        mode: mode(chance),
        ..BreakerSettings::for_upstream()
    }
}

fn bulkhead(chance: &mut Stream) -> BulkheadSettings {
    BulkheadSettings {
        permits: one_of(chance, &[0, 1, 1, 2, 3, 8]),
        queue: small(chance, 4),
        max_wait: one_of(chance, &[Duration::ZERO, MS, MS * 100, SECOND * 20]),
        order: one_of(chance, &[QueueOrder::Fifo, QueueOrder::Lifo]),
    }
}

pub(super) fn upstream(chance: &mut Stream) -> UpstreamSettings {
    let mut settings = UpstreamSettings {
        breaker: breaker(chance),
        endpoint_breaker: breaker(chance),
        bulkhead: bulkhead(chance),
        when_all_down: one_of(chance, &[WhenAllDown::TryAll, WhenAllDown::Refuse]),
        hedge: hedge(chance),
        hold: hold(chance),
        rate: rate(chance),
        shed: one_of(chance, &[None, None, Some(ShedSettings::default())]),
        throttle: one_of(chance, &[None, None, Some(ThrottleSettings::default())]),
        concurrency: one_of(chance, &[None, None, Some(LimitSettings::default())]),
        ..UpstreamSettings::default()
    };
    settings.budget.window = BUDGET_WINDOW;
    settings.budget.ratio = Ratio::from_percent(one_of(chance, &[0, 20, 50, 300]));
    settings.budget.floor_per_second = small(chance, 4);
    settings.outlier.consecutive = one_of(chance, &[None, Some(1), Some(2)]);
    settings.outlier.base = one_of(chance, &[MS, MS * 100, SECOND]);
    settings.outlier.max = SECOND * 2;
    settings.outlier.min_requests = 2;
    settings.outlier.mode = mode(chance);
    settings.balance.algorithm = one_of(chance, &[Algorithm::PeakEwma, Algorithm::RoundRobin]);
    settings
}

fn rate(chance: &mut Stream) -> Option<LimiterSettings> {
    let quota = Quota { rate: Rate::per_second(20), burst: 3 };
    one_of(chance, &[None, None, None, Some(LimiterSettings::of(quota))])
}

fn hold(chance: &mut Stream) -> HoldSettings {
    let longest = one_of(chance, &[MS, MS * 200, SECOND * 3]);
    HoldSettings {
        mode: mode(chance),
        calls: 1 + small(chance, 6),
        bytes: one_of(chance, &[0, 100, 1_000]),
        longest,
        outage: longest * one_of(chance, &[1, 2, 100]),
    }
}

fn hedge(chance: &mut Stream) -> HedgeSettings {
    HedgeSettings {
        mode: mode(chance),
        delay: HedgeDelay::Fixed(one_of(chance, &[MS, MS * 20, SECOND])),
        max_extra: 1 + small(chance, HEDGES_MAX),
        share: Ratio::from_percent(one_of(chance, &[5, 100, 100])),
        ..HedgeSettings::default()
    }
}

fn backoff(chance: &mut Stream) -> BackoffSettings {
    let jitters = [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated];
    let base = one_of(chance, &[Duration::ZERO, MS, MS * 40]);
    BackoffSettings { base, jitter: one_of(chance, &jitters), ..BackoffSettings::transient() }
}

pub(super) fn call(chance: &mut Stream) -> CallSettings {
    let attempts = [span(chance), MS * 50, SECOND, SECOND * 3, Duration::MAX];
    let totals = [Some(span(chance)), Some(SECOND), Some(SECOND * 10), Some(Duration::MAX), None];
    CallSettings {
        total: one_of(chance, &totals),
        attempt: one_of(chance, &attempts),
        max_attempts: one_of(chance, &[0, 1, 2, 3, 3, 5, 12]),
        max_while_helping: one_of(chance, &[0, 3, 5, 5, 12]),
        backoff: backoff(chance),
        throttled_backoff: backoff(chance),
        opt_ins: OptIns {
            on_500: one_of(chance, &[OptIn::Never, OptIn::IfSafe]),
            ..OptIns::default()
        },
        hedges: crate::timeout::Hedges::OptIn,
        rungs: one_of(chance, &[0, 0, 1, 2]),
    }
}

pub(super) fn facts(chance: &mut Stream) -> Facts {
    let safety = one_of(chance, &[Safety::Idempotent, Safety::Keyed, Safety::Unsafe]);
    let remaining = [None, None, Some(span(chance)), Some(SECOND)];
    let affinity = one_of(chance, &[None, Some(7)]);
    let priority = Priority::new(one_of(chance, &[Class::Critical, Class::Normal, Class::Low]), 5);
    let weight = one_of(chance, &[1, 1, 1, 2]);
    let remaining = one_of(chance, &remaining);
    let body = one_of(chance, &[0, 0, 60]);
    Facts { remaining, affinity, priority, weight, body, ..Facts::of(safety) }
}

/// The head of an answer.
pub(super) fn head(chance: &mut Stream) -> Observation {
    let codes = [200, 200, 200, 204, 404, 408, 421, 425, 429, 500, 501, 502, 503, 503, 504];
    let hints = [None, None, Some(Duration::ZERO), Some(MS * 20), Some(SECOND * 400)];
    let retry_after = one_of(chance, &hints);
    Observation::Status {
        code: one_of(chance, &codes),
        retry_after,
        exhausted: chance.below(20) == 0,
    }
}

/// An end without a head, or short of the last byte, or with it.
pub(super) fn end(chance: &mut Stream) -> Observation {
    let sent = one_of(chance, &[Sent::No, Sent::Maybe, Sent::Yes]);
    let connection = one_of(chance, &[Connection::Fresh, Connection::Reused]);
    let stale = Observation::Lost { connection: Connection::Reused, sent: Sent::No };
    let failures = [
        ConnectFailure::Refused,
        ConnectFailure::TimedOut,
        ConnectFailure::Unroutable,
        ConnectFailure::Exhausted,
    ];
    let all = [
        Observation::ConnectFailed(one_of(chance, &failures)),
        Observation::Lost { connection, sent },
        stale,
        stale,
        Observation::Malformed,
        Observation::Upgraded,
        Observation::HeadTooLarge,
        Observation::TimedOut { sent },
        Observation::WriteStalled,
        Observation::ReadStalled,
        Observation::CutShort,
        Observation::CallerGone,
        Observation::CallerFault(CallerFault::Stalled),
        Observation::Completed,
    ];
    one_of(chance, &all)
}

/// Whether an attempt that was seen to end so provably executed nothing.
pub(super) const fn provably_not_executed(seen: Observation) -> bool {
    match seen {
        Observation::ConnectFailed(_)
        | Observation::Unprocessed(_)
        | Observation::Lost { sent: Sent::No, .. }
        | Observation::TimedOut { sent: Sent::No }
        | Observation::Status { code: 421 | 425, .. } => true,
        Observation::Status { .. }
        | Observation::Grpc { .. }
        | Observation::Lost { .. }
        | Observation::TimedOut { .. }
        | Observation::Completed
        | Observation::Judged(_)
        | Observation::Malformed
        | Observation::Invalid
        | Observation::Upgraded
        | Observation::HeadTooLarge
        | Observation::WriteStalled
        | Observation::ReadStalled
        | Observation::CutShort
        | Observation::CallerGone
        | Observation::CallerFault(_) => false,
    }
}
