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
    votes: Votes,
    size: u32,
    next: u32,
    held: Tally,
}

impl CallRing {
    pub(super) fn new(size: u32) -> Self {
        let size = size.clamp(1, CALLS_MAX);
        Self { votes: Votes::new(size), size, next: 0, held: Tally::default() }
    }

    pub(super) const fn size(&self) -> u32 {
        self.size
    }

    /// Abandoned calls take no place in the ring, where they would push out what is known; they
    /// are counted as a run that any answer ends.
    #[inline]
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

    #[inline]
    fn push(&mut self, weighed: Weighed) {
        let old = self.votes.replace(self.next, bits(weighed));
        if self.held.calls == u64::from(self.size) {
            self.held.calls -= 1;
            self.held.failures -= old & FAILED;
            self.held.slow -= old >> SLOW_SHIFT;
        }
        self.held.count(weighed);
        // A comparison, because a division would cost as much as all the rest.
        self.next = if self.next + 1 == self.size { 0 } else { self.next + 1 };
    }

    /// Records so many successes in a row, none of them slow.
    pub(super) fn record_successes(&mut self, count: u32) {
        if count >= self.size {
            self.votes.clear();
            (self.next, self.held) = (0, Tally { calls: self.size.into(), ..Tally::default() });
            return;
        }
        self.held.abandoned = 0;
        for _ in 0..count {
            self.push(Weighed { vote: Vote::Success, slow: false });
        }
    }

    #[inline]
    pub(super) fn tally(&self) -> Tally {
        // Asked for with every outcome, and hardly ever is there anything to settle.
        if self.held.abandoned == 0 { self.held } else { self.past().settled() }
    }

    /// A run of abandoned calls as long as the window has pushed everything else out of it.
    #[inline]
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
            new.push(weighed(self.votes.get(index)));
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
        let votes = || self.held_indices().map(|index| self.votes.get(index));
        debug_assert!(self.held.calls <= u64::from(self.size), "more calls than places");
        debug_assert_eq!(votes().map(|vote| vote & FAILED).sum::<u64>(), self.held.failures);
        debug_assert_eq!(votes().map(|vote| vote >> SLOW_SHIFT).sum::<u64>(), self.held.slow);
    }
}

/// Whether one of `part` things spread evenly over `whole` places falls on the place `index`.
fn falls_at(part: u64, whole: u64, index: u64) -> bool {
    let before = |index| u128::from(part) * u128::from(index) / u128::from(whole.max(1));
    before(index + 1) > before(index)
}

/// The bit of a vote that says that the call failed.
const FAILED: u64 = 1;
/// Where the bit is that says that it was slow.
const SLOW_SHIFT: u32 = 1;
/// Bits of a vote, and all of them set.
const WIDTH: u32 = 2;
const VOTE: u64 = 3;
/// Votes in a word.
const IN_WORD: u32 = u64::BITS / WIDTH;

#[inline]
fn bits(weighed: Weighed) -> u64 {
    u64::from(weighed.vote == Vote::Failure) | u64::from(weighed.slow) << SLOW_SHIFT
}

const fn weighed(bits: u64) -> Weighed {
    let vote = if bits & FAILED == 0 { Vote::Success } else { Vote::Failure };
    Weighed { vote, slow: bits >> SLOW_SHIFT == 1 }
}

/// What calls came to, both bits of one in the same word, which is then looked up once.
#[derive(Debug)]
struct Votes(Box<[u64]>);

impl Votes {
    fn new(len: u32) -> Self {
        Self(vec![0; len.div_ceil(IN_WORD) as usize].into_boxed_slice())
    }

    fn get(&self, index: u32) -> u64 {
        let word = self.0.get((index / IN_WORD) as usize);
        word.map_or(0, |word| word >> (index % IN_WORD * WIDTH) & VOTE)
    }

    fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Puts `bits` where others were, which are returned.
    #[inline]
    fn replace(&mut self, index: u32, bits: u64) -> u64 {
        let Some(word) = self.0.get_mut((index / IN_WORD) as usize) else { return 0 };
        let shift = index % IN_WORD * WIDTH;
        let old = *word >> shift & VOTE;
        *word ^= (old ^ bits) << shift;
        old
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
