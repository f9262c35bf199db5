//! The course of a run, second by second: how experiments with a trigger are read.

use super::build::at;
use super::case::Run;
use super::stats::{many, mean, real};
use crate::observe::{Bucket, Record};
use crate::plan::{Plan, ServiceId};
use crate::verdict::share;
use crate::world::World;

/// What happened in each second to the only load of a plan, whose buckets are seconds.
pub(super) struct Course {
    timeline: Vec<Bucket>,
    /// Work in progress at the end of each second, where somebody looked.
    present: Vec<f64>,
}

/// 1 if it holds.
pub(super) fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

impl Course {
    pub(super) fn of(record: &Record) -> Self {
        let timeline = record.loads.first().map_or_else(Vec::new, |load| load.timeline.clone());
        Self { timeline, present: Vec::new() }
    }

    /// Runs a plan and looks at its first service every second.
    pub(super) fn watched(plan: Plan, run: Run) -> Self {
        let mut world = World::new(plan, run.seed);
        let mut present = Vec::new();
        while world.step() {
            while world.now() >= at(many(&present) + 1.0) {
                present.push(f64::from(world.present(ServiceId(0))));
            }
        }
        // Nothing happens at the very end.
        present.push(f64::from(world.present(ServiceId(0))));
        Self { present, ..Self::of(&world.finish()) }
    }

    pub(super) fn seconds(&self) -> usize {
        self.timeline.len()
    }

    fn sum(&self, (from, to): (usize, usize), of: impl Fn(&Bucket) -> u64) -> u64 {
        self.timeline.get(from..to).unwrap_or_default().iter().map(of).sum()
    }

    /// Successes for each call begun; all is well where none is begun.
    pub(super) fn goodput(&self, from: usize, to: usize) -> f64 {
        let within = (from, to);
        share(self.sum(within, |bucket| bucket.good), self.sum(within, |bucket| bucket.started))
    }

    /// Attempts for each call of the whole run.
    pub(super) fn load(&self) -> f64 {
        let all = (0, self.seconds());
        let attempts = self.sum(all, |bucket| bucket.attempts);
        real(attempts) / real(self.sum(all, |bucket| bucket.started))
    }

    /// Starts, successes, retries and timeouts a second, and work in progress. A retry counts when
    /// it is decided on, which is before its wait: each timeout that does not end its call.
    pub(super) fn rates(&self, from: usize, to: usize) -> [f64; 5] {
        let seconds = many(&vec![0.0; to - from]);
        let rate = |of: fn(&Bucket) -> u64| real(self.sum((from, to), of)) / seconds;
        let (timeouts, bad) = (rate(|b| b.timed_out), rate(|b| b.bad));
        let present = mean(self.present.get(from..to).unwrap_or_default());
        [rate(|b| b.started), rate(|b| b.good), timeouts - bad, timeouts, present]
    }
}
