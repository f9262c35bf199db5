//! The machine: takes outcomes, judges, and ejects.

use alloc::vec::Vec;

use super::event::{Ejection, Finding, OutlierEvent};
use super::rates::{self, Rated};
use super::record::{Record, Standing, State};
use super::settings::OutlierSettings;
use crate::Mode;
use crate::endpoint::Slot;
use crate::event::Sink;
use crate::outcome::Class;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, Instant, nanos};

/// Rates are judged so many times in a window at most: the walk over all endpoints then costs
/// next to nothing for each attempt, and a verdict is late by 1 % of what it looks at.
const JUDGEMENTS_PER_WINDOW: u32 = 100;

/// An endpoint with a success rate below this does badly enough to ask whether all do.
const BAD: Ratio = Ratio::from_percent(50);

/// Whether a fault is common is asked of endpoints with this share of the requests that a verdict
/// needs: the first one to have enough must not be ejected for what all the others suffer too.
const COMMON_SHARE: u32 = 5;

/// What one attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Successes and failures count, other classes do not.
    pub class: Class,
    /// Spreads the end of an ejection, should the attempt lead to one.
    pub draw: Draw,
}

/// An endpoint as the outlier detector sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlierSnapshot {
    /// Where it stands.
    pub standing: Standing,
    /// Whether it would be out, had not too few others been left.
    pub spared: bool,
    /// Ejections in a row, one less for each 60 s in good standing.
    pub streak: u32,
    /// Failures in a row.
    pub consecutive: u32,
    /// Successes and failures in the window.
    pub requests: u32,
    /// The share of successes among them; none without any.
    pub success_rate: Option<Ratio>,
    /// The last ejection: by which detector, on what value, against which threshold.
    pub last: Option<Ejection>,
}

/// How many endpoints there are, are out, and are in but failed their latest attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) all: usize,
    pub(super) out: usize,
    pub(super) failing: usize,
}

/// Ejects endpoints of one upstream that do much worse than the rest.
///
/// An endpoint is an outlier by so many failures in a row; by a success rate below
/// median − max(3 · 1.4826 · MAD, a number of points), among at least three endpoints; or by its
/// share of failures. It is out for min(base · k, max) · (0.8 + 0.2u), k counting its ejections in
/// a row; then one probe at a time decides. The cap holds for the number of endpoints as it is:
/// where removals push the ejected above it, those whose time ends first are spared.
///
/// Nothing is ejected while the fault is common, since that would only shift load: the rates do
/// not eject while more than half of the endpoints succeed less than half of the time, failures
/// in a row do not while more than half of the endpoints in choice failed their latest attempt.
///
/// Outcomes of an endpoint that is out do not count: its probe alone decides. In shadow mode, and
/// for one that is spared, the first outcome after its time stands in for the probe.
///
/// Memory: one record for each slot up to the highest inserted. Noting allocates nothing.
#[derive(Debug)]
pub struct Outliers {
    pub(super) settings: OutlierSettings,
    pub(super) origin: Instant,
    pub(super) latest: Instant,
    pub(super) records: Vec<Option<Record>>,
    pub(super) census: Census,
    pub(super) spared: usize,
    pub(super) probes: u64,
    pub(super) rated: Vec<Rated>,
    pub(super) scratch: Vec<u32>,
    next_judgement: Instant,
    suppressed_at: Option<Instant>,
}

impl Outliers {
    /// A detector without endpoints. `origin` gives its windows their phase and should differ
    /// between instances.
    #[must_use]
    pub fn new(settings: OutlierSettings, origin: Instant) -> Self {
        Self {
            settings,
            origin,
            latest: Instant::EPOCH,
            records: Vec::new(),
            census: Census::default(),
            spared: 0,
            probes: 0,
            rated: Vec::new(),
            scratch: Vec::new(),
            next_judgement: Instant::EPOCH,
            suppressed_at: None,
        }
    }

    /// Takes the outcome of one attempt that was no probe, and judges.
    pub fn note(
        &mut self,
        slot: Slot,
        evidence: Evidence,
        now: Instant,
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        let now = self.clock(now);
        let shadow = match self.settings.mode {
            Mode::Enforce => false,
            Mode::Shadow => true,
            Mode::Off => return,
        };
        let Some(record) = self.record(slot) else { return };
        match record.state {
            State::In { .. } => self.count(slot, evidence, now, sink),
            State::Out { until } if (shadow || record.spared) && now >= until => {
                self.settle(slot, evidence, now, sink);
            }
            State::Out { .. } | State::Probing { .. } => {}
        }
    }

    /// Where an endpoint stands; in, if it is unknown or the detector does not enforce.
    #[must_use]
    pub fn standing(&self, slot: Slot, now: Instant) -> Standing {
        let now = now.max(self.latest);
        match self.settings.mode {
            Mode::Enforce => self.record(slot).map_or(Standing::In, |record| record.standing(now)),
            Mode::Shadow | Mode::Off => Standing::In,
        }
    }

    /// What is known of an endpoint; of an unknown one, what is known of a new one.
    #[must_use]
    pub fn snapshot(&self, slot: Slot, now: Instant) -> OutlierSnapshot {
        let now = now.max(self.latest);
        let fresh = || Record::new(self.settings.window, self.origin, now);
        let record = self.record(slot).cloned().unwrap_or_else(fresh);
        let tally = record.tally_now(now);
        OutlierSnapshot {
            standing: self.standing(slot, now),
            spared: record.spared,
            streak: record.streak(now),
            consecutive: record.consecutive,
            requests: tally.requests(),
            success_rate: rates::share(tally.successes, tally.requests()),
            last: record.last,
        }
    }

    fn count(
        &mut self,
        slot: Slot,
        evidence: Evidence,
        now: Instant,
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        let Some(record) = self.record_mut(slot) else { return };
        let was_failing = record.is_failing();
        match evidence.class {
            Class::Success => record.succeeded(now),
            Class::Failure => record.failed(now),
            Class::Ignored | Class::Abandoned => return,
        }
        let consecutive = record.consecutive;
        self.census.failing += usize::from(consecutive > 0);
        self.census.failing -= usize::from(was_failing);
        if let Some(limit) = self.settings.consecutive.map(|limit| limit.max(1))
            && consecutive >= limit
        {
            let finding = Finding::Consecutive { failures: consecutive, limit };
            let judged = self.census.all - self.census.out;
            let verdict = Verdict { slot, finding, failing: self.census.failing, judged };
            self.act(verdict, evidence.draw, now, sink);
        }
        self.judge_rates(evidence.draw, now, sink);
    }

    /// Compares all endpoints, unless that was done a moment ago.
    fn judge_rates(&mut self, draw: Draw, now: Instant, sink: &mut impl Sink<OutlierEvent>) {
        let off = self.settings.deviation.is_none() && self.settings.failure_share.is_none();
        if off || now < self.next_judgement {
            return;
        }
        self.next_judgement = now.after(self.settings.window / JUDGEMENTS_PER_WINDOW);
        self.rate_all(now);
        let (failing, judged) = self.poll();
        let least = self.settings.min_requests;
        self.rated.retain(|rated| rated.requests >= least);
        self.rated.sort_unstable();
        let deviation = self.settings.deviation;
        let threshold = deviation
            .and_then(|deviation| rates::threshold(&self.rated, deviation, &mut self.scratch));
        // From the worst on, so that the cap spares the better ones.
        for place in 0..self.rated.len() {
            let Some(rated) = self.rated.get(place).copied() else { break };
            let Some(finding) = rates::finding(&rated, threshold, &self.settings) else { continue };
            let verdict = Verdict { slot: rated.slot, finding, failing, judged };
            self.act(verdict, spread(draw, place as u64), now, sink);
        }
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
        let least = self.settings.min_requests / COMMON_SHARE;
        let asked = self.rated.iter().filter(|rated| rated.requests >= least);
        asked.fold((0, 0), |(bad, all), rated| (bad + usize::from(rated.rate < BAD), all + 1))
    }

    /// Ejects, unless too many are out or the fault is common.
    fn act(
        &mut self,
        verdict: Verdict,
        draw: Draw,
        now: Instant,
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        let Verdict { slot, finding, failing, judged } = verdict;
        let (mode, window) = (self.settings.mode, self.settings.window);
        if self.census.out >= self.allowed() {
            let out = small(self.census.out);
            let Some(record) = self.record_mut(slot) else { return };
            if is_due(&mut record.capped_at, now, window) {
                sink.emit(OutlierEvent::Capped { slot, finding, out, mode });
            }
        } else if judged > 1 && failing * 2 > judged {
            let (failing, judged) = (small(failing), small(judged));
            if is_due(&mut self.suppressed_at, now, window) {
                sink.emit(OutlierEvent::Suppressed { slot, finding, failing, judged, mode });
            }
        } else {
            self.eject(slot, finding, draw, sink);
        }
    }

    /// Takes an endpoint out, at the latest instant seen.
    pub(super) fn eject(
        &mut self,
        slot: Slot,
        finding: Finding,
        draw: Draw,
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        let (now, settings, mut census) = (self.latest, self.settings, self.census);
        let Some(record) = self.record_mut(slot) else { return };
        census.out += usize::from(record.is_in());
        census.failing -= usize::from(record.is_failing());
        let streak = record.streak(now).saturating_add(1);
        let until = now.after(length(&settings, streak, draw));
        let ejection = Ejection { finding, streak, at: now, until };
        record.state = State::Out { until };
        record.streak = streak;
        record.last = Some(ejection);
        self.census = census;
        self.enforce_cap();
        sink.emit(OutlierEvent::Ejected { slot, ejection, mode: settings.mode });
    }

    /// The latest instant seen; time does not go back.
    pub(super) fn clock(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }

    pub(super) fn record(&self, slot: Slot) -> Option<&Record> {
        self.records.get(slot.index())?.as_ref()
    }

    pub(super) fn record_mut(&mut self, slot: Slot) -> Option<&mut Record> {
        self.records.get_mut(slot.index())?.as_mut()
    }
}

/// An endpoint that should go, and how the others do.
#[derive(Clone, Copy)]
struct Verdict {
    slot: Slot,
    finding: Finding,
    failing: usize,
    judged: usize,
}

/// How long the ejection of this rank lasts: min(base · k, max) · (0.8 + 0.2u).
fn length(settings: &OutlierSettings, streak: u32, draw: Draw) -> Duration {
    let full = nanos(settings.base).saturating_mul(u64::from(streak)).min(nanos(settings.max));
    let fifth = full / 5;
    Duration::from_nanos(full - fifth + draw.of(fifth))
}

/// The draw for the n-th ejection of one judgement: a rotation by the golden ratio, so that what
/// was ejected together does not come back together.
fn spread(draw: Draw, nth: u64) -> Draw {
    let bits = draw.of(u64::MAX);
    Draw::from_bits(bits.wrapping_add(nth.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// Whether an event that came last at `last` may come again, at most once in `every`.
fn is_due(last: &mut Option<Instant>, now: Instant, every: Duration) -> bool {
    let due = last.is_none_or(|last| now.since(last) >= every);
    if due {
        *last = Some(now);
    }
    due
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
