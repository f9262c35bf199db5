//! Judging: full rows of failures, and the rates and latencies of all endpoints together.
//!
//! What is done about an outlier is in `outliers.rs`; how endpoints compare in `rates.rs` and
//! `latency.rs`.

use super::event::OutlierEvent;
use super::latency::{self, Timed};
use super::outliers::{Outliers, Verdict, is_common, spread};
use super::rates::{Rated, Thresholds};
use super::record::{Record, Rows};
use super::rows;
use crate::chance;
use crate::endpoint::Slot;
use crate::event::Sink;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Instant, nanos};

/// Rates are judged so many times in a window at most: the walk over all endpoints then costs
/// next to nothing for each attempt, and a verdict is late by 1 % of what it looks at.
const JUDGEMENTS_PER_WINDOW: u32 = 100;

/// Latencies are compared so many times in a window at most: finding a median walks a histogram of
/// each endpoint.
const MEASUREMENTS_PER_WINDOW: u32 = 10;

/// An endpoint with a success rate below this does badly enough to ask whether all do.
const BAD: Ratio = Ratio::from_percent(50);

/// Whether a fault is common is asked of endpoints with this share of the requests that a verdict
/// needs: the first one to have enough must not be ejected for what all the others suffer too.
const COMMON_SHARE: u32 = 5;

impl Outliers {
    pub(super) fn judge_rows(
        &mut self,
        slot: Slot,
        rows: Rows,
        (draw, now): (Draw, Instant),
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        if rows == Rows::default() {
            return;
        }
        if rows::findings(rows, 0, &self.settings) == [None; 3] {
            return;
        }
        let judged = self.census.all - self.census.out;
        // What most do just now is no outlier's, and is reported as such.
        let least = match is_common(self.census.failing, judged) {
            true => 0,
            false => self.row_min(slot, now),
        };
        for finding in rows::findings(rows, least, &self.settings).into_iter().flatten() {
            // Several rows may be full in one instant; one ejection is enough.
            if self.record(slot).is_some_and(Record::is_in) {
                let verdict = Verdict { slot, finding, failing: self.census.failing, judged };
                self.act(verdict, draw, now, sink);
            }
        }
    }

    /// Compares all endpoints, unless that was done a moment ago.
    pub(super) fn judge_rates(
        &mut self,
        draw: Draw,
        now: Instant,
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        if now >= self.next_judgement {
            self.judge_all_rates(draw, now, sink);
        }
    }

    /// Hardly ever called, and kept out of the way of those who need not.
    #[inline(never)]
    fn judge_all_rates(&mut self, draw: Draw, now: Instant, sink: &mut impl Sink<OutlierEvent>) {
        let settings = self.settings;
        let rates = settings.deviation.is_some() || settings.mean.is_some();
        if !rates && settings.failure_share.is_none() && settings.latency.is_none() {
            return;
        }
        self.next_judgement = now.after(settings.window / JUDGEMENTS_PER_WINDOW);
        self.rate_all(now);
        let poll = self.poll();
        self.rated.retain(|rated| rated.requests >= settings.min_requests);
        self.rated.sort_unstable();
        let thresholds = Thresholds::among(&self.rated, &settings, &mut self.scratch);
        // From the worst on, so that the cap spares the better ones.
        for place in 0..self.rated.len() {
            let Some(rated) = self.rated.get(place).copied() else { break };
            let Some(finding) = thresholds.finding(&rated) else { continue };
            if !is_common(poll.0, poll.1) && self.is_chance(&rated, now) {
                continue;
            }
            let verdict = Verdict { slot: rated.slot, finding, failing: poll.0, judged: poll.1 };
            self.act(verdict, spread(draw, place as u64), now, sink);
        }
        self.judge_latencies(poll, (draw, now), sink);
    }

    /// Whether the others fail so often that an endpoint with this rate may be like them: of few
    /// requests many fail by chance.
    pub(super) fn is_chance(&self, rated: &Rated, now: Instant) -> bool {
        let usual = self.usual(rated.slot, now);
        chance::explains(usual, rated.failures.into(), rated.requests.into())
    }

    /// Compares the latencies of all endpoints, less often than their rates: it takes longer, and
    /// a median does not change in a moment.
    fn judge_latencies(
        &mut self,
        (failing, judged): (usize, usize),
        (draw, now): (Draw, Instant),
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        let Some(rule) = self.settings.latency else { return };
        if now < self.next_measurement {
            return;
        }
        self.next_measurement = now.after(self.settings.window / MEASUREMENTS_PER_WINDOW);
        self.time_all(rule.min_requests, now);
        let found = |place: &usize| latency::finding(&self.timed, *place, &rule).is_some();
        let failing = failing.max((0..self.timed.len()).filter(found).count());
        // From the slowest on.
        for place in (0..self.timed.len()).rev() {
            let Some(finding) = latency::finding(&self.timed, place, &rule) else { break };
            let Some(slot) = self.timed.get(place).map(|timed| timed.slot) else { break };
            let judged = judged.max(self.timed.len());
            let verdict = Verdict { slot, finding, failing, judged };
            self.act(verdict, spread(draw, place as u64), now, sink);
        }
    }

    /// Fills `timed` with the endpoints that are in and have had enough answers, the fastest first.
    fn time_all(&mut self, least: u32, now: Instant) {
        self.timed.clear();
        for (index, record) in (0_u32..).zip(&mut self.records) {
            let Some(record) = record.as_mut().filter(|record| record.is_in()) else { continue };
            let measured = record.measure(now);
            if let Some(median) = measured.median.filter(|_| measured.requests >= least) {
                self.timed.push(Timed { median: nanos(median), slot: Slot::new(index) });
            }
        }
        self.timed.sort_unstable();
    }

    /// Fills `rated` with the endpoints that are in and have had requests.
    fn rate_all(&mut self, now: Instant) {
        self.rated.clear();
        for (index, record) in (0_u32..).zip(&mut self.records) {
            let Some(record) = record.as_mut().filter(|record| record.is_in()) else { continue };
            self.rated.extend(Rated::new(Slot::new(index), record.tally(now)));
        }
    }

    /// How many endpoints succeed less than half of the time, of how many with enough requests to
    /// say so.
    fn poll(&self) -> (usize, usize) {
        poll(&self.rated, self.settings.min_requests)
    }
}

/// How many endpoints succeed less than half of the time, of how many with enough requests to say
/// so.
pub(super) fn poll(rated: &[Rated], min_requests: u32) -> (usize, usize) {
    let asked = rated.iter().filter(|rated| rated.requests >= min_requests / COMMON_SHARE);
    asked.fold((0, 0), |(bad, all), rated| (bad + usize::from(rated.rate < BAD), all + 1))
}
