//! One layer of policy as the file gives it, and the merge of layers: `[defaults]`, then the
//! named policy, then the route. Tables merge by key, lists replace.

use super::fallback::{self, Rung};
use super::{Class, PolicyConfig, REPLAY, RetryConfig, Timeouts};
use crate::reader::{Given, Reading, TableReader, or};
use crate::units::print_duration;
use crate::upstream::breaker::ordered;
use seawall_core::backoff::{BackoffSettings, Jitter};
use seawall_core::outcome::RetryOn500;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

/// The words of `jitter`.
pub(crate) const JITTER: [(&str, Jitter); 4] = [
    ("full", Jitter::Full),
    ("equal", Jitter::Equal),
    ("decorrelated", Jitter::Decorrelated),
    ("none", Jitter::None),
];

/// The most attempts of one call. Ten failures in a row are an outage, not bad luck, and the list
/// of tried endpoints is bounded.
const ATTEMPTS_MAX: u32 = 10;

/// The largest replay buffer: every call may hold one.
const REPLAY_MAX: u64 = 16 << 20;

/// What one place of the file says about policy; `None` is silence.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicyLayer {
    class: Option<Class>,
    timeouts: TimeoutsLayer,
    retry: RetryLayer,
    replay: Option<u64>,
    fallback: Option<Vec<Rung>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct TimeoutsLayer {
    total: Option<Given<Option<Duration>>>,
    attempt: Option<Given<Duration>>,
    body_idle: Option<Given<Duration>>,
    connect: Option<Given<Duration>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct RetryLayer {
    /// `false` for `retry = "off"`, `true` for a table, which also undoes an "off" below it.
    on: Option<bool>,
    max_attempts: Option<Given<u32>>,
    base: Option<Given<Duration>>,
    factor: Option<Given<Ratio>>,
    max: Option<Given<Duration>>,
    jitter: Option<Given<Jitter>>,
    on_500: Option<Given<bool>>,
}

impl PolicyLayer {
    pub(crate) fn read(table: &mut TableReader<'_>) -> Self {
        Self {
            class: table.choice("class", &Class::WORDS).map(|given| given.value),
            timeouts: table.table("timeouts", TimeoutsLayer::read).unwrap_or_default(),
            retry: match table.table_or_off("retry", RetryLayer::read) {
                None => RetryLayer::default(),
                Some(None) => RetryLayer { on: Some(false), ..RetryLayer::default() },
                Some(Some(layer)) => layer,
            },
            replay: read_replay(table),
            fallback: fallback::read(table),
        }
    }

    fn over(self, below: Self) -> Self {
        Self {
            class: self.class.or(below.class),
            timeouts: self.timeouts.over(below.timeouts),
            retry: self.retry.over(below.retry),
            replay: self.replay.or(below.replay),
            fallback: self.fallback.or(below.fallback),
        }
    }
}

impl TimeoutsLayer {
    fn read(table: &mut TableReader<'_>) -> Self {
        Self {
            total: table.duration_or_off("total", "\"10s\""),
            attempt: table.duration("attempt", "\"3s\""),
            body_idle: table.duration("body_idle", "\"10s\""),
            connect: table.duration("connect", "\"1s\""),
        }
    }

    fn over(self, below: Self) -> Self {
        Self {
            total: self.total.or(below.total),
            attempt: self.attempt.or(below.attempt),
            body_idle: self.body_idle.or(below.body_idle),
            connect: self.connect.or(below.connect),
        }
    }

    /// The class fills in what no layer gives. An attempt longer than the total is cut to it; the
    /// two written so are a mistake, for one of the numbers is then not what was meant.
    fn resolve(self, class: Class, pool_connect: Duration, reading: &Reading<'_>) -> Timeouts {
        let (total, attempt, body_idle) = class.timeouts();
        let total = or(self.total, total);
        let longest = total.unwrap_or(Duration::MAX);
        if let (Some(_), Some(given)) = (self.total, self.attempt)
            && given.value > longest
        {
            let (long, short) = (print_duration(given.value), print_duration(longest));
            let what = format!("timeouts.attempt ({long}) is above timeouts.total ({short})");
            reading.wrong(given.place, what, "shorten attempt or lengthen total");
        }
        let attempt = or(self.attempt, attempt).min(longest);
        let connect = or(self.connect, pool_connect).min(pool_connect).min(attempt);
        Timeouts { total, attempt, body_idle: or(self.body_idle, body_idle), connect }
    }
}

impl RetryLayer {
    fn read(table: &mut TableReader<'_>) -> Self {
        Self {
            on: Some(true),
            max_attempts: table.count("max_attempts", 1..=ATTEMPTS_MAX, "3"),
            base: table.duration_or_zero("base", "\"50ms\""),
            factor: table.factor("factor", "2"),
            max: table.duration_or_zero("max", "\"2s\""),
            jitter: table.choice("jitter", &JITTER),
            on_500: table.flag("on_500", "true"),
        }
    }

    fn over(self, below: Self) -> Self {
        Self {
            on: self.on.or(below.on),
            max_attempts: self.max_attempts.or(below.max_attempts),
            base: self.base.or(below.base),
            factor: self.factor.or(below.factor),
            max: self.max.or(below.max),
            jitter: self.jitter.or(below.jitter),
            on_500: self.on_500.or(below.on_500),
        }
    }

    fn resolve(self, reading: &Reading<'_>) -> Option<RetryConfig> {
        let RetryConfig { max_attempts, backoff, .. } = RetryConfig::default();
        let low = ("retry.base", self.base, backoff.base);
        let (base, cap) = ordered(reading, low, ("retry.max", self.max, backoff.cap));
        let (factor, jitter) = (or(self.factor, backoff.factor), or(self.jitter, backoff.jitter));
        self.on.unwrap_or(true).then(|| RetryConfig {
            max_attempts: or(self.max_attempts, max_attempts),
            backoff: BackoffSettings { base, factor, cap, jitter, ..backoff },
            on_500: if or(self.on_500, false) { RetryOn500::IfSafe } else { RetryOn500::Never },
        })
    }
}

/// `"off"` keeps nothing, so that only unsent bodies are sent again.
fn read_replay(table: &mut TableReader<'_>) -> Option<u64> {
    let given = table.size_or_off("replay", "\"64KiB\"")?;
    let bytes = given.value.unwrap_or(0);
    if bytes > REPLAY_MAX {
        let what = format!("{} is above 16MiB", table.path_of("replay"));
        table.wrong(given.place, what, "keep less: every running call may hold that much");
    }
    Some(bytes)
}

/// The policy of a route from its layers, the most general first. `connect` is that of the pool.
pub(crate) fn merge(
    layers: [PolicyLayer; 3],
    connect: Duration,
    reading: &Reading<'_>,
) -> PolicyConfig {
    let merged = layers.into_iter().fold(PolicyLayer::default(), |below, layer| layer.over(below));
    let class = merged.class.unwrap_or_default();
    PolicyConfig {
        class,
        timeouts: merged.timeouts.resolve(class, connect, reading),
        retry: merged.retry.resolve(reading),
        replay: merged.replay.unwrap_or(REPLAY),
        fallback: merged.fallback.unwrap_or_default(),
    }
}
