//! Whether a total has room for all the attempts that it is meant for.
//!
//! For checks of settings; while a call runs, `can_finish` asks the same for one attempt.

use crate::backoff::{BackoffSettings, Jitter, raw};
use crate::time::{Duration, nanos};

/// Retries whose waits are summed one by one. Any schedule that grows noticeably has reached its
/// cap by then, and no call makes a tenth as many.
const SUMMED: u32 = 128;

/// The attempts of a call, as its settings have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// Attempts, the first included.
    pub attempts: u32,
    /// The longest that each may take.
    pub attempt: Duration,
    /// The waits between them.
    pub backoff: BackoffSettings,
}

/// A total that ends before its last attempt could.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// What all attempts and waits take at most.
    pub needed: Duration,
    /// What there is.
    pub total: Duration,
}

/// Whether `total` has room for every attempt at its longest and every wait at its longest.
/// `None` is no limit and fits anything.
///
/// # Errors
///
/// [`Shortfall`]: the last attempts would be cut short, or never be made. Not an error of the
/// settings, but seldom what their author believes.
pub fn fits(total: Option<Duration>, tries: &Tries) -> Result<(), Shortfall> {
    let Some(total) = total else {
        return Ok(());
    };
    let needed = tries.longest();
    if needed <= total { Ok(()) } else { Err(Shortfall { needed, total }) }
}

impl Tries {
    /// The longest that all attempts and the waits between them can take; saturates.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let work = self.attempt.saturating_mul(self.attempts);
        work.saturating_add(self.longest_waits())
    }

    /// The sum of the waits at their largest draws. Beyond [`SUMMED`] retries each counts as the
    /// last one, which no earlier one exceeds.
    fn longest_waits(&self) -> Duration {
        let retries = self.attempts.saturating_sub(1);
        let one_by_one = (1..=retries.min(SUMMED)).map(|retry| self.longest_wait(retry));
        let summed = one_by_one.fold(Duration::ZERO, Duration::saturating_add);
        let rest = self.longest_wait(retries).saturating_mul(retries.saturating_sub(SUMMED));
        summed.saturating_add(rest)
    }

    /// The wait before this retry at its largest. A first retry at once is only for attempts that
    /// were never sent, so it cannot be relied upon.
    fn longest_wait(&self, retry: u32) -> Duration {
        let BackoffSettings { base, cap, jitter, .. } = self.backoff;
        match jitter {
            Jitter::None | Jitter::Full | Jitter::Equal => raw(&self.backoff, retry),
            // Each is at most three times the one before, the one before the first being base.
            Jitter::Decorrelated => {
                let tripled = nanos(base).saturating_mul(3_u64.saturating_pow(retry));
                Duration::from_nanos(tripled).min(cap)
            }
        }
    }
}
