//! Counts the streams that a peer resets, and says when they are a flood. What is done then is
//! in `connection`.

use std::time::Duration;

use tokio::time::Instant;

use super::settings::ResetLimits;

const WINDOW: Duration = Duration::from_secs(1);

/// How far a call had come when its stream was reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResetAt {
    /// Before its response began.
    Unanswered,
    /// In the middle of the response.
    Streaming,
}

/// The resets of one connection.
#[derive(Debug)]
pub(super) struct ResetMeter {
    limits: ResetLimits,
    window: Instant,
    unanswered: u32,
    any: u32,
    lifetime: u32,
}

impl ResetMeter {
    pub(super) fn new(limits: ResetLimits, now: Instant) -> Self {
        Self { limits, window: now, unanswered: 0, any: 0, lifetime: 0 }
    }

    /// Takes note of a reset. Says whether a limit is reached.
    pub(super) fn on_reset(&mut self, at: ResetAt, now: Instant) -> bool {
        self.roll(now);
        // Saturation is right: far above a limit is as bad as at it.
        self.any = self.any.saturating_add(1);
        self.lifetime = self.lifetime.saturating_add(1);
        if at == ResetAt::Unanswered {
            self.unanswered = self.unanswered.saturating_add(1);
        }
        self.unanswered >= self.limits.unanswered
            || self.any >= self.limits.any
            || self.lifetime >= self.limits.lifetime
    }

    /// Halves the counts once for each window that has passed.
    fn roll(&mut self, now: Instant) {
        let windows = now.saturating_duration_since(self.window).as_secs();
        if windows == 0 {
            return;
        }
        // A shift by the width or more would be an error; all bits are gone by then.
        let halvings = u32::try_from(windows).unwrap_or(u32::MAX);
        self.unanswered = self.unanswered.checked_shr(halvings).unwrap_or(0);
        self.any = self.any.checked_shr(halvings).unwrap_or(0);
        self.window += WINDOW * halvings;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn meter() -> (ResetMeter, Instant) {
        let now = clock::now();
        (ResetMeter::new(ResetLimits::default(), now), now)
    }

    #[tokio::test(start_paused = true)]
    async fn fifty_unanswered_resets_in_a_second_are_a_flood() {
        let (mut meter, now) = meter();
        let seen: Vec<_> = (0..50).map(|_| meter.on_reset(ResetAt::Unanswered, now)).collect();
        assert_eq!(seen.iter().position(|flood| *flood), Some(49));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_resets_of_running_answers_are_a_flood() {
        let (mut meter, now) = meter();
        let seen: Vec<_> = (0..100).map(|_| meter.on_reset(ResetAt::Streaming, now)).collect();
        assert_eq!(seen.iter().position(|flood| *flood), Some(99));
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_twenty_a_second_ends_only_by_the_lifetime_limit() {
        let (mut meter, mut now) = meter();
        let mut resets = 0;
        loop {
            resets += 1;
            if meter.on_reset(ResetAt::Unanswered, now) {
                break;
            }
            if resets % 20 == 0 {
                now += WINDOW;
            }
        }
        assert_eq!(resets, 10_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_silence_forgets_the_rate() {
        let (mut meter, now) = meter();
        (0..49).for_each(|_| assert!(!meter.on_reset(ResetAt::Unanswered, now)));
        assert!(!meter.on_reset(ResetAt::Unanswered, now + Duration::from_secs(1 << 40)));
        assert_eq!(meter.unanswered, 1);
    }
}
