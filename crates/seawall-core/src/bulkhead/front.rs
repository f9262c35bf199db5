//! The front of a bulkhead: the count of permits as a word, for drivers that keep it in an atomic
//! while nobody waits.
//!
//! Who waits, who is refused and who is next is decided in `machine.rs`.

use super::{Bulkhead, Occupancy, Permit};
use crate::time::Duration;

/// The count of permits while it is away from its [`Bulkhead`]: how many there are, and how many
/// are in use.
///
/// The count is in **one** place at a time. [`Bulkhead::lend`] moves it here, which is possible
/// only while nobody waits, so whoever takes a permit here overtakes nobody. As soon as somebody
/// finds no free permit, the driver takes the word away from all others by swapping
/// [`Front::NONE`] in, moves the count back with [`Bulkhead::reclaim`], and asks the machine, which
/// refuses, or queues. While somebody waits, and while no permit is free, the front stays away, and
/// every release goes to the machine, which passes the permit on, and learns how long it was held.
/// The release that leaves a permit free and nobody waiting lends again.
///
/// ```text
/// acquire: Front::take  ── compare and swap ──► a permit       no front, or none free ─┐
/// release: Front::give_back ── compare and swap ──► done                     no front ─┤
/// under the lock: swap in NONE, reclaim, one step of the machine, lend, store  ◄───────┘
/// ```
///
/// A limit above 2³¹ − 1 counts as that here, and in full in the machine that is asked beyond it.
/// Each step costs a comparison and an addition. What a permit taken here was held for is told to
/// the machine only if it is released there: the estimate of waits learns while there is something
/// to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Front(Occupancy);

impl Front {
    /// The word that says that the count is with the machine.
    pub const NONE: u64 = 0;

    /// As a word other than [`Front::NONE`], for an atomic.
    #[must_use]
    #[inline]
    pub const fn word(self) -> u64 {
        self.0.bits()
    }

    /// What a word of [`Front::word`] said; absent for [`Front::NONE`].
    #[must_use]
    #[inline]
    pub const fn from_word(word: u64) -> Option<Self> {
        // No limit is zero.
        if word == Self::NONE { None } else { Some(Self(Occupancy::from_bits(word))) }
    }

    /// One permit fewer: what the word becomes if it still is what it was, and the permit that is
    /// real from then on. Absent where none is free: ask the machine.
    #[must_use]
    #[inline]
    pub const fn take(self) -> Option<(Self, Permit)> {
        match self.0.take(1) {
            Some(taken) => Some((Self(taken), Permit { weight: 1 })),
            None => None,
        }
    }

    /// The word once `permit` is back, which is spent from then on.
    #[must_use]
    #[inline]
    pub const fn give_back(self, permit: &Permit) -> Self {
        debug_assert!(self.in_use() >= permit.weight, "a permit of another bulkhead");
        Self(self.0.put_back(permit.weight))
    }

    /// Permits in use.
    #[must_use]
    pub const fn in_use(self) -> u32 {
        self.0.in_use()
    }
}

impl Bulkhead {
    /// Moves the count out, if a permit is free, nobody waits, and every granted permit has been
    /// claimed. Until it is back, the machine may be read, but must not be asked for anything.
    #[must_use = "the count is lost with its front"]
    pub fn lend(&mut self) -> Option<Front> {
        if self.lent || !self.has_free_permit() || self.queue.granted() > 0 {
            return None;
        }
        // The next arrival will not need to wait, and nobody will say so here.
        self.judge(Duration::ZERO, self.latest);
        let front = Front(Occupancy::new(self.limit).holding(self.in_use));
        self.in_use = 0;
        self.ceiling = self.limit;
        self.lent = true;
        Some(front)
    }

    /// Moves the count back in.
    pub fn reclaim(&mut self, front: Front) {
        debug_assert!(self.lent, "a front of another bulkhead");
        self.in_use = front.in_use();
        self.ceiling = self.in_use.max(self.limit);
        self.lent = false;
        self.invariants();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulkhead::{Acquired, BulkheadSettings, Claimed, QueueOrder};
    use crate::time::Instant;

    fn settings(permits: u32, queue: u32) -> BulkheadSettings {
        let max_wait = Duration::from_secs(1);
        BulkheadSettings { permits, queue, max_wait, ..BulkheadSettings::default() }
    }

    fn drained(front: Front) -> u32 {
        let mut front = front;
        let mut taken = 0;
        while let Some((next, _permit)) = front.take() {
            (front, taken) = (next, taken + 1);
        }
        taken
    }

    #[test]
    fn a_front_gives_as_many_permits_as_there_are() {
        for permits in [1, 2, 7] {
            assert_eq!(drained(Bulkhead::new(settings(permits, 0)).lend().unwrap()), permits);
        }
    }

    #[test]
    fn bh_3_a_permit_that_was_free_ends_the_standing_of_a_queue() {
        let settings = BulkheadSettings { order: QueueOrder::CoDel, ..settings(1, 9) };
        let wait = |bulkhead: &mut Bulkhead, from: u64, to: u64, permit: Permit| {
            let (from, to) = (Instant::from_millis(from), Instant::from_millis(to));
            let Acquired::Queued { waiter, .. } = bulkhead.acquire(from, Instant::NEVER) else {
                panic!("not queued");
            };
            bulkhead.release(permit, Duration::ZERO, to);
            bulkhead.next_grant(to)?;
            let Claimed::Permit(permit) = bulkhead.claim(waiter, to) else { panic!("not given") };
            Some(permit)
        };
        for freed in [false, true] {
            let mut bulkhead = Bulkhead::new(settings);
            let Acquired::Permit(permit) = bulkhead.acquire(Instant::EPOCH, Instant::NEVER) else {
                panic!("not free");
            };
            let permit = wait(&mut bulkhead, 80, 100, permit).unwrap();
            let mut permit = wait(&mut bulkhead, 150, 160, permit).unwrap();
            if freed {
                bulkhead.release(permit, Duration::ZERO, Instant::from_millis(165));
                let (front, taken) = bulkhead.lend().unwrap().take().unwrap();
                bulkhead.reclaim(front);
                permit = taken;
            }
            let permit = wait(&mut bulkhead, 180, 200, permit).unwrap();
            let last = wait(&mut bulkhead, 210, 230, permit);
            assert_eq!(last.is_some(), freed, "freed: {freed}");
        }
    }

    #[test]
    fn a_word_says_what_it_was_made_of() {
        for (permits, in_use) in [(1, 0), (1, 1), (u32::MAX, 7), (3, 9), (u32::MAX, 0)] {
            let front = Front(Occupancy::new(permits).holding(in_use));
            assert_ne!(front.word(), Front::NONE);
            assert_eq!(Front::from_word(front.word()), Some(front));
        }
        assert_eq!(Front::from_word(Front::NONE), None);
    }

    #[test]
    fn permits_taken_at_the_front_count_in_the_machine() {
        let now = Instant::EPOCH;
        let mut bulkhead = Bulkhead::new(settings(2, 1));
        let (front, first) = bulkhead.lend().unwrap().take().unwrap();
        let (front, second) = front.take().unwrap();
        assert!(front.take().is_none());
        bulkhead.reclaim(front);
        let Acquired::Queued { waiter, .. } = bulkhead.acquire(now, Instant::NEVER) else {
            panic!("a permit that is not there");
        };
        assert_eq!(bulkhead.lend(), None, "somebody waits");
        bulkhead.release(first, Duration::from_millis(1), now);
        assert_eq!(bulkhead.next_grant(now), Some(waiter));
        assert_eq!(bulkhead.lend(), None, "no permit is free");
        bulkhead.release(second, Duration::from_millis(1), now);
        assert_eq!(bulkhead.lend(), None, "one is free, and somebody is about to claim another");
        let Claimed::Permit(third) = bulkhead.claim(waiter, now) else { panic!("not granted") };
        let front = bulkhead.lend().unwrap();
        assert_eq!((front.in_use(), front.give_back(&third).in_use()), (1, 0));
        assert_eq!(bulkhead.lend(), None, "it is lent");
    }

    #[test]
    fn t101_a_lowered_limit_drains_in_the_machine() {
        let now = Instant::EPOCH;
        let mut bulkhead = Bulkhead::new(settings(3, 0));
        let mut front = bulkhead.lend().unwrap();
        let mut held = std::vec::Vec::new();
        while let Some((next, permit)) = front.take() {
            front = next;
            held.push(permit);
        }
        bulkhead.reclaim(front);
        bulkhead.reconfigure(settings(1, 0));
        for permit in held {
            assert_eq!(bulkhead.lend(), None, "{} in use", bulkhead.in_use());
            bulkhead.release(permit, Duration::ZERO, now);
        }
        assert_eq!(drained(bulkhead.lend().unwrap()), 1);
    }
}
