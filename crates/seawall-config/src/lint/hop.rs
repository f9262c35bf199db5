//! One hop of a path in numbers: how long a route waits, how often it tries, and what that adds up
//! to at worst.

use super::text::time;
use crate::policy::PolicyConfig;
use seawall_core::backoff::{BackoffSettings, Jitter, raw};
use seawall_core::time::Duration;

/// The patience of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// Attempts, the first included. More are made only while retries help and attempts are
    /// answered; what is added up here are attempts that run into their timeout.
    pub(super) attempts: u32,
    /// The attempt timeout.
    pub(super) attempt: Duration,
    /// The total timeout.
    pub(super) total: Option<Duration>,
    /// The longest wait before each retry.
    pub(super) waits: Vec<Duration>,
}

impl Hop {
    pub(super) fn of(policy: &PolicyConfig) -> Self {
        let call = policy.call_settings();
        let longest = |retry| longest_wait(&call.backoff, retry);
        let waits = (1..call.max_attempts).map(longest).collect();
        Self { attempts: call.max_attempts, attempt: call.attempt, total: call.total, waits }
    }

    /// `count` attempts that all run into their timeout, with the longest waits between them.
    pub(super) fn of_attempts(&self, count: u32) -> Duration {
        let between = usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
        let waits =
            self.waits.iter().take(between).fold(Duration::ZERO, |a, b| a.saturating_add(*b));
        self.attempt.saturating_mul(count).saturating_add(waits)
    }

    /// How long a call takes at worst, by attempts or by its total.
    pub(super) fn longest(&self) -> Duration {
        let tried = self.of_attempts(self.attempts);
        self.total.map_or(tried, |total| total.min(tried))
    }

    /// How many attempts fit into the total.
    pub(super) fn fitting(&self) -> u32 {
        let Some(total) = self.total else { return self.attempts };
        let fits = |count: &u32| self.of_attempts(*count) <= total;
        (1..=self.attempts).rev().find(fits).unwrap_or(0)
    }

    /// `3 × 500ms + (50ms + 100ms)`.
    pub(super) fn formula(&self, count: u32) -> String {
        let attempts = format!("{count} × {}", time(self.attempt));
        let between = usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
        let waits: Vec<_> = self.waits.iter().take(between).map(|wait| time(*wait)).collect();
        match waits.as_slice() {
            [] => attempts,
            [one] => format!("{attempts} + {one}"),
            more => format!("{attempts} + ({})", more.join(" + ")),
        }
    }
}

/// The longest that jitter lets the wait before a retry become.
fn longest_wait(backoff: &BackoffSettings, retry: u32) -> Duration {
    match backoff.jitter {
        Jitter::None | Jitter::Full | Jitter::Equal => raw(backoff, retry),
        // Each wait is up to three times the one before, the first up to three times the base.
        Jitter::Decorrelated => {
            let grown = 3_u32.saturating_pow(retry);
            backoff.base.saturating_mul(grown).min(backoff.cap)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(total: u64, waits: &[u64]) -> Hop {
        let millis = Duration::from_millis;
        Hop {
            attempts: 3,
            attempt: millis(400),
            total: Some(millis(total)),
            waits: waits.iter().map(|wait| millis(*wait)).collect(),
        }
    }

    #[test]
    fn two_of_three_attempts_fit_a_second() {
        assert_eq!(hop(1000, &[50, 100]).fitting(), 2);
        assert_eq!(hop(1350, &[50, 100]).fitting(), 3);
        assert_eq!(hop(300, &[50, 100]).fitting(), 0);
    }

    #[test]
    fn the_sum_shows_attempts_and_waits() {
        assert_eq!(hop(1000, &[50, 100]).formula(3), "3 × 400ms + (50ms + 100ms)");
        assert_eq!(hop(1000, &[50, 100]).formula(2), "2 × 400ms + 50ms");
        assert_eq!(hop(1000, &[50, 100]).formula(1), "1 × 400ms");
        assert_eq!(hop(1000, &[50, 100]).longest(), Duration::from_secs(1));
        assert_eq!(hop(9000, &[50, 100]).longest(), Duration::from_millis(1350));
    }

    #[test]
    fn decorrelated_waits_triple_at_most() {
        let (base, cap) = (Duration::from_millis(50), Duration::from_secs(2));
        let backoff = BackoffSettings::exponential(base, cap).jittered(Jitter::Decorrelated);
        assert_eq!(longest_wait(&backoff, 1), Duration::from_millis(150));
        assert_eq!(longest_wait(&backoff, 2), Duration::from_millis(450));
        assert_eq!(longest_wait(&backoff, 99), cap);
    }
}
