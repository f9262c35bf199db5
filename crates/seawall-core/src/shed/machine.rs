//! Shedding: windows, the target, the cursor.
//!
//! The reasons for the rule are in `mod.rs`, its numbers in `settings.rs`.

use super::levels::Levels;
use super::{Cursor, LEVELS, Priority, SUB_LEVELS, ShedEvent, ShedSettings, ShedSnapshot};
use crate::Mode;
use crate::event::Sink;
use crate::time::{Duration, Instant, nanos};

/// A call was shed. Not to be counted against any dependency, and not retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shed {
    /// Up to where calls are admitted.
    pub cursor: Cursor,
    /// When the present window ends at the latest, and the cursor may move.
    pub until: Instant,
}

/// A part of the first level that is not admitted whole: `admitted` of each `of` calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    admitted: u64,
    of: u64,
}

/// What a window was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    Over,
    Bearable,
}

/// The window in progress.
#[derive(Debug)]
struct Window {
    since: Instant,
    arrivals: Levels,
    admitted: u64,
    waits: u64,
    /// Nanoseconds; saturates after 584 years of waiting.
    waited: u64,
}

/// Shedding by priority. See the module for the rule and what bounds it.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Shedder {
    settings: ShedSettings,
    cursor: Cursor,
    part: Part,
    window: Window,
    overloaded_since: Option<Instant>,
    wait: Option<Duration>,
    shed: [u64; 4],
    latest: Instant,
}

impl Shedder {
    /// Shedding that admits everything. `now` begins its first window.
    #[must_use]
    pub fn new(settings: ShedSettings, now: Instant) -> Self {
        let window =
            Window { since: now, arrivals: Levels::new(), admitted: 0, waits: 0, waited: 0 };
        Self {
            settings,
            cursor: Cursor::OPEN,
            part: Part::default(),
            window,
            overloaded_since: None,
            wait: None,
            shed: [0; 4],
            latest: now,
        }
    }

    /// Takes new settings. The cursor and the window stay, but that off admits everything, and
    /// begins so when it is on again.
    pub fn reconfigure(&mut self, settings: ShedSettings) {
        self.settings = settings;
        if settings.mode == Mode::Off {
            (self.cursor, self.part, self.overloaded_since) = (Cursor::OPEN, Part::default(), None);
        }
    }

    /// Up to where calls are admitted: what callers may be told. In shadow mode, and when off,
    /// everything is.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        match self.settings.mode {
            Mode::Enforce => self.cursor,
            Mode::Shadow | Mode::Off => Cursor::OPEN,
        }
    }

    /// A call arrives. Once for each call: its retries are not asked for again.
    ///
    /// # Errors
    ///
    /// [`Shed`] if it is less important than what is admitted.
    pub fn admit(
        &mut self,
        priority: Priority,
        now: Instant,
        sink: &mut impl Sink<ShedEvent>,
    ) -> Result<(), Shed> {
        if self.settings.mode == Mode::Off {
            return Ok(());
        }
        self.turn(now, sink);
        let before = self.window.arrivals.count(priority.level());
        if self.cursor.admits(priority) || self.is_in_part(priority, before) {
            self.window.admitted += 1;
            return Ok(());
        }
        self.count_shed(priority);
        let (class, sub, cursor, mode) =
            (priority.class(), priority.sub(), self.cursor, self.settings.mode);
        sink.emit(ShedEvent::Shed { class, sub, cursor, mode });
        match mode {
            Mode::Enforce => {
                Err(Shed { cursor, until: self.window.since.after(self.settings.window) })
            }
            Mode::Shadow | Mode::Off => Ok(()),
        }
    }

    /// An admitted call was let out of the queue after `wait`, zero if there was none; also if
    /// it was let out because its time was over. Never the time that other services took.
    pub fn on_queue_wait(&mut self, wait: Duration, now: Instant, sink: &mut impl Sink<ShedEvent>) {
        if self.settings.mode == Mode::Off {
            return;
        }
        self.turn(now, sink);
        self.window.waits += 1;
        self.window.waited = self.window.waited.saturating_add(nanos(wait));
    }

    /// Ends the window if it is over. Calls do so as well; for a driver that reports or passes on
    /// the cursor while none come.
    pub fn advance(&mut self, now: Instant, sink: &mut impl Sink<ShedEvent>) {
        if self.settings.mode != Mode::Off {
            self.turn(now, sink);
        }
    }

    /// All that is known.
    #[must_use]
    pub fn snapshot(&self) -> ShedSnapshot {
        ShedSnapshot {
            mode: self.settings.mode,
            cursor: self.cursor,
            overloaded_since: self.overloaded_since,
            wait: self.wait,
            arrivals: self.window.arrivals.total(),
            admitted: self.window.admitted,
            shed: self.shed,
        }
    }

    /// Checks, in debug builds, what must always hold. Walks the counters.
    pub fn invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        self.window.arrivals.invariants();
        debug_assert!(self.window.admitted <= self.window.arrivals.total(), "admitted unasked");
        debug_assert!(self.part.admitted <= self.part.of, "a part larger than the whole");
    }

    /// Ends the window if it is over. One that was left behind by more than its length was
    /// followed by empty ones, in which the cursor drifts open.
    fn turn(&mut self, now: Instant, sink: &mut impl Sink<ShedEvent>) {
        self.latest = self.latest.max(now);
        let length = nanos(self.settings.window).max(1);
        let windows = nanos(self.latest.since(self.window.since)) / length;
        let full = self.window.arrivals.total() >= u64::from(self.settings.window_calls);
        if windows == 0 && !full {
            return;
        }
        self.judge(sink);
        self.drift(windows.saturating_sub(1));
        let elapsed = Duration::from_nanos(windows.saturating_mul(length));
        self.window.since = if full { self.latest } else { self.window.since.after(elapsed) };
        self.window.arrivals.clear();
        (self.window.admitted, self.window.waits, self.window.waited) = (0, 0, 0);
        self.invariants();
    }

    fn judge(&mut self, sink: &mut impl Sink<ShedEvent>) {
        let average = self.window.waited.checked_div(self.window.waits).map(Duration::from_nanos);
        self.wait = average.or(self.wait);
        let overloaded = average.filter(|wait| *wait >= self.settings.queue_wait);
        self.aim(if overloaded.is_some() { Load::Over } else { Load::Bearable });
        match (overloaded, self.overloaded_since) {
            (Some(wait), None) => {
                self.overloaded_since = Some(self.latest);
                sink.emit(ShedEvent::OverloadEntered { wait });
            }
            (None, Some(since)) => {
                self.overloaded_since = None;
                sink.emit(ShedEvent::OverloadLeft { after: self.latest.since(since) });
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// Sets the target by what the window brought, and moves the cursor to it.
    fn aim(&mut self, load: Load) {
        let (arrivals, admitted) = (self.window.arrivals.total(), self.window.admitted);
        if arrivals == 0 {
            return self.drift(1);
        }
        // At least one, or little traffic would never be let in again.
        let step = self.settings.growth.of(arrivals).max(1);
        let target = match load {
            Load::Over => self.settings.shrink.of(admitted),
            Load::Bearable => admitted + step,
        };
        let target = target.max(self.settings.floor.of(arrivals)).max(1);
        let (cursor, sum) = self.window.arrivals.fitting(target);
        self.cursor = cursor;
        let next = self.window.arrivals.at(cursor.levels());
        // A level heavier than a step would never fit: it is admitted in part.
        let is_heavy = next > step;
        self.part =
            if is_heavy { Part { admitted: target - sum, of: next } } else { Part::default() };
    }

    /// Opens by the growth's share of all levels for each empty window: nobody came who could
    /// have told whether there is room.
    fn drift(&mut self, windows: u64) {
        if windows > 0 {
            let step = self.settings.growth.of(u64::from(LEVELS)) + 1;
            self.cursor = self.cursor.opened_by(windows.saturating_mul(step));
            self.part = Part::default();
        }
    }

    /// Whether a call is in the part of its level that is admitted, spread evenly over it.
    fn is_in_part(&self, priority: Priority, before: u64) -> bool {
        let Part { admitted, of } = self.part;
        let share = |calls: u64| calls.saturating_mul(admitted).checked_div(of).unwrap_or(0);
        priority.level() == self.cursor.levels() && share(before + 1) > share(before)
    }

    fn count_shed(&mut self, priority: Priority) {
        let index = usize::from(priority.level() / SUB_LEVELS);
        if let Some(count) = self.shed.get_mut(index) {
            *count = count.saturating_add(1);
        }
    }
}
