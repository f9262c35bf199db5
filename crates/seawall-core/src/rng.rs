//! Seeded randomness as an argument.
//!
//! No machine owns a generator. The driver keeps one stream for each consumer, forked from one
//! seed by a fixed name, so that a new draw in one place shifts no other. Streams are never
//! cloned and their values never change between versions; the tests hold the vectors.
//!
//! Generator: xoshiro256++ 1.0 (Blackman and Vigna, 2019), its state filled by `SplitMix64`
//! (Steele, Lea and Flood, 2014) as its authors advise.

use crate::hash::{GOLDEN, finish};
use crate::ratio::Ratio;

/// A source of uniformly distributed bits. Not for cryptography.
pub trait Rng {
    /// The next 64 bits.
    fn next_u64(&mut self) -> u64;

    /// The next draw in [0, 1).
    #[inline]
    fn draw(&mut self) -> Draw {
        Draw(self.next_u64())
    }

    /// A number in `0..bound`, or 0 when `bound` is 0. The bias is below `bound / 2^64`.
    fn below(&mut self, bound: u64) -> u64 {
        self.draw().of(bound)
    }
}

impl<R: Rng + ?Sized> Rng for &mut R {
    fn next_u64(&mut self) -> u64 {
        (**self).next_u64()
    }
}

/// A number in [0, 1), held as a fraction of 2⁶⁴.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Draw(u64);

impl Draw {
    /// The smallest draw, 0.
    pub const ZERO: Self = Self(0);
    /// The largest draw, just below 1.
    pub const ALMOST_ONE: Self = Self(u64::MAX);
    /// The draw 1/2.
    pub const HALF: Self = Self(1 << 63);

    /// The draw `bits / 2^64`.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The share `self` of `value`, rounded down: a number in `0..value`, or 0 for 0.
    #[must_use]
    pub fn of(self, value: u64) -> u64 {
        let product = u128::from(self.0) * u128::from(value);
        u64::try_from(product >> 64).unwrap_or(u64::MAX)
    }

    /// Whether this draw falls below `share`: true with probability `share`.
    #[must_use]
    pub fn is_below(self, share: Ratio) -> bool {
        self.of(1_000_000) < u64::from(share.ppm())
    }
}

/// A named stream of a seed. Deliberately not `Clone`: two consumers never share draws.
#[derive(Debug)]
pub struct Stream {
    state: [u64; 4],
}

impl Stream {
    /// The stream called `name` of `seed`. Equal arguments give equal streams, for ever.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        let mut fill = seed ^ fnv1a(name.as_bytes());
        Self { state: core::array::from_fn(|_| split_mix(&mut fill)) }
    }

    /// A stream forked from this one's next value and `name`.
    #[must_use]
    pub fn fork(&mut self, name: &str) -> Self {
        Self::new(self.next_u64(), name)
    }
}

impl Rng for Stream {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo): stable, and good enough to tell names apart.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(GOLDEN);
    finish(*state)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of xoshiro256++ from the state 1, 2, 3, 4, as its authors' C code prints.
    #[test]
    fn xoshiro_matches_its_reference() {
        let mut stream = Stream { state: [1, 2, 3, 4] };
        let expected = [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386];
        assert_eq!(core::array::from_fn(|_| stream.next_u64()), expected);
    }

    #[test]
    fn split_mix_matches_its_reference() {
        let mut state = 1_234_567;
        assert_eq!(split_mix(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(&mut state), 3_203_168_211_198_807_973);
    }

    #[test]
    fn streams_of_other_names_differ_and_of_equal_names_agree() {
        let (mut a, mut b) = (Stream::new(7, "backoff"), Stream::new(7, "backoff"));
        let mut c = Stream::new(7, "balance");
        let (x, y, z) = (a.next_u64(), b.next_u64(), c.next_u64());
        assert_eq!(x, y);
        assert_ne!(x, z);
    }

    #[test]
    fn draws_stay_below_their_bound() {
        assert_eq!(Draw::ALMOST_ONE.of(10), 9);
        assert_eq!(Draw::HALF.of(10), 5);
        assert_eq!(Draw::ZERO.of(10), 0);
        assert!(Draw::HALF.is_below(Ratio::from_ppm(500_001)));
        assert!(!Draw::HALF.is_below(Ratio::from_percent(50)));
    }
}
