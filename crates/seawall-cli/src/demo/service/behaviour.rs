//! How well a service works: the dials that the demo turns to make it slow or to make it fail,
//! and the control endpoint that turns them. What a service answers is beside this file.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use seawall_core::ratio::Ratio;
use seawall_core::rng::{Rng, Stream};
use tokio::time;

/// The largest delay factor; beyond it every caller has long given up.
const FACTOR_MAX: u32 = 1_000;

/// The dials, and the random stream behind the failures.
#[derive(Debug)]
pub(super) struct Behaviour {
    work: Duration,
    delay_factor: AtomicU32,
    fail_percent: AtomicU32,
    chance: Mutex<Stream>,
}

/// The service gives up on purpose: answer 503.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfOrder;

impl Behaviour {
    /// A well-working service that needs `work` for each request. Failures draw from `seed`.
    pub(super) fn new(work: Duration, seed: u64) -> Self {
        let chance = Mutex::new(Stream::new(seed, "demo service: failures"));
        Self { work, delay_factor: AtomicU32::new(1), fail_percent: AtomicU32::new(0), chance }
    }

    /// Fails with the share that is set, otherwise works as long as one request takes.
    pub(super) async fn work(&self) -> Result<(), OutOfOrder> {
        if self.fails() {
            return Err(OutOfOrder);
        }
        time::sleep(self.work * self.delay_factor.load(Ordering::Relaxed)).await;
        Ok(())
    }

    fn fails(&self) -> bool {
        let share = Ratio::from_percent(self.fail_percent.load(Ordering::Relaxed));
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        chance.draw().is_below(share)
    }

    /// Turns the dials as `query` says: `reset`, `delay_factor=10`, `fail_percent=50`, joined by
    /// `&`. Turns none if any part is not understood.
    pub(super) fn turn(&self, query: &str) -> Result<(), String> {
        let dials = query.split('&').map(Dial::read).collect::<Result<Vec<_>, _>>()?;
        for dial in dials {
            match dial {
                Dial::Reset => {
                    self.delay_factor.store(1, Ordering::Relaxed);
                    self.fail_percent.store(0, Ordering::Relaxed);
                }
                Dial::DelayFactor(factor) => self.delay_factor.store(factor, Ordering::Relaxed),
                Dial::FailPercent(share) => self.fail_percent.store(share, Ordering::Relaxed),
            }
        }
        Ok(())
    }
}

/// One part of a control request.
enum Dial {
    Reset,
    DelayFactor(u32),
    FailPercent(u32),
}

impl Dial {
    fn read(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let up_to = |max: u32| {
            let number = value.parse().ok().filter(|number| *number <= max);
            number.ok_or_else(|| format!("{name}: \"{value}\" is no whole number up to {max}"))
        };
        match name {
            "reset" => Ok(Self::Reset),
            "delay_factor" => up_to(FACTOR_MAX).map(Self::DelayFactor),
            "fail_percent" => up_to(100).map(Self::FailPercent),
            _ => Err(format!("\"{name}\" is none of reset, delay_factor, fail_percent")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(behaviour: &Behaviour, draws: usize) -> usize {
        (0..draws).filter(|_| behaviour.fails()).count()
    }

    #[test]
    fn a_fresh_service_never_fails_and_a_reset_one_neither() {
        let behaviour = Behaviour::new(Duration::ZERO, 1);
        assert_eq!(failures(&behaviour, 1_000), 0);
        behaviour.turn("fail_percent=100").unwrap();
        assert_eq!(failures(&behaviour, 1_000), 1_000);
        behaviour.turn("reset").unwrap();
        assert_eq!(failures(&behaviour, 1_000), 0);
    }

    #[test]
    fn half_of_the_requests_fail_and_equal_seeds_fail_alike() {
        let [a, b] = [7, 7].map(|seed| Behaviour::new(Duration::ZERO, seed));
        a.turn("delay_factor=10&fail_percent=50").unwrap();
        b.turn("fail_percent=50").unwrap();
        let (first, second) = (failures(&a, 2_000), failures(&b, 2_000));
        assert_eq!(first, second);
        assert!((900..=1_100).contains(&first), "{first} of 2000 failed");
        assert_eq!(a.delay_factor.load(Ordering::Relaxed), 10);
    }

    #[test]
    fn a_control_request_with_one_bad_part_turns_nothing() {
        let behaviour = Behaviour::new(Duration::ZERO, 1);
        for query in ["fail_percent=50&speed=2", "fail_percent=101", "delay_factor=ten", ""] {
            assert!(behaviour.turn(query).is_err(), "{query} was accepted");
            assert_eq!(failures(&behaviour, 200), 0, "{query} turned a dial");
        }
    }
}
