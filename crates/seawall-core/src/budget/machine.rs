//! The budget: deposits, reservations, refunds.
//!
//! The numbers that it compares with are in `settings.rs`, the reasons for the rule in `mod.rs`.

use super::{BudgetEvent, BudgetSettings, Purpose};
use crate::event::Sink;
use crate::ratio::Ratio;
use crate::time::{Instant, nanos};
use crate::window::TimeRing;

/// With fewer calls that were helped in the window nobody can say whether extra attempts help. At
/// random half of ten would not show what half of two does.
pub const HELPING_MIN: u64 = 10;

/// Extra attempts help while no more of the calls that need them are lost all the same. Where 45 %
/// of all attempts fail at random, three for each call lose as many.
pub const LOST_MAX: Ratio = Ratio::from_percent(20);

/// They are charged by what comes of them while no more than this are lost: what remains where
/// errors are at random and calls have what they need. A service with a tenth more to do than it
/// can loses several times as many, however often it is asked.
pub const LOST_WHEN_CHARGED: Ratio = Ratio::from_percent(5);

/// Attempts of one bucket, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    first: u64,
    extra: u64,
    /// Those among the extra ones that have not helped.
    vain: u64,
    /// Calls that an extra attempt has helped, by when it did.
    helped: u64,
    /// Calls that wanted an extra attempt and came to nothing.
    lost: u64,
}

impl Counts {
    /// Whether extra attempts bring most calls through that need them, so that no more than this
    /// share of those is lost.
    fn brings_through(self, lost_max: Ratio) -> bool {
        let in_need = self.helped.saturating_add(self.lost);
        self.helped >= HELPING_MIN && self.lost <= lost_max.of(in_need)
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            first: self.first.saturating_add(other.first),
            extra: self.extra.saturating_add(other.extra),
            vain: self.vain.saturating_add(other.vain),
            helped: self.helped.saturating_add(other.helped),
            lost: self.lost.saturating_add(other.lost),
        }
    }
}

/// The right to start one extra attempt, already counted.
///
/// Ends in [`Reservation::spend`] or [`Budget::refund`]; it cannot be copied. One that is dropped
/// counts as spent, which errs on the side of fewer attempts.
#[derive(Debug)]
#[must_use = "an attempt that will not start should refund its reservation"]
pub struct Reservation {
    at: Instant,
}

impl Reservation {
    /// The attempt starts. Keep the receipt until it is known what the attempt was good for.
    pub fn spend(self) -> Spent {
        Spent { at: self.at }
    }
}

/// The receipt of an extra attempt that has started: hand it to [`Budget::helped`] if it brought
/// the answer that its call had not got. It cannot be copied. One that is dropped leaves the
/// attempt among those that did not help.
#[derive(Debug)]
pub struct Spent {
    at: Instant,
}

/// No extra attempt now. The numbers belong into the error that the caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// First attempts in the window.
    pub first: u64,
    /// Extra attempts in the window.
    pub extra: u64,
    /// Those among them that have not helped.
    pub vain: u64,
}

/// A budget at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSnapshot {
    /// First attempts in the window.
    pub first: u64,
    /// Extra attempts in the window, reserved ones included.
    pub extra: u64,
    /// Those among them that have not helped, or not yet.
    pub vain: u64,
    /// So many extra attempts would be granted at once.
    pub left: u64,
}

/// An attempt budget. See the module for its rule and what bounds it.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Budget {
    settings: BudgetSettings,
    origin: Instant,
    ring: TimeRing<Counts>,
    /// Everything ever counted, less what was refunded: the window can only hold a part of it.
    ever: Counts,
    latest: Instant,
}

impl Budget {
    /// A budget that has seen no call. `origin` is the phase of its window and should differ
    /// between instances; it need not be the present.
    #[must_use]
    pub fn new(settings: BudgetSettings, origin: Instant) -> Self {
        let ring = TimeRing::new(settings.window, origin);
        Self { settings, origin, ring, ever: Counts::default(), latest: Instant::EPOCH }
    }

    /// Takes new settings and keeps the counts. Under a window of another length each old bucket
    /// goes to the new one of the same age, as near as buckets allow.
    pub fn reconfigure(&mut self, settings: BudgetSettings, now: Instant) {
        let now = self.observe(now);
        if settings.window != self.settings.window {
            self.ring.reshape(settings.window, self.origin, now, Counts::plus);
        }
        self.settings = settings;
        self.invariants();
    }

    /// The first attempt of a call starts. Once for each call, by one owner only, and not for
    /// calls that are refused locally: they put no load on anyone.
    #[inline]
    pub fn deposit(&mut self, now: Instant) {
        let now = self.observe(now);
        self.add(Counts { first: 1, ..Counts::default() }, now);
        self.invariants();
    }

    /// Asks for one extra attempt, at the moment it is decided on, which may be a backoff before
    /// it starts: callers that wait would otherwise all pass together.
    ///
    /// # Errors
    ///
    /// [`Denied`] when the window has no room for it. That suppresses new attempts only; what runs
    /// goes on.
    pub fn reserve(&mut self, now: Instant) -> Result<Reservation, Denied> {
        self.grant(now).map(|(reservation, _)| reservation)
    }

    /// As [`Budget::reserve`], and reports the decision with its numbers.
    ///
    /// # Errors
    ///
    /// As [`Budget::reserve`].
    pub fn reserve_for(
        &mut self,
        purpose: Purpose,
        now: Instant,
        sink: &mut impl Sink<BudgetEvent>,
    ) -> Result<Reservation, Denied> {
        match self.grant(now) {
            Ok((reservation, Counts { first, extra, .. })) => {
                sink.emit(BudgetEvent::Spent { purpose, first, extra });
                Ok(reservation)
            }
            Err(denied) => {
                let (Denied { first, extra, vain }, ratio) = (denied, self.settings.ratio);
                sink.emit(BudgetEvent::Denied { purpose, first, extra, vain, ratio });
                Err(denied)
            }
        }
    }

    /// Takes back a reservation whose attempt never starts, and frees its place in the bucket it
    /// came from. Nothing is left to return once that bucket has expired.
    pub fn refund(&mut self, reservation: Reservation, now: Instant) {
        let now = self.observe(now);
        self.ring.advance(now);
        // A reload that changed the window may have moved the count to a neighbour. It then
        // expires there, rather than being taken from a bucket where another is counted.
        let bucket = self.ring.past(reservation.at).filter(|bucket| bucket.extra > 0);
        if let Some(bucket) = bucket {
            bucket.extra -= 1;
            bucket.vain = bucket.vain.saturating_sub(1);
            self.ever.extra = self.ever.extra.saturating_sub(1);
        }
        self.invariants();
    }

    /// An extra attempt has brought what its call had not got: it counts among all of them still,
    /// and no longer among those that did not help. Once its bucket has expired it counts nowhere.
    #[inline]
    pub fn helped(&mut self, spent: Spent, now: Instant) {
        let now = self.observe(now);
        self.ring.advance(now);
        // After a reload that changed the window, as in a refund.
        let bucket = self.ring.past(spent.at).filter(|bucket| bucket.vain > 0);
        if let Some(bucket) = bucket {
            bucket.vain -= 1;
        }
        self.add(Counts { helped: 1, ..Counts::default() }, now);
        self.invariants();
    }

    /// A call that might have had another attempt has come to nothing: its attempts failed, or none
    /// was granted, or its time was over. Not for calls that must not be repeated.
    #[inline]
    pub fn lost(&mut self, now: Instant) {
        let now = self.observe(now);
        self.add(Counts { lost: 1, ..Counts::default() }, now);
    }

    /// Whether extra attempts help at present: at least [`HELPING_MIN`] calls of the window were
    /// helped, and of those in need no more than [`LOST_MAX`] came to nothing.
    #[must_use]
    pub fn is_helping(&mut self, now: Instant) -> bool {
        let now = self.observe(now);
        self.ring.advance(now);
        self.ring.sum(Counts::plus).brings_through(LOST_MAX)
    }

    /// What the window holds at `now`. Changes nothing.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> BudgetSnapshot {
        let mut ring = self.ring.clone();
        let current = *ring.at(now);
        let sum = ring.sum(Counts::plus);
        let left = room(&self.settings, sum, current);
        BudgetSnapshot { first: sum.first, extra: sum.extra, vain: sum.vain, left }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        let sum = self.ring.sum(Counts::plus);
        let width = nanos(self.ring.width());
        debug_assert_eq!(width, self.settings.bucket_width(), "buckets of another window");
        debug_assert!(sum.first <= self.ever.first, "more first attempts than were deposited");
        debug_assert!(sum.extra <= self.ever.extra, "more extra attempts than were granted");
        debug_assert!(sum.vain <= sum.extra, "more in vain than there were");
    }

    /// Grants and counts in one step, so that nothing can come between. With what the window then
    /// holds.
    fn grant(&mut self, now: Instant) -> Result<(Reservation, Counts), Denied> {
        let now = self.observe(now);
        let current = *self.ring.at(now);
        let sum = self.ring.sum(Counts::plus);
        if room(&self.settings, sum, current) == 0 {
            let Counts { first, extra, vain, .. } = sum;
            return Err(Denied { first, extra, vain });
        }
        let one = Counts { extra: 1, vain: 1, ..Counts::default() };
        self.add(one, now);
        self.invariants();
        Ok((Reservation { at: now }, sum.plus(one)))
    }

    #[inline]
    fn add(&mut self, counts: Counts, now: Instant) {
        let bucket = self.ring.at(now);
        *bucket = bucket.plus(counts);
        self.ever = self.ever.plus(counts);
    }

    #[inline]
    fn observe(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

/// How many extra attempts fit, one after the other, beside what is counted.
///
/// All bounds only tighten as attempts are granted, so the larger of the two is the number.
fn room(settings: &BudgetSettings, sum: Counts, current: Counts) -> u64 {
    let by_ratio = if sum.brings_through(LOST_WHEN_CHARGED) {
        let in_vain = settings.ratio.of(sum.first).saturating_sub(sum.vain);
        in_vain.min(settings.most().of(sum.first).saturating_sub(sum.extra))
    } else {
        settings.ratio.of(sum.first).saturating_sub(sum.extra)
    };
    let in_window = settings.floor_of_window().saturating_sub(sum.extra);
    let in_bucket = settings.floor_of_bucket().saturating_sub(current.extra);
    by_ratio.max(in_window.min(in_bucket))
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "more first attempts than were deposited")]
    fn an_attempt_that_nobody_deposited_is_noticed() {
        let mut budget = Budget::new(BudgetSettings::default(), Instant::EPOCH);
        budget.deposit(Instant::EPOCH);
        budget.ever.first = 0;
        budget.invariants();
    }
}
