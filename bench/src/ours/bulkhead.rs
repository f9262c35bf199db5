//! The bulkhead behind a lock.

use std::sync::{Mutex, MutexGuard};

use seawall_core::bulkhead::{self, Acquired, BulkheadSettings, Permit};
use seawall_core::time::Instant;

use super::now;

/// In one call: when it enters and when it leaves.
pub(crate) const CLOCK_READS: u32 = 2;

pub(crate) struct Bulkhead(Mutex<bulkhead::Bulkhead>);

pub(crate) fn new(permits: u32) -> Bulkhead {
    let settings = BulkheadSettings { permits, ..BulkheadSettings::default() };
    Bulkhead(Mutex::new(bulkhead::Bulkhead::new(settings)))
}

/// A permit; dropping it gives the place back.
pub(crate) struct Place<'a> {
    bulkhead: &'a Bulkhead,
    permit: Option<Permit>,
    since: Instant,
}

impl Bulkhead {
    fn lock(&self) -> MutexGuard<'_, bulkhead::Bulkhead> {
        self.0.lock().expect("no call panics under it")
    }

    pub(crate) fn try_enter(&self) -> Option<Place<'_>> {
        let since = now();
        match self.lock().acquire(since, since) {
            Acquired::Permit(permit) => Some(Place { bulkhead: self, permit: Some(permit), since }),
            Acquired::Queued { .. } | Acquired::Refused { .. } => None,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let now = now();
        if let Some(permit) = self.permit.take() {
            self.bulkhead.lock().release(permit, now.since(self.since), now);
        }
    }
}
