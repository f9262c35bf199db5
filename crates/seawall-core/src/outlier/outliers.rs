//! The machine: takes outcomes and comparisons, and ejects.
//!
//! Judging what was taken is in `judge.rs`.

use alloc::vec::Vec;

use super::event::{Ejection, Finding, OutlierEvent};
use super::evidence::{Agreement, Evidence};
use super::latency::Timed;
use super::rates::{self, Rated};
use super::record::{Record, Standing, State};
use super::settings::{CommonFault, OutlierSettings};
use crate::Mode;
use crate::endpoint::Slot;
use crate::event::Sink;
use crate::hash::GOLDEN;
use crate::number::small;
use crate::outcome::{Class, FailureKind};
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, Instant, nanos};

/// The draw among those of one judgement that decides who is spared by chance; no judgement has so
/// many endpoints.
const LOT: u64 = 1 << 40;

/// An ejection lasts this part of the illness at most: one more probe each time that it has lasted
/// a quarter longer.
const ILL_PART: u64 = 4;

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
    /// Gateway failures in a row.
    pub gateway: u32,
    /// Failures of local origin in a row, where those are split off.
    pub local_origin: u32,
    /// Successes and failures in the window.
    pub requests: u32,
    /// The share of successes among them; none without any.
    pub success_rate: Option<Ratio>,
    /// The median latency of the window, looked at ten times in a window; none without answers.
    pub latency: Option<Duration>,
    /// Answers that disagreed with the majority or were invalid, among the last compared ...
    pub disagreements: u32,
    /// ... which were so many.
    pub compared: u32,
    /// The last ejection: by which detector, on what value, against which threshold.
    pub last: Option<Ejection>,
}

impl OutlierSnapshot {
    /// Of an endpoint that nothing is known of.
    const fn unknown(standing: Standing) -> Self {
        Self {
            standing,
            spared: false,
            streak: 0,
            consecutive: 0,
            gateway: 0,
            local_origin: 0,
            requests: 0,
            success_rate: None,
            latency: None,
            disagreements: 0,
            compared: 0,
            last: None,
        }
    }
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
/// median − max(3 · 1.4826 · MAD, a number of points), among at least three endpoints; by its share
/// of failures; by a median latency far above that of the others; or by answers that disagree with
/// the majority. Failures that are chance by what is usual among the others (`usual`) make none.
/// Envoy's rules can be chosen in their place. It is out for
/// min(base · 2^(k − 1), max(base, ill/4), max) · (0.8 + 0.2u), k counting its ejections in a row
/// and ill being the time since the first of them; then one probe at a time decides. The cap holds
/// for the number of endpoints as it is: where removals push the ejected above it, those whose time
/// ends first are spared.
///
/// Nothing is ejected while the fault is common, since that would only shift load: the rates do
/// not eject while more than half of the endpoints succeed less than half of the time, failures
/// in a row do not while more than half of the endpoints in choice failed their latest attempt.
///
/// Outcomes of an endpoint that is out do not count: its probe alone decides. In shadow mode, and
/// for one that is spared, the first outcome after its time stands in for the probe.
///
/// Memory: one record for each slot up to the highest inserted, of 19 KiB where latency is judged
/// and half a KiB where not. Noting allocates nothing.
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
    pub(super) timed: Vec<Timed>,
    pub(super) scratch: Vec<u32>,
    pub(super) next_judgement: Instant,
    pub(super) next_measurement: Instant,
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
            timed: Vec::new(),
            scratch: Vec::new(),
            next_judgement: Instant::EPOCH,
            next_measurement: Instant::EPOCH,
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
        let standing = self.standing(slot, now);
        let Some(record) = self.record(slot) else { return OutlierSnapshot::unknown(standing) };
        let tally = record.tally_now(now);
        let (disagreements, compared) =
            record.comparisons.tally(self.settings.odd.unwrap_or_default());
        OutlierSnapshot {
            standing,
            spared: record.spared,
            streak: record.streak(now),
            consecutive: record.rows.any,
            gateway: record.rows.gateway,
            local_origin: record.rows.local,
            requests: tally.requests(),
            success_rate: rates::share(tally.successes, tally.requests()),
            latency: record.latency.median,
            disagreements,
            compared,
            last: record.last,
        }
    }

    /// Takes the result of comparing an answer of the endpoint with those of others: what a
    /// majority read found (`quorum`). An answer that failed validation alone is a failure like any
    /// other: nobody has agreed on a better one.
    pub fn compared(
        &mut self,
        slot: Slot,
        agreement: Agreement,
        (now, draw): (Instant, Draw),
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        let now = self.clock(now);
        let Some(rule) = self.settings.odd.filter(|_| self.settings.mode != Mode::Off) else {
            return;
        };
        let Some(record) = self.record_mut(slot).filter(|record| record.is_in()) else { return };
        record.comparisons.push(u64::from(agreement == Agreement::Odd));
        let (disagreements, reads) = record.comparisons.tally(rule);
        let limit = rule.disagreements.max(1);
        if agreement == Agreement::Odd && disagreements >= limit {
            let finding = Finding::OddOne { disagreements, reads, limit };
            // The majority agreed, so this is no common fault.
            let verdict = Verdict { slot, finding, failing: 0, judged: 0 };
            self.act(verdict, draw, now, sink);
        }
    }

    fn count(
        &mut self,
        slot: Slot,
        evidence: Evidence,
        now: Instant,
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        let split = self.settings.local_origin.is_some();
        let Some(record) = self.record_mut(slot) else { return };
        let was_failing = record.is_failing();
        if let Some(latency) = evidence.latency {
            record.took(latency, now);
        }
        record.refused = evidence.refused;
        let kind = evidence.failure.unwrap_or(FailureKind::Service);
        match evidence.class {
            Class::Success => record.succeeded(now),
            Class::Failure if split && kind == FailureKind::LocalOrigin => record.failed_locally(),
            Class::Failure => record.failed(kind, now),
            Class::Ignored | Class::Abandoned => return,
        }
        let (rows, is_failing) = (record.rows, record.is_failing());
        self.census.failing += usize::from(is_failing);
        self.census.failing -= usize::from(was_failing);
        self.judge_rows(slot, rows, (evidence.draw, now), sink);
        self.judge_rates(evidence.draw, now, sink);
    }

    /// Ejects, unless too many are out or the fault is common.
    pub(super) fn act(
        &mut self,
        verdict: Verdict,
        draw: Draw,
        now: Instant,
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        let Verdict { slot, finding, failing, judged } = verdict;
        let (mode, window) = (self.settings.mode, self.settings.window);
        let suppress = self.settings.common == CommonFault::Suppress;
        let share = self.settings.enforcement.of(finding.detector());
        let Some(record) = self.record_mut(slot) else { return };
        // Another draw than the one for the length, or those who are spared by chance would be
        // those whose ejections are short.
        if !record.is_enforced(share, spread(draw, LOT), (now, window)) {
            if is_due(&mut record.unenforced_at, now, window) {
                sink.emit(OutlierEvent::NotEnforced { slot, finding, share, mode });
            }
        } else if self.census.out >= self.allowed() {
            let out = small(self.census.out);
            let Some(record) = self.record_mut(slot) else { return };
            if is_due(&mut record.capped_at, now, window) {
                sink.emit(OutlierEvent::Capped { slot, finding, out, mode });
            }
        } else if suppress && is_common(failing, judged) {
            let (failing, judged) = (small(failing), small(judged));
            if is_due(&mut self.suppressed_at, now, window) {
                sink.emit(OutlierEvent::Suppressed { slot, finding, failing, judged, mode });
            }
        } else {
            self.eject(slot, (finding, Longer::Yes), draw, sink);
        }
    }

    /// Takes an endpoint out, at the latest instant seen.
    pub(super) fn eject(
        &mut self,
        slot: Slot,
        (finding, longer): (Finding, Longer),
        draw: Draw,
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        let (now, settings, mut census) = (self.latest, self.settings, self.census);
        let Some(record) = self.record_mut(slot) else { return };
        census.out += usize::from(record.is_in());
        census.failing -= usize::from(record.is_failing());
        let before = record.streak(now);
        let ill_since = if before == 0 { now } else { record.ill_since };
        let streak = match longer {
            Longer::Yes => before.saturating_add(1),
            Longer::No => before.max(1),
        };
        let until = now.after(length(&settings, (streak, now.since(ill_since)), draw));
        let ejection = Ejection { finding, streak, at: now, until };
        record.state = State::Out { until };
        (record.streak, record.ill_since) = (streak, ill_since);
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
pub(super) struct Verdict {
    pub(super) slot: Slot,
    pub(super) finding: Finding,
    pub(super) failing: usize,
    pub(super) judged: usize,
}

/// Whether a fault is that of most endpoints.
pub(super) const fn is_common(failing: usize, judged: usize) -> bool {
    judged > 1 && failing * 2 > judged
}

/// Whether an ejection lasts longer than the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Longer {
    /// It does.
    Yes,
    /// It lasts as long: that the endpoint is still away was found out at no cost.
    No,
}

/// How long the ejection of this rank lasts, where the endpoint has been ill for so long:
/// min(base · 2^(k − 1), max(base, ill/4), max) · (0.8 + 0.2u). So it is away for no more than a
/// quarter as long again as it was ill, and what is ill for good is probed less and less.
fn length(settings: &OutlierSettings, (streak, ill): (u32, Duration), draw: Draw) -> Duration {
    let doubled = 1_u64.checked_shl(streak.saturating_sub(1)).unwrap_or(u64::MAX);
    let (base, ill) = (nanos(settings.base), nanos(ill) / ILL_PART);
    let full = base.saturating_mul(doubled).min(base.max(ill)).min(nanos(settings.max));
    let fifth = full / 5;
    Duration::from_nanos(full - fifth + draw.of(fifth))
}

/// The draw for the n-th ejection of one judgement: a rotation by the golden ratio, so that what
/// was ejected together does not come back together.
pub(super) fn spread(draw: Draw, nth: u64) -> Draw {
    let bits = draw.of(u64::MAX);
    Draw::from_bits(bits.wrapping_add(nth.wrapping_mul(GOLDEN)))
}

/// Whether an event that came last at `last` may come again, at most once in `every`.
fn is_due(last: &mut Option<Instant>, now: Instant, every: Duration) -> bool {
    let due = last.is_none_or(|last| now.since(last) >= every);
    if due {
        *last = Some(now);
    }
    due
}
