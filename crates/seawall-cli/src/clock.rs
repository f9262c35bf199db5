//! The only wall clock of the binary: which day it is, for what a config says to expire.

use std::time::{SystemTime, UNIX_EPOCH};

use seawall_config::lint::Date;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Today at the meridian of Greenwich; `None` with a clock before 1970.
#[expect(clippy::disallowed_methods, reason = "this is the driver's clock.rs")]
pub(crate) fn today() -> Option<Date> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Date::from_unix_days(u32::try_from(since.as_secs() / DAY).ok()?)
}
