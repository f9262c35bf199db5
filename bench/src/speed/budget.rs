//! The budget's row: what a call that succeeds pays into it.

use std::sync::Arc;
use std::time::Duration;

use throttle_net::RetryBudget;
use tower::retry::budget::{Budget as _, TpsBudget};
use tower_resilience_retry::RetryBudgetBuilder;

use crate::measure::{Answers, Entry, OURS, Row, at_once};
use crate::ours;
use crate::rivals::name;

pub(super) fn row() -> Row {
    Row {
        name: "budget_deposit",
        about: "one first attempt recorded in a budget of 20 %",
        answers: Answers::Admitted,
        entries: vec![ours(), tower(), throttle_net(), tower_resilience()],
        our_clock_reads: 1,
        targets: (None, None),
        bare: None,
        loss: "tower adds to a counter and looks at the clock only at withdrawals; \
               throttle-net pays into a balance that does not age; tower-resilience knows \
               no share of the calls. Ours turns its window with every deposit, under a \
               lock",
        floor: "",
    }
}

fn ours() -> Entry {
    let call = |budget: &ours::budget::Budget, _| {
        budget.deposit();
        true
    };
    Entry::new(OURS, at_once(|| ours::budget::new(20, 10), call))
}

fn tower() -> Entry {
    let call = |budget: &TpsBudget, _| {
        budget.deposit();
        true
    };
    Entry::new(name::TOWER, at_once(|| TpsBudget::new(Duration::from_secs(10), 10, 0.2), call))
        .note("a deposit does not look at the clock; a withdrawal does")
}

fn throttle_net() -> Entry {
    let call = |budget: &RetryBudget, _| {
        budget.deposit();
        true
    };
    Entry::new(name::THROTTLE_NET, at_once(|| RetryBudget::new(0.2, 10), call))
}

type Shared = Arc<dyn tower_resilience_retry::RetryBudget>;

fn tower_resilience() -> Entry {
    let build = || {
        let bucket = RetryBudgetBuilder::new().token_bucket().tokens_per_second(10.0);
        bucket.max_tokens(100).build().expect("the settings are in range")
    };
    let call = |budget: &Shared, _| {
        budget.deposit();
        true
    };
    Entry::new(name::TOWER_RESILIENCE, at_once(build, call))
        .note("a token bucket: knows no share of the calls")
}
