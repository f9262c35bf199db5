//! The last N calls of a closed breaker: a ring of two bits for each.
//!
//! What a window is for, and the other kind of it, is in `window.rs`.

use alloc::boxed::Box;
use alloc::vec;

use super::weigh::{Vote, Weighed};
use super::window::Tally;

/// The most calls of a window by count. Its bits then take 16 KiB.
pub const CALLS_MAX: u32 = 65_536;

/// The last calls, two bits each, in a ring.
#[derive(Debug)]
pub(super) struct CallRing {
    failed: Bits,
    slow: Bits,
    size: u32,
    next: u32,
    held: Tally,
}

impl CallRing {
    pub(super) fn new(size: u32) -> Self {
        let size = size.clamp(1, CALLS_MAX);
        let (failed, slow) = (Bits::new(size), Bits::new(size));
        Self { failed, slow, size, next: 0, held: Tally::default() }
    }

    pub(super) const fn size(&self) -> u32 {
        self.size
    }

    /// Abandoned calls take no place in the ring, where they would push out what is known; they
    /// are counted as a run that any answer ends.
    pub(super) fn record(&mut self, weighed: Weighed) {
        match weighed.vote {
            Vote::Success | Vote::Failure => {
                self.held.abandoned = 0;
                self.push(weighed);
            }
            Vote::Unfinished => self.held.abandoned += 1,
            Vote::Nothing => {}
        }
    }

    fn push(&mut self, weighed: Weighed) {
        if self.held.calls == u64::from(self.size) {
            self.held.calls -= 1;
            self.held.failures -= u64::from(self.failed.get(self.next));
            self.held.slow -= u64::from(self.slow.get(self.next));
        }
        self.failed.put(self.next, weighed.vote == Vote::Failure);
        self.slow.put(self.next, weighed.slow);
        self.held.count(weighed);
        // A comparison, because a division would cost as much as all the rest.
        self.next = if self.next + 1 == self.size { 0 } else { self.next + 1 };
    }

    pub(super) fn tally(&self) -> Tally {
        self.past().settled()
    }

    /// A run of abandoned calls as long as the window has pushed everything else out of it.
    pub(super) fn past(&self) -> Tally {
        if self.held.abandoned >= u64::from(self.size) {
            return Tally { abandoned: self.held.abandoned, ..Tally::default() };
        }
        self.held
    }

    pub(super) fn clear(&mut self) {
        // The bits stay: what is not counted as held is overwritten before it is read.
        (self.next, self.held) = (0, Tally::default());
    }

    /// Repeats what is held here into `new`, oldest first.
    pub(super) fn replay(&self, new: &mut Self) {
        for index in self.held_indices() {
            let vote = if self.failed.get(index) { Vote::Failure } else { Vote::Success };
            new.push(Weighed { vote, slow: self.slow.get(index) });
        }
        new.held.abandoned = self.held.abandoned;
    }

    /// Takes over `past`, scaled to fit, its failures and slow calls spread evenly: whatever then
    /// leaves the ring first leaves the rates as they were.
    pub(super) fn fill(&mut self, past: Tally) {
        let count = past.calls.min(u64::from(self.size));
        for index in 0..count {
            let failed = falls_at(past.failures, past.calls, index);
            let vote = if failed { Vote::Failure } else { Vote::Success };
            self.push(Weighed { vote, slow: falls_at(past.slow, past.calls, index) });
        }
        self.held.abandoned = past.settled().abandoned;
    }

    /// Oldest first.
    fn held_indices(&self) -> impl Iterator<Item = u32> {
        let full = self.held.calls == u64::from(self.size);
        let (start, rest) = if full { (self.next, self.next) } else { (0, 0) };
        let end = if full { self.size } else { self.next };
        (start..end).chain(0..rest)
    }

    pub(super) fn invariants(&self) {
        let count = |bits: &Bits| self.held_indices().filter(|index| bits.get(*index)).count();
        debug_assert!(self.held.calls <= u64::from(self.size), "more calls than places");
        debug_assert_eq!(u64::try_from(count(&self.failed)), Ok(self.held.failures));
        debug_assert_eq!(u64::try_from(count(&self.slow)), Ok(self.held.slow));
    }
}

/// Whether one of `part` things spread evenly over `whole` places falls on the place `index`.
fn falls_at(part: u64, whole: u64, index: u64) -> bool {
    let before = |index| u128::from(part) * u128::from(index) / u128::from(whole.max(1));
    before(index + 1) > before(index)
}

#[derive(Debug)]
struct Bits(Box<[u64]>);

impl Bits {
    fn new(len: u32) -> Self {
        Self(vec![0; len.div_ceil(u64::BITS) as usize].into_boxed_slice())
    }

    fn get(&self, index: u32) -> bool {
        let word = self.0.get((index / u64::BITS) as usize);
        word.is_some_and(|word| word >> (index % u64::BITS) & 1 == 1)
    }

    fn put(&mut self, index: u32, bit: bool) {
        if let Some(word) = self.0.get_mut((index / u64::BITS) as usize) {
            let mask = 1 << (index % u64::BITS);
            *word = if bit { *word | mask } else { *word & !mask };
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "left == right")]
    fn a_count_that_is_no_recount_is_noticed() {
        let mut ring = CallRing::new(3);
        ring.record(Weighed { vote: Vote::Failure, slow: false });
        ring.held.failures = 0;
        ring.invariants();
    }
}
