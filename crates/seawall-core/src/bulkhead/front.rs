//! The front of a bulkhead: the count of permits as a word, for drivers that keep it in an atomic
//! while nobody waits.
//!
//! Who waits, who is refused and who is next is decided in `machine.rs`.

use super::{Bulkhead, Permit};

/// The count of permits while it is away from its [`Bulkhead`]: how many there are, and how many
/// are in use.
///
/// The count is in **one** place at a time. [`Bulkhead::lend`] moves it here, which is possible
/// only while nobody waits, so whoever takes a permit here overtakes nobody. As soon as somebody
/// finds no free permit, the driver takes the word away from all others by swapping
/// [`Front::NONE`] in, moves the count back with [`Bulkhead::reclaim`], and asks the machine, which
/// refuses, or queues. With a waiter in the machine the front stays away, and every release goes to
/// the machine, which passes the permit on. After a release that leaves nobody waiting the driver
/// lends again.
///
/// ```text
/// acquire: Front::take  ── compare and swap ──► a permit       no front, or none free ─┐
/// release: Front::give_back ── compare and swap ──► done                     no front ─┤
/// under the lock: swap in NONE, reclaim, one step of the machine, lend, store  ◄───────┘
/// ```
///
/// Each step costs a comparison and an addition. What a permit taken here was held for is told to
/// the machine only if it is released there: the estimate of waits learns while there is something
/// to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Front {
    /// At least 1.
    permits: u32,
    /// Above `permits` only while a lowered limit drains.
    in_use: u32,
}

impl Front {
    /// The word that says that the count is with the machine.
    pub const NONE: u64 = 0;

    /// As a word other than [`Front::NONE`], for an atomic.
    #[must_use]
    #[inline]
    pub const fn word(self) -> u64 {
        ((self.permits as u64) << 32) | self.in_use as u64
    }

    /// What a word of [`Front::word`] said; absent for [`Front::NONE`].
    #[must_use]
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "each half of the word is a u32")]
    pub const fn from_word(word: u64) -> Option<Self> {
        let (permits, in_use) = ((word >> 32) as u32, word as u32);
        if permits == 0 { None } else { Some(Self { permits, in_use }) }
    }

    /// One permit fewer: what the word becomes if it still is what it was, and the permit that is
    /// real from then on. Absent where none is free: ask the machine.
    #[must_use]
    #[inline]
    pub const fn take(self) -> Option<(Self, Permit)> {
        if self.in_use >= self.permits {
            return None;
        }
        Some((Self { in_use: self.in_use + 1, ..self }, Permit(())))
    }

    /// The word once `permit` is back, which is spent from then on.
    #[must_use]
    #[inline]
    pub const fn give_back(self, permit: &Permit) -> Self {
        let Permit(()) = permit;
        debug_assert!(self.in_use > 0, "a permit of another bulkhead");
        Self { in_use: self.in_use.saturating_sub(1), ..self }
    }

    /// Permits in use.
    #[must_use]
    pub const fn in_use(self) -> u32 {
        self.in_use
    }
}

impl Bulkhead {
    /// Moves the count out, if nobody waits and every granted permit has been claimed. Until it is
    /// back, the machine may be read, but must not be asked for anything.
    #[must_use = "the count is lost with its front"]
    pub fn lend(&mut self) -> Option<Front> {
        let idle = self.queue.waiting() == 0 && self.queue.granted() == 0;
        if self.lent || !idle {
            return None;
        }
        let front = Front { permits: self.settings.permits, in_use: self.in_use };
        self.in_use = 0;
        self.ceiling = self.settings.permits;
        self.lent = true;
        Some(front)
    }

    /// Moves the count back in.
    pub fn reclaim(&mut self, front: Front) {
        debug_assert!(self.lent, "a front of another bulkhead");
        self.in_use = front.in_use;
        self.ceiling = self.in_use.max(self.settings.permits);
        self.lent = false;
        self.invariants();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulkhead::{Acquired, BulkheadSettings, Claimed};
    use crate::time::{Duration, Instant};

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
    fn a_word_says_what_it_was_made_of() {
        for (permits, in_use) in [(1, 0), (1, 1), (u32::MAX, u32::MAX), (3, 9), (u32::MAX, 0)] {
            let front = Front { permits, in_use };
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
        let (front, _second) = front.take().unwrap();
        assert!(front.take().is_none());
        bulkhead.reclaim(front);
        let Acquired::Queued { waiter, .. } = bulkhead.acquire(now, Instant::NEVER) else {
            panic!("a permit that is not there");
        };
        assert_eq!(bulkhead.lend(), None, "somebody waits");
        bulkhead.release(first, Duration::from_millis(1), now);
        assert_eq!(bulkhead.next_grant(now), Some(waiter));
        assert_eq!(bulkhead.lend(), None, "somebody is about to claim");
        let Claimed::Permit(third) = bulkhead.claim(waiter, now) else { panic!("not granted") };
        let front = bulkhead.lend().unwrap().give_back(&third);
        assert_eq!(front.in_use(), 1);
        assert_eq!(bulkhead.lend(), None, "it is lent");
    }

    #[test]
    fn t101_a_lowered_limit_drains_at_the_front() {
        let mut bulkhead = Bulkhead::new(settings(3, 0));
        let mut front = bulkhead.lend().unwrap();
        let mut held = std::vec::Vec::new();
        while let Some((next, permit)) = front.take() {
            front = next;
            held.push(permit);
        }
        bulkhead.reclaim(front);
        bulkhead.reconfigure(settings(1, 0));
        let mut front = bulkhead.lend().unwrap();
        for permit in &held {
            assert!(front.take().is_none(), "{} in use", front.in_use());
            front = front.give_back(permit);
        }
        assert_eq!(drained(front), 1);
    }
}
