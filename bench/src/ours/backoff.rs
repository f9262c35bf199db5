//! The backoff: a sequence of waits for each call, drawn from one generator.

use std::time::Duration;

use seawall_core::backoff::{Backoff, BackoffSettings, Jitter};
use seawall_core::ratio::Ratio;
use seawall_core::rng::Draw;

pub(crate) fn full(base: Duration, cap: Duration) -> impl FnMut(usize) -> Vec<Duration> {
    of(base, cap, Jitter::Full)
}

pub(crate) fn equal(base: Duration, cap: Duration) -> impl FnMut(usize) -> Vec<Duration> {
    of(base, cap, Jitter::Equal)
}

pub(crate) fn decorrelated(base: Duration, cap: Duration) -> impl FnMut(usize) -> Vec<Duration> {
    of(base, cap, Jitter::Decorrelated)
}

fn of(base: Duration, cap: Duration, jitter: Jitter) -> impl FnMut(usize) -> Vec<Duration> {
    let mut settings = BackoffSettings::transient();
    (settings.base, settings.cap, settings.jitter) = (base, cap, jitter);
    settings.factor = Ratio::from_percent(200);
    move |waits| {
        let mut backoff = Backoff::default();
        let mut wait = |retry| backoff.next(&settings, retry, draw());
        (1..=u32::try_from(waits).unwrap_or(u32::MAX)).map(&mut wait).collect()
    }
}

fn draw() -> Draw {
    Draw::from_bits(fastrand::u64(..))
}
