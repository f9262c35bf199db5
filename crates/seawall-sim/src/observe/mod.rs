//! What is seen of a run, in memory that does not grow with the number of calls.
//!
//! The world tells the [`Observer`] what happens; [`Record`] is what remains in the end. Latency
//! counts from the intended start of a call. What begins before the end of the warm-up is in the
//! timeline only. Judging is not done here.

mod heat;
mod latency;
mod record;
mod series;
mod strips;
mod twice;

#[cfg(test)]
mod tests;

use seawall_core::breaker::BreakerEvent;
use seawall_core::budget::BudgetEvent;
use seawall_core::call::{Role, Verdict};
use seawall_core::reason::Reason;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::{self, What};

use crate::plan::Plan;
use crate::world::Answer;
use record::why;
use series::Place;
use twice::Twice;

pub use heat::{CELLS, Heat, cell_start};
pub use latency::Latency;
pub use record::{
    Befallen, Bucket, End, LoadRecord, MARKS_MAX, Mark, Record, ServiceRecord, UpstreamRecord, Work,
};
pub use series::{Series, ServiceBucket, Tally};
pub use strips::{Condition, Stretch, Strip, strips, time_in};
pub(crate) use twice::Serial;

/// Watches a world.
#[derive(Debug)]
pub struct Observer {
    warmup: Instant,
    place: Place,
    arrivals: u64,
    twice: Twice,
    record: Record,
}

impl Observer {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let bucket = plan.horizon / plan.buckets.max(1);
        Self {
            warmup: Instant::EPOCH.after(plan.warmup),
            place: Place::new(plan.buckets.max(1) as usize, bucket),
            arrivals: 0,
            twice: Twice::default(),
            record: Record::new(plan, bucket),
        }
    }

    fn bucket(&mut self, load: u32, now: Instant) -> Option<&mut Bucket> {
        let index = self.place.at(now);
        self.record.loads.get_mut(load as usize)?.timeline.get_mut(index)
    }

    fn tally(&mut self, now: Instant) -> Option<&mut Tally> {
        let index = self.place.at(now);
        self.record.series.tallies.get_mut(index)
    }

    /// What is kept of a service, and of this bucket of its timeline.
    fn piece(&mut self, service: u32, now: Instant) -> Option<&mut ServiceBucket> {
        let index = self.place.at(now);
        self.record.services.get_mut(service as usize)?.timeline.get_mut(index)
    }

    fn load(&mut self, load: u32, started: Instant) -> Option<&mut LoadRecord> {
        if started < self.warmup {
            return None;
        }
        self.record.loads.get_mut(load as usize)
    }

    fn service(&mut self, service: u32, at: Instant) -> Option<&mut ServiceRecord> {
        if at < self.warmup {
            return None;
        }
        self.record.services.get_mut(service as usize)
    }

    /// A call of a load begins.
    pub(crate) fn started(&mut self, load: u32, now: Instant) {
        let (index, counts) = (self.place.at(now), now >= self.warmup);
        let Some(load) = self.record.loads.get_mut(load as usize) else { return };
        load.started += u64::from(counts);
        if let Some(bucket) = load.timeline.get_mut(index) {
            bucket.started += 1;
        }
    }

    /// A load or user makes an attempt, its first or another.
    pub(crate) fn attempted(&mut self, load: u32, now: Instant) {
        let (index, counts) = (self.place.at(now), now >= self.warmup);
        let Some(load) = self.record.loads.get_mut(load as usize) else { return };
        load.attempts += u64::from(counts);
        if let Some(bucket) = load.timeline.get_mut(index) {
            bucket.attempts += 1;
        }
    }

    /// An attempt on account of a load has taken too long.
    pub(crate) fn timed_out(&mut self, load: u32, now: Instant) {
        if let Some(bucket) = self.bucket(load, now) {
            bucket.timed_out += 1;
        }
    }

    /// A call of a load ends.
    pub(crate) fn ended(&mut self, load: u32, (started, now): (Instant, Instant), end: End) {
        let latency = now.since(started);
        let index = self.place.at(now);
        let Some(load) = self.record.loads.get_mut(load as usize) else { return };
        if started >= self.warmup {
            load.count(end, latency);
        }
        if let Some(bucket) = load.timeline.get_mut(index) {
            bucket.count(end, latency);
        }
        if let Some(heat) = self.record.series.heat.get_mut(index) {
            heat.count(end, seawall_core::time::nanos(latency));
        }
    }

    /// A request arrives at a replica.
    pub(crate) fn arrived(&mut self, service: u32, now: Instant) {
        self.arrivals += 1;
        let (index, counts) = (self.place.at(now), now >= self.warmup);
        let Some(service) = self.record.services.get_mut(service as usize) else { return };
        service.arrived += u64::from(counts);
        if let Some(piece) = service.timeline.get_mut(index) {
            piece.arrived += 1;
        }
    }

    /// How many requests have arrived so far: a number that orders them.
    pub(crate) const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// A replica has no room.
    pub(crate) fn refused(&mut self, service: u32, now: Instant) {
        if let Some(tally) = self.tally(now) {
            tally.refused += 1;
        }
        if let Some(piece) = self.piece(service, now) {
            piece.refused += 1;
        }
        if let Some(service) = self.service(service, now) {
            service.refused += 1;
        }
    }

    /// A replica drops a job whose deadline has passed.
    pub(crate) fn dropped(&mut self, service: u32, now: Instant) {
        if let Some(service) = self.service(service, now) {
            service.dropped += 1;
        }
    }

    /// A cache is asked.
    pub(crate) fn recalled(&mut self, service: u32, hit: bool, now: Instant) {
        if let Some(service) = self.service(service, now) {
            service.hits += u64::from(hit);
            service.misses += u64::from(!hit);
        }
    }

    /// What an unsafe call of a load carries, so that its second execution is found.
    pub(crate) fn serial(&mut self) -> Serial {
        self.twice.serial()
    }

    /// A worker takes a job that an unsafe call may have asked for.
    pub(crate) fn executes(&mut self, serial: Serial, now: Instant) {
        if serial.is_none() || !self.twice.executes(serial) {
            return;
        }
        self.record.duplicates += u64::from(now >= self.warmup);
        if let Some(tally) = self.tally(now) {
            tally.duplicates += 1;
        }
    }

    /// A worker takes a job.
    pub(crate) fn began(&mut self, service: u32, (arrived, now): (Instant, Instant)) {
        if let Some(service) = self.service(service, arrived) {
            service.began(now.since(arrived));
        }
    }

    /// Work is done.
    pub(crate) fn worked(&mut self, service: u32, (work, time): (Work, Duration), now: Instant) {
        let (index, counts) = (self.place.at(now), now >= self.warmup);
        let Some(service) = self.record.services.get_mut(service as usize) else { return };
        let time = time.as_secs_f64();
        if counts {
            service.worked(work, time);
        }
        if let Some(piece) = service.timeline.get_mut(index) {
            piece.worked(work, time);
        }
    }

    /// A job ends.
    pub(crate) fn stayed(&mut self, service: u32, (arrived, now): (Instant, Instant)) {
        if let Some(service) = self.service(service, arrived) {
            service.stay.record(now.since(arrived));
        }
    }

    /// A gateway makes an attempt for a call of a load that entered it then.
    pub(crate) fn sent(
        &mut self,
        at: (usize, usize),
        role: Role,
        (load, entered, now): (u32, Instant, Instant),
    ) {
        if let Some(tally) = self.tally(now) {
            tally.sent(role);
        }
        let counts = now >= self.warmup;
        if let Some(upstream) = self.record.upstream(at).filter(|_| counts) {
            upstream.sent(role);
        }
        if let Some(load) = self.load(load, entered) {
            load.sent += 1;
        }
    }

    /// A gateway ends a call of a load that entered it then.
    pub(crate) fn concluded(
        &mut self,
        at: (usize, usize),
        (load, entered, now): (u32, Instant, Instant),
        verdict: Verdict,
    ) {
        let counts = entered >= self.warmup;
        if let (Verdict::Answered { .. }, true) = (verdict, counts)
            && let Some(upstream) = self.record.upstream(at)
        {
            upstream.answered += 1;
        }
        if let Some(why) = why(verdict) {
            self.decided(at, (load, counts, now), (verdict, why));
        }
    }

    /// The verdict on a call was none of the service's.
    fn decided(
        &mut self,
        at: (usize, usize),
        (load, counts, now): (u32, bool, Instant),
        (verdict, why): (Verdict, Reason),
    ) {
        if let Some(tally) = self.tally(now) {
            tally.concluded(verdict);
        }
        if !counts {
            return;
        }
        if let Some(upstream) = self.record.upstream(at) {
            *upstream.reasons.entry(why.code()).or_default() += 1;
        }
        if let Some(load) = self.record.loads.get_mut(load as usize) {
            *load.reasons.entry(why.code()).or_default() += 1;
        }
    }

    /// A machine of a gateway reports something: changes of state are kept, decisions counted.
    pub(crate) fn happened(
        &mut self,
        (gateway, upstream, instance): (usize, usize, u32),
        event: upstream::Event,
    ) {
        let Some(word) = decision(event.what) else {
            return self.record.mark(Mark { gateway, upstream, instance, event });
        };
        if let Some(tally) = self.tally(event.at) {
            tally.decided(event.what);
        }
        let counts = event.at >= self.warmup;
        if let Some(upstream) = self.record.upstream((gateway, upstream)).filter(|_| counts) {
            *upstream.decisions.entry(word).or_default() += 1;
        }
    }

    /// A disturbance begins.
    pub(crate) fn befell(&mut self, disturbance: u32, now: Instant) {
        if let Some(befallen) = self.record.befallen.get_mut(disturbance as usize) {
            *befallen = Befallen { from: Some(now), to: None };
        }
    }

    /// A disturbance ends.
    pub(crate) fn passed(&mut self, disturbance: u32, now: Instant) {
        if let Some(befallen) = self.record.befallen.get_mut(disturbance as usize) {
            befallen.to = Some(now);
        }
    }

    /// More is under way than may be: the world ends here. Says that it does not go on.
    pub(crate) fn overflow(&mut self, now: Instant) -> bool {
        self.record.unstable = Some(now);
        false
    }

    /// What was seen until `end`; `occupancy` is the integral of jobs over time of each service.
    #[must_use]
    pub fn finish(mut self, occupancy: &[f64], end: Instant) -> Record {
        debug_assert_eq!(occupancy.len(), self.record.services.len(), "one for each service");
        for (service, occupancy) in self.record.services.iter_mut().zip(occupancy) {
            service.occupancy = *occupancy;
        }
        self.record.end = end;
        self.record
    }
}

/// The word of what concerns one call, of which there may be as many as calls; none for a change
/// of state, which is rare.
const fn decision(what: What) -> Option<&'static str> {
    match what {
        What::Rate(_) => Some("rate"),
        What::Shed(_) => Some("shed"),
        What::Throttle(_) => Some("throttle"),
        What::Limit(_) => Some("limit"),
        What::Bulkhead(_) => Some("bulkhead"),
        What::Budget(BudgetEvent::Spent { .. }) => Some("budget_spent"),
        What::Budget(BudgetEvent::Denied { .. }) => Some("budget_denied"),
        What::Timeout(_) => Some("timeout_adapted"),
        What::Hedge(_) => Some("hedge"),
        What::Keyed(_) => Some("keyed"),
        What::Blocking(_) => Some("blocking"),
        What::Breaker(BreakerEvent::StaleOutcome { .. }) => Some("stale_outcome"),
        What::Breaker(BreakerEvent::WouldReject { .. }) => Some("would_reject"),
        What::Breaker(_)
        | What::Outlier(_)
        | What::Hold(_)
        | What::Health(_)
        | What::Spillover(_)
        | What::Brownout(_)
        | What::Detector(_)
        | What::SlowStart
        | What::PanicEntered
        | What::PanicLeft => None,
    }
}

impl End {
    /// How an answer ends a call.
    #[must_use]
    pub const fn of(answer: Answer) -> Self {
        match answer {
            Answer::Good => Self::Good,
            Answer::Substitute => Self::Substitute,
            Answer::Error => Self::Error,
            Answer::Refused => Self::Refused,
            Answer::Lost => Self::Lost,
            Answer::Unreachable => Self::Unreachable,
        }
    }
}
