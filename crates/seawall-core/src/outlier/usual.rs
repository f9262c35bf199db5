//! How often the others fail: what an endpoint is held against before it is an outlier.
//!
//! What chance makes of that share is in `crate::chance`.

use super::outliers::Outliers;
use super::record::Record;
use super::settings::CommonFault;
use crate::chance;
use crate::endpoint::Slot;
use crate::ratio::Ratio;
use crate::time::Instant;

/// So many others are asked at most, those that follow in the list: the median of sixteen is as
/// good as that of a thousand, and costs the same whatever the upstream.
const ASKED_MAX: usize = 16;

/// The last outcomes that say how an endpoint does just now ...
const NOW: u32 = 8;

/// ... and a moment ago. What has just begun shows in few, what is chance goes away in many.
const LATELY: u32 = 64;

/// Shorter rows than this are not worth the question what the others do.
pub(super) const ASKED_FROM: u32 = 3;

/// So many failures in a row make a suspect where no other limit is set.
const ROW: u32 = 5;

/// The last outcomes of an endpoint, one bit each; set is a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    bits: u64,
    count: u32,
}

impl Outcomes {
    pub(super) const fn push(&mut self, failed: u64) {
        self.bits = self.bits << 1 | failed;
        self.count = if self.count < u64::BITS { self.count + 1 } else { u64::BITS };
    }

    /// The share of failures among the last so many; none of fewer than half as many.
    fn failing(self, of: u32) -> Option<Ratio> {
        let known = self.count.min(of);
        let mask = u64::MAX >> (u64::BITS - of);
        let failures = (self.bits & mask).count_ones();
        (known * 2 >= of).then(|| Ratio::of_parts(failures.into(), known.into()))
    }
}

impl Outliers {
    /// The share of failures that is usual at present among the other endpoints in choice: the
    /// lower median, so that half of them may be ill. Each counts with the worst of what it did
    /// just now, a moment ago, and in the window: a fault of all has begun for the others too when
    /// it begins for one. Who is in a full row of failures is a suspect itself, and no measure:
    /// where all others are, what they did before is, in the window as a whole.
    ///
    /// Zero where nobody can be asked, and where common faults are nobody's excuse.
    #[must_use]
    pub fn usual(&self, slot: Slot, now: Instant) -> Ratio {
        if self.settings.common != CommonFault::Suppress {
            return Ratio::ZERO;
        }
        let of_others = self.median_of_others(slot, |record| self.failing(record, now));
        let before = || self.median_of_others(slot, |record| self.failing_in_window(record, now));
        of_others.or_else(before).unwrap_or(Ratio::ZERO)
    }

    /// The lower median of what the first few others that say something say, from the next on.
    fn median_of_others(
        &self,
        slot: Slot,
        says: impl Fn(&Record) -> Option<Ratio>,
    ) -> Option<Ratio> {
        let mut shares = [Ratio::ONE; ASKED_MAX];
        let mut asked = 0;
        let (before, after) = self.records.split_at(slot.index().min(self.records.len()));
        let others = after.iter().skip(1).chain(before).flatten().filter(|record| record.is_in());
        for (place, share) in shares.iter_mut().zip(others.filter_map(says)) {
            (*place, asked) = (share, asked + 1);
        }
        // Places that nobody took are at the end.
        shares.sort_unstable();
        let middle = usize::checked_sub(asked, 1)? / 2;
        shares.get(middle).copied()
    }

    fn failing(&self, record: &Record, now: Instant) -> Option<Ratio> {
        if record.rows.any >= self.settings.consecutive.unwrap_or(ROW) {
            return None;
        }
        let whole = self.failing_in_window(record, now);
        let recent = [record.recent.failing(NOW), record.recent.failing(LATELY), whole];
        recent.into_iter().flatten().max()
    }

    fn failing_in_window(&self, record: &Record, now: Instant) -> Option<Ratio> {
        let tally = record.tally_now(now);
        let enough = tally.requests() >= self.settings.min_requests;
        enough.then(|| Ratio::of_parts(tally.failures.into(), tally.requests().into()))
    }

    /// How long a row of failures of this endpoint must be not to be chance. Asks the others where
    /// one has failed several times in a row.
    pub(super) fn row_min(&self, slot: Slot, now: Instant) -> u32 {
        match self.is_suspect(slot) {
            true => chance::least_row(self.usual(slot, now)),
            false => 0,
        }
    }

    /// Whether an endpoint has failed so often in a row that it is worth asking the others.
    #[must_use]
    pub fn is_suspect(&self, slot: Slot) -> bool {
        let row = self.record(slot).map_or(0, |record| record.rows.any.max(record.rows.local));
        row >= ASKED_FROM
    }
}
