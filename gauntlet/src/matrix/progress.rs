//! Lines that tell how far the matrix is, on standard error.

use std::io::{self, Write as _};
use std::time::Duration;

use crate::run::Key;
use crate::scenario::Phases;
use crate::stamp::Stamp;

/// What a run takes beside its phases: starting all, the lead of the generator, its last users.
const AROUND: Duration = Duration::from_secs(3);

/// How far the matrix is.
#[derive(Debug)]
pub(super) struct Progress {
    total: usize,
    done: usize,
    /// The time that all runs together should take.
    planned: Duration,
    /// That of the runs that are done.
    passed: Duration,
    begun: Stamp,
}

impl Progress {
    pub(super) fn new(lengths: &[Duration]) -> Self {
        let planned = lengths.iter().sum();
        let (total, begun) = (lengths.len(), Stamp::now());
        Self { total, done: 0, planned, passed: Duration::ZERO, begun }
    }

    /// A run has ended, in words.
    pub(super) fn tell(&mut self, key: &Key, length: Duration, said: &str) {
        self.done += 1;
        self.passed += length;
        let left = self.left(Stamp::now());
        let (done, total) = (self.done, self.total);
        let line = format!("[{done}/{total}, {} left] {}: {said}", words(left), name(key));
        say(&line);
    }

    /// What is left, at the pace so far.
    fn left(&self, now: Stamp) -> Duration {
        let took = Duration::from_nanos(now.since(self.begun));
        let rest = self.planned.saturating_sub(self.passed);
        if self.passed.is_zero() {
            return rest;
        }
        rest.mul_f64(took.as_secs_f64() / self.passed.as_secs_f64())
    }
}

/// How long a run should take.
pub(super) fn length(phases: Phases) -> Duration {
    phases.warm_up + phases.control + phases.fault + phases.observation + AROUND
}

/// A line for whoever watches. A terminal that is gone is no reason to stop measuring.
pub(crate) fn say(line: &str) {
    let _nobody_watches = writeln!(io::stderr(), "{line}");
}

/// A run in words.
pub(super) fn name(key: &Key) -> String {
    let product = format!("{:?}", key.product).to_lowercase();
    let settings = format!("{:?}", key.settings).to_lowercase();
    format!("{} {product} ({settings}) seed {}", key.scenario, key.seed)
}

/// A time that is left: `1 h 5 min`, `12 min`, `40 s`.
fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6_000 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_the_pace_so_far() {
        let second = Duration::from_secs(1);
        let mut progress = Progress::new(&[second, second * 3]);
        assert_eq!(progress.left(progress.begun), second * 4);
        progress.passed = second;
        let now = progress.begun.after(2_000_000_000);
        assert_eq!(progress.left(now), second * 6);
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let told = |seconds| words(Duration::from_secs(seconds));
        assert_eq!(
            (told(40), told(700), told(7_500)),
            ("40 s".into(), "12 min".into(), "2 h 5 min".into())
        );
    }
}
