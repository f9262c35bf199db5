//! How long idle connections of one endpoint may be kept: what was configured, and what stale
//! resets have taught. The connections themselves are in `idle`.

use std::time::Duration;

use tokio::time::Instant;

/// How long a learned limit holds: long enough to outlast a burst, short enough to forget a
/// deploy that restarted every process at once.
const LEARNED_FOR: Duration = Duration::from_secs(600);

/// No reset teaches a limit below this, or every connection would be used once.
const LEARNED_FLOOR: Duration = Duration::from_secs(1);

/// The idle limit of one endpoint.
#[derive(Debug)]
pub(crate) struct IdleLimit {
    configured: Duration,
    learned: Option<Learned>,
}

#[derive(Debug)]
struct Learned {
    limit: Duration,
    until: Instant,
}

impl IdleLimit {
    pub(crate) fn new(configured: Duration) -> Self {
        Self { configured, learned: None }
    }

    /// Takes another configured limit; what was learned stays.
    pub(crate) fn reconfigure(&mut self, configured: Duration) {
        self.configured = configured;
    }

    /// The limit in force at `now`.
    pub(crate) fn current(&self, now: Instant) -> Duration {
        self.live(now).map_or(self.configured, |learned| learned.limit.min(self.configured))
    }

    /// Until when a learned limit holds, if one does.
    pub(crate) fn learned_until(&self, now: Instant) -> Option<Instant> {
        self.live(now).map(|learned| learned.until)
    }

    /// Learns from a reset on a connection that had been idle for `age`: half of it is safe.
    pub(crate) fn on_stale_reset(&mut self, age: Duration, now: Instant) {
        let limit = (age / 2).max(LEARNED_FLOOR).min(self.current(now));
        self.learned = Some(Learned { limit, until: now + LEARNED_FOR });
    }

    fn live(&self, now: Instant) -> Option<&Learned> {
        self.learned.as_ref().filter(|learned| now < learned.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn limit() -> (IdleLimit, Instant) {
        (IdleLimit::new(4 * S), crate::clock::now())
    }

    #[test]
    fn stale_reset_halves_the_limit_for_ten_minutes() {
        let (mut limit, t0) = limit();
        limit.on_stale_reset(3 * S, t0);
        assert_eq!(limit.current(t0), S * 3 / 2);
        assert_eq!(limit.learned_until(t0), Some(t0 + 600 * S));
        assert_eq!(limit.current(t0 + 599 * S), S * 3 / 2);
        assert_eq!(limit.current(t0 + 600 * S), 4 * S);
        assert_eq!(limit.learned_until(t0 + 600 * S), None);
    }

    #[test]
    fn learned_limit_has_a_floor_of_one_second() {
        let (mut limit, t0) = limit();
        limit.on_stale_reset(S / 10, t0);
        assert_eq!(limit.current(t0), S);
    }

    #[test]
    fn learned_limit_never_raises_the_one_in_force() {
        let (mut limit, t0) = limit();
        limit.on_stale_reset(2 * S, t0);
        limit.on_stale_reset(3 * S, t0 + S);
        assert_eq!(limit.current(t0 + S), S);
        let mut short = IdleLimit::new(S / 2);
        short.on_stale_reset(9 * S, t0);
        assert_eq!(short.current(t0), S / 2);
    }
}
