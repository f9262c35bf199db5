//! The published examples, the edges, and the ground that the other tests share.

mod examples;
mod knee;
mod knee_model;
mod machine;
mod model;
mod service;
mod table;
mod traps;

use super::*;
use crate::Mode;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};
use std::vec::Vec;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn sample(latency: Duration, in_flight: u32) -> Finished {
    Finished { latency, in_flight, evidence: Evidence::Sample }
}

fn dropped(latency: Duration, in_flight: u32) -> Finished {
    Finished { latency, in_flight, evidence: Evidence::Drop }
}

fn said_nothing(in_flight: u32) -> Finished {
    Finished { latency: micros(1), in_flight, evidence: Evidence::None }
}

/// A limit, its clock and what it reported.
struct Bench {
    limit: Limit,
    now: Instant,
    events: Vec<LimitEvent>,
}

impl Bench {
    fn new(settings: LimitSettings) -> Self {
        settings.validate().unwrap();
        let limit = Limit::new(settings, Instant::EPOCH);
        Self { limit, now: Instant::EPOCH, events: Vec::new() }
    }

    fn started_at(limit: u32, settings: LimitSettings) -> Self {
        Self::new(LimitSettings { initial: limit, ..settings })
    }

    fn wait(&mut self, time: Duration) -> &mut Self {
        self.now = self.now.after(time);
        self
    }

    fn finish(&mut self, finished: Finished) -> u32 {
        self.limit.on_finished(finished, self.now, &mut self.events);
        self.limit.limit()
    }

    /// One update of the default algorithm: 26 alike, ten milliseconds apart.
    fn round(&mut self, finished: Finished) -> u32 {
        for _ in 0..26 {
            self.wait(millis(10)).finish(finished);
        }
        self.limit.limit()
    }

    fn changes(&self) -> Vec<(u32, u32, Cause)> {
        let change = |event: &LimitEvent| match event {
            LimitEvent::Changed { old, new, cause, .. } => Some((*old, *new, *cause)),
            LimitEvent::Dip { .. } | LimitEvent::Rejected { .. } => None,
        };
        self.events.iter().filter_map(change).collect()
    }
}
