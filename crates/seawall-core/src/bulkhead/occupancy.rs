//! The occupancy of a compartment in one word, for drivers that share it over threads.
//!
//! A value without locks or atomics: a driver keeps [`Occupancy::bits`] in an atomic integer and
//! changes it by compare-and-swap, so that deciding and taking stay one step without a lock. Only
//! once permits are out does it lock the [`super::Bulkhead`] with its queue.

/// The most permits that fit the word.
const MOST: u32 = u32::MAX >> 1;

/// Where the flag is, and the limit begins.
const WAITED_FOR: u64 = 1 << 63;
const LIMIT_SHIFT: u32 = 32;

/// A limit below 2³¹, what is in use of it, and whether anyone waits for it. Eight bytes; every
/// step is a few instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Occupancy {
    limit: u32,
    in_use: u32,
    is_waited_for: bool,
}

impl Occupancy {
    /// An empty compartment. A limit of 2³¹ or more counts as one less than that.
    #[must_use]
    pub const fn new(limit: u32) -> Self {
        let limit = if limit < MOST { limit } else { MOST };
        Self { limit, in_use: 0, is_waited_for: false }
    }

    /// A compartment in which `in_use` are in use, perhaps of an earlier, higher limit.
    #[must_use]
    pub(super) const fn holding(self, in_use: u32) -> Self {
        Self { in_use, ..self }
    }

    /// The word of [`Occupancy::bits`].
    #[must_use]
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half of the word is meant")]
    pub const fn from_bits(bits: u64) -> Self {
        let limit = ((bits & !WAITED_FOR) >> LIMIT_SHIFT) as u32;
        let in_use = (bits & u32::MAX as u64) as u32;
        Self { limit, in_use, is_waited_for: bits & WAITED_FOR != 0 }
    }

    /// All of it in one word.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u64 {
        let flag = if self.is_waited_for { WAITED_FOR } else { 0 };
        flag | (self.limit as u64) << LIMIT_SHIFT | self.in_use as u64
    }

    /// With `weight` more in use; nothing if that is beyond the limit or somebody waits, who
    /// would be overtaken.
    #[must_use]
    #[inline]
    pub const fn take(self, weight: u32) -> Option<Self> {
        let free = self.limit.saturating_sub(self.in_use);
        if self.is_waited_for || weight > free {
            return None;
        }
        Some(Self { in_use: self.in_use + weight, ..self })
    }

    /// With `weight` more in use though somebody waits: for those whose turn has come.
    #[must_use]
    pub const fn grant(self, weight: u32) -> Option<Self> {
        let flag = self.is_waited_for;
        match (Self { is_waited_for: false, ..self }).take(weight) {
            Some(taken) => Some(Self { is_waited_for: flag, ..taken }),
            None => None,
        }
    }

    /// With `weight` less in use, never less than nothing. Who waits should be served before
    /// anyone who arrives, if [`Occupancy::is_waited_for`].
    #[must_use]
    #[inline]
    pub const fn put_back(self, weight: u32) -> Self {
        Self { in_use: self.in_use.saturating_sub(weight), ..self }
    }

    /// With another limit. What is in use beyond it drains.
    #[must_use]
    pub const fn with_limit(self, limit: u32) -> Self {
        Self { limit: Self::new(limit).limit, ..self }
    }

    /// While somebody waits nothing is taken directly.
    #[must_use]
    pub const fn waited_for(self) -> Self {
        Self { is_waited_for: true, ..self }
    }

    /// Nobody waits any more.
    #[must_use]
    pub const fn unattended(self) -> Self {
        Self { is_waited_for: false, ..self }
    }

    /// Whether somebody waits.
    #[must_use]
    pub const fn is_waited_for(self) -> bool {
        self.is_waited_for
    }

    /// The limit.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// Permits in use. Above the limit only while a lowered one drains.
    #[must_use]
    pub const fn in_use(self) -> u32 {
        self.in_use
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn t91_taking_and_deciding_are_one_step() {
        let full = Occupancy::new(3).take(1).and_then(|two| two.take(2)).unwrap();
        assert_eq!((full.in_use(), full.take(1)), (3, None));
        assert_eq!(Occupancy::new(3).take(4), None);
        assert!(full.put_back(1).take(1).is_some());
    }

    #[test]
    fn t98_nobody_overtakes_who_waits() {
        assert!(!Occupancy::new(1).is_waited_for());
        let waited_for = Occupancy::new(1).waited_for();
        assert_eq!(waited_for.take(1), None);
        let granted = waited_for.grant(1).unwrap();
        assert!(granted.is_waited_for() && granted.grant(1).is_none());
        assert!(granted.put_back(1).unattended().take(1).is_some());
        assert!(!waited_for.unattended().is_waited_for());
    }

    #[test]
    fn t101_a_lowered_limit_drains_and_never_turns_negative() {
        let over = Occupancy::new(5).take(5).unwrap().with_limit(2);
        assert_eq!((over.in_use(), over.limit(), over.take(1)), (5, 2, None));
        assert_eq!(over.put_back(3).take(1), None);
        assert!(over.put_back(4).take(1).is_some());
        assert_eq!(over.put_back(9).in_use(), 0);
    }

    proptest! {
        #[test]
        fn the_word_holds_all_of_it(
            limit in any::<u32>(), weight in any::<u32>(), waits in any::<bool>(),
        ) {
            let empty = Occupancy::new(limit);
            let some = empty.take(weight).unwrap_or(empty);
            let some = if waits { some.waited_for() } else { some };
            prop_assert_eq!(Occupancy::from_bits(some.bits()), some);
            prop_assert!(some.in_use() <= some.limit());
        }
    }
}
