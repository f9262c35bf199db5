//! A naive log of the attempt budget: every deposit and every grant with its time.

use std::vec::Vec;

use super::draws::BUDGET_WINDOW;
use crate::budget::{BudgetSettings, BudgetSnapshot};
use crate::time::Instant;

#[derive(Default)]
pub(super) struct Ledger {
    firsts: Vec<Instant>,
    /// Refunded ones are none.
    extras: Vec<Option<Instant>>,
}

impl Ledger {
    pub(super) fn deposit(&mut self, now: Instant) {
        self.firsts.push(now);
    }

    /// Notes a grant, which the rule must allow whatever the phase of the window: what is surely
    /// in it of the extras, against what may be in it of the firsts. Which of them helped, and so
    /// whether it is the ratio or the ceiling that holds, is for the budget's own tests.
    pub(super) fn grant(&mut self, now: Instant, settings: &BudgetSettings) -> usize {
        let extra = self.extras(now, 9) + 1;
        let firsts = self.firsts.iter().filter(|at| is_within(**at, now, 10)).count() as u64;
        let floor = u64::from(settings.floor_per_second) * BUDGET_WINDOW.as_secs();
        let by_ratio = extra * 1_000_000 <= u64::from(settings.most().ppm()) * firsts;
        assert!(by_ratio || extra <= floor, "{extra} extra attempts of {firsts} calls");
        self.extras.push(Some(now));
        self.extras.len() - 1
    }

    pub(super) fn refund(&mut self, grant: usize) {
        self.extras[grant] = None;
    }

    /// The budget must not have forgotten a refund, nor refunded what was spent.
    pub(super) fn check(&self, seen: &BudgetSnapshot, now: Instant) {
        let (least, most) = (self.extras(now, 9), self.extras(now, 10));
        assert!((least..=most).contains(&seen.extra), "{} extra, not {least}–{most}", seen.extra);
    }

    fn extras(&self, now: Instant, tenths: u32) -> u64 {
        self.extras.iter().flatten().filter(|at| is_within(**at, now, tenths)).count() as u64
    }
}

/// Whether `at` is less than so many tenths of a window ago.
fn is_within(at: Instant, now: Instant, tenths: u32) -> bool {
    now.since(at) < BUDGET_WINDOW / 10 * tenths
}
