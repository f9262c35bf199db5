//! M11 and M12: whether a budget grants the share that it was set to, and not more when many ask
//! at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use throttle_net::RetryBudget;
use tower::retry::budget::TpsBudget;
use tower_resilience_retry::RetryBudgetBuilder;

use super::{Care, Cell, Finding, block_on};
use crate::measure::OURS;
use crate::ours;
use crate::rivals::name;

/// First calls, all in one window.
const CALLS: u32 = 10_000;

/// A budget whose floor is 0, by its share in percent.
struct Account {
    name: &'static str,
    open: fn(u32) -> Box<dyn Budget>,
}

/// What all of them can.
trait Budget: Send + Sync {
    fn deposit(&self);
    fn withdraw(&self) -> bool;
}

const ACCOUNTS: [Account; 4] = [
    Account { name: OURS, open: |percent| Box::new(ours::budget::new(percent, 0)) },
    Account { name: name::TOWER, open: |percent| Box::new(tower(percent)) },
    Account {
        name: name::THROTTLE_NET,
        open: |percent| {
            Box::new(RetryBudget::new(f64::from(percent) / 100.0, 0).with_max_balance(CALLS))
        },
    },
    Account { name: name::TOWER_RESILIENCE, open: |percent| Box::new(tower_resilience(percent)) },
];

impl Budget for ours::budget::Budget {
    fn deposit(&self) {
        self.deposit();
    }

    fn withdraw(&self) -> bool {
        self.withdraw()
    }
}

impl Budget for TpsBudget {
    fn deposit(&self) {
        tower::retry::budget::Budget::deposit(self);
    }

    fn withdraw(&self) -> bool {
        tower::retry::budget::Budget::withdraw(self)
    }
}

fn tower(percent: u32) -> TpsBudget {
    let share = percent as f32 / 100.0;
    block_on(async { TpsBudget::new(Duration::from_secs(10), 0, share) })
}

impl Budget for RetryBudget {
    fn deposit(&self) {
        self.deposit();
    }

    fn withdraw(&self) -> bool {
        self.try_withdraw()
    }
}

/// tower-resilience has no ratio; its adaptive budget says it as amounts paid in and out.
struct Amounts(Arc<dyn tower_resilience_retry::RetryBudget>);

impl Budget for Amounts {
    fn deposit(&self) {
        self.0.deposit();
    }

    fn withdraw(&self) -> bool {
        self.0.try_withdraw()
    }
}

/// What that budget holds at first, in hundredths of a retry.
const FULL: usize = 1_000_000;

fn tower_resilience(percent: u32) -> Amounts {
    let budget = RetryBudgetBuilder::new().aimd();
    let budget = budget.min_budget(1).max_budget(FULL);
    let budget = budget.deposit_amount(percent as usize).withdraw_amount(100);
    let budget = budget.build().expect("the amounts are not 0");
    // It starts full, which no share of the calls would. Not one more than it holds is asked of it:
    // every refusal lowers its ceiling.
    for _ in 0..FULL / 100 {
        budget.try_withdraw();
    }
    Amounts(budget)
}

/// M11.
pub(super) fn exactness(_: Care) -> Vec<Finding> {
    (1..=9).map(|tenths| exactness_at(10 * tenths)).collect()
}

fn exactness_at(percent: u32) -> Finding {
    let cell = |account: &Account| {
        let budget = (account.open)(percent);
        (0..CALLS).for_each(|_| budget.deposit());
        let granted = (0..CALLS).filter(|_| budget.withdraw()).count();
        let share = granted as f64 / f64::from(CALLS);
        let exact = (share - f64::from(percent) / 100.0).abs() < 0.005;
        Cell::new(account.name, format!("{share:.3}"), exact)
    };
    let row = format!("budget of {:.1} measured", f64::from(percent) / 100.0);
    let mut cells: Vec<Cell> = ACCOUNTS.iter().map(cell).collect();
    cells
        .push(Cell::absent("aws-smithy-runtime 1.16.2", "its bucket cannot be asked from outside"));
    Finding { id: "M11", row, ideal: "the ratio", cells }
}

/// M12.
pub(super) fn overspend(_: Care) -> Vec<Finding> {
    let cells = ACCOUNTS.iter().map(overspent).collect();
    let row = "grants of a budget of 20 % after 1,000 calls, asked by 64 threads".to_owned();
    vec![Finding { id: "M12", row, ideal: "200", cells }]
}

fn overspent(account: &Account) -> Cell {
    let budget = (account.open)(20);
    (0..1_000).for_each(|_| budget.deposit());
    let granted = AtomicU32::new(0);
    let asking = || {
        for _ in 0..100 {
            granted.fetch_add(u32::from(budget.withdraw()), Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(asking);
        }
    });
    let granted = granted.into_inner();
    Cell::new(account.name, granted.to_string(), granted <= 200)
}
