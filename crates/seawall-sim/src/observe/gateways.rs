//! What gateways do on account of each load.

use seawall_core::call::Verdict;
use seawall_core::time::Instant;

use super::Observer;
use super::record::why;

impl Observer {
    /// A gateway makes an attempt for a call of a load that entered it then.
    pub(crate) fn sent_for(&mut self, load: u32, entered: Instant) {
        if let Some(load) = self.load(load, entered) {
            load.sent += 1;
        }
    }

    /// A gateway ends a call of a load that entered it then.
    pub(crate) fn concluded_for(&mut self, load: u32, entered: Instant, verdict: Verdict) {
        let Some(why) = why(verdict) else { return };
        if let Some(load) = self.load(load, entered) {
            *load.reasons.entry(why.code()).or_default() += 1;
        }
    }
}
