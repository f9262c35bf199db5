//! The tables `bulkhead` and `budget` of an upstream.

use crate::reader::{Scope, TableReader, or, set};
use seawall_core::budget::BudgetSettings;
use seawall_core::bulkhead::{BulkheadSettings, QUEUE_MAX, QueueOrder};
use seawall_core::time::Duration;

/// The words of `order`.
pub(crate) const ORDER: [(&str, QueueOrder); 4] = [
    ("fifo", QueueOrder::Fifo),
    ("lifo", QueueOrder::Lifo),
    ("codel", QueueOrder::CoDel),
    ("priority", QueueOrder::Priority),
];

/// `bulkhead`: how many attempts an upstream takes at once, and who may wait.
///
/// Numbers that the file leaves out follow from the limit of open files, which only the gateway
/// knows, hence [`BulkheadConfig::settings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkheadConfig {
    /// Attempts at once, at least 1; `None` means derived.
    pub permits: Option<u32>,
    /// Attempts that may wait; `None` means twice the permits.
    pub queue: Option<u32>,
    /// The longest wait. Default 100 ms.
    pub max_wait: Duration,
    /// Who is served first. Default the most important, and of those the one that waited longest;
    /// in a file of the library the one that waited longest.
    pub order: QueueOrder,
}

impl Default for BulkheadConfig {
    fn default() -> Self {
        let (max_wait, order) = (Duration::from_millis(100), QueueOrder::Priority);
        Self { permits: None, queue: None, max_wait, order }
    }
}

impl BulkheadConfig {
    /// The settings of the machine, with `derived` permits where the file gives none.
    #[must_use]
    pub fn settings(&self, derived: u32) -> BulkheadSettings {
        let permits = self.permits.unwrap_or(derived).max(1);
        let queue = self.queue.unwrap_or_else(|| permits.saturating_mul(2));
        BulkheadSettings { permits, queue, max_wait: self.max_wait, order: self.order }
    }
}

/// The library has no limit of its own to derive permits from, so there silence means no bound,
/// and a table must say how many.
pub(super) fn read(table: &mut TableReader<'_>) -> Option<BulkheadConfig> {
    let library = table.reading().scope() == Scope::Library;
    match table.table_or_off("bulkhead", read_table) {
        Some(given) => given,
        None if library => None,
        None => Some(BulkheadConfig::default()),
    }
}

fn read_table(table: &mut TableReader<'_>) -> BulkheadConfig {
    let default = BulkheadConfig::default();
    let library = table.reading().scope() == Scope::Library;
    let order = if library { QueueOrder::Fifo } else { default.order };
    let config = BulkheadConfig {
        // No more than may wait: beyond it the limit of open files decides on any machine.
        permits: table.count("permits", 1..=QUEUE_MAX, "100").map(|given| given.value),
        queue: table.count("queue", 0..=QUEUE_MAX, "200").map(|given| given.value),
        max_wait: or(table.duration("max_wait", "\"100ms\""), default.max_wait),
        order: or(table.choice("order", &ORDER), order),
    };
    if library && !table.has("permits") {
        let what = format!("{} does not say how many attempts run at once", table.path());
        table.wrong(table.place(), what, "write permits = 100");
    }
    table.reading().check(table.path(), config.settings(1).validate(), &[]);
    config
}

/// The budget cannot be switched off: it alone keeps retries from multiplying an outage.
pub(super) fn read_budget(table: &mut TableReader<'_>) -> BudgetSettings {
    let mut settings = BudgetSettings::default();
    let read = |t: &mut TableReader<'_>| {
        set(&mut settings.ratio, t.any_share("ratio", "\"20%\""));
        set(&mut settings.ceiling, t.any_share("ceiling", "\"50%\""));
        if t.has("ceiling") && settings.ceiling < settings.ratio {
            let (ratio, ceiling) = (settings.ratio, settings.ceiling);
            let what = format!("{}: {ceiling} is below the ratio of {ratio}", t.path_of("ceiling"));
            let place = t.reading().place_of(&t.path_of("ceiling"));
            t.wrong(place, what, "a ceiling no lower than the ratio");
        }
        set(&mut settings.floor_per_second, t.rate("floor", "\"10/s\""));
        set(&mut settings.window, t.duration("window", "\"10s\""));
        t.reading().check(t.path(), settings.validate(), &[]);
    };
    if let Some(None) = table.table_or_off("budget", read) {
        let path = table.path_of("budget");
        let remedy = "set a larger ratio: budget = { ratio = \"100%\" }";
        table.wrong(table.reading().place_of(&path), format!("{path} cannot be off"), remedy);
    }
    settings
}
