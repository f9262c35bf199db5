//! Backoff and jitter: how long to wait before a retry.
//!
//! Whether to retry at all, and whether the wait fits the deadline, is decided by the call. What a
//! service says about when to come back is in `backoff/hint.rs`.
//!
//! | schedule | made by |
//! | --- | --- |
//! | none | [`BackoffSettings::none`] |
//! | constant | [`BackoffSettings::constant`] |
//! | exponential | [`BackoffSettings::exponential`] |
//! | full, equal or decorrelated jitter | any of them [`jittered`](BackoffSettings::jittered) |
//! | at once, then any other | any of them with [`FirstRetry::AtOnceIfUnsent`] or
//! [`FirstRetry::AtOnceElsewhere`] |
//!
//! Waits are whole nanoseconds and always in [0, cap]: the cap binds the wait after its random part
//! too, not only before it. Nothing overflows, whatever the number of the retry.

mod hint;

pub use hint::{HINT_MAX, HintTooFar, delta_seconds, follow, with_hint};

use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, nanos};

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

/// What comes before the first retry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstRetry {
    /// The schedule's first wait. The default.
    #[default]
    Waits,
    /// Nothing, if the failed attempt was provably never sent: a connection that was refused or
    /// closed under the request says nothing about load, and another endpoint may do. The retries
    /// after it follow the schedule from its beginning. After any other failure the first retry
    /// waits like the rest.
    AtOnceIfUnsent,
    /// Nothing, if the failed attempt had no connection or lost it, and an endpoint is left that
    /// the call has not tried: what cut one endpoint off says nothing about another, and who is
    /// asked is not who failed. Otherwise the first wait.
    AtOnceElsewhere,
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
    /// What comes before the first retry.
    pub first: FirstRetry,
}

impl BackoffSettings {
    /// No wait at all. For tests, and for callers whose budget is the only brake.
    #[must_use]
    pub const fn none() -> Self {
        Self::constant(Duration::ZERO)
    }

    /// The same wait before every retry, without a random part.
    #[must_use]
    pub const fn constant(wait: Duration) -> Self {
        Self {
            base: wait,
            factor: Ratio::ONE,
            cap: wait,
            jitter: Jitter::None,
            first: FirstRetry::Waits,
        }
    }

    /// Doubling from `base` up to `cap`, without a random part.
    #[must_use]
    pub const fn exponential(base: Duration, cap: Duration) -> Self {
        Self { factor: Ratio::from_percent(200), cap, ..Self::constant(base) }
    }

    /// The same with this random part.
    #[must_use]
    pub const fn jittered(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }

    /// After failures that pass by themselves: from 50 ms to 2 s, doubling, full jitter. The first
    /// wait is that of a lost connection or a restarted process, and three attempts fit any
    /// total deadline of seconds.
    #[must_use]
    pub const fn transient() -> Self {
        let (base, cap) = (Duration::from_millis(50), Duration::from_secs(2));
        Self::exponential(base, cap).jittered(Jitter::Full)
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

/// The backoff of one call: what decorrelated jitter remembers, and where its schedule began.
///
/// It lives in the call, never in shared state, and is deliberately not `Clone`: two calls that
/// went on from one memory would wait alike.
#[derive(Debug, Default)]
pub struct Backoff {
    previous: Option<Duration>,
    /// Retries that the schedule does not count: it begins after them.
    skipped: u32,
}

impl Backoff {
    /// The backoff of a call that has not been retried.
    #[must_use]
    pub const fn new() -> Self {
        Self { previous: None, skipped: 0 }
    }

    /// The wait before retry `retry` (1 is the first; 0 counts as 1), in [0, `cap`].
    ///
    /// `draw` is `u`; give a fresh one each time. Settings may change between retries, say because
    /// the last failure was of another kind.
    pub fn next(&mut self, settings: &BackoffSettings, retry: u32, draw: Draw) -> Duration {
        let step = retry.saturating_sub(self.skipped);
        let delay = match settings.jitter {
            Jitter::None => raw(settings, step),
            Jitter::Full => share(draw, raw(settings, step)),
            Jitter::Equal => equal(raw(settings, step), draw),
            Jitter::Decorrelated => self.decorrelated(settings, draw),
        };
        debug_assert!(delay <= settings.cap, "a wait of {delay:?} is above the cap");
        self.previous = Some(delay);
        delay
    }

    /// As [`Backoff::next`], after an attempt that was provably never sent: the first retry comes
    /// at once where [`FirstRetry::AtOnceIfUnsent`] says so.
    pub fn next_unsent(&mut self, settings: &BackoffSettings, retry: u32, draw: Draw) -> Duration {
        match settings.first {
            FirstRetry::AtOnceIfUnsent if retry <= 1 => self.at_once(retry),
            FirstRetry::AtOnceIfUnsent | FirstRetry::AtOnceElsewhere | FirstRetry::Waits => {
                self.next(settings, retry, draw)
            }
        }
    }

    /// No wait before retry `retry`; the schedule begins with the one after it.
    pub fn at_once(&mut self, retry: u32) -> Duration {
        self.restart_after(retry);
        Duration::ZERO
    }

    /// Begins the schedule anew: the retry after this one waits as the first. For servers that set
    /// the wait before `retry` themselves ([`crate::outcome::Pushback`]).
    pub fn restart_after(&mut self, retry: u32) {
        *self = Self { previous: None, skipped: retry.max(1) };
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
