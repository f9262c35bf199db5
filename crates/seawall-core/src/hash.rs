//! The one hash of Seawall: where it decides where a key or a name belongs.
//!
//! Its values never change between versions, platforms or builds; a fleet whose instances hash
//! differently would send one key to many places. The tests hold the vectors. It is no defence
//! against callers who choose colliding keys: whoever hashes callers' text takes a secret seed.
//! Chance is in `rng`; placing by hash is in `balance`.

use xxhash_rust::xxh64::xxh64;

/// XXH64 (Collet, 2012; specification 0.1.1) of `bytes` under `seed`.
///
/// Some 1 ns for short keys; uniform in all 64 bits, so any of them may be used as an index.
#[must_use]
pub fn hash(seed: u64, bytes: &[u8]) -> u64 {
    xxh64(bytes, seed)
}

/// The odd fraction of the golden ratio, by which `SplitMix64` steps. It keeps the pair (0, 0) from
/// giving 0.
pub(crate) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// One hash of two, of which the order matters: the score of a key at an endpoint, or the hash of
/// an endpoint's n-th point.
///
/// Two rounds of the finaliser of `SplitMix64`. For a fixed `b` no two values of `a` collide.
#[must_use]
pub const fn mix(a: u64, b: u64) -> u64 {
    finish(a ^ finish(b.wrapping_add(GOLDEN)))
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, 2014; constants by Stafford): every bit of
/// the result depends on every bit given, no two results are the same, and 0 gives 0.
pub(crate) const fn finish(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t152_xxh64_matches_its_published_vectors() {
        // xxHash's own sanity check: no bytes, and the well-known texts.
        assert_eq!(hash(0, b""), 0xef46_db37_51d8_e999);
        assert_eq!(hash(2_654_435_761, b""), 0xac75_fda2_929b_17ef);
        assert_eq!(hash(0, b"a"), 0xd24e_c4f1_a98c_6e5b);
        assert_eq!(hash(0, b"abc"), 0x44bc_2cf5_ad77_0999);
        assert_eq!(hash(0, b"Nobody inspects the spammish repetition"), 0xfbce_a83c_8a37_8bf1);
    }

    #[test]
    fn t152_mix_never_changes() {
        // The first value is SplitMix64's own first output for the seed 0, finished once more.
        assert_eq!(mix(0, 0), finish(0xe220_a839_7b1d_cdaf));
        assert_eq!(mix(0, 0), 0x4821_8226_ff3c_d4bf);
        assert_eq!(mix(1, 2), 0xf282_6f98_653e_9e57);
        assert_eq!(mix(u64::MAX, 7), 0x69a9_7e86_0828_cdd5);
    }

    #[test]
    fn the_order_of_a_mix_matters_and_every_bit_moves() {
        assert_ne!(mix(1, 2), mix(2, 1));
        let base = mix(42, 42);
        for bit in 0..64 {
            let (a, b) = (mix(42 ^ (1 << bit), 42) ^ base, mix(42, 42 ^ (1 << bit)) ^ base);
            assert!((14..=50).contains(&a.count_ones()) && (14..=50).contains(&b.count_ones()));
        }
    }
}
