//! The keyed limiter: which limit a key has, and what it still owes.
//!
//! Where keys are kept, and what is kept of an evicted one, is in `table.rs`.

use alloc::boxed::Box;

use super::KeyedSettings;
use super::table::{Debt, Place, Table};
use crate::Mode;
use crate::event::Sink;
use crate::rate::quota::Terms;
use crate::rate::rate::Exact;
use crate::rate::{Admitted, Decision, Layer, Quota, RateEvent, RateSnapshot, Refused};
use crate::time::{Duration, Instant};

/// Events of overflow are at least so far apart.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Whose limit: the hash of a key, and its tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// A 64-bit hash of the key, made by the driver with a secret of its own (`SipHash` or better):
    /// whoever can choose hashes can aim at one set of places and at one cell. All bits must be
    /// good. Two keys with one hash share a limit; among a million that has odds of 1 in 37
    /// million.
    pub key: u64,
    /// The position of its quota among the tiers; beyond the last, the last.
    pub tier: u16,
}

/// What a call was charged before its true cost is known. Ends in [`Keyed::settle`].
#[derive(Debug)]
#[must_use = "a charge that is not settled stays as estimated"]
pub struct KeyedCharge {
    /// None of a limit that was switched off: there is nothing to settle.
    charged: Option<Charged>,
}

#[derive(Debug)]
struct Charged {
    caller: Caller,
    cost: u32,
    tat: Exact,
    refunded: u64,
    generation: u64,
}

/// A keyed limiter at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyedSnapshot {
    /// Keys that owe something. The others need no place.
    pub owing: usize,
    /// Places for them.
    pub places: usize,
    /// Bytes of all, which never change.
    pub bytes: u64,
    /// Cells of the overflow that hold somebody's debt, of 4 096.
    pub overflow_cells: usize,
    /// Keys that were ever evicted while they owed something.
    pub overflowed: u64,
}

/// A limit by GCRA for each key, by tiers, in memory that never grows.
///
/// A key that owes nothing needs no place and may be evicted freely. If all eight places that a
/// key could have are of keys that owe something, the one that owes least makes room; its debt goes
/// to one of 4 096 cells, `cell = max(cell, TAT)`, and a key without a place starts with what its
/// cell owes. So **no key is ever forgiven anything by eviction**, whatever floods the table. At
/// worst a stranger waits out somebody's debt.
///
/// Each step looks at eight places and one cell, whatever is stored; nothing is allocated after
/// construction, and no task cleans up. A `now` earlier than the latest one seen counts as the
/// latest. Drivers with many threads keep several, and choose by bits of the key in the middle.
#[derive(Debug)]
pub struct Keyed {
    mode: Mode,
    tiers: Box<[Terms]>,
    table: Table,
    overflowed: u64,
    /// How many of those have been reported, and when last.
    reported: (u64, Option<Instant>),
    generation: u64,
    latest: Instant,
}

impl Keyed {
    /// A table in which nobody owes anything. The quotas are those of the tiers; without any,
    /// nothing passes. Settings should be valid ([`KeyedSettings::validate`]).
    #[must_use]
    pub fn new(settings: KeyedSettings, tiers: &[Quota]) -> Self {
        Self {
            mode: settings.mode,
            tiers: terms(tiers),
            table: Table::new(settings.capacity.buckets()),
            overflowed: 0,
            reported: (0, None),
            generation: 0,
            latest: Instant::EPOCH,
        }
    }

    /// Asks for one call of a key and charges it if it passes. In shadow mode a call that would not
    /// pass is reported and passes, uncharged; switched off, everything passes.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is charged then.
    pub fn decide(
        &mut self,
        caller: Caller,
        now: Instant,
        cost: u32,
        sink: &mut impl Sink<RateEvent>,
    ) -> Decision {
        let mode = self.mode;
        if mode == Mode::Off {
            return Ok(Admitted { remaining: u64::MAX });
        }
        let now = self.observe(now);
        let decision = match self.take(caller, now, cost) {
            Ok(Debt { tat, tier }) => Ok(self.terms_of(tier).admitted(tat, now)),
            Err(refused) => crate::rate::limiter::report(refused, mode, cost, sink),
        };
        self.report_overflow(now, sink);
        decision
    }

    /// [`Keyed::decide`] for who does not ask what remains: to know costs a division.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is charged then.
    #[inline]
    pub fn admit(
        &mut self,
        caller: Caller,
        now: Instant,
        cost: u32,
        sink: &mut impl Sink<RateEvent>,
    ) -> Result<(), Refused> {
        let mode = self.mode;
        if mode == Mode::Off {
            return Ok(());
        }
        let now = self.observe(now);
        let decision = match self.take(caller, now, cost) {
            Ok(_) => Ok(()),
            Err(refused) => crate::rate::limiter::report(refused, mode, cost, sink).map(|_| ()),
        };
        self.report_overflow(now, sink);
        decision
    }

    /// Asks for one call of a key whose cost is only estimated. Switched off, everything passes
    /// with a charge that settles to nothing.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is charged then. Also in shadow mode: there is nothing to settle.
    pub fn charge(
        &mut self,
        caller: Caller,
        now: Instant,
        estimate: u32,
    ) -> Result<KeyedCharge, Refused> {
        if self.mode == Mode::Off {
            return Ok(KeyedCharge { charged: None });
        }
        let now = self.observe(now);
        let Debt { tat, .. } = self.take(caller, now, estimate)?;
        let refunded = self.table.refunded(caller.key);
        let (cost, generation) = (estimate, self.generation);
        Ok(KeyedCharge { charged: Some(Charged { caller, cost, tat, refunded, generation }) })
    }

    /// The true cost of a call, known at its end. What it cost more is charged, down to a debt of
    /// one burst; what it cost less is returned, as far as it is still owed and the key has kept
    /// its place. A charge made before the tiers changed returns nothing.
    pub fn settle(&mut self, charge: KeyedCharge, actual: u32, now: Instant) {
        let now = self.observe(now);
        let Some(charged) = charge.charged else { return };
        match actual.checked_sub(charged.cost) {
            Some(0) => {}
            Some(more) => self.charge_more(charged.caller, more, now),
            None => self.refund(&charged, charged.cost - actual, now),
        }
    }

    /// One key's limit at `now`. Changes nothing.
    #[must_use]
    pub fn snapshot_of(&self, caller: Caller, now: Instant) -> RateSnapshot {
        let now = now.max(self.latest);
        let (_, debt) = self.look_up(caller, now);
        self.terms_of(debt.tier).snapshot(debt.tat, now)
    }

    /// The table at `now`. Looks at every place.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> KeyedSnapshot {
        let (owing, overflow_cells) = self.table.owing(now.max(self.latest));
        let (places, bytes) = (self.table.places(), self.table.bytes());
        KeyedSnapshot { owing, places, bytes, overflow_cells, overflowed: self.overflowed }
    }

    /// Takes other tiers and another mode; the capacity stays what it is. Every key keeps its debt,
    /// in calls; under a rate of zero, its instant. What a cell of the overflow holds is of an
    /// unknown tier, so it becomes the most that it could be of any: at worst a key without a place
    /// waits too long. A cell counts for at most two bursts of a tier, all that settling ever
    /// leaves owed. Goes over every place, and for each cell that holds a debt over the tiers.
    pub fn reconfigure(&mut self, settings: KeyedSettings, tiers: &[Quota], now: Instant) {
        let now = self.observe(now);
        let new = terms(tiers);
        let (old, last) = (&self.tiers, new.len() - 1);
        self.table.each(|debt| {
            let tier = usize::from(debt.tier).min(last);
            let (from, to) = (at(old, usize::from(debt.tier)), at(&new, tier));
            let tat = carried(from, to, debt.tat, now);
            Debt { tat, tier: u16::try_from(tier).unwrap_or(u16::MAX) }
        });
        self.table.each_cell(now, |owed_until| {
            let worst = old.iter().enumerate().map(|(tier, from)| {
                let owed = Exact::of(owed_until);
                let owed = if from.quota.rate.is_zero() { owed } else { owed.min(from.floor(now)) };
                carried(from, at(&new, tier.min(last)), owed, now).ceil()
            });
            worst.max().unwrap_or(owed_until)
        });
        self.tiers = new;
        self.mode = settings.mode;
        self.generation = self.generation.wrapping_add(1);
        self.invariants();
    }

    /// One key as a layer of a decision of several ([`crate::rate::decide_all`]). Without modes and
    /// events.
    pub const fn layer(&mut self, caller: Caller) -> KeyedLayer<'_> {
        KeyedLayer { keyed: self, caller }
    }

    /// Checks, in debug builds, what must always hold. Looks at every place, so it is not run after
    /// every step.
    pub fn invariants(&self) {
        self.table.invariants(self.tiers.len());
        debug_assert!(self.reported.0 <= self.overflowed, "reported more than there was");
    }

    /// Charges a call that passes.
    #[inline]
    fn take(&mut self, caller: Caller, now: Instant, cost: u32) -> Result<Debt, Refused> {
        let (place, debt) = self.step(caller, now, cost)?;
        self.write(caller.key, place, debt, now);
        Ok(debt)
    }

    #[inline]
    fn step(&self, caller: Caller, now: Instant, cost: u32) -> Result<(Place, Debt), Refused> {
        let (place, Debt { tat, tier }) = self.look_up(caller, now);
        let tat = self.terms_of(tier).step(tat, now, cost)?;
        Ok((place, Debt { tat, tier }))
    }

    /// What a caller owes, in the terms of the tier it has now.
    #[inline]
    fn look_up(&self, caller: Caller, now: Instant) -> (Place, Debt) {
        let last = u16::try_from(self.tiers.len() - 1).unwrap_or(u16::MAX);
        let tier = caller.tier.min(last);
        let place = self.table.find(caller.key);
        let tat = match self.table.debt(caller.key, place) {
            Ok(debt) if debt.tier == tier => debt.tat,
            Ok(debt) => carried(self.terms_of(debt.tier), self.terms_of(tier), debt.tat, now),
            Err(owed_until) => Exact::of(owed_until),
        };
        (place, Debt { tat, tier })
    }

    #[inline]
    fn write(&mut self, key: u64, place: Place, debt: Debt, now: Instant) {
        let evicted = self.table.put(key, place, debt, now);
        self.overflowed = self.overflowed.saturating_add(u64::from(evicted));
    }

    fn charge_more(&mut self, caller: Caller, more: u32, now: Instant) {
        let (place, Debt { tat, tier }) = self.look_up(caller, now);
        let terms = self.terms_of(tier);
        let wanted = terms.after(tat, now, more).min(terms.floor(now));
        self.write(caller.key, place, Debt { tat: tat.max(wanted), tier }, now);
    }

    /// As for a single limit (`gcra.rs`), with the refunds of all keys of the cell in place of
    /// those of the key alone: those are no fewer, so no more is given back.
    fn refund(&mut self, charge: &Charged, less: u32, now: Instant) {
        let (place, Debt { tat, tier }) = self.look_up(charge.caller, now);
        let Ok(kept) = self.table.debt(charge.caller.key, place) else { return };
        if charge.generation != self.generation || kept.tier != tier {
            return;
        }
        let terms = self.terms_of(tier);
        let others = self.table.refunded(charge.caller.key).wrapping_sub(charge.refunded);
        let held = terms.minus(charge.tat, Exact { at: others, part: 0 });
        let back = terms.time_of(less).min(terms.minus(held, Exact::of(now)));
        let tat = terms.minus(tat, back);
        self.table.add_refund(charge.caller.key, back.ceil().as_nanos());
        self.write(charge.caller.key, place, Debt { tat, tier }, now);
    }

    #[inline]
    fn report_overflow(&mut self, now: Instant, sink: &mut impl Sink<RateEvent>) {
        if self.reported.0 != self.overflowed {
            self.report_new_overflow(now, sink);
        }
    }

    #[cold]
    fn report_new_overflow(&mut self, now: Instant, sink: &mut impl Sink<RateEvent>) {
        let (reported, last) = self.reported;
        if last.is_some_and(|last| now.since(last) < REPORT_EVERY) {
            return;
        }
        self.reported = (self.overflowed, Some(now));
        sink.emit(RateEvent::OverflowKeys { keys: self.overflowed - reported });
    }

    fn terms_of(&self, tier: u16) -> &Terms {
        at(&self.tiers, tier.into())
    }

    fn observe(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

/// One key of a keyed limiter, as a layer of a decision of several.
#[derive(Debug)]
pub struct KeyedLayer<'a> {
    keyed: &'a mut Keyed,
    caller: Caller,
}

impl Layer for KeyedLayer<'_> {
    fn check(&mut self, now: Instant, cost: u32) -> Decision {
        let now = self.keyed.observe(now);
        let (_, debt) = self.keyed.step(self.caller, now, cost)?;
        Ok(self.keyed.terms_of(debt.tier).admitted(debt.tat, now))
    }

    fn commit(&mut self, now: Instant, cost: u32) {
        let now = self.keyed.observe(now);
        let (place, Debt { tat, tier }) = self.keyed.look_up(self.caller, now);
        let tat = self.keyed.terms_of(tier).after(tat, now, cost);
        self.keyed.write(self.caller.key, place, Debt { tat, tier }, now);
    }
}

/// The terms of each tier; without any, of one that blocks.
fn terms(tiers: &[Quota]) -> Box<[Terms]> {
    let blocked = [Quota { rate: crate::rate::Rate::ZERO, burst: 1 }];
    let tiers = if tiers.is_empty() { &blocked } else { tiers };
    tiers.iter().map(|quota| Terms::new(*quota)).collect()
}

#[expect(clippy::indexing_slicing, reason = "tiers are cut to the last before they are kept")]
fn at(tiers: &[Terms], tier: usize) -> &Terms {
    &tiers[tier.min(tiers.len() - 1)]
}

/// Debt in the terms of another tier. Where one blocks, its instant is kept.
fn carried(from: &Terms, to: &Terms, tat: Exact, now: Instant) -> Exact {
    if from.quota.rate.is_zero() || to.quota.rate.is_zero() {
        return Exact::of(tat.ceil());
    }
    from.carried(tat, now, to)
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;
    use crate::rate::Rate;

    #[test]
    #[should_panic(expected = "reported more than there was")]
    fn more_told_than_there_was_is_noticed() {
        let quota = Quota::of(Rate::per_second(10));
        let mut keyed = Keyed::new(KeyedSettings::default(), &[quota]);
        keyed.reported.0 = 1;
        keyed.invariants();
    }
}
