//! Rendezvous hashing (Thaler and Ravishankar, 1998), weighted by logarithms (Schindelhauer and
//! Schomaker, 2005; in this form Resch, 2015): the endpoint of the highest score takes the key.
//!
//! No table and no memory, at the cost of scoring every endpoint: for some 64 endpoints, for
//! orders of replicas, and for keys whose endpoint in a table may not be chosen.

#![expect(
    clippy::float_arithmetic,
    reason = "an estimator; its numbers are neither persisted nor sent nor used as keys"
)]

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::member::Member;
use crate::hash::mix;
use crate::number::small;

/// How much an endpoint wants a key: `w / −ln h(key, endpoint)`. The hash itself breaks ties, so
/// that no two endpoints are ever equal. Never NaN.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    value: f64,
    hash: u64,
}

impl Score {
    /// The score of an endpoint for a key; none without weight.
    pub(super) fn of(member: Member, key: u64) -> Option<Self> {
        let hash = mix(key, member.id);
        (member.weight > 0).then(|| Self { value: weighted(hash, member.weight), hash })
    }

    /// The higher score is the greater.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.value.total_cmp(&other.value).then(self.hash.cmp(&other.hash))
    }
}

/// `w / −ln h` with the hash as a number in (0, 1).
fn weighted(hash: u64, weight: u32) -> f64 {
    // The upper 53 bits, which a float holds exactly, in the middle of their step: never 0 or 1.
    let (high, low) = (hash >> 32, hash >> 11 & 0x1f_ffff);
    let half = |bits: u64| f64::from(small(bits));
    let share = (half(high) * 2_097_152.0 + half(low) + 0.5) / 9_007_199_254_740_992.0;
    f64::from(weight) / -libm::log(share.min(BELOW_ONE))
}

/// The middle of the last step, which rounding would make 1, whose logarithm is no score.
const BELOW_ONE: f64 = 0.999_999_999_999_999_9;

/// Rendezvous hashing over a list of members. Equal sets give equal choices in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendezvous {
    members: Vec<Member>,
    /// Whether all weights are 0 or one value: then the hash alone decides, without a logarithm.
    even: bool,
}

impl Rendezvous {
    /// Over these members.
    #[must_use]
    pub fn new(members: &[Member]) -> Self {
        let mut weights = members.iter().map(|member| member.weight).filter(|weight| *weight > 0);
        let first = weights.next();
        let even = weights.all(|weight| Some(weight) == first);
        Self { members: members.to_vec(), even }
    }

    /// The place in the list of members of the endpoint that `key` belongs to; none if no member
    /// has weight. Scores every member.
    #[must_use]
    pub fn lookup(&self, key: u64) -> Option<usize> {
        if self.even {
            let weighted = self.members.iter().enumerate().filter(|(_, one)| one.weight > 0);
            let scored = weighted.map(|(place, one)| (mix(key, one.id), place));
            return scored.max_by_key(|(hash, _)| *hash).map(|(_, place)| place);
        }
        let scored = self.scored(key);
        scored.max_by(|(_, a), (_, b)| a.order(b)).map(|(place, _)| place)
    }

    /// The places of all members that have weight, the best for `key` first: the order in which
    /// replicas of it are placed and asked. Allocates the answer.
    #[must_use]
    pub fn order(&self, key: u64) -> Vec<usize> {
        let mut scored: Vec<_> = self.scored(key).collect();
        scored.sort_by(|(_, a), (_, b)| b.order(a));
        scored.into_iter().map(|(place, _)| place).collect()
    }

    fn scored(&self, key: u64) -> impl Iterator<Item = (usize, Score)> + '_ {
        let score = move |(place, member): (usize, &Member)| {
            Score::of(*member, key).map(|score| (place, score))
        };
        self.members.iter().enumerate().filter_map(score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_grows_with_every_one_of_the_upper_53_bits() {
        let low = (0..21).map(|bit| 1 << (bit + 11));
        let high = (0..32).map(|bit| 1 << (bit + 32));
        let hashes = core::iter::once(0_u64).chain(low).chain(high).chain([u64::MAX]);
        let scores: Vec<_> = hashes.map(|hash| weighted(hash, 1)).collect();
        assert!(scores.is_sorted_by(|a, b| a < b), "{scores:?}");
        assert!(scores.iter().all(|score| score.is_finite() && *score > 0.0), "{scores:?}");
        // Two bits are more than either: the low ones stand below the high ones.
        assert!(weighted(1 << 32 | 1 << 31, 1) > weighted(1 << 32, 1));
    }
}
