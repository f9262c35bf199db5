//! The floor: how many requests even an oracle could not have answered, from the run's own logs,
//! and the regret of a product that failed more.
//!
//! The oracle knows each fault the moment it begins and costs nothing, but it keeps the rules: a
//! request that is neither idempotent nor keyed is never sent twice, capacity is not exceeded, and
//! an attempt takes at least its service time. Where the logs leave a doubt, the floor is the lower
//! bound: a doubt never excuses a product.
//!
//! Here: the parts and their sum. When replicas were of no use is in `window`, which requests were
//! lost by that in `lost`, and what did not fit into capacity in `capacity`.

mod capacity;
mod lost;
mod window;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::number::{count, number};

pub(crate) use capacity::nominal;
pub(crate) use window::outage;

/// What could not have been answered, by its reason. Each request counts once, in the first part
/// that fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// a: not to be sent twice, at a target and unanswered when it was struck, and never answered.
    pub sent_once: u64,
    /// b: at a target when it was struck, with less time left than an attempt elsewhere takes.
    pub too_late: u64,
    /// c: more than what healthy replicas can serve within the deadlines.
    pub beyond_capacity: u64,
    /// d: no endpoint of its route answered before its deadline.
    pub nobody_there: u64,
    /// e: wrong in themselves (poison), or on connections of a gateway that was itself killed.
    pub hopeless: u64,
}

impl Floor {
    pub(crate) fn of(ledger: &Ledger<'_>) -> Self {
        let mut excused = BTreeSet::new();
        let mut part = |ids: BTreeSet<u64>| {
            let new = ids.difference(&excused).count() as u64;
            excused.extend(ids);
            new
        };
        let hopeless = part(lost::hopeless(ledger));
        let nobody_there = part(lost::nobody_there(ledger));
        let sent_once = part(lost::sent_once(ledger));
        let too_late = part(lost::too_late(ledger));
        let beyond_capacity = capacity::beyond(ledger, &excused);
        Self { sent_once, too_late, beyond_capacity, nobody_there, hopeless }
    }

    /// All parts.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.sent_once + self.too_late + self.beyond_capacity + self.nobody_there + self.hopeless
    }
}

/// What a product failed beyond the floor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regret {
    /// User errors beyond the floor for each 100 000 requests.
    Of(f64),
    /// Fewer errors than the floor says there must be, by so many: the accounting is wrong.
    AccountingError(u64),
    /// Nobody asked anything.
    NoRequests,
}

impl Regret {
    pub(crate) fn of(errors: u64, floor: &Floor, requests: u64) -> Self {
        match errors.checked_sub(floor.total()) {
            _ if requests == 0 => Self::NoRequests,
            None => Self::AccountingError(floor.total() - errors),
            Some(beyond) => Self::Of(number(beyond) * 1e5 / number(requests)),
        }
    }

    /// The number, where there is one.
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        match self {
            Self::Of(regret) => Some(*regret),
            Self::AccountingError(_) | Self::NoRequests => None,
        }
    }
}

/// User errors in fault and observation.
pub(crate) fn errors(ledger: &Ledger<'_>) -> (u64, u64) {
    let felt = ledger.within(ledger.spans.felt());
    let errors = felt.iter().filter(|request| request.is_error()).count();
    (errors as u64, count(felt))
}
