//! The ledger behind the payments replicas: it makes a payment happen at most once, and keeps the
//! books that the report is drawn from. It lives in the demo's own process, which is never killed.
//! How replicas reach it over HTTP is in `ledger_http`.
//!
//! Executing a payment is one atomic step, the first commit of its key. A replica that dies or
//! freezes between begin and commit therefore leaves nothing half-done: the repeat on another
//! replica commits in its place, and if the frozen one wakes up later, its commit is a replay.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Keys remembered at most; an hour at the highest rate brings 982 000 on both sides together.
const KEYS_MAX: usize = 1_000_000;
/// The longest key accepted, in bytes: the bound of the Idempotency-Key draft.
const KEY_BYTES_MAX: usize = 255;

/// What the ledger knows of a key when a replica begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", content = "receipt", rename_all = "snake_case")]
pub(super) enum Begun {
    /// Nobody asked before.
    Fresh,
    /// Another request with this key began and has not committed; perhaps its replica is dead.
    InProgress,
    /// Executed, with this receipt.
    Done(String),
    /// The key is too long, or the ledger is full: nothing was written.
    Refused,
}

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", content = "receipt", rename_all = "snake_case")]
pub(super) enum Committed {
    /// This commit executed the payment.
    Executed,
    /// An earlier commit did, with this receipt.
    Replayed(String),
    /// The key never began.
    Refused,
}

#[derive(Debug, Default)]
struct Account {
    received: u32,
    receipt: Option<String>,
}

#[derive(Debug, Default)]
struct Books {
    accounts: BTreeMap<String, Account>,
    /// Every execution in order, written apart from the accounts so that the count of double
    /// payments does not rest on the check that prevents them.
    journal: Vec<String>,
}

/// The ledger. Every operation is one step under one lock.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    books: Mutex<Books>,
}

/// What the books say at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Audit {
    /// Distinct keys that reached a replica.
    pub(super) keys: u64,
    /// Payments executed.
    pub(super) executed: u64,
    /// Keys executed more than once. Must be 0.
    pub(super) executed_twice: u64,
    /// Keys that replicas received more than once: what a service without keys would have
    /// executed again.
    pub(super) received_more_than_once: u64,
    /// Payments a customer was told are done although no execution is in the books. Must be 0.
    pub(super) confirmed_not_executed: u64,
}

impl Ledger {
    /// A replica received a request with `key`.
    pub(super) fn begin(&self, key: &str) -> Begun {
        self.with(|books| {
            let known = books.accounts.contains_key(key);
            if !known && (key.len() > KEY_BYTES_MAX || books.accounts.len() >= KEYS_MAX) {
                return Begun::Refused;
            }
            let account = books.accounts.entry(key.to_owned()).or_default();
            account.received = account.received.saturating_add(1);
            match (&account.receipt, known) {
                (Some(receipt), _) => Begun::Done(receipt.clone()),
                (None, true) => Begun::InProgress,
                (None, false) => Begun::Fresh,
            }
        })
    }

    /// A replica did the work for `key` and asks to make it count.
    pub(super) fn commit(&self, key: &str, receipt: String) -> Committed {
        self.with(|books| {
            let Some(account) = books.accounts.get_mut(key) else { return Committed::Refused };
            if let Some(earlier) = &account.receipt {
                return Committed::Replayed(earlier.clone());
            }
            account.receipt = Some(receipt);
            books.journal.push(key.to_owned());
            Committed::Executed
        })
    }

    /// Compares the books with the keys that customers hold a confirmation for.
    pub(super) fn audit<'a>(&self, confirmed: impl Iterator<Item = &'a str>) -> Audit {
        self.with(|books| {
            let mut executions: BTreeMap<&str, u32> = BTreeMap::new();
            for key in &books.journal {
                *executions.entry(key).or_default() += 1;
            }
            let repeats = books.accounts.values().filter(|account| account.received > 1);
            Audit {
                keys: count(books.accounts.len()),
                executed: count(books.journal.len()),
                executed_twice: count(executions.values().filter(|times| **times > 1).count()),
                received_more_than_once: count(repeats.count()),
                confirmed_not_executed: count(
                    confirmed.filter(|key| !executions.contains_key(key)).count(),
                ),
            }
        })
    }

    fn with<T>(&self, step: impl FnOnce(&mut Books) -> T) -> T {
        step(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn racing_commits_of_one_key_execute_exactly_once() {
        let ledger = Ledger::default();
        let threads = 8;
        for round in 0..200 {
            let (key, barrier) = (format!("key-{round}"), Barrier::new(threads));
            let executed = thread::scope(|scope| {
                let race = |number| {
                    let (ledger, key, barrier) = (&ledger, &key, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        ledger.begin(key);
                        ledger.commit(key, format!("receipt-{number}")) == Committed::Executed
                    })
                };
                let racers: Vec<_> = (0..threads).map(race).collect();
                racers.into_iter().map(|racer| racer.join().unwrap()).filter(|won| *won).count()
            });
            assert_eq!(executed, 1, "round {round}");
        }
        let audit = ledger.audit(std::iter::empty());
        assert_eq!((audit.keys, audit.executed, audit.executed_twice), (200, 200, 0));
        assert_eq!(audit.received_more_than_once, 200);
    }

    #[test]
    fn a_replica_that_dies_before_commit_leaves_the_payment_to_the_next() {
        let ledger = Ledger::default();
        assert_eq!(ledger.begin("k"), Begun::Fresh);
        assert_eq!(ledger.begin("k"), Begun::InProgress);
        assert_eq!(ledger.commit("k", "second".into()), Committed::Executed);
        assert_eq!(
            ledger.commit("k", "first, thawed".into()),
            Committed::Replayed("second".into())
        );
        assert_eq!(ledger.begin("k"), Begun::Done("second".into()));
    }

    #[test]
    fn the_audit_sees_a_journal_that_holds_a_key_twice() {
        let ledger = Ledger::default();
        ledger.begin("k");
        ledger.commit("k", String::new());
        ledger.with(|books| books.journal.push("k".into()));
        assert_eq!(ledger.audit(std::iter::empty()).executed_twice, 1);
    }

    #[test]
    fn the_audit_sees_a_confirmation_without_execution() {
        let ledger = Ledger::default();
        ledger.begin("paid");
        ledger.commit("paid", String::new());
        ledger.begin("begun only");
        let audit = ledger.audit(["paid", "begun only", "never seen"].into_iter());
        assert_eq!(audit.confirmed_not_executed, 2);
    }

    #[test]
    fn unknown_keys_cannot_commit_and_long_keys_cannot_begin() {
        let ledger = Ledger::default();
        assert_eq!(ledger.commit("never begun", String::new()), Committed::Refused);
        assert_eq!(ledger.begin(&"k".repeat(256)), Begun::Refused);
        assert_eq!(ledger.audit(std::iter::empty()).keys, 0);
    }
}
