//! When health checks happen: one loop for each endpoint, spaced with jitter, a few at once.
//!
//! What one check does is in the parent module.

use std::{convert::Infallible, net::SocketAddr, num::NonZeroU16, time::Duration};

use tokio::{sync::Semaphore, time::sleep_until};

use super::{CheckResult, CheckSettings, check_once};
use crate::clock;

/// Checks of one endpoint are never closer together than this, whatever was configured.
const SPACING_MIN: Duration = Duration::from_millis(10);

/// The bound on checks that run at the same time, shared by the loops of many endpoints.
///
/// First come, first served. While it is met, checks come later than planned.
#[derive(Debug)]
pub struct CheckTurns {
    turns: Semaphore,
}

impl CheckTurns {
    /// At most `at_once` checks run at the same time.
    pub fn new(at_once: NonZeroU16) -> Self {
        Self { turns: Semaphore::new(usize::from(at_once.get())) }
    }
}

/// Checks `endpoint` until the future is dropped, the first time at once, and reports each
/// result.
///
/// `draw` gives a uniform number for the jitter of each pause: 20 % to either side, so that many
/// gateways, and many endpoints of one, do not check in step. A check that outlasts the interval
/// delays the next; they never overlap.
pub async fn run_checks(
    endpoint: SocketAddr,
    settings: &CheckSettings,
    turns: &CheckTurns,
    mut draw: impl FnMut() -> u64,
    mut report: impl FnMut(CheckResult),
) -> Infallible {
    loop {
        // The semaphore is never closed, so there always is a turn.
        let turn = turns.turns.acquire().await;
        let started = clock::now();
        let result = check_once(endpoint, settings).await;
        drop(turn);
        report(result);
        sleep_until(started + spacing(settings.every, draw())).await;
    }
}

/// `every` times 0.8 to 1.2, uniformly.
fn spacing(every: Duration, drawn: u64) -> Duration {
    let ppm = 800_000 + u128::from(drawn % 400_001);
    let nanos = every.as_nanos().saturating_mul(ppm) / 1_000_000;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).max(SPACING_MIN)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, time::Duration};

    use super::*;
    use crate::{CheckKind, testing::BlackHole};

    #[test]
    fn spacing_stays_within_a_fifth_and_above_the_floor() {
        let every = Duration::from_secs(5);
        assert_eq!(spacing(every, 0), Duration::from_secs(4));
        assert_eq!(spacing(every, 200_000), every);
        assert_eq!(spacing(every, 400_000), Duration::from_secs(6));
        assert_eq!(spacing(every, 400_001), Duration::from_secs(4));
        assert_eq!(spacing(Duration::ZERO, u64::MAX), SPACING_MIN);
        assert!(spacing(Duration::MAX, u64::MAX) > every);
    }

    #[tokio::test(start_paused = true)]
    async fn first_check_is_immediate_and_the_rest_are_spaced() {
        let hole = BlackHole::open();
        let settings = CheckSettings::new(CheckKind::Tcp);
        let turns = CheckTurns::new(NonZeroU16::MIN);
        let start = clock::now();
        let seen = RefCell::new(Vec::new());
        let report = |result| {
            assert!(matches!(result, CheckResult::Timeout), "{result:?}");
            seen.borrow_mut().push((clock::now() - start).as_secs());
        };
        let mut draws = [0, 400_000, 200_000].into_iter();
        let draw = || draws.next().unwrap_or(0);
        let checks = run_checks(hole.endpoint(), &settings, &turns, draw, report);
        let ended = tokio::time::timeout(Duration::from_millis(16_500), checks).await;
        assert!(ended.is_err());
        // Each check lasts its timeout of 1 s; they start at 0, 4, 10 and 15 s.
        assert_eq!(*seen.borrow(), [1, 5, 11, 16]);
    }

    #[tokio::test(start_paused = true)]
    async fn checks_beyond_the_bound_wait_for_a_turn() {
        let hole = BlackHole::open();
        let settings = CheckSettings::new(CheckKind::Tcp);
        let turns = CheckTurns::new(NonZeroU16::MIN);
        let start = clock::now();
        let seen = RefCell::new(Vec::new());
        let checks = |name| {
            let seen = &seen;
            let report = move |_| seen.borrow_mut().push((name, (clock::now() - start).as_secs()));
            run_checks(hole.endpoint(), &settings, &turns, || 200_000, report)
        };
        let both = async { tokio::join!(checks("a"), checks("b")) };
        assert!(tokio::time::timeout(Duration::from_millis(3500), both).await.is_err());
        // Each takes its whole second; the second one starts when the first has ended.
        assert_eq!(*seen.borrow(), [("a", 1), ("b", 2)]);
    }
}
