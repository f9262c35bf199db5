//! The breaker: what calls and people ask of it, and what time does to it.
//!
//! Judging outcomes is in `judge.rs`, changing state in `transition.rs`, the states themselves in
//! `state.rs`, and reading without changing in `snapshot.rs`.

use super::state::{Closed, State};
use super::ticket::Role;
use super::window::{Tally, Window};
use super::{BreakerEvent, BreakerSettings, Ended, Probing, Refused, Ticket};
use crate::Mode;
use crate::event::Sink;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::Instant;

/// Who is in control of a breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manual {
    /// Its own rules. The default.
    #[default]
    Auto,
    /// Somebody: nothing passes.
    ForcedOpen,
    /// Somebody: everything passes; outcomes are recorded, and never trip.
    ForcedClosed,
    /// Somebody: everything passes and nothing is recorded.
    Disabled,
}

/// A circuit breaker. See the module for what it is and what bounds it.
///
/// A `now` earlier than the latest one seen counts as the latest. All methods take constant time
/// and, but for [`Breaker::new`] and a [`Breaker::reconfigure`] that changes the shape of the
/// window, do not allocate.
#[derive(Debug)]
pub struct Breaker {
    pub(super) settings: BreakerSettings,
    origin: Instant,
    /// Allocated once, hence beside the state; empty unless that is closed.
    pub(super) window: Window,
    pub(super) state: State,
    pub(super) manual: Manual,
    pub(super) generation: u64,
    pub(super) latest: Instant,
    /// Shorter rows of failures come by chance, says who sees others of the same kind.
    pub(super) usual: Ratio,
}

impl Breaker {
    /// A closed breaker that knows nothing. `origin` is the phase of a time window and should
    /// differ between instances; it need not be the present.
    ///
    /// Counts of the settings that must be at least 1 are taken as 1 when they are 0, and
    /// `min_calls` beyond a count window as the size of that window.
    #[must_use]
    pub fn new(settings: BreakerSettings, origin: Instant) -> Self {
        Self {
            settings,
            origin,
            window: Window::new(settings.window, origin),
            state: State::Closed(Closed::fresh(Instant::EPOCH)),
            manual: Manual::Auto,
            generation: 0,
            latest: Instant::EPOCH,
            usual: Ratio::ZERO,
        }
    }

    /// Takes failures that are chance where this share of attempts fails for no sign, from the next
    /// outcome on: neither a row of them nor a rate. Default none: whoever owns several breakers of
    /// the same kind knows how often all fail.
    #[inline]
    pub const fn expect(&mut self, usual: Ratio) {
        self.usual = usual;
    }

    /// Whether the next failure could trip it by the rate: it is then worth asking what is usual.
    #[inline]
    #[must_use]
    pub fn is_suspicious(&self, now: Instant) -> bool {
        let tally = self.window.tally(now.max(self.latest));
        let (failures, calls) = (tally.failures + 1, tally.calls + 1);
        calls >= self.window.enough(self.settings.min_calls)
            && self.settings.failure_rate.is_some_and(|limit| limit.is_reached_by(failures, calls))
    }

    /// Takes new settings. State, manual control, and what was learned stay: an open breaker keeps
    /// its cool-down, a half-open one its terms, and a window of another shape the old counts, as
    /// near as its shape allows. Nothing trips before the next outcome.
    ///
    /// Switching it off forgets everything but the manual control.
    pub fn reconfigure(&mut self, settings: BreakerSettings, now: Instant) {
        let now = self.observe(now);
        if settings.window != self.settings.window {
            self.window = self.window.reshaped(settings.window, self.origin, now);
        }
        let switched_off = settings.mode == Mode::Off && self.settings.mode != Mode::Off;
        self.settings = settings;
        if switched_off {
            self.enter(State::Closed(Closed::fresh(now)));
        }
        self.invariants();
    }

    /// Asks to pass at `now`. `draw` decides whether the ramp admits the call, or jitters the
    /// cool-down that follows an undecided half-open; give a fresh one each time.
    ///
    /// In shadow mode everything passes. Nobody offers a call to a shadow on purpose, so there any
    /// call may be its probe, whatever `probing` says, or it would stay half-open for ever.
    ///
    /// # Errors
    ///
    /// [`Refused`] when the call must not be sent now. A call refused is not a failure of the
    /// dependency and must not be retried before [`Refused::until`].
    #[inline]
    pub fn admit(
        &mut self,
        now: Instant,
        probing: Probing,
        draw: Draw,
        sink: &mut impl Sink<BreakerEvent>,
    ) -> Result<Ticket, Refused> {
        if self.is_at_rest() {
            self.observe(now);
            return Ok(self.ticket(Role::Counted));
        }
        self.admit_with_care(now, probing, draw, sink)
    }

    /// Whether nothing but an outcome can make it refuse anything, as almost always.
    #[inline]
    fn is_at_rest(&self) -> bool {
        let whole = matches!(&self.state, State::Closed(closed) if closed.is_whole());
        whole && self.manual == Manual::Auto && self.settings.mode != Mode::Off
    }

    #[inline(never)]
    fn admit_with_care(
        &mut self,
        now: Instant,
        probing: Probing,
        draw: Draw,
        sink: &mut impl Sink<BreakerEvent>,
    ) -> Result<Ticket, Refused> {
        let mode = self.settings.mode;
        if mode == Mode::Off {
            return Ok(self.ticket(Role::Bystander));
        }
        let now = self.catch_up(now, sink);
        let probing = if mode == Mode::Shadow { Probing::Allowed } else { probing };
        let answer = self.decide(now, probing, draw, sink);
        self.invariants();
        match answer {
            Err(Refused { until }) if mode == Mode::Shadow => {
                sink.emit(BreakerEvent::WouldReject { until });
                Ok(self.ticket(Role::Bystander))
            }
            Ok(role) => Ok(self.ticket(role)),
            Err(refused) => Err(refused),
        }
    }

    /// Ends what `ticket` admitted. `at` is the present, and a fresh draw that jitters the
    /// cool-down in case this outcome trips the breaker.
    ///
    /// A ticket of an older generation changes nothing and is reported as
    /// [`BreakerEvent::StaleOutcome`].
    #[inline]
    pub fn settle(
        &mut self,
        ticket: Ticket,
        ended: Ended,
        at: (Instant, Draw),
        sink: &mut impl Sink<BreakerEvent>,
    ) {
        if self.settings.mode == Mode::Off || ticket.role == Role::Bystander {
            return;
        }
        let at = (self.catch_up(at.0, sink), at.1);
        if ticket.generation != self.generation {
            let (ticket, current) = (ticket.generation, self.generation);
            sink.emit(BreakerEvent::StaleOutcome { ticket, current });
            return;
        }
        match ticket.role {
            Role::Counted => self.count(ended, at, sink),
            Role::Probe => self.judge_probe(ended, at, sink),
            Role::Bystander => {}
        }
        self.invariants();
    }

    /// Takes control, or gives it back. Every change forgets what was learned and starts a new
    /// generation; back under [`Manual::Auto`] the breaker is closed and empty, without a ramp.
    /// What is in force already stays as it is.
    ///
    /// Control outlasts time and [`Breaker::reconfigure`]. It has no effect on calls while the mode
    /// is shadow or off.
    pub fn force(&mut self, manual: Manual, now: Instant, sink: &mut impl Sink<BreakerEvent>) {
        let now = self.observe(now);
        if manual == self.manual {
            return;
        }
        self.manual = manual;
        self.enter(State::Closed(Closed::fresh(now)));
        sink.emit(BreakerEvent::Forced { mode: manual });
        self.invariants();
    }

    /// Carries out what is due at `now`: an undecided half-open becomes open. Admission and
    /// settling do the same by themselves; calling this at [`Breaker::next_deadline`] only makes
    /// the event come in time when no traffic does.
    pub fn on_timer(&mut self, now: Instant, sink: &mut impl Sink<BreakerEvent>) {
        self.catch_up(now, sink);
        self.invariants();
    }

    /// When time alone will next change something: the end of the cool-down (a probe is then due)
    /// or of half-open.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let until = match self.state {
            State::Closed(_) => return None,
            State::Open(open) if open.until <= self.latest => return None,
            State::Open(open) => open.until,
            State::HalfOpen(half) => half.until,
        };
        (!until.is_never()).then_some(until)
    }

    /// Checks what must always hold, in builds with debug assertions. Runs after every change by
    /// itself; tests and the simulator may call it as well.
    pub fn invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        self.state.invariants();
        self.window.invariants(self.latest);
        let closed = matches!(self.state, State::Closed(_));
        let empty = self.window.tally(self.latest) == Tally::default();
        debug_assert!(closed || empty, "outcomes are counted outside of closed");
        debug_assert!(closed || self.manual == Manual::Auto, "forced, and not at rest");
        let records = self.settings.mode != Mode::Off
            && matches!(self.manual, Manual::Auto | Manual::ForcedClosed);
        debug_assert!(records || (closed && empty), "state where none is kept");
    }

    #[inline]
    pub(super) fn not_before_latest(&self, now: Instant) -> Instant {
        now.max(self.latest)
    }

    #[inline]
    const fn ticket(&self, role: Role) -> Ticket {
        Ticket { generation: self.generation, role }
    }

    #[inline]
    fn observe(&mut self, now: Instant) -> Instant {
        self.latest = self.not_before_latest(now);
        self.latest
    }

    #[inline]
    fn catch_up(&mut self, now: Instant, sink: &mut impl Sink<BreakerEvent>) -> Instant {
        let now = self.observe(now);
        if let State::HalfOpen(half) = self.state
            && let State::Open(open) = self.state.at(now)
        {
            self.open(open, (0, u64::from(half.successes)), sink);
        }
        now
    }

    #[inline]
    fn decide(
        &mut self,
        now: Instant,
        probing: Probing,
        draw: Draw,
        sink: &mut impl Sink<BreakerEvent>,
    ) -> Result<Role, Refused> {
        match self.manual {
            Manual::ForcedOpen => return Err(Refused { until: Instant::NEVER }),
            Manual::ForcedClosed | Manual::Disabled => return Ok(Role::Counted),
            Manual::Auto => {}
        }
        match self.state {
            State::Closed(closed) => self.pass_ramp(closed, now, draw),
            State::Open(open) if now < open.until || probing == Probing::Forbidden => {
                Err(Refused { until: open.until.max(now) })
            }
            State::Open(open) => {
                self.half_open(open.trip, now, draw, sink);
                self.reserve()
            }
            State::HalfOpen(half) if probing == Probing::Forbidden => {
                Err(Refused { until: half.until })
            }
            State::HalfOpen(_) => self.reserve(),
        }
    }

    fn pass_ramp(&self, closed: Closed, now: Instant, draw: Draw) -> Result<Role, Refused> {
        if draw.is_below(closed.share(now, &self.settings)) {
            return Ok(Role::Counted);
        }
        Err(Refused { until: closed.ramp_end(&self.settings) })
    }

    /// Takes a place among the probes here and now. Counting them when they end would let in all
    /// the callers of a hung dependency.
    fn reserve(&mut self) -> Result<Role, Refused> {
        match &mut self.state {
            State::HalfOpen(half) if half.free_places() > 0 => {
                half.in_flight += 1;
                Ok(Role::Probe)
            }
            State::HalfOpen(half) => Err(Refused { until: half.until }),
            State::Closed(_) | State::Open(_) => {
                debug_assert!(false, "places exist while half-open only");
                Ok(Role::Counted)
            }
        }
    }
}
