//! The limit: what finished attempts make of it, and who is admitted.
//!
//! How it moves is in a file for each algorithm; `evidence.rs` says what an attempt tells.

use super::estimator::Estimator;
use super::millionths::Millionths;
use super::update::{Scene, Update};
use super::{Cause, Evidence, Finished, LimitEvent, LimitSettings, LimitSnapshot, Urgency};
use crate::Mode;
use crate::event::Sink;
use crate::time::{Duration, Instant};

/// The limit is reached. Not to be counted against the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRefused {
    /// So many may be in flight.
    pub limit: u32,
    /// Why the limit is what it is: what the caller, and whoever reads the log, should be told.
    pub cause: Cause,
}

/// An adaptive limit. See the module for how it is used and what bounds it.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Limit {
    settings: LimitSettings,
    estimator: Estimator,
    level: Millionths,
    cause: Cause,
    changed_at: Option<Instant>,
    last: Option<Update>,
    rejected: u64,
    samples: u64,
    drops: u64,
    origin: Instant,
    latest: Instant,
}

impl Limit {
    /// A limit that has learned nothing. `origin` is the phase of its slots and should differ
    /// between instances; it must not lie in the future. Settings out of range count as the
    /// nearest that is within; [`LimitSettings::validate`] names them.
    #[must_use]
    pub fn new(settings: LimitSettings, origin: Instant) -> Self {
        let settings = settings.bounded();
        let level = Millionths::whole(settings.initial);
        let estimator = Estimator::new(settings.algorithm, (None, level), origin);
        Self {
            settings,
            estimator,
            level,
            cause: Cause::Initial,
            changed_at: None,
            last: None,
            rejected: 0,
            samples: 0,
            drops: 0,
            origin,
            latest: Instant::EPOCH,
        }
    }

    /// The limit, whatever the mode: attempts that may be in flight at once. At least 1.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.level.permits()
    }

    /// The limit if it is to be acted upon: absent in shadow mode and when off.
    #[must_use]
    pub fn in_force(&self) -> Option<u32> {
        (self.settings.mode == Mode::Enforce).then(|| self.limit())
    }

    /// Why the limit is what it is.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether one more may start while so many are in flight: only below the limit. For drivers
    /// without a bulkhead, who must decide and count in one step.
    ///
    /// # Errors
    ///
    /// [`LimitRefused`] at the limit, unless in shadow mode or off.
    pub fn admit(
        &mut self,
        in_flight: u32,
        sink: &mut impl Sink<LimitEvent>,
    ) -> Result<(), LimitRefused> {
        let (limit, cause, mode) = (self.limit(), self.cause, self.settings.mode);
        if mode == Mode::Off || in_flight < limit {
            return Ok(());
        }
        self.rejected = self.rejected.saturating_add(1);
        sink.emit(LimitEvent::Rejected { in_flight, limit, cause, mode });
        match mode {
            Mode::Enforce => Err(LimitRefused { limit, cause }),
            Mode::Shadow | Mode::Off => Ok(()),
        }
    }

    /// An attempt has ended. Each is to be reported once, also those that say nothing.
    pub fn on_finished(
        &mut self,
        finished: Finished,
        now: Instant,
        sink: &mut impl Sink<LimitEvent>,
    ) {
        if self.settings.mode == Mode::Off {
            return;
        }
        self.latest = self.latest.max(now);
        self.count(finished.evidence);
        let scene = Scene::new(&self.settings, self.level, self.latest);
        if let Some(update) = self.estimator.update(&scene, &finished) {
            self.apply(update, sink);
        }
        self.invariants();
    }

    /// Callers wait for the limit, or would be refused. One that only keeps to what has been of use
    /// gives way then, and says so; one that is known to be all that the dependency can work on
    /// does not. `owed` is how long some attempt has waited and nothing has come, none if nobody
    /// waits for the head of an answer: where that is long, it gives way slowly. Only
    /// [`super::Algorithm::Knee`] ever gives way.
    pub fn press(
        &mut self,
        (urgency, owed): (Urgency, Duration),
        now: Instant,
        sink: &mut impl Sink<LimitEvent>,
    ) -> bool {
        self.latest = self.latest.max(now);
        let scene = Scene::new(&self.settings, self.level, self.latest);
        let update = self.estimator.press(&scene, (urgency, owed));
        if let Some(update) = update {
            self.apply(update, sink);
        }
        update.is_some()
    }

    /// Whether the dependency is known to have all that it can work on, so that whoever finds the
    /// limit reached may be refused. Only [`super::Algorithm::Knee`] says so.
    #[must_use]
    pub const fn is_congested(&self) -> bool {
        self.estimator.is_congested()
    }

    /// Whether the limit bounds nothing since nothing is known so far. Only
    /// [`super::Algorithm::Knee`] says so.
    #[must_use]
    pub(crate) const fn is_blank(&self) -> bool {
        self.estimator.is_blank()
    }

    /// Whether what is in flight may be why the dependency is slow: that is so, or is being found
    /// out. Only [`super::Algorithm::Knee`] says so.
    #[must_use]
    pub(crate) const fn explains_latency(&self) -> bool {
        self.estimator.explains_latency()
    }

    /// Whether whoever finds the limit reached can hope for no more: it is known that there is no
    /// room, or the limit gives way to nobody.
    #[must_use]
    pub(crate) const fn is_firm(&self) -> bool {
        self.estimator.is_firm()
    }

    /// Takes new settings and keeps the limit, within its new bounds, and the base, also under
    /// another algorithm. A dip or a pin ends.
    pub fn reconfigure(
        &mut self,
        settings: LimitSettings,
        now: Instant,
        sink: &mut impl Sink<LimitEvent>,
    ) {
        self.latest = self.latest.max(now);
        let level = self.estimator.settled(self.level);
        self.settings = settings.bounded();
        let level = Scene::new(&self.settings, level, self.latest).bound(level);
        self.estimator.adopt(self.settings.algorithm, level, self.origin);
        self.apply(Update::plain(level, Cause::Reconfigured), sink);
        self.invariants();
    }

    /// All that is known.
    #[must_use]
    pub fn snapshot(&self) -> LimitSnapshot {
        LimitSnapshot {
            mode: self.settings.mode,
            limit: self.limit(),
            millionths: self.level.raw(),
            cause: self.cause,
            changed_at: self.changed_at,
            base: self.estimator.base(),
            short: self.last.and_then(|last| last.short),
            congested: self.is_congested(),
            gradient: self.last.and_then(|last| last.gradient),
            rejected: self.rejected,
            samples: self.samples,
            drops: self.drops,
        }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        let permitted = self.settings.min..=self.settings.max;
        debug_assert!(permitted.contains(&self.limit()), "a limit out of its bounds");
        self.estimator.invariants();
    }

    fn count(&mut self, evidence: Evidence) {
        match evidence {
            Evidence::Sample => self.samples = self.samples.saturating_add(1),
            Evidence::Drop => self.drops = self.drops.saturating_add(1),
            Evidence::None => {}
        }
    }

    fn apply(&mut self, update: Update, sink: &mut impl Sink<LimitEvent>) {
        let old = self.limit();
        self.level = update.level;
        let new = self.limit();
        if update.short.is_some() {
            self.last = Some(update);
        }
        if update.cause == Cause::Dip
            && let Some(base) = self.estimator.base()
        {
            let resume = self.estimator.settled(self.level).permits();
            sink.emit(LimitEvent::Dip { resume, base });
        }
        if new == old {
            return;
        }
        self.cause = update.cause;
        self.changed_at = Some(self.latest);
        let base = self.estimator.base();
        let Update { short, gradient, cause, .. } = update;
        sink.emit(LimitEvent::Changed { old, new, base, short, gradient, cause });
    }
}
