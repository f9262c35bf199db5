//! φ: how improbable a silence has become, and how long a silence a given φ stands for.
//!
//! Silences are taken as normally distributed; the tail of the distribution is the logistic
//! approximation that Akka uses: `1 − F(y) ≈ 1 / (1 + e^x)`, `x = y · (1.5976 + 0.070566 · y²)`.
//! What the silences of a peer are like is in `intervals.rs`, deciding by them in `accrual.rs`.

#![expect(
    clippy::float_arithmetic,
    reason = "an estimator; what decides are the instants that come out of it, as integers"
)]

use crate::time::Duration;

/// The two coefficients of the approximation (Akka, `PhiAccrualFailureDetector`).
const LINEAR: f64 = 1.5976;
const CUBIC: f64 = 0.070_566;

/// No φ is larger. Beyond it a double holds no more of the tail, and nobody waits that long.
const PHI_MAX: f64 = 300.0;

/// The suspicion level φ in thousandths: at φ the chance of a longer silence of a live peer is
/// 10^−φ. From 0 to 300.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phi(u32);

impl Phi {
    /// The largest, at which φ is clamped.
    pub const MAX: Self = Self(300_000);

    /// `milli` thousandths, at most 300 000.
    #[must_use]
    pub const fn from_milli(milli: u32) -> Self {
        if milli > Self::MAX.0 { Self::MAX } else { Self(milli) }
    }

    /// Thousandths.
    #[must_use]
    pub const fn milli(self) -> u32 {
        self.0
    }

    /// φ of a silence this long where silences have this mean and deviation.
    ///
    /// `φ = (x + ln(1 + e^−x)) / ln 10`. This form survives where e^−x underflows; below zero
    /// its mirror image `ln(1 + e^x) / ln 10` is taken, since there e^−x overflows.
    #[must_use]
    pub fn of(silence: Duration, rhythm: Rhythm) -> Self {
        let above = silence.as_secs_f64() - rhythm.mean.as_secs_f64();
        let deviation = rhythm.deviation.as_secs_f64();
        if deviation <= 0.0 {
            return if above > 0.0 { Self::MAX } else { Self(0) };
        }
        let y = above / deviation;
        let x = y * (LINEAR + CUBIC * y * y);
        let natural =
            if x >= 0.0 { x + libm::log1p(libm::exp(-x)) } else { libm::log1p(libm::exp(x)) };
        Self::rounded(natural / core::f64::consts::LN_10)
    }

    /// The silence at which φ is reached: `mean + y(φ) · deviation`, rounded up.
    #[must_use]
    pub fn silence(self, rhythm: Rhythm) -> Duration {
        let seconds = self.deviations() * rhythm.deviation.as_secs_f64();
        if seconds >= 0.0 {
            rhythm.mean.saturating_add(up(seconds))
        } else {
            rhythm.mean.saturating_sub(up(-seconds))
        }
    }

    /// How many deviations above the mean φ lies: the inverse of the approximation.
    ///
    /// `y³ + p·y = q` has one real root, `2·√(p/3) · sinh(asinh(1.5·(q/p)·√(3/p)) / 3)`, a form
    /// without the cancellation of Cardano's.
    fn deviations(self) -> f64 {
        let natural = f64::from(self.0) / 1_000.0 * core::f64::consts::LN_10;
        // From φ·ln 10 = ln(1 + e^x): x = ln(e^(φ·ln 10) − 1). Zero has no x; a tiny φ stands in.
        let natural = natural.max(1e-9);
        let x = natural + libm::log1p(-libm::exp(-natural));
        let (p, q) = (LINEAR / CUBIC, x / CUBIC);
        let scaled = 1.5 * (q / p) * libm::sqrt(3.0 / p);
        2.0 * libm::sqrt(p / 3.0) * libm::sinh(libm::asinh(scaled) / 3.0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "clamped to 300 000 first")]
    #[expect(clippy::cast_sign_loss, reason = "clamped to 0 first")]
    fn rounded(phi: f64) -> Self {
        Self(libm::round(phi.clamp(0.0, PHI_MAX) * 1_000.0) as u32)
    }
}

/// What the silences of a live peer are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// Their mean, any acceptable pause added.
    pub mean: Duration,
    /// Their standard deviation, already raised to its least value.
    pub deviation: Duration,
}

/// The square root of a number of square nanoseconds, rounded down to nanoseconds.
pub(super) fn root(square: u128) -> u64 {
    u64::try_from(square.isqrt()).unwrap_or(u64::MAX)
}

/// Seconds as a duration, rounded up to a nanosecond; the longest where it does not fit.
fn up(seconds: f64) -> Duration {
    let nanosecond = Duration::from_nanos(1);
    Duration::try_from_secs_f64(seconds).map_or(Duration::MAX, |d| d.saturating_add(nanosecond))
}
