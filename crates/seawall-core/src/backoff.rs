//! Backoff and jitter: how long to wait before a retry.

use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, nanos};

/// The random part of a backoff.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// None: callers that failed together come back together.
    None,
    /// `u · raw`. The default: of all kinds measured in "Exponential Backoff and Jitter" (AWS
    /// Architecture Blog, 2015) it needs the fewest calls under contention.
    #[default]
    Full,
    /// `raw/2 + u · raw/2`.
    Equal,
    /// `min(cap, base + u · (3 · previous − base))`.
    Decorrelated,
}

/// Settings of a backoff: `raw(n) = min(cap, base · factor^(n−1))` before retry n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffSettings {
    /// The raw wait before the first retry.
    pub base: Duration,
    /// Growth of the raw wait, at least 100 %.
    pub factor: Ratio,
    /// No wait is longer; at least `base`.
    pub cap: Duration,
    /// The random part.
    pub jitter: Jitter,
}

/// A server's hint beyond this means: do not retry, tell the caller.
pub const HINT_MAX: Duration = Duration::from_secs(300);

impl BackoffSettings {
    /// After a transient failure: 50 ms, doubling up to 2 s, full jitter.
    #[must_use]
    pub const fn transient() -> Self {
        Self {
            base: Duration::from_millis(50),
            factor: Ratio::from_percent(200),
            cap: Duration::from_secs(2),
            jitter: Jitter::Full,
        }
    }

    /// After the service asked to slow down: 1 s, doubling up to 20 s, full jitter.
    #[must_use]
    pub const fn throttled() -> Self {
        Self { base: Duration::from_secs(1), cap: Duration::from_secs(20), ..Self::transient() }
    }
}

impl Default for BackoffSettings {
    fn default() -> Self {
        Self::transient()
    }
}

/// The wait before retry `n`, counted from 1, without its random part. Saturates at the cap.
#[must_use]
pub fn raw(settings: &BackoffSettings, n: u32) -> Duration {
    let cap = nanos(settings.cap);
    let mut wait = nanos(settings.base).min(cap);
    // A factor above one reaches any cap within 64 doublings; one of at most 100 % never grows.
    for _ in 1..n {
        let next = settings.factor.of(wait).min(cap);
        if next <= wait {
            break;
        }
        wait = next;
    }
    Duration::from_nanos(wait)
}

/// The backoff of one call: what decorrelated jitter remembers between retries.
#[derive(Debug, Default)]
pub struct Backoff {
    previous: Option<Duration>,
}

impl Backoff {
    /// The wait before retry `n`, counted from 1; never above the cap.
    pub fn next(&mut self, settings: &BackoffSettings, n: u32, draw: Draw) -> Duration {
        let (base, cap) = (nanos(settings.base), nanos(settings.cap));
        let raw = nanos(raw(settings, n));
        let wait = match settings.jitter {
            Jitter::None => raw,
            Jitter::Full => draw.of(raw),
            Jitter::Equal => raw / 2 + draw.of(raw.div_ceil(2)),
            Jitter::Decorrelated => {
                let previous = self.previous.map_or(base, nanos);
                base.saturating_add(draw.of(previous.saturating_mul(3).saturating_sub(base)))
            }
        };
        let wait = Duration::from_nanos(wait.min(cap));
        self.previous = Some(wait);
        wait
    }
}

/// A wait that also honours the service's hint: the greater of `wait` and `hint + u · hint/2`, so
/// that callers who got the same hint do not come back together.
#[must_use]
pub fn with_hint(wait: Duration, hint: Duration, draw: Draw) -> Duration {
    let spread = Duration::from_nanos(draw.of(nanos(hint) / 2));
    wait.max(hint.saturating_add(spread))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const MS: Duration = Duration::from_millis(1);

    fn settings(jitter: Jitter) -> BackoffSettings {
        let (base, cap) = (MS * 100, MS * 2_000);
        BackoffSettings { base, cap, jitter, ..BackoffSettings::transient() }
    }

    fn waits(jitter: Jitter, draw: Draw, count: u32) -> Vec<Duration> {
        let mut backoff = Backoff::default();
        (1..=count).map(|n| backoff.next(&settings(jitter), n, draw)).collect()
    }

    #[test]
    fn bo_1_raw_doubles_up_to_the_cap() {
        let raws: Vec<_> = (1..=7).map(|n| raw(&settings(Jitter::None), n)).collect();
        assert_eq!(raws, [100, 200, 400, 800, 1_600, 2_000, 2_000].map(|ms| MS * ms));
    }

    #[test]
    fn bo_2_half_a_draw_gives_half_or_three_quarters() {
        assert_eq!(waits(Jitter::Full, Draw::HALF, 3), [50, 100, 200].map(|ms| MS * ms));
        assert_eq!(waits(Jitter::Equal, Draw::HALF, 3), [75, 150, 300].map(|ms| MS * ms));
    }

    #[test]
    fn bo_3_decorrelated_walks() {
        let micros = [200_000, 350_000, 575_000, 912_500, 1_418_750, 2_000_000];
        let expected = micros.map(Duration::from_micros);
        assert_eq!(waits(Jitter::Decorrelated, Draw::HALF, 6), expected);
        assert_eq!(waits(Jitter::Decorrelated, Draw::ZERO, 3), [MS * 100; 3]);
    }

    #[test]
    fn bo_4_a_hint_wins_over_a_shorter_backoff() {
        let wait = with_hint(MS * 80, Duration::from_secs(2), Draw::HALF);
        assert_eq!(wait, MS * 2_500);
        assert_eq!(with_hint(MS * 80, MS * 10, Draw::HALF), MS * 80);
    }

    #[test]
    fn t39_waits_are_finer_than_a_second() {
        let one = Duration::from_secs(1);
        let settings = BackoffSettings { base: one, ..BackoffSettings::transient() };
        let draw = Draw::from_bits(0x1234_5678_9abc_def0);
        assert_ne!(Backoff::default().next(&settings, 1, draw).subsec_nanos(), 0);
    }

    proptest! {
        #[test]
        fn t37_t38_no_wait_exceeds_its_cap(
            n in any::<u32>(), bits in any::<u64>(), base in any::<u64>(), cap in any::<u64>(),
            factor in 1_000_000_u32..=u32::MAX,
            jitter in prop::sample::select(
                &[Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated][..],
            ),
        ) {
            let (base, cap) = (Duration::from_nanos(base.min(cap)), Duration::from_nanos(cap));
            let factor = Ratio::from_ppm(factor);
            let settings = BackoffSettings { base, factor, cap, jitter };
            let mut backoff = Backoff::default();
            for n in [n, n.saturating_add(1), u32::MAX] {
                prop_assert!(backoff.next(&settings, n, Draw::from_bits(bits)) <= cap);
            }
        }
    }
}
