//! Races of attempts against their hedges over seeded draws: what hedging gains and costs.

#![expect(clippy::float_arithmetic, reason = "the service time is a real number")]

use super::*;
use crate::budget::{Budget, BudgetSettings};
use crate::rng::{Rng, Stream};
use crate::timeout::Sample;

/// Of the service time.
const MEAN: f64 = 0.1;

/// An exponential service time, by the inverse of its distribution.
fn served(stream: &mut Stream) -> Duration {
    let u = stream.draw().of(1 << 52).max(1);
    let share = f64::from(u32::try_from(u >> 20).unwrap().max(1)) / f64::from(u32::MAX);
    Duration::from_secs_f64(-MEAN * libm::log(share))
}

/// A fleet whose every call is raced, one call after the other.
struct Fleet {
    hedging: Hedging,
    budget: Budget,
    latencies: RotatingHistogram,
    stream: Stream,
    now: Instant,
    hedges: u64,
    outrun: Outrun,
}

/// Whether an attempt that its hedge has outrun is a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outrun {
    Counts,
    IsLeftOut,
}

impl Fleet {
    fn new(settings: HedgeSettings) -> Self {
        Self {
            hedging: hedging(settings),
            budget: Budget::new(BudgetSettings::default(), Instant::EPOCH),
            latencies: minute(),
            stream: Stream::new(1, "service"),
            now: at(1_000),
            hedges: 0,
            outrun: Outrun::Counts,
        }
    }

    /// How long a call takes whose attempts take `factor` times the usual.
    fn call(&mut self, factor: u32) -> Duration {
        self.now = self.now.after(millis(5));
        self.hedging.deposit(self.now);
        self.budget.deposit(self.now);
        let first = served(&mut self.stream) * factor;
        let delay = self.hedging.delay(self.now, &mut self.latencies, SECOND * 10);
        let Some(delay) = delay.filter(|delay| *delay < first) else {
            return self.ended(Sample::Answered(first));
        };
        if !self.fire(delay) {
            return self.ended(Sample::Answered(first));
        }
        let second = served(&mut self.stream) * factor;
        let raced = first.min(delay + second);
        // The loser is a sample only if it was the slow one; a hedge that lost was cut for no
        // fault of its own.
        if raced == first {
            return self.ended(Sample::Answered(first));
        }
        if self.outrun == Outrun::Counts {
            self.ended(Sample::Outrun(raced));
        }
        self.ended(Sample::Answered(second));
        raced
    }

    /// Whether a hedge was sent, as a caller asks for it.
    fn fire(&mut self, delay: Duration) -> bool {
        let Ok(hedge) = self.hedging.may_fire(self.now, &clear(), &mut Discard) else {
            return false;
        };
        let Ok(reservation) = self.budget.reserve(self.now) else {
            self.hedging.withdraw(hedge, Suppressed::BudgetEmpty, self.now, &mut Discard);
            return false;
        };
        reservation.spend();
        self.hedging.fired(&hedge, delay, ENDPOINT, &mut Discard);
        self.hedges += 1;
        true
    }

    fn ended(&mut self, sample: Sample) -> Duration {
        sample.record(self.now, &mut self.latencies);
        sample.latency()
    }

    /// Hedges for each of so many calls.
    fn share(&self, calls: u32) -> f64 {
        f64::from(u32::try_from(self.hedges).unwrap()) / f64::from(calls)
    }

    /// The delay that was learnt, in means of the service time.
    fn learnt(&self) -> f64 {
        self.hedging.snapshot(self.now).quantile.unwrap().as_secs_f64() / MEAN
    }

    /// The latencies of so many calls, sorted.
    fn calls(&mut self, calls: u32, factor: u32) -> Vec<Duration> {
        let mut taken: Vec<_> = (0..calls).map(|_| self.call(factor)).collect();
        taken.sort_unstable();
        taken
    }
}

/// The latency of this rank in means of the service time.
fn in_means(sorted: &[Duration], per_mille: usize) -> f64 {
    sorted[sorted.len() * per_mille / 1_000].as_secs_f64() / MEAN
}

fn assert_close(ours: f64, exact: f64, tolerance: f64) {
    assert!((ours - exact).abs() <= exact * tolerance, "{ours} is not {exact}");
}

const CALLS: u32 = 200_000;

#[test]
fn he_1_without_hedges_the_tail_is_that_of_one_attempt() {
    let taken = Fleet::new(HedgeSettings::default()).calls(CALLS, 1);
    assert_close(in_means(&taken, 990), 4.605, 0.02);
    assert_close(in_means(&taken, 999), 6.908, 0.04);
}

#[test]
fn he_1_a_hedge_at_p95_cuts_the_tail_for_five_percent_of_load() {
    // The p95 of the distribution itself, and a share that never binds.
    let delay = HedgeDelay::Fixed(Duration::from_secs_f64(2.996 * MEAN));
    let share = Ratio::from_percent(50);
    let mut fleet = Fleet::new(HedgeSettings { delay, share, ..enforced() });
    let taken = fleet.calls(CALLS, 1);
    assert_close(in_means(&taken, 990), 3.800, 0.02);
    assert_close(in_means(&taken, 999), 4.952, 0.04);
    assert_close(fleet.share(CALLS), 0.05, 0.03);
}

#[test]
fn he_1_a_learnt_delay_does_as_well_to_the_precision_of_the_histogram() {
    let mut fleet = Fleet::new(enforced());
    fleet.calls(1_000, 1);
    fleet.hedges = 0;
    let taken = fleet.calls(CALLS, 1);
    assert_close(in_means(&taken, 990), 3.85, 0.05);
    let load = fleet.share(CALLS);
    assert!((0.035..=0.05).contains(&load), "{load} extra attempts a call");
    assert_close(fleet.learnt(), 2.996, 0.12);
}

#[test]
fn a_delay_learnt_without_the_outrun_creeps_down() {
    let learnt = |outrun| {
        let mut fleet = Fleet::new(HedgeSettings { share: Ratio::ONE, ..enforced() });
        fleet.budget.reconfigure(
            BudgetSettings { ratio: Ratio::ONE, ..BudgetSettings::default() },
            fleet.now,
        );
        fleet.outrun = outrun;
        fleet.calls(100_000, 1);
        fleet.learnt()
    };
    let (counted, left_out) = (learnt(Outrun::Counts), learnt(Outrun::IsLeftOut));
    assert_close(counted, 2.996, 0.12);
    assert!(left_out < 2.5, "{left_out} instead of {counted}");
}

#[test]
fn t83_when_the_whole_upstream_slows_down_hedges_stay_within_their_share() {
    let mut fleet = Fleet::new(enforced());
    fleet.calls(20_000, 1);
    fleet.hedges = 0;
    fleet.calls(20_000, 100);
    let share = fleet.share(20_000);
    assert!(share <= 0.051, "{share} extra attempts a call");
    let refused = suppressed(&fleet.hedging, Suppressed::ShareReached);
    assert!(refused > 500, "without the share there would be more: {refused}");
}

#[test]
fn t70_an_empty_budget_stops_hedges_too() {
    let settings = HedgeSettings { share: Ratio::ONE, ..enforced() };
    let mut fleet = Fleet::new(settings);
    let none = BudgetSettings { ratio: Ratio::ZERO, floor_per_second: 0, ..Default::default() };
    fleet.budget.reconfigure(none, fleet.now);
    fleet.calls(5_000, 1);
    assert_eq!(fleet.hedges, 0);
    assert!(suppressed(&fleet.hedging, Suppressed::BudgetEmpty) > 100);
    assert_eq!(fleet.hedging.snapshot(fleet.now).hedges, 0, "none of them stays counted");
}
