//! The table `retry` of a policy: how often, after which outcomes, and how long between.

use crate::reader::{Given, Reading, Scope, TableReader, or};
use crate::upstream::breaker::ordered;
use seawall_core::backoff::{BackoffSettings, FirstRetry, Jitter};
use seawall_core::call::ATTEMPTS_MAX;
use seawall_core::outcome::{OptIn, OptIns};
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;
use seawall_core::timeout::OperationKind;

/// The words of `jitter`.
pub(crate) const JITTER: [(&str, Jitter); 4] = [
    ("full", Jitter::Full),
    ("equal", Jitter::Equal),
    ("decorrelated", Jitter::Decorrelated),
    ("none", Jitter::None),
];

/// The words of `first`.
pub(crate) const FIRST: [(&str, FirstRetry); 3] = [
    ("waits", FirstRetry::Waits),
    ("at_once_if_unsent", FirstRetry::AtOnceIfUnsent),
    ("at_once_elsewhere", FirstRetry::AtOnceElsewhere),
];

/// The words of `backoff`.
const SCHEDULES: [(&str, Schedule); 3] = [
    ("exponential", Schedule::Exponential),
    ("constant", Schedule::Constant),
    ("none", Schedule::None),
];

/// How waits go on from one retry to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Schedule {
    /// By `factor`, up to `max`.
    Exponential,
    /// Always `base`.
    Constant,
    /// No waits.
    None,
}

/// The word for the schedule of a backoff.
pub(crate) fn schedule_word(backoff: &BackoffSettings) -> &'static str {
    match (backoff.cap.is_zero(), backoff.factor == Ratio::ONE) {
        (true, _) => "none",
        (false, true) => "constant",
        (false, false) => "exponential",
    }
}

/// When and how often a call is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryConfig {
    /// Attempts of one call, the first included; 1 to [`ATTEMPTS_MAX`]. Default that of the kind
    /// of operation, or else 3.
    pub max_attempts: u32,
    /// The same while retries help; see [`CallSettings::max_while_helping`]. Default 5 where
    /// neither a kind nor the file says how many attempts there may be, or else as many as those.
    ///
    /// [`CallSettings::max_while_helping`]: seawall_core::call::CallSettings::max_while_helping
    pub max_while_helping: u32,
    /// The wait before a retry. Default 50 ms, doubled each time up to 2 s, full jitter.
    pub backoff: BackoffSettings,
    /// The wait after the service asked to slow down. Default 1 s, doubled up to 20 s, with the
    /// jitter of `backoff`.
    pub throttled: BackoffSettings,
    /// Outcomes that are final by default and retried here. Default none.
    pub opt_ins: OptIns,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            max_while_helping: 5,
            backoff: BackoffSettings::transient(),
            throttled: BackoffSettings::throttled(),
            opt_ins: OptIns::default(),
        }
    }
}

/// What one layer says; `None` is silence.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RetryLayer {
    /// `false` for `retry = "off"`, `true` for a table, which also undoes an "off" below it.
    on: Option<bool>,
    max_attempts: Option<Given<u32>>,
    max_while_helping: Option<Given<u32>>,
    backoff: BackoffLayer,
    first: Option<Given<FirstRetry>>,
    throttled: BackoffLayer,
    on_500: Option<Given<bool>>,
    on_aborted: Option<Given<bool>>,
    on_data_loss: Option<Given<bool>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct BackoffLayer {
    schedule: Option<Given<Schedule>>,
    base: Option<Given<Duration>>,
    factor: Option<Given<Ratio>>,
    max: Option<Given<Duration>>,
    jitter: Option<Given<Jitter>>,
}

impl RetryLayer {
    /// Reads `retry` of a policy.
    pub(super) fn read(table: &mut TableReader<'_>) -> Self {
        match table.table_or_off("retry", Self::read_table) {
            None => Self::default(),
            Some(None) => Self { on: Some(false), ..Self::default() },
            Some(Some(layer)) => layer,
        }
    }

    fn read_table(table: &mut TableReader<'_>) -> Self {
        Self {
            on: Some(true),
            max_attempts: table.count("max_attempts", 1..=ATTEMPTS_MAX, "3"),
            max_while_helping: table.count("max_while_helping", 1..=ATTEMPTS_MAX, "5"),
            backoff: BackoffLayer::read(table),
            first: table.choice("first", &FIRST),
            throttled: table.table("throttled", BackoffLayer::read).unwrap_or_default(),
            on_500: table.flag("on_500", "true"),
            on_aborted: table.flag("on_aborted", "true"),
            on_data_loss: read_on_data_loss(table),
        }
    }

    pub(super) fn over(self, below: Self) -> Self {
        Self {
            on: self.on.or(below.on),
            max_attempts: self.max_attempts.or(below.max_attempts),
            max_while_helping: self.max_while_helping.or(below.max_while_helping),
            backoff: self.backoff.over(below.backoff),
            first: self.first.or(below.first),
            throttled: self.throttled.over(below.throttled),
            on_500: self.on_500.or(below.on_500),
            on_aborted: self.on_aborted.or(below.on_aborted),
            on_data_loss: self.on_data_loss.or(below.on_data_loss),
        }
    }

    /// A kind of operation says how many attempts are usual; the file may say otherwise.
    pub(super) fn resolve(
        self,
        kind: Option<OperationKind>,
        reading: &Reading<'_>,
    ) -> Option<RetryConfig> {
        let default = RetryConfig::default();
        let usual = kind.map_or(default.max_attempts, |kind| kind.preset().attempts);
        let max_attempts = or(self.max_attempts, usual);
        // Who says how many there may be means it.
        let more = match (kind, self.max_attempts) {
            (None, None) => default.max_while_helping,
            (Some(_), _) | (_, Some(_)) => max_attempts,
        };
        let max_while_helping = or(self.max_while_helping, more);
        let first = or(self.first, usual_first(reading));
        let backoff = BackoffSettings { first, ..default.backoff };
        let backoff = self.backoff.resolve(backoff, ("retry", reading));
        let jitter = or(self.backoff.jitter, default.throttled.jitter);
        let throttled = BackoffSettings { first, jitter, ..default.throttled };
        let throttled = self.throttled.resolve(throttled, ("retry.throttled", reading));
        self.on.unwrap_or(true).then(|| RetryConfig {
            max_attempts,
            max_while_helping,
            backoff,
            throttled,
            opt_ins: OptIns {
                on_500: opt_in(self.on_500),
                on_aborted: opt_in(self.on_aborted),
                on_data_loss: opt_in(self.on_data_loss),
            },
        })
    }
}

/// What comes before a first retry unless a file says so. A gateway knows its endpoints, and which
/// of them is left; a program may call whatever it likes.
fn usual_first(reading: &Reading<'_>) -> FirstRetry {
    match reading.scope() {
        Scope::Gateway => FirstRetry::AtOnceElsewhere,
        Scope::Library => FirstRetry::Waits,
    }
}

/// Lost data is said by a status of gRPC or found by looking at the answer.
fn read_on_data_loss(table: &mut TableReader<'_>) -> Option<Given<bool>> {
    match table.reading().scope() {
        Scope::Library => table.flag("on_data_loss", "true"),
        Scope::Gateway => {
            table.refuse("on_data_loss", "is said by gRPC, whose status the gateway does not read");
            None
        }
    }
}

fn opt_in(given: Option<Given<bool>>) -> OptIn {
    if or(given, false) { OptIn::IfSafe } else { OptIn::Never }
}

impl BackoffLayer {
    fn read(table: &mut TableReader<'_>) -> Self {
        let layer = Self {
            schedule: table.choice("backoff", &SCHEDULES),
            base: table.duration_or_zero("base", "\"50ms\""),
            factor: table.factor("factor", "2"),
            max: table.duration_or_zero("max", "\"2s\""),
            jitter: table.choice("jitter", &JITTER),
        };
        let growing = ("growing waits", "write backoff = \"exponential\"");
        let waits = ("waits", "write backoff = \"constant\"");
        match layer.schedule.map(|given| given.value) {
            Some(Schedule::None) => {
                table.pointless("base", layer.base, waits);
                table.pointless("jitter", layer.jitter, waits);
                table.pointless("factor", layer.factor, growing);
                table.pointless("max", layer.max, growing);
            }
            Some(Schedule::Constant) => {
                table.pointless("factor", layer.factor, growing);
                table.pointless("max", layer.max, growing);
            }
            Some(Schedule::Exponential) | None => {}
        }
        layer
    }

    /// A schedule sets aside the numbers below it that it has no use for, and numbers set aside a
    /// schedule below them that has no use for them: the upper layer says what is meant.
    fn over(self, below: Self) -> Self {
        let grows = self.factor.is_some() || self.max.is_some();
        let none = Self::default();
        let below = match below.schedule.map(|given| given.value) {
            Some(Schedule::None) if self.schedule.is_none() && (grows || self.base.is_some()) => {
                Self { schedule: None, ..below }
            }
            Some(Schedule::Constant) if self.schedule.is_none() && grows => {
                Self { schedule: None, ..below }
            }
            _ => below,
        };
        let below = match self.schedule.map(|given| given.value) {
            Some(Schedule::None) => none,
            Some(Schedule::Constant) => Self { factor: None, max: None, ..below },
            Some(Schedule::Exponential) | None => below,
        };
        Self {
            schedule: self.schedule.or(below.schedule),
            base: self.base.or(below.base),
            factor: self.factor.or(below.factor),
            max: self.max.or(below.max),
            jitter: self.jitter.or(below.jitter),
        }
    }

    fn resolve(
        self,
        default: BackoffSettings,
        (path, reading): (&str, &Reading<'_>),
    ) -> BackoffSettings {
        let jitter = or(self.jitter, default.jitter);
        let first = default.first;
        match self.schedule.map(|given| given.value) {
            Some(Schedule::None) => BackoffSettings { first, ..BackoffSettings::none() },
            Some(Schedule::Constant) => {
                let constant = BackoffSettings::constant(or(self.base, default.base));
                BackoffSettings { first, jitter, ..constant }
            }
            Some(Schedule::Exponential) | None => {
                let (low, high) = (format!("{path}.base"), format!("{path}.max"));
                let low = (low.as_str(), self.base, default.base);
                let (base, cap) = ordered(reading, low, (&high, self.max, default.cap));
                BackoffSettings {
                    base,
                    cap,
                    factor: or(self.factor, default.factor),
                    jitter,
                    first,
                }
            }
        }
    }
}
