//! The latency estimate of one endpoint: a moving average that jumps to peaks and decays from
//! them with time. From Finagle's `PeakEwma` (Twitter, 2016) and Linkerd's balancer.
//!
//! What is recorded (penalties, cancelled attempts) is decided in `balancer`.

#![expect(
    clippy::float_arithmetic,
    reason = "an estimator; its numbers are neither persisted nor sent nor used as keys"
)]

use crate::time::{Duration, Instant};

/// No estimate reads lower. Below it, attempts in flight would no longer matter to the cost.
const FLOOR_SECONDS: f64 = 1e-9;

/// What the first failure is charged fades by this share of τ: with 10 s and a charge of 3 s it is
/// below the usual 30 ms after 1.2 s. A second failure keeps calls away for twice as long.
const FIRST_FADE: f64 = 1.0 / 40.0;

/// It fades by no more than this share of the time since the first failure: to be below the usual
/// takes between four and five times as long, so calls stay away for about a quarter as long again
/// as it was ill, as after an ejection.
const ILL_FADE: f64 = 1.0 / 16.0;

/// By then it fades by τ itself.
const FADES_DOUBLED_MAX: u32 = 6;

/// So many good answers in a row make up for all failures before them: an endpoint that fails half
/// of the time, or a tenth, hardly ever has as many.
const FORGIVEN_BY: u32 = 20;

/// What an attempt would cost. Never NaN: estimates are finite and weights above zero.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Cost(f64);

impl Cost {
    /// Of an endpoint that takes no part: dearer than any, so chosen only where nobody else is.
    pub(super) const BEYOND: Self = Self(f64::INFINITY);
}

/// How fast estimates decay: τ in seconds, kept as the number that all of them are divided by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decay(f64);

impl Decay {
    pub(super) fn over(tau: Duration) -> Self {
        Self(tau.as_secs_f64())
    }
}

/// A peak-EWMA of latencies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    seconds: f64,
    at: Instant,
    basis: Basis,
    /// Failures that good answers have not outweighed yet ...
    failures: u32,
    /// ... and when the first of them was.
    ill_since: Instant,
    /// Good answers since the last of them.
    good: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basis {
    /// A guess, which the first sample replaces.
    Assumed,
    /// At least one sample.
    Measured,
    /// A failure, charged as a latency, which fades.
    Failed,
}

impl Estimate {
    /// A guess made at `now`. It decays like a sample, so that a guess far above the rest of the
    /// upstream starves nobody for ever.
    pub(super) fn assumed(latency: Duration, now: Instant) -> Self {
        let seconds = latency.as_secs_f64();
        Self { seconds, at: now, basis: Basis::Assumed, failures: 0, ill_since: now, good: 0 }
    }

    /// Makes a guess of it again. Failures are remembered.
    pub(super) fn assume(&mut self, latency: Duration, now: Instant) {
        (self.seconds, self.at) = (latency.as_secs_f64(), self.at.max(now));
        self.basis = Basis::Assumed;
    }

    /// Takes one sample. The peak is judged against the value before decay, as in Finagle.
    pub(super) fn record(&mut self, latency: Duration, now: Instant, tau: Decay) {
        let sample = latency.as_secs_f64();
        let keep = remaining(now.since(self.at), self.pace(tau));
        self.at = self.at.max(now);
        if self.basis == Basis::Assumed || sample > self.seconds {
            (self.seconds, self.basis) = (sample, Basis::Measured);
            return;
        }
        self.seconds = self.seconds * keep + sample * (1.0 - keep);
        // Was a charge replaced by the first good answer, all calls would go to whoever gave it:
        // while all fail now and then, to one after the other.
        if self.seconds <= 2.0 * sample {
            self.basis = Basis::Measured;
        }
    }

    /// Takes the latency of a good answer. Enough of them in a row make up for earlier failures.
    pub(super) fn answered(&mut self, latency: Duration, now: Instant, tau: Decay) {
        self.record(latency, now, tau);
        self.good = self.good.saturating_add(1);
        if self.good >= FORGIVEN_BY {
            self.failures = 0;
        }
    }

    /// Takes a failure, charged as `latency`. It keeps calls away for a while that doubles with
    /// each failure that good answers have not made up for, up to `most` of them.
    pub(super) fn failed(&mut self, latency: Duration, most: u32, now: Instant) {
        if self.failures == 0 {
            self.ill_since = now;
        }
        self.failures = self.failures.saturating_add(1).min(self.failures.max(most));
        (self.seconds, self.good) = (latency.as_secs_f64().max(self.seconds), 0);
        self.at = self.at.max(now);
        self.basis = Basis::Failed;
    }

    /// The estimate as it reads at `now`.
    pub(super) fn latency(&self, now: Instant, tau: Decay) -> Duration {
        Duration::try_from_secs_f64(self.decayed(now, tau)).unwrap_or(Duration::MAX)
    }

    /// Whether `elapsed` lies above the estimate as it reads at `now`.
    pub(super) fn is_exceeded_by(&self, elapsed: Duration, now: Instant, tau: Decay) -> bool {
        elapsed.as_secs_f64() > self.decayed(now, tau)
    }

    /// The cost of one more attempt where so many are active and the weight in millionths is
    /// this. A weight of zero counts as the smallest above it.
    pub(super) fn cost(&self, now: Instant, tau: Decay, load: (u32, u64)) -> Cost {
        let (active, weight) = load;
        let weight = Duration::from_nanos(weight.max(1)).as_secs_f64();
        Cost(self.decayed(now, tau) * (f64::from(active) + 1.0) / weight)
    }

    /// Whether the estimate is a number that costs can be made of.
    pub(super) fn is_sound(&self) -> bool {
        self.seconds.is_finite() && self.seconds >= 0.0
    }

    fn decayed(&self, now: Instant, tau: Decay) -> f64 {
        (self.seconds * remaining(now.since(self.at), self.pace(tau))).max(FLOOR_SECONDS)
    }

    /// How fast it decays: what failures were charged fades the slower the more of them there are,
    /// and the longer they have lasted.
    fn pace(&self, Decay(tau): Decay) -> Decay {
        let doublings = self.failures.saturating_sub(1).min(FADES_DOUBLED_MAX);
        let first = tau * FIRST_FADE;
        match self.basis {
            Basis::Failed => {
                let ill = self.at.since(self.ill_since).as_secs_f64() * ILL_FADE;
                Decay((first * f64::from(1_u32 << doublings)).min(ill.max(first)).min(tau))
            }
            Basis::Assumed | Basis::Measured => Decay(tau),
        }
    }
}

/// e^(−idle/τ): the share of an estimate that is left after `idle`; nothing without a τ.
fn remaining(idle: Duration, Decay(tau): Decay) -> f64 {
    if tau <= 0.0 {
        return 0.0;
    }
    libm::exp(-(idle.as_secs_f64() / tau))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_from_zero_up_are_sound() {
        let sound =
            |seconds| Estimate { seconds, ..Estimate::assumed(Duration::ZERO, Instant::EPOCH) };
        let sound = |seconds| sound(seconds).is_sound();
        assert!(sound(0.0) && sound(1.5));
        assert!(!sound(f64::NAN) && !sound(f64::INFINITY) && !sound(-1.0));
    }
}
