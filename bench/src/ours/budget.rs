//! The attempt budget behind a lock.

use std::sync::Mutex;

use seawall_core::budget::{self, BudgetSettings};
use seawall_core::ratio::Ratio;

use super::now;

pub(crate) struct Budget(Mutex<budget::Budget>);

pub(crate) fn new(percent: u32, floor_per_second: u32) -> Budget {
    let ratio = Ratio::from_percent(percent);
    let settings = BudgetSettings { ratio, floor_per_second, ..BudgetSettings::default() };
    Budget(Mutex::new(budget::Budget::new(settings, now())))
}

impl Budget {
    pub(crate) fn deposit(&self) {
        let now = now();
        self.0.lock().expect("no call panics under it").deposit(now);
    }

    /// Whether one more attempt is granted; it is spent at once.
    pub(crate) fn withdraw(&self) -> bool {
        let now = now();
        let granted = self.0.lock().expect("no call panics under it").reserve(now);
        granted.map(|reservation| reservation.spend()).is_ok()
    }
}
