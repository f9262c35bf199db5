//! Attempts over time at each replica, of users' requests alone.
//!
//! The replicas' own logs are the source. One that is dead, frozen or behind a black hole cannot
//! write, so while a fault holds what is sent to its target is also taken from the packet counters
//! of the gateway's namespace: calibrated against the log of the control phase, health checks of
//! that phase taken off. Where they saw more than the log while the fault held, what is missing is
//! added, in the buckets where it is. The two are compared as a whole: bucket by bucket the later
//! of two records of the same attempts would look like more of them.

use std::collections::BTreeMap;

use super::ledger::Ledger;
use super::number::number;
use super::span::Span;
use crate::record::Attempt;
use crate::stamp::Stamp;

/// The length of a bucket: that of the packet counters.
pub(crate) const BUCKET: u64 = 100_000_000;

/// Attempts at each replica in buckets from the beginning of control on.
#[derive(Debug)]
pub(crate) struct Traffic {
    start: Stamp,
    at: BTreeMap<u8, Vec<f64>>,
}

impl Traffic {
    pub(crate) fn of(ledger: &Ledger<'_>) -> Self {
        let whole = Span { from: ledger.spans.control.from, to: ledger.spans.observation.to };
        let buckets = usize::try_from(whole.nanos() / BUCKET + 1).unwrap_or_default();
        let mut traffic = Self { start: whole.from, at: BTreeMap::new() };
        for replica in ledger.pools.0.iter().flat_map(|pool| &pool.replicas) {
            traffic.at.insert(*replica, vec![0.0; buckets]);
        }
        let gone = gone(ledger);
        for attempt in ledger.attempts.values().flatten() {
            if Self::is_counted_by_packets(ledger, attempt, &gone) {
                continue;
            }
            let count = traffic.at.entry(attempt.replica).or_insert_with(|| vec![0.0; buckets]);
            let bucket = bucket(whole.from, attempt.begun);
            if let Some(count) = bucket.and_then(|bucket| count.get_mut(bucket)) {
                *count += 1.0;
            }
        }
        for target in &ledger.run.targets {
            traffic.listen(ledger, *target);
        }
        traffic
    }

    /// A target that was frozen finds what piled up in its socket once it runs again, and logs it
    /// then. The counters saw it when it was sent; to take it from the log too would be twice.
    fn is_counted_by_packets(
        ledger: &Ledger<'_>,
        attempt: &Attempt,
        gone: &BTreeMap<u64, Stamp>,
    ) -> bool {
        let has_counters = ledger.run.packets.contains_key(&attempt.replica);
        let is_target = ledger.run.targets.contains(&attempt.replica);
        let user_gone = attempt.id.and_then(|id| gone.get(&id));
        let is_stale = user_gone.is_some_and(|gone| *gone <= attempt.begun);
        has_counters && is_target && is_stale && attempt.begun >= ledger.spans.removed
    }

    /// Adds what was sent to a target that was too broken to log it.
    fn listen(&mut self, ledger: &Ledger<'_>, target: u8) {
        let Some(packets) = ledger.run.packets.get(&target) else { return };
        let Some(counts) = self.at.get_mut(&target) else { return };
        let control = ledger.spans.control;
        let logged = |user: bool| {
            let all = ledger.run.attempts.iter().filter(|one| one.replica == target);
            all.filter(|one| control.has(one.begun) && one.id.is_some() == user).count()
        };
        let (users, checks) = (number(logged(true) as u64), number(logged(false) as u64));
        let seen: u64 = packets.iter().filter(|(at, _)| control.has(*at)).map(|(_, n)| n).sum();
        if seen == 0 || users + checks <= 0.0 {
            return;
        }
        let each = number(seen) / (users + checks);
        let buckets = number(control.nanos()) / number(BUCKET);
        let harm = ledger.spans.harm();
        let (from, to) = (bucket(self.start, harm.from), bucket(self.start, harm.to));
        let from = from.unwrap_or_default();
        let to = to.unwrap_or_default().min(counts.len());
        let Some(logged) = counts.get_mut(from..to) else { return };
        let mut guessed = vec![0.0; logged.len()];
        for (at, packets) in packets.iter().filter(|(at, _)| harm.has(*at)) {
            let guess = (number(*packets) / each - checks / buckets).max(0.0);
            let place = bucket(harm.from, *at).and_then(|bucket| guessed.get_mut(bucket));
            if let Some(place) = place {
                *place += guess;
            }
        }
        fill_up(logged, &guessed);
    }

    /// Attempts at a replica in a span, to the bucket.
    pub(crate) fn at(&self, replica: u8, span: Span) -> f64 {
        let Some(counts) = self.at.get(&replica) else { return 0.0 };
        let (from, to) = (bucket(self.start, span.from), bucket(self.start, span.to));
        let to = to.unwrap_or_default().min(counts.len());
        counts.get(from.unwrap_or_default()..to).map_or(0.0, |all| all.iter().sum())
    }

    /// Attempts at all of these replicas.
    pub(crate) fn over<'a>(&self, all: impl IntoIterator<Item = &'a u8>, span: Span) -> f64 {
        all.into_iter().map(|replica| self.at(*replica, span)).sum()
    }

    pub(crate) fn replicas(&self) -> impl Iterator<Item = &u8> {
        self.at.keys()
    }
}

/// Raises counts where others saw more, in all by as much as those saw more in all.
fn fill_up(logged: &mut [f64], guessed: &[f64]) {
    let surplus = guessed.iter().sum::<f64>() - logged.iter().sum::<f64>();
    let lacking = |(count, guess): (&f64, &f64)| (guess - count).max(0.0);
    let lacks: Vec<f64> = logged.iter().zip(guessed).map(lacking).collect();
    let all: f64 = lacks.iter().sum();
    if surplus <= 0.0 || all <= 0.0 {
        return;
    }
    for (count, lack) in logged.iter_mut().zip(lacks) {
        *count += lack * surplus / all;
    }
}

/// When the users of the requests asked before the removal had their answers or gave up.
fn gone(ledger: &Ledger<'_>) -> BTreeMap<u64, Stamp> {
    let before = ledger.requests.iter().filter(|one| one.intended < ledger.spans.removed);
    before.filter_map(|one| Some((one.planned.id, one.answered?.ended))).collect()
}

/// Whether attempts at a target could not be counted: it wrote nothing while the fault held, and
/// there are no packet counters (which need network namespaces).
pub(crate) fn is_blind(ledger: &Ledger<'_>) -> bool {
    let harm = ledger.spans.harm();
    let silent = |target: &&u8| {
        let mut logged = ledger.run.attempts.iter().filter(|one| one.replica == **target);
        !logged.any(|one| harm.has(one.begun))
    };
    let uncounted = |target: &u8| ledger.run.packets.get(target).is_none_or(Vec::is_empty);
    ledger.run.targets.iter().filter(silent).any(uncounted)
}

fn bucket(start: Stamp, at: Stamp) -> Option<usize> {
    let after = at.0.checked_sub(start.0)?;
    usize::try_from(after / BUCKET).ok()
}
