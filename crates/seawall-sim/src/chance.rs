//! Chance by name: each consumer has a stream of its own, derived from the seed of the run.
//!
//! One more replica, or one more draw in one place, then changes the draws of no other place, and
//! two configs can be compared under the same chance.

use seawall_core::rng::{Rng, Stream};

/// The seed of a run, from which all streams are derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// A master seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The seed of run `index` of a series under this master seed, whoever runs it and when.
    #[must_use]
    pub fn of_run(self, index: u64) -> Self {
        Self(Stream::new(self.0, &format!("run {index}")).next_u64())
    }

    /// The stream called `name`.
    #[must_use]
    pub fn stream(self, name: &str) -> Stream {
        Stream::new(self.0, name)
    }
}

/// The 53 bits of a draw as a number in [0, 1).
pub fn unit(rng: &mut impl Rng) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    let bits = (rng.next_u64() >> 11) as f64;
    bits / 9_007_199_254_740_992.0
}

/// A draw of the exponential distribution with mean 1, by inversion.
pub fn exponential(rng: &mut impl Rng) -> f64 {
    -libm::log(1.0 - unit(rng))
}

/// A draw of the standard normal distribution (Box and Muller, 1958). Two draws each time, the
/// second value given up, so that the number of draws never depends on what came before.
pub fn normal(rng: &mut impl Rng) -> f64 {
    let radius = libm::sqrt(2.0 * exponential(rng));
    radius * libm::cos(std::f64::consts::TAU * unit(rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_seeds_of_their_own_that_repeat() {
        let master = Seed::new(7);
        assert_ne!(master.of_run(0), master.of_run(1));
        assert_eq!(master.of_run(3), Seed::new(7).of_run(3));
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut rng = Seed::new(1).stream("moments");
        let n = 200_000_u32;
        let draws: Vec<f64> = (0..n).map(|_| normal(&mut rng)).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let square = draws.iter().map(|draw| draw * draw).sum::<f64>() / f64::from(n);
        // Four standard errors of each.
        assert!(mean.abs() < 0.009, "{mean}");
        assert!((square - 1.0).abs() < 0.0127, "{square}");
        let mean = (0..n).map(|_| exponential(&mut rng)).sum::<f64>() / f64::from(n);
        assert!((mean - 1.0).abs() < 0.009, "{mean}");
    }
}
