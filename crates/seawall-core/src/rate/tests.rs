//! The worked examples, the traps, and every limiter against a model that keeps everything.

mod edges;
mod examples;
mod keyed;
mod model;
mod pace;
mod queue;
mod settings;
mod traps;

use super::*;
use crate::time::{Duration, Instant};
use std::vec::Vec;

const SECOND: u64 = 1_000_000_000;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn ns(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

fn quota(rate: Rate, burst: u32) -> Quota {
    let quota = Quota { rate, burst };
    quota.validate().unwrap();
    quota
}

fn rate(count: u64, period: u64) -> Rate {
    Rate::new(count, Duration::from_nanos(period)).unwrap()
}

fn retry_at(decision: Decision) -> Instant {
    match decision.unwrap_err() {
        Refused::Limited { retry_at, .. } => retry_at,
        Refused::Impossible { capacity } => panic!("beyond the capacity of {capacity}"),
    }
}

/// How many calls of cost 1 pass at that instant, one after the other.
fn passing(limit: &mut dyn Layer, now: Instant) -> u64 {
    let mut passed = 0;
    while limit.check(now, 1).is_ok() {
        limit.commit(now, 1);
        passed += 1;
    }
    passed
}
