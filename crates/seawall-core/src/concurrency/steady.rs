//! The default algorithm: a gradient as in Gradient2, without its drift.
//!
//! Latency now is compared with the latency of quiet slots (`slots.rs`), which overload cannot
//! raise. While it is up the limit falls with it and nothing is added; only use makes it grow. What
//! a finished attempt says is decided in `evidence.rs`.

use super::millionths::Millionths;
use super::slots::{Closed, QUIET_SHARE, Slots};
use super::update::{Scene, Update, gradient};
use super::{Cause, Evidence, Finished};
use crate::histogram::Histogram;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};
use crate::window::TimeRing;

/// An update needs this much time and evidence: often enough to act within a second, and a median
/// of 20 is off by a fifth of the spread.
const UPDATE_AFTER: Duration = Duration::from_millis(250);
const UPDATE_EVIDENCE: u64 = 20;

/// With little traffic, so much will do.
const SPARSE_AFTER: Duration = Duration::from_secs(1);
const SPARSE_EVIDENCE: u64 = 10;

/// After so long without a quiet slot the limit dips.
const DIP_AFTER: Duration = Duration::from_mins(10);

/// A dip that has not gathered enough by then ends without having taught anything.
const DIP_MAX: Duration = Duration::from_secs(10);

/// What a drop leaves of the target.
const AFTER_DROP: Ratio = Ratio::from_percent(90);

/// The limit stays within so many times what was in use, over this time.
const USE_FACTOR: u32 = 4;
const USE_WINDOW: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Doubles until the first congestion: a small start reaches a thousand in six updates.
    Doubling,
    Settled,
    /// Half of `resume`, since then.
    Dip {
        resume: Millionths,
        since: Instant,
    },
}

/// What has gathered since the last update.
#[derive(Debug)]
struct Gathered {
    /// When the first of it came.
    since: Option<Instant>,
    latencies: Histogram,
    drops: u64,
    peak: u32,
}

/// What an update decides by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) gradient: Option<Ratio>,
    pub(super) drops: u64,
    /// The most in flight since the last update.
    pub(super) peak: u32,
}

/// The state of the algorithm.
#[derive(Debug)]
pub(super) struct Steady {
    tolerance: Ratio,
    base: Option<Duration>,
    phase: Phase,
    gathered: Gathered,
    slots: Slots,
    peaks: TimeRing<u32>,
    /// When the base was last confirmed by a quiet slot or a dip; absent before the first attempt.
    confirmed_at: Option<Instant>,
}

impl Steady {
    pub(super) fn new(tolerance: Ratio, base: Option<Duration>, origin: Instant) -> Self {
        Self {
            tolerance,
            base,
            phase: if base.is_some() { Phase::Settled } else { Phase::Doubling },
            gathered: Gathered::new(),
            slots: Slots::new(origin),
            peaks: TimeRing::new(USE_WINDOW, origin),
            confirmed_at: None,
        }
    }

    pub(super) const fn base(&self) -> Option<Duration> {
        self.base
    }

    /// What the limit will be once no dip holds it down.
    pub(super) const fn settled(&self, level: Millionths) -> Millionths {
        match self.phase {
            Phase::Dip { resume, .. } => resume,
            Phase::Doubling | Phase::Settled => level,
        }
    }

    /// Takes another tolerance. A dip ends early: it is not known how long it has been obeyed.
    pub(super) fn adopt(&mut self, tolerance: Ratio) {
        self.tolerance = tolerance;
        if self.dips() {
            self.phase = Phase::Settled;
            self.gathered.clear();
        }
    }

    const fn dips(&self) -> bool {
        matches!(self.phase, Phase::Dip { .. })
    }

    pub(super) fn update(&mut self, scene: &Scene, finished: &Finished) -> Option<Update> {
        self.take(scene, finished);
        match self.phase {
            Phase::Dip { resume, since } => self.end_dip(scene, resume, since),
            Phase::Doubling | Phase::Settled => {
                self.gathered.is_enough(scene.now).then(|| self.adjust(scene))
            }
        }
    }

    /// Counts one attempt wherever it counts.
    fn take(&mut self, scene: &Scene, finished: &Finished) {
        self.confirmed_at.get_or_insert(scene.now);
        if let Closed::Quiet(base) = self.slots.advance(scene.now) {
            self.base = Some(base);
            self.confirmed_at = Some(scene.now);
        }
        // What started before a dip was beside more attempts than the dip permits.
        if let Phase::Dip { since, .. } = self.phase {
            let elapsed = scene.now.since(since);
            let too_many = finished.in_flight > scene.level.permits();
            if elapsed < finished.latency || too_many || finished.evidence != Evidence::Sample {
                return;
            }
        }
        let peak = self.peaks.at(scene.now);
        *peak = finished.in_flight.max(*peak);
        self.slots.note_use(finished.in_flight, scene.level.permits());
        if finished.evidence == Evidence::Sample {
            self.slots.record(finished.latency);
        }
        self.gathered.take(scene.now, finished);
    }

    fn adjust(&mut self, scene: &Scene) -> Update {
        let short = self.gathered.quantile(Ratio::from_percent(50));
        if self.base.is_none() {
            self.base = self.gathered.quantile(QUIET_SHARE);
        }
        let both = self.base.zip(short);
        let gradient = both.map(|both| gradient_of(self.tolerance, both));
        let reading = Reading { gradient, drops: self.gathered.drops, peak: self.gathered.peak };
        self.gathered.clear();
        let update = Update { short, gradient, ..self.decide(scene, reading) };
        self.consider_dip(scene, update)
    }

    fn decide(&mut self, scene: &Scene, reading: Reading) -> Update {
        let congested = reading.drops > 0 || reading.gradient.is_some_and(|g| g < Ratio::ONE);
        if congested && self.phase == Phase::Doubling {
            self.phase = Phase::Settled;
        }
        let doubles = self.phase == Phase::Doubling && scene.level.is_half_used(reading.peak);
        let (level, cause) = if doubles {
            (scene.level.plus(scene.level), Cause::Doubling)
        } else {
            next(scene.level, reading)
        };
        let used = self.peaks.live().max().copied().unwrap_or_default();
        let cap = Millionths::whole(used.saturating_mul(USE_FACTOR).min(scene.max));
        let cause = if level > cap { Cause::Unused } else { cause };
        Update::plain(scene.bound(level.min(cap)), cause)
    }

    /// Turns `update` into the start of a dip if nothing has told the base for too long.
    fn consider_dip(&mut self, scene: &Scene, update: Update) -> Update {
        let confirmed = self.confirmed_at.is_none_or(|at| scene.now.since(at) < DIP_AFTER);
        if confirmed || self.base.is_none() {
            return update;
        }
        self.phase = Phase::Dip { resume: update.level, since: scene.now };
        let level = scene.bound(update.level.share(Ratio::from_percent(50)));
        Update { level, cause: Cause::Dip, ..update }
    }

    /// The base is that of the dip, whatever it was before: the quiet slots are long gone.
    fn end_dip(&mut self, scene: &Scene, resume: Millionths, since: Instant) -> Option<Update> {
        let enough = self.gathered.is_enough(scene.now);
        if !enough && scene.now.since(since) < DIP_MAX {
            return None;
        }
        if enough {
            self.base = self.gathered.quantile(QUIET_SHARE).or(self.base);
            self.slots.forget();
        }
        self.gathered.clear();
        self.phase = Phase::Settled;
        self.confirmed_at = Some(scene.now);
        Some(Update::plain(scene.bound(resume), Cause::Resumed))
    }

    pub(super) fn invariants(&self) {
        let dips_unknowing = self.dips() && self.base.is_none();
        debug_assert!(!dips_unknowing, "a dip without a base to renew");
        debug_assert!(
            self.slots.base().is_none_or(|quiet| Some(quiet) >= self.base),
            "a base above a quiet slot"
        );
    }
}

impl Gathered {
    fn new() -> Self {
        Self { since: None, latencies: Histogram::new(), drops: 0, peak: 0 }
    }

    fn take(&mut self, now: Instant, finished: &Finished) {
        self.peak = self.peak.max(finished.in_flight);
        match finished.evidence {
            Evidence::Sample => self.latencies.record(finished.latency),
            Evidence::Drop => self.drops += 1,
            Evidence::None => return,
        }
        self.since.get_or_insert(now);
    }

    fn is_enough(&self, now: Instant) -> bool {
        let elapsed = self.since.map_or(Duration::ZERO, |since| now.since(since));
        let evidence = self.latencies.count() + self.drops;
        (elapsed >= UPDATE_AFTER && evidence >= UPDATE_EVIDENCE)
            || (elapsed >= SPARSE_AFTER && evidence >= SPARSE_EVIDENCE)
    }

    fn quantile(&self, share: Ratio) -> Option<Duration> {
        self.latencies.quantile(share)
    }

    fn clear(&mut self) {
        self.since = None;
        self.latencies.clear();
        self.drops = 0;
        self.peak = 0;
    }
}

/// `clamp(tolerance · base / short, 0.5, 1)`.
pub(super) fn gradient_of(tolerance: Ratio, (base, short): (Duration, Duration)) -> Ratio {
    gradient(tolerance, (base, short), (Ratio::from_percent(50), Ratio::ONE))
}

/// A fifth of the way to the target. After a drop that is 90 %, or the gradient if that is less: a
/// drop must never soften the answer to latency.
pub(super) fn next(level: Millionths, reading: Reading) -> (Millionths, Cause) {
    let gradient = reading.gradient.unwrap_or(Ratio::ONE);
    if reading.drops > 0 && gradient > AFTER_DROP {
        (level.towards(level.share(AFTER_DROP)), Cause::Drop)
    } else if gradient < Ratio::ONE {
        (level.towards(level.share(gradient)), Cause::Congestion)
    } else if level.is_half_used(reading.peak) {
        (level.towards(level.plus(level.root_up())), Cause::Growth)
    } else {
        (level, Cause::Unused)
    }
}
