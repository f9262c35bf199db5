//! Backoff and jitter: how long to wait before a retry.
//!
//! Whether to retry at all, and whether the wait fits the deadline, is decided by the call.
//!
//! Waits are whole nanoseconds and always in [0, cap]: the cap binds the wait after its random part
//! too, not only before it. Nothing overflows, whatever the number of the retry.

use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, nanos};

/// The longest hint of a server that is followed. A longer one, or one beyond the deadline, means
/// not to retry, and is handed to the caller instead. The same limit as Envoy's: who waits longer
/// than five minutes only holds resources, and a wrong hint must not hold them for hours.
pub const HINT_MAX: Duration = Duration::from_secs(300);

/// The random part of a backoff.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// None: callers that failed together come back together.
    None,
    /// `u · raw`. The default: the fewest calls under contention of all kinds measured in
    /// "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).
    #[default]
    Full,
    /// `raw/2 + u · raw/2`.
    Equal,
    /// `min(cap, base + u · (3 · previous − base))`.
    Decorrelated,
}

/// Settings of a backoff: `raw(n) = min(cap, base · factor^(n−1))` before retry n.
///
/// Default: [`BackoffSettings::transient`].
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

impl BackoffSettings {
    /// After failures that pass by themselves: from 50 ms to 2 s, doubling, full jitter. The first
    /// wait is that of a lost connection or a restarted process, and three attempts fit any
    /// total deadline of seconds.
    #[must_use]
    pub const fn transient() -> Self {
        Self {
            base: Duration::from_millis(50),
            factor: Ratio::from_percent(200),
            cap: Duration::from_secs(2),
            jitter: Jitter::Full,
        }
    }

    /// After being asked to slow down: from 1 s to 20 s, since whoever is out of capacity needs
    /// quiet, not a quick second try.
    #[must_use]
    pub const fn throttled() -> Self {
        Self { base: Duration::from_secs(1), cap: Duration::from_secs(20), ..Self::transient() }
    }

    /// # Errors
    ///
    /// [`Invalid`] for the first setting that cannot work: a cap below the base, or waits that
    /// shrink. A base of zero means not to wait, and is permitted.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.factor < Ratio::ONE {
            return Err(Invalid::new("factor", self.factor, "at least 100%"));
        }
        if self.cap < self.base {
            let cap = alloc::format!("{} ms", self.cap.as_millis());
            return Err(Invalid::new("cap", cap, "at least base"));
        }
        Ok(())
    }
}

impl Default for BackoffSettings {
    fn default() -> Self {
        Self::transient()
    }
}

/// The backoff of one call: what decorrelated jitter remembers.
///
/// It lives in the call, never in shared state, and is deliberately not `Clone`: two calls that
/// went on from one memory would wait alike.
#[derive(Debug, Default)]
pub struct Backoff {
    previous: Option<Duration>,
}

impl Backoff {
    /// The wait before retry `retry` (1 is the first; 0 counts as 1), in [0, `cap`].
    ///
    /// `draw` is `u`; give a fresh one each time. Settings may change between retries, say because
    /// the last failure was of another kind.
    pub fn next(&mut self, settings: &BackoffSettings, retry: u32, draw: Draw) -> Duration {
        let delay = match settings.jitter {
            Jitter::None => raw(settings, retry),
            Jitter::Full => share(draw, raw(settings, retry)),
            Jitter::Equal => equal(raw(settings, retry), draw),
            Jitter::Decorrelated => self.decorrelated(settings, draw),
        };
        debug_assert!(delay <= settings.cap, "a wait of {delay:?} is above the cap");
        self.previous = Some(delay);
        delay
    }

    /// `min(cap, base + u · (3 · previous − base))`, previous being `base` at first.
    fn decorrelated(&self, settings: &BackoffSettings, draw: Draw) -> Duration {
        let previous = self.previous.unwrap_or(settings.base);
        let spread = previous.saturating_mul(3).saturating_sub(settings.base);
        settings.base.saturating_add(share(draw, spread)).min(settings.cap)
    }
}

/// The wait before retry `retry` (1 is the first; 0 counts as 1) without its random part:
/// `min(cap, base · factor^(retry−1))`, to the nearest nanosecond.
///
/// Takes at most 64 multiplications, however large `retry` is.
#[must_use]
pub fn raw(settings: &BackoffSettings, retry: u32) -> Duration {
    // Nothing times a growth that does not fit is still nothing.
    if settings.base.is_zero() {
        return Duration::ZERO;
    }
    let base = Fixed::whole(nanos(settings.base));
    let grown = Fixed::from_ratio(settings.factor)
        .power(retry.saturating_sub(1))
        .and_then(|growth| growth.times(base));
    // What does not fit is longer than any cap.
    grown.map_or(settings.cap, |grown| grown.rounded().min(settings.cap))
}

/// A backoff that respects a server's `hint` when to come back (`Retry-After` and its kin):
/// `max(delay, hint + u · hint/2)`. The random part only adds, so nobody comes early, and spreads
/// over half the hint, so not everybody comes at once.
///
/// Hints above [`HINT_MAX`] and those that end beyond the deadline are the caller's to refuse.
#[must_use]
pub fn with_hint(delay: Duration, hint: Duration, draw: Draw) -> Duration {
    delay.max(hint.saturating_add(share(draw, hint / 2)))
}

/// `raw/2 + u · raw/2`, never above `raw`.
fn equal(raw: Duration, draw: Draw) -> Duration {
    let half = raw / 2;
    half + share(draw, half)
}

/// `u · whole`, rounded down.
fn share(draw: Draw, whole: Duration) -> Duration {
    Duration::from_nanos(draw.of(nanos(whole)))
}

/// A number below 2⁶⁴ with 64 binary places, so that powers neither need floats nor lose the
/// nanosecond. Arithmetic that does not fit gives `None`.
#[derive(Clone, Copy, Debug)]
struct Fixed(u128);

impl Fixed {
    const ONE: Self = Self::whole(1);

    const fn whole(number: u64) -> Self {
        Self((number as u128) << 64)
    }

    /// A factor like 1.1 has no finite binary form; what is cut off is below 2⁻⁶⁴.
    fn from_ratio(ratio: Ratio) -> Self {
        Self((u128::from(ratio.ppm()) << 64) / u128::from(Ratio::ONE.ppm()))
    }

    /// By the four products of the halves; places below the last are cut off.
    fn times(self, other: Self) -> Option<Self> {
        let [(a, b), (c, d)] = [self.halves(), other.halves()];
        let whole = u64::try_from(a * c).ok()?;
        let mixed = (a * d).checked_add(b * c)?;
        Self::whole(whole).0.checked_add(mixed)?.checked_add((b * d) >> 64).map(Self)
    }

    /// By repeated squaring.
    fn power(self, exponent: u32) -> Option<Self> {
        let (mut result, mut square, mut rest) = (Self::ONE, self, exponent);
        while rest > 0 {
            if rest % 2 == 1 {
                result = result.times(square)?;
            }
            rest /= 2;
            // The square of the last bit is never used, and may not fit where the result does.
            if rest > 0 {
                square = square.times(square)?;
            }
        }
        Some(result)
    }

    /// The whole and the fractional half.
    const fn halves(self) -> (u128, u128) {
        (self.0 >> 64, self.0 & u64::MAX as u128)
    }

    /// To the nearest nanosecond.
    fn rounded(self) -> Duration {
        let (whole, fraction) = self.halves();
        let whole = u64::try_from(whole).unwrap_or(u64::MAX);
        Duration::from_nanos(whole.saturating_add(u64::from(fraction >> 63 == 1)))
    }
}

#[cfg(test)]
mod tests;
