//! One layer of policy as the file gives it, and the merge of layers: `[defaults]`, then the
//! named policy, then the route. Tables merge by key, lists replace.
//!
//! The tables `timeouts` and `retry` have files of their own.

use super::fallback::{self, Rung};
use super::retry::RetryLayer;
use super::timeouts::TimeoutsLayer;
use super::{PolicyConfig, REPLAY};
use crate::reader::{Given, Reading, Scope, TableReader, or};
use seawall_core::shed::Class as Priority;
use seawall_core::time::Duration;
use seawall_core::timeout::{OperationClass, OperationKind};

/// The words of `class`.
pub(crate) const CLASSES: [(&str, OperationClass); 4] = [
    ("standard", OperationClass::Standard),
    ("interactive", OperationClass::Interactive),
    ("batch", OperationClass::Batch),
    ("stream", OperationClass::Stream),
];

/// The words of `kind`.
pub(crate) const KINDS: [(&str, OperationKind); 7] = [
    ("query", OperationKind::Query),
    ("internal", OperationKind::Internal),
    ("external", OperationKind::External),
    ("cache", OperationKind::Cache),
    ("upload", OperationKind::Upload),
    ("report", OperationKind::Report),
    ("health", OperationKind::Health),
];

/// The words of `priority`.
pub(crate) const PRIORITIES: [(&str, Priority); 4] = [
    ("normal", Priority::Normal),
    ("critical", Priority::Critical),
    ("high", Priority::High),
    ("low", Priority::Low),
];

/// The largest replay buffer: every call may hold one.
const REPLAY_MAX: u64 = 16 << 20;

/// What one place of the file says about policy; `None` is silence.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicyLayer {
    class: Option<Given<OperationClass>>,
    kind: Option<Given<OperationKind>>,
    priority: Option<Given<Priority>>,
    timeouts: TimeoutsLayer,
    retry: RetryLayer,
    replay: Option<u64>,
    fallback: Option<Vec<Rung>>,
}

impl PolicyLayer {
    pub(crate) fn read(table: &mut TableReader<'_>) -> Self {
        let common = Self {
            class: table.choice("class", &CLASSES),
            kind: table.choice("kind", &KINDS),
            priority: table.choice("priority", &PRIORITIES),
            timeouts: table.table("timeouts", TimeoutsLayer::read).unwrap_or_default(),
            retry: RetryLayer::read(table),
            ..Self::default()
        };
        match table.reading().scope() {
            Scope::Library => {
                table.refuse("replay", "is for bodies, which programs send again by themselves");
                table.refuse("fallback", "is for answers of HTTP; programs give their own rungs");
                common
            }
            Scope::Gateway => {
                Self { replay: read_replay(table), fallback: fallback::read(table), ..common }
            }
        }
    }

    /// A class sets aside the kind of a layer below it, whose numbers would else hide its own.
    fn over(self, below: Self) -> Self {
        let kind_below = if self.class.is_some() { None } else { below.kind };
        Self {
            class: self.class.or(below.class),
            kind: self.kind.or(kind_below),
            priority: self.priority.or(below.priority),
            timeouts: self.timeouts.over(below.timeouts),
            retry: self.retry.over(below.retry),
            replay: self.replay.or(below.replay),
            fallback: self.fallback.or(below.fallback),
        }
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
    let class = or(merged.class, OperationClass::default());
    let kind = merged.kind.map(|given| given.value);
    PolicyConfig {
        class,
        kind,
        priority: or(merged.priority, Priority::default()),
        timeouts: merged.timeouts.resolve((class, kind), connect, reading),
        retry: merged.retry.resolve(kind, reading),
        replay: merged.replay.unwrap_or(REPLAY),
        fallback: merged.fallback.unwrap_or_default(),
    }
}
