//! When requests arrive and what they ask for: a Poisson process from a seed. Both sides of the
//! demo get the same sequence. Who sends them is in `load`.

use std::time::Duration;

use seawall_core::rng::{Rng, Stream};

/// What one request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// Read a page.
    Page,
    /// Pay once.
    Payment,
}

/// One request to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// When it is due, counted from the start of the load. Latency counts from here, so a late
    /// start of the request is part of what the customer waited (no coordinated omission).
    pub(super) at: Duration,
    /// Its place in the sequence, from 0.
    pub(super) number: u64,
    /// What it asks for.
    pub(super) wish: Wish,
}

/// The sequence: endless, and equal for equal seed and rate.
#[derive(Debug)]
pub(super) struct Arrivals {
    gaps: Stream,
    wishes: Stream,
    per_second: u32,
    at: Duration,
    number: u64,
}

/// Of every 11 requests, 3 are payments on average: 40 pages and 15 payments at 55 a second.
const PAYMENTS_OF: (u64, u64) = (3, 11);

impl Arrivals {
    /// The sequence of `seed` with `per_second` requests a second on average.
    pub(super) fn new(seed: u64, per_second: u32) -> Self {
        let gaps = Stream::new(seed, "demo arrivals: gaps");
        let wishes = Stream::new(seed, "demo arrivals: wishes");
        Self { gaps, wishes, per_second, at: Duration::ZERO, number: 0 }
    }

    /// An exponential gap by inversion of its distribution function.
    fn gap(&mut self) -> Duration {
        let bits = u32::try_from(self.gaps.next_u64() >> 32).unwrap_or(u32::MAX);
        // In (0, 1]: the logarithm of zero does not exist.
        let share = (f64::from(bits) + 1.0) / (f64::from(u32::MAX) + 1.0);
        Duration::from_secs_f64(-share.ln() / f64::from(self.per_second.max(1)))
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let gap = self.gap();
        self.at += gap;
        let pays = self.wishes.below(PAYMENTS_OF.1) < PAYMENTS_OF.0;
        let wish = if pays { Wish::Payment } else { Wish::Page };
        let arrival = Arrival { at: self.at, number: self.number, wish };
        self.number += 1;
        Some(arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, count: usize) -> Vec<Arrival> {
        Arrivals::new(seed, 55).take(count).collect()
    }

    #[test]
    fn equal_seeds_give_equal_sequences_and_others_differ() {
        assert_eq!(first(7, 500), first(7, 500));
        assert_ne!(first(7, 500), first(8, 500));
    }

    #[test]
    fn arrivals_never_go_back_in_time_and_are_numbered_without_gaps() {
        let all = first(1, 2_000);
        assert!(all.windows(2).all(|pair| pair[0].at <= pair[1].at));
        assert!((0_u64..).zip(&all).all(|(number, arrival)| arrival.number == number));
    }

    #[test]
    fn the_mean_rate_and_the_share_of_payments_are_as_asked() {
        let all = first(1, 55 * 200);
        let seconds = all.last().unwrap().at.as_secs();
        assert!((190..=210).contains(&seconds), "11000 arrivals at 55/s took {seconds} s");
        let payments = all.iter().filter(|arrival| arrival.wish == Wish::Payment).count();
        assert!((2_800..=3_200).contains(&payments), "{payments} of 11000 are payments");
    }
}
