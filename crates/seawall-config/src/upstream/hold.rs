//! The table `hold`: calls wait through a short outage of the whole upstream.

use super::mode;
use crate::reader::{Scope, TableReader, or};
use seawall_core::Mode;
use seawall_core::hold::{CALLS_MAX, HoldSettings};
use seawall_core::time::Duration;

/// `hold`: how many calls wait while no endpoint can be reached, and for how long.
///
/// The number that the file leaves out is twice that of the permits, as for the queue of the
/// bulkhead; they may be derived by the gateway, hence [`HoldConfig::settings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HoldConfig {
    /// Calls held at once, at least 1; `None` means twice the permits.
    pub calls: Option<u32>,
    /// Memory of the bodies of held calls, in bytes. Default 16 MiB.
    pub bytes: u64,
    /// The longest hold of one call. Default 10 s.
    pub longest: Duration,
    /// Calls are held through no longer outage. Default 60 s, or `longest` if that is more.
    pub outage: Duration,
    /// Whether it acts. Default that it does.
    pub mode: Mode,
}

impl Default for HoldConfig {
    fn default() -> Self {
        let HoldSettings { bytes, longest, outage, .. } = HoldSettings::default();
        Self { calls: None, bytes, longest, outage, mode: Mode::Enforce }
    }
}

impl HoldConfig {
    /// The settings of the machine, with twice `permits` calls where the file gives none.
    #[must_use]
    pub fn settings(&self, permits: u32) -> HoldSettings {
        let Self { calls, bytes, longest, outage, mode } = *self;
        let calls = calls.unwrap_or_else(|| permits.saturating_mul(2)).clamp(1, CALLS_MAX);
        HoldSettings { calls, bytes, longest, outage, mode }
    }
}

/// On in a gateway, whose callers wait for an answer anyway. A program must ask for it, and there
/// silence about the number means that of the core.
pub(super) fn read(table: &mut TableReader<'_>) -> Option<HoldConfig> {
    let library = table.reading().scope() == Scope::Library;
    match table.table_or_off("hold", read_table) {
        Some(given) => given,
        None if library => None,
        None => Some(HoldConfig::default()),
    }
}

fn read_table(table: &mut TableReader<'_>) -> HoldConfig {
    let default = HoldConfig::default();
    let library = table.reading().scope() == Scope::Library;
    let implied = library.then_some(HoldSettings::default().calls);
    let calls = table.count("calls", 1..=CALLS_MAX, "1000").map(|given| given.value);
    let longest = or(table.duration("longest", "\"10s\""), default.longest);
    let config = HoldConfig {
        calls: calls.or(implied),
        bytes: or(table.size("bytes", "\"16MiB\""), default.bytes),
        longest,
        outage: or(table.duration("outage", "\"60s\""), default.outage.max(longest)),
        mode: mode(table),
    };
    table.reading().check(table.path(), config.settings(1).validate(), &[]);
    config
}
