//! Brownout: the level, the streaks that move it, and the hand that pins it.
//!
//! The reasons for the rule are in `mod.rs`, its numbers in `settings.rs`.

use super::{
    BrownoutEvent, BrownoutSettings, BrownoutSnapshot, Cause, Level, LevelSet, SIGNALS, Signal,
};
use crate::Mode;
use crate::event::Sink;
use crate::ratio::Ratio;
use crate::time::{Instant, nanos};

/// The degradation level. See the module for the rule and what bounds it.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Brownout {
    settings: BrownoutSettings,
    level: Level,
    is_pinned: bool,
    signals: [Option<Ratio>; SIGNALS],
    pressed: u32,
    relieved: u32,
    /// When the present tick began.
    ticked_at: Instant,
    change: Option<(Cause, Instant)>,
    latest: Instant,
}

impl Brownout {
    /// Normal, with nothing known. The first tick is due one tick after `now`.
    #[must_use]
    pub fn new(settings: BrownoutSettings, now: Instant) -> Self {
        Self {
            settings: bounded(settings),
            level: Level::Normal,
            is_pinned: false,
            signals: [None; SIGNALS],
            pressed: 0,
            relieved: 0,
            ticked_at: now,
            change: None,
            latest: now,
        }
    }

    /// The level in force: normal in shadow mode and when off.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self.settings.mode {
            Mode::Enforce => self.level,
            Mode::Shadow | Mode::Off => Level::Normal,
        }
    }

    /// A signal, divided by its limit; `None` when it is not known, which counts as no pressure.
    /// Holds until it is noted again.
    pub fn note(&mut self, signal: Signal, pressure: Option<Ratio>) {
        if let Some(noted) = self.signals.get_mut(signal.index()) {
            *noted = pressure;
        }
    }

    /// Judges the pressure, if a tick has passed since it last did. A gap of more than one missed
    /// tick starts the streaks anew: nobody knows what pressure there was.
    pub fn tick(&mut self, now: Instant, sink: &mut impl Sink<BrownoutEvent>) {
        self.latest = self.latest.max(now);
        let tick = nanos(self.settings.tick).max(1);
        let ticks = nanos(self.latest.since(self.ticked_at)) / tick;
        if ticks == 0 || self.settings.mode == Mode::Off {
            return;
        }
        let phase = nanos(self.latest.since(self.ticked_at)) % tick;
        self.ticked_at = Instant::from_nanos(self.latest.as_nanos() - phase);
        if ticks > 2 {
            (self.pressed, self.relieved) = (0, 0);
        }
        if !self.is_pinned {
            self.judge(sink);
        }
        self.invariants();
    }

    /// When [`Brownout::tick`] has something to judge next.
    #[must_use]
    pub fn next_deadline(&self) -> Instant {
        self.ticked_at.after(self.settings.tick)
    }

    /// Pins the level, also to one that is skipped; `None` lets the rule go on from there.
    pub fn pin(&mut self, level: Option<Level>, now: Instant, sink: &mut impl Sink<BrownoutEvent>) {
        self.latest = self.latest.max(now);
        self.is_pinned = level.is_some();
        (self.pressed, self.relieved) = (0, 0);
        match level {
            Some(level) => self.move_to(level, Cause::Pinned, sink),
            None => self.leave_skipped(sink),
        }
        self.invariants();
    }

    /// Takes new settings and keeps the level and the streaks. If the level is skipped now, the
    /// next lower one holds; if brownout is off now, the normal one, also if it was pinned.
    pub fn reconfigure(
        &mut self,
        settings: BrownoutSettings,
        now: Instant,
        sink: &mut impl Sink<BrownoutEvent>,
    ) {
        self.latest = self.latest.max(now);
        self.settings = bounded(settings);
        self.pressed = self.pressed.min(self.settings.rise_ticks - 1);
        self.relieved = self.relieved.min(self.settings.fall_ticks - 1);
        if self.settings.mode == Mode::Off {
            (self.pressed, self.relieved, self.is_pinned) = (0, 0, false);
            self.move_to(Level::Normal, Cause::Reconfigured, sink);
        } else if !self.is_pinned {
            self.leave_skipped(sink);
        }
        self.invariants();
    }

    /// All that is known.
    #[must_use]
    pub const fn snapshot(&self) -> BrownoutSnapshot {
        let (cause, since) = match self.change {
            Some((cause, since)) => (Some(cause), Some(since)),
            None => (None, None),
        };
        BrownoutSnapshot {
            mode: self.settings.mode,
            level: self.level,
            is_pinned: self.is_pinned,
            cause,
            since,
            signals: self.signals,
            pressed: self.pressed,
            relieved: self.relieved,
        }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        let skipped = self.settings.skipped.contains(self.level);
        debug_assert!(self.is_pinned || !skipped, "at a level that is skipped");
        debug_assert!(self.pressed == 0 || self.relieved == 0, "pressed and relieved at once");
        debug_assert!(self.pressed < self.settings.rise_ticks, "a rise was missed");
        debug_assert!(self.relieved < self.settings.fall_ticks, "a fall was missed");
    }

    fn judge(&mut self, sink: &mut impl Sink<BrownoutEvent>) {
        let (pressure, signal) = self.pressure();
        self.pressed = if pressure >= self.settings.rise_at { self.pressed + 1 } else { 0 };
        self.relieved = if pressure <= self.settings.fall_at { self.relieved + 1 } else { 0 };
        if self.pressed >= self.settings.rise_ticks {
            self.pressed = 0;
            let level = self.settings.above(self.level);
            self.move_to(level, Cause::Pressure(signal), sink);
        }
        if self.relieved >= self.settings.fall_ticks {
            self.relieved = 0;
            let level = self.settings.below(self.level);
            self.move_to(level, Cause::Relief(signal), sink);
        }
    }

    /// The largest signal; the first of them if they are alike.
    fn pressure(&self) -> (Ratio, Signal) {
        let known = Signal::ALL.into_iter().zip(self.signals);
        known.fold((Ratio::ZERO, Signal::QueueWait), |most, (signal, pressure)| {
            let pressure = pressure.unwrap_or(Ratio::ZERO);
            if pressure > most.0 { (pressure, signal) } else { most }
        })
    }

    fn leave_skipped(&mut self, sink: &mut impl Sink<BrownoutEvent>) {
        if self.settings.skipped.contains(self.level) {
            let level = self.settings.below(self.level);
            self.move_to(level, Cause::Reconfigured, sink);
        }
    }

    fn move_to(&mut self, to: Level, cause: Cause, sink: &mut impl Sink<BrownoutEvent>) {
        let from = core::mem::replace(&mut self.level, to);
        if from == to {
            return;
        }
        self.change = Some((cause, self.latest));
        let (pressure, _) = self.pressure();
        sink.emit(BrownoutEvent { from, to, cause, pressure, mode: self.settings.mode });
    }
}

/// Within the bounds of its fields, whatever was asked for.
fn bounded(settings: BrownoutSettings) -> BrownoutSettings {
    let normal = settings.skipped.contains(Level::Normal);
    BrownoutSettings {
        rise_ticks: settings.rise_ticks.max(1),
        fall_ticks: settings.fall_ticks.max(1),
        fall_at: settings.fall_at.min(Ratio::from_ppm(settings.rise_at.ppm().saturating_sub(1))),
        skipped: if normal { LevelSet::NONE } else { settings.skipped },
        ..settings
    }
}
