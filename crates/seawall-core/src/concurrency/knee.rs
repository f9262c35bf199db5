//! The knee: the most at once that one endpoint works on before more only wait.
//!
//! For one limit at each endpoint, which sees the latency of that endpoint alone. Each sample is
//! taken together with how many were in flight when it began, itself included: a service that
//! works on c at once answers in its base latency up to c, and in `n / c` times that from there on.
//! So one slow spell tells c, as `n · base / latency`, without any search (the bandwidth-delay
//! product of BBR: Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016).
//!
//! What latency says of a service that is slow for reasons of its own is decided here as well: it
//! is slow however few are in flight, which a trial finds out (`trial.rs`) where what is known does
//! not tell. Who waits, and who is refused, is the bulkhead's business.

use super::epoch::{Epoch, Reading, Weight};
use super::millionths::Millionths;
use super::proven::Proven;
use super::trial::{Finding, Trial};
use super::update::{Scene, Update};
use super::{Cause, Evidence, Finished};
use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};

/// So long counts what was seen of the knee.
const MEMORY: Duration = Duration::from_mins(1);

/// Up to this multiple of the base nothing waits: what was in flight then has proven harmless.
const FREE: Ratio = Ratio::from_percent(120);

/// Below this share of what has proven harmless a slow spell is not of our making.
const INNOCENT: Ratio = Ratio::from_percent(75);

/// A service that has been seen to work on some number at once does not work on this share of it a
/// moment later, unless it has become slow: then more in flight is what it takes to go on.
const UNLIKELY: Ratio = Ratio::from_percent(60);

/// On this share of it few samples are enough to say so.
const ABSURD: Ratio = Ratio::from_percent(40);

/// No cut goes below this multiple of what has proven harmless: the proof is a mean, and bursts are
/// above it.
const FLOOR: Ratio = Ratio::from_percent(175);

/// So many times what has proven harmless may be in flight while nothing is wrong. Far more would
/// be a queue of far more when a flood begins; a rise beyond it is a matter of moments.
const ROOM: u32 = 2;

/// And at least so many: the mean of a quiet service is below one.
const ROOM_MIN: u32 = 8;

/// A limit grows by no more than this in one epoch.
const STEP: Ratio = Ratio::from_percent(150);

/// Latency is flat if it stays within this while concurrency rises by as much.
const FLAT: Ratio = Ratio::from_percent(120);
const MORE: Ratio = Ratio::from_percent(160);

/// Once in so long a limit that holds is doubled for a moment, to see whether it still should: a
/// base that was learnt in a strange hour would keep it down for ever.
const PROBE_EVERY: Duration = Duration::from_secs(20);

/// How much of a new latency enters the base: an eighth, as in TCP's smoothed round-trip time.
const GAIN: u32 = 8;

/// Below this share of the base latency is lower by no chance, in an epoch and in few samples. Then
/// it is the base: no service is faster than it can be.
const FAR: Ratio = Ratio::from_percent(66);
const VERY_FAR: Ratio = Ratio::from_percent(33);

/// For so many base latencies an unproven limit holds callers up before it gives way, in which a
/// slow spell would have shown; and for so long at least.
const PACE_BASES: u32 = 2;
const PACE_MIN: Duration = Duration::from_millis(1);

/// Nobody has waited for a limit of which nobody has said so for so many of these times.
const PRESSED_PACES: u32 = 4;

/// An endpoint that owes an answer for so many base latencies, and this time, is silent: it may be
/// frozen, or have been asked for what takes long. In either case nothing speaks of room, so that a
/// limit gives way once in so long only.
const SILENT_BASES: u32 = 4;
const SILENT_AFTER: Duration = Duration::from_millis(100);

/// A limit that holds does so no longer than this after the latest answer that took longer than if
/// nothing waited.
const CALM_AFTER: Duration = Duration::from_secs(2);

/// How badly those who wait need room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// They can wait until it is known whether there is room.
    Patient,
    /// They have waited for something else, and come all at once now.
    Late,
}

/// The state of the algorithm.
#[derive(Debug)]
pub(super) struct Knee {
    tolerance: Ratio,
    base: Option<Duration>,
    epoch: Epoch,
    proven: Proven,
    /// Of the present slow spell the epoch with the fewest in flight.
    anchor: Option<Reading>,
    /// What the service works on at once, as the latest slow spell told.
    knee: Option<(Millionths, Instant)>,
    congested: bool,
    /// Whether it is overload is being found out.
    trial: Option<Trial>,
    /// When a limit that holds was last tried, or began to hold.
    probed_at: Instant,
    /// Since when callers have waited for the present limit, as far as anybody has said.
    pressed_at: Option<Instant>,
    /// When an answer last took longer than if nothing waited, and when a full epoch was last
    /// judged, or a limit began to hold.
    slow_at: Instant,
    judged_at: Instant,
}

impl Knee {
    pub(super) fn new(tolerance: Ratio, base: Option<Duration>, origin: Instant) -> Self {
        Self {
            tolerance,
            base,
            epoch: Epoch::default(),
            proven: Proven::new(origin),
            anchor: None,
            knee: None,
            congested: false,
            trial: None,
            probed_at: Instant::EPOCH,
            pressed_at: None,
            slow_at: Instant::EPOCH,
            judged_at: Instant::EPOCH,
        }
    }

    pub(super) const fn base(&self) -> Option<Duration> {
        self.base
    }

    pub(super) const fn is_congested(&self) -> bool {
        self.congested
    }

    /// Whether what is in flight may be why it is slow.
    pub(super) const fn explains_latency(&self) -> bool {
        self.congested || self.trial.is_some()
    }

    pub(super) fn adopt(&mut self, tolerance: Ratio) {
        self.tolerance = tolerance;
    }

    /// Only answers count. A timeout may be the fault of a frozen endpoint, and an answer that asks
    /// for less that of a limit which has nothing to do with load.
    pub(super) fn update(&mut self, scene: &Scene, finished: &Finished) -> Option<Update> {
        if finished.evidence != Evidence::Sample {
            return None;
        }
        self.relent(scene.now);
        if self.base.is_some_and(|base| finished.latency > times(FREE, base)) {
            self.slow_at = scene.now;
        }
        if let Some(trial) = &mut self.trial {
            let finding = trial.take(finished, scene.now)?;
            let (level, cause) = self.conclude(scene, finding)?;
            return Some(Update::plain(scene.bound(level), cause));
        }
        self.epoch.renew(scene.now, self.base);
        let slow_from = self.base.map_or(Duration::MAX, |base| times(self.tolerance, base));
        self.epoch.take(scene.now, finished, (self.base, slow_from));
        let reading = self.epoch.reading(scene.now, self.base)?;
        let update = self.judge(scene, reading);
        if update.is_some() || reading.weight == Weight::Full {
            self.epoch = Epoch::default();
        }
        update
    }

    /// Nothing follows from some early readings: then the epoch goes on.
    fn judge(&mut self, scene: &Scene, reading: Reading) -> Option<Update> {
        self.proven.advance(scene.now);
        if reading.weight == Weight::Full {
            self.judged_at = scene.now;
        }
        let base = match self.base {
            Some(base) => base,
            None => self.begin(scene, reading),
        };
        let limited = reading.peak >= scene.level.permits();
        let fine = reading.latency <= times(self.tolerance, base);
        let (level, cause) = match (fine, reading.weight) {
            (true, Weight::Early) if reading.latency <= times(VERY_FAR, base) => {
                (self.base, self.knee, self.congested) = (Some(reading.latency), None, false);
                (scene.level, Cause::Resumed)
            }
            (true, Weight::Early) if limited => self.grow(scene, base, reading),
            (true, Weight::Early) => return None,
            (true, Weight::Full) => self.fine(scene, base, reading),
            (false, Weight::Full) if self.is_innocent(base, reading) => {
                self.rebase(scene, reading.latency)
            }
            (false, Weight::Early) if self.is_doubtful(base, reading) => return None,
            (false, _) if self.congested => self.congest(scene, base, reading),
            (false, _) => self.suspect(scene, base, reading),
        };
        let short = Some(reading.latency);
        Some(Update { short, ..Update::plain(scene.bound(level), cause) })
    }

    /// Whatever comes first is taken as it is.
    fn begin(&mut self, scene: &Scene, reading: Reading) -> Duration {
        self.base = Some(reading.latency);
        self.proven.note(reading.beside, reading.latency, scene.now);
        reading.latency
    }

    fn fine(&mut self, scene: &Scene, base: Duration, reading: Reading) -> (Millionths, Cause) {
        self.anchor = None;
        let limited = reading.peak >= scene.level.permits();
        if !limited {
            self.congested = false;
        }
        if !self.congested && reading.latency <= times(FREE, base) {
            self.proven.note(reading.beside, base.max(reading.latency), scene.now);
        }
        self.follow(base, reading);
        if limited { self.grow(scene, base, reading) } else { self.rest(scene, reading) }
    }

    /// The limit is in use, and latency leaves room.
    fn grow(&mut self, scene: &Scene, base: Duration, reading: Reading) -> (Millionths, Cause) {
        let knee = reading.beside.times(base, reading.latency);
        let step = scene.level.share(STEP).max(scene.level.plus(Millionths::whole(1)));
        let target = knee.share(self.tolerance).min(step);
        let used = reading.beside >= scene.level.share(INNOCENT);
        if used && reading.latency > times(FREE, base) {
            self.knee = Some((knee, scene.now));
        }
        if let Some(probe) = self.probe(scene, reading) {
            return probe;
        }
        if target <= scene.level {
            return (scene.level, Cause::Congestion);
        }
        if self.knee.is_some_and(|(known, _)| knee > known.share(FREE)) {
            self.knee = self.congested.then_some((knee, scene.now));
        }
        (target, Cause::Growth)
    }

    /// The limit is not in use: it keeps to what has been of use.
    fn rest(&mut self, scene: &Scene, reading: Reading) -> (Millionths, Cause) {
        let known = self.knee.filter(|(_, at)| scene.now.since(*at) < MEMORY);
        let level = match known {
            Some((knee, _)) => knee.share(self.tolerance).max(self.floor()),
            // What is in flight now is no proof where latency is a little above the base, but to
            // cut into it would be to hold a service that is fine.
            None => self.room().max(reading.beside.plus(reading.beside)),
        };
        let cause = if level < scene.level { Cause::Unused } else { Cause::Growth };
        (level, cause)
    }

    fn room(&self) -> Millionths {
        let proven = self.most_proven();
        let room = (1..ROOM).fold(proven, |room, _| room.plus(proven));
        room.max(Millionths::whole(ROOM_MIN))
    }

    fn floor(&self) -> Millionths {
        self.most_proven().share(FLOOR)
    }

    fn most_proven(&self) -> Millionths {
        self.base.map_or_else(Millionths::default, |base| self.proven.most(base))
    }

    /// Fewer in flight than have done no harm within a minute, or far slower than that many
    /// explain, or more than before without being slower for it: the service is slow for a reason
    /// of its own.
    fn is_innocent(&self, base: Duration, reading: Reading) -> bool {
        let flat = self.anchor.is_some_and(|anchor| {
            reading.beside >= anchor.beside.share(MORE)
                && reading.latency <= times(FLAT, anchor.latency)
        });
        flat || self.has_few(reading) || self.is_unlikely(base, reading)
    }

    /// An early reading while a limit holds that is hardly worse than what is known already, or
    /// that tells of something else: more samples tell whether it is chance.
    fn is_doubtful(&self, base: Duration, reading: Reading) -> bool {
        let far = times(self.tolerance, times(self.tolerance, base));
        let known = reading.latency <= far;
        self.congested && (known || self.has_few(reading) || self.is_unlikely(base, reading))
    }

    fn is_unlikely(&self, base: Duration, reading: Reading) -> bool {
        self.explains_less(UNLIKELY, base, reading)
    }

    /// Whether the knee would be at less than this share of what has proven harmless.
    fn explains_less(&self, share: Ratio, base: Duration, reading: Reading) -> bool {
        let knee = reading.beside.times(base, reading.latency);
        knee <= self.most_proven().share(share)
    }

    fn has_few(&self, reading: Reading) -> bool {
        reading.beside <= self.most_proven().share(INNOCENT)
    }

    /// It has become slow. Overload, or a reason of its own? Where what is in flight cannot explain
    /// it, or is too little to be lowered, it is no overload; else a trial tells.
    fn suspect(&mut self, scene: &Scene, base: Duration, reading: Reading) -> (Millionths, Cause) {
        let (proven, least) = (self.most_proven(), scene.min);
        let at = (scene.level, scene.now);
        if self.explains_less(ABSURD, base, reading) {
            return self.rebase(scene, reading.latency);
        }
        match Trial::begin((base, reading), proven, least, at) {
            None => self.rebase(scene, reading.latency),
            Some(trial) => {
                self.trial = Some(trial);
                (trial.level, Cause::Trial)
            }
        }
    }

    /// A trial is over.
    fn conclude(&mut self, scene: &Scene, finding: Finding) -> Option<(Millionths, Cause)> {
        let Trial { before, suspect, knee, .. } = self.trial.take()?;
        self.epoch = Epoch::default();
        Some(match finding {
            Finding::Overload => {
                self.knee = Some((knee, scene.now));
                self.hold(scene);
                (knee.share(self.tolerance).max(self.floor()), Cause::Congestion)
            }
            Finding::Slow(latency) => {
                let (level, cause) = self.rebase(scene, latency);
                (level.max(before), cause)
            }
            Finding::Nothing => (before.max(suspect.beside), Cause::Resumed),
        })
    }

    /// What was done in a second before should be done still, and takes more in flight.
    fn rebase(&mut self, scene: &Scene, latency: Duration) -> (Millionths, Cause) {
        let before = self.base.replace(latency).unwrap_or(latency);
        let proven = self.most_proven();
        let as_much = proven.max(proven.times(latency, before));
        self.anchor = None;
        self.knee = None;
        self.congested = false;
        (scene.level.max(self.room()).max(as_much), Cause::Resumed)
    }

    fn congest(&mut self, scene: &Scene, base: Duration, reading: Reading) -> (Millionths, Cause) {
        let fewer = self.anchor.is_none_or(|anchor| reading.beside < anchor.beside);
        if fewer && reading.weight == Weight::Full {
            self.anchor = Some(reading);
        }
        let knee = reading.beside.times(base, reading.latency);
        self.knee = Some((knee, scene.now));
        if let Some(probe) = self.probe(scene, reading) {
            return probe;
        }
        let level = knee.share(self.tolerance).max(self.floor());
        (level.min(scene.level.share(STEP)), Cause::Congestion)
    }

    /// Whether it is time to try a limit that holds, and what it is to be meanwhile.
    fn probe(&mut self, scene: &Scene, reading: Reading) -> Option<(Millionths, Cause)> {
        let due = scene.now.since(self.probed_at) >= PROBE_EVERY;
        if !self.congested || reading.weight == Weight::Early || !due {
            return None;
        }
        self.probed_at = scene.now;
        self.anchor = Some(reading);
        Some((scene.level.plus(scene.level), Cause::Probe))
    }

    fn hold(&mut self, scene: &Scene) {
        self.congested = true;
        (self.probed_at, self.slow_at, self.judged_at) = (scene.now, scene.now, scene.now);
    }

    /// Ends the hold of a limit of which nothing says any more that it should: where few call, no
    /// epoch is ever full.
    fn relent(&mut self, now: Instant) {
        let calm = now.since(self.slow_at) >= CALM_AFTER;
        if self.congested && (calm || now.since(self.judged_at) >= PROBE_EVERY) {
            (self.congested, self.anchor) = (false, None);
        }
    }

    /// The base follows what is seen while few are in flight, and whatever is faster.
    fn follow(&mut self, base: Duration, reading: Reading) {
        let latency = reading.latency;
        if latency < base {
            let far = latency < times(FAR, base);
            let gain = if far { 1 } else { GAIN };
            if far && !self.congested {
                self.knee = None;
            }
            self.base = Some(base.saturating_sub(base.saturating_sub(latency) / gain));
        } else if !self.congested && self.has_few(reading) {
            self.base = Some(base.saturating_add(latency.saturating_sub(base) / GAIN));
        }
    }

    /// Callers wait, or would be refused, because of a limit that nothing speaks for but that no
    /// more has been tried.
    pub(super) fn press(
        &mut self,
        scene: &Scene,
        (urgency, owed): (Urgency, Duration),
    ) -> Option<Update> {
        let base = self.base?;
        self.relent(scene.now);
        self.epoch.renew(scene.now, self.base);
        if self.trial.is_some_and(|trial| trial.is_over(scene.now)) {
            let (level, cause) = self.conclude(scene, Finding::Nothing)?;
            return Some(Update::plain(scene.bound(level), cause));
        }
        if self.trial.is_some() || self.congested || self.epoch.turns_slow() {
            return None;
        }
        if urgency == Urgency::Patient && !self.is_pace_over(scene.now, (base, owed)) {
            return None;
        }
        self.pressed_at = Some(scene.now);
        self.knee = None;
        let level = scene.bound(scene.level.plus(scene.level));
        (level > scene.level).then(|| Update::plain(level, Cause::Growth))
    }

    /// Whether callers have waited for long enough to be sure that nothing speaks against more.
    fn is_pace_over(&mut self, now: Instant, (base, owed): (Duration, Duration)) -> bool {
        let pace = base.saturating_mul(PACE_BASES).max(PACE_MIN);
        let silent = base.saturating_mul(SILENT_BASES).max(SILENT_AFTER);
        let pace = if owed > silent { silent } else { pace };
        let recent = |at: &Instant| now.since(*at) < pace.saturating_mul(PRESSED_PACES);
        let since = self.pressed_at.filter(recent).unwrap_or(now);
        self.pressed_at = Some(since);
        now.since(since) >= pace
    }

    pub(super) fn invariants(&self) {
        debug_assert!(!self.congested || self.knee.is_some(), "congested without a knee");
        self.epoch.invariants();
        debug_assert!(self.trial.is_none() || !self.congested, "on trial and known");
        if let Some(trial) = &self.trial {
            trial.invariants();
        }
    }
}

fn times(factor: Ratio, latency: Duration) -> Duration {
    Duration::from_nanos(factor.of(nanos(latency)))
}
