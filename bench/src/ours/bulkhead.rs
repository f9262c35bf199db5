//! The library's bulkhead by itself, without a queue: full, it refuses.

use seawall::BulkheadSettings;
use seawall::mechanism::Bulkhead;

pub(crate) fn new(permits: u32) -> Bulkhead {
    Bulkhead::new(settings(permits)).expect("the settings do not contradict each other")
}

/// Also in the pipeline.
pub(crate) fn settings(permits: u32) -> BulkheadSettings {
    BulkheadSettings { permits, ..BulkheadSettings::default() }
}
