//! One limit as a route or an upstream has it: any algorithm, with its mode and its events.
//!
//! The algorithms are in files of their own; limits by key are in `keyed/`.

use super::windows::WindowLimit;
use super::{
    Adaptive, AdaptiveSettings, Admitted, Decision, FixedWindow, Gcra, Layer, Quota, RateEvent,
    RateSnapshot, Refused, SlidingCounter, SlidingLog, TokenBucket, WarmUp, WarmUpSettings,
};
use crate::Mode;
use crate::event::Sink;
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::Instant;

/// By which rule a limit admits, and its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// GCRA. What to take unless something speaks for another.
    Gcra(Quota),
    /// A token bucket, which decides alike.
    TokenBucket(Quota),
    /// GCRA that is slower after being idle.
    WarmUp(WarmUpSettings),
    /// Anew at every boundary: up to twice the limit around one.
    FixedWindow(WindowLimit),
    /// This window and a share of the one before.
    SlidingCounter(WindowLimit),
    /// Every call of the window.
    SlidingLog(WindowLimit),
}

impl Algorithm {
    fn validate(&self) -> Result<(), Invalid> {
        match self {
            Self::Gcra(quota) | Self::TokenBucket(quota) => quota.validate(),
            Self::WarmUp(settings) => settings.validate(),
            Self::FixedWindow(limit) | Self::SlidingCounter(limit) => limit.validate(),
            Self::SlidingLog(limit) => SlidingLog::validate(limit),
        }
    }
}

/// Settings of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimiterSettings {
    /// The rule and its numbers.
    pub algorithm: Algorithm,
    /// Whether the rate gives way when the upstream throttles. Only with [`Algorithm::Gcra`]. Off
    /// by default.
    pub adaptive: Option<AdaptiveSettings>,
    /// Enforce, shadow or off.
    pub mode: Mode,
}

impl LimiterSettings {
    /// GCRA with these numbers, enforced.
    #[must_use]
    pub const fn of(quota: Quota) -> Self {
        Self { algorithm: Algorithm::Gcra(quota), adaptive: None, mode: Mode::Enforce }
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] as the settings of the algorithm say, and for an algorithm that cannot adapt.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.algorithm.validate()?;
        if let Some(adaptive) = self.adaptive {
            adaptive.validate()?;
            if !matches!(self.algorithm, Algorithm::Gcra(_)) {
                return Err(Invalid::new("adaptive", "set", "left out but for GCRA"));
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
enum Rule {
    Gcra(Gcra),
    TokenBucket(TokenBucket),
    WarmUp(WarmUp),
    FixedWindow(FixedWindow),
    SlidingCounter(SlidingCounter),
    SlidingLog(SlidingLog),
}

impl Rule {
    fn new(algorithm: Algorithm, origin: Instant) -> Self {
        match algorithm {
            Algorithm::Gcra(quota) => Self::Gcra(Gcra::new(quota)),
            Algorithm::TokenBucket(quota) => Self::TokenBucket(TokenBucket::new(quota)),
            Algorithm::WarmUp(settings) => Self::WarmUp(WarmUp::new(settings)),
            Algorithm::FixedWindow(limit) => Self::FixedWindow(FixedWindow::new(limit, origin)),
            Algorithm::SlidingCounter(limit) => {
                Self::SlidingCounter(SlidingCounter::new(limit, origin))
            }
            Algorithm::SlidingLog(limit) => Self::SlidingLog(SlidingLog::new(limit)),
        }
    }

    fn layer(&mut self) -> &mut dyn Layer {
        match self {
            Self::Gcra(rule) => rule,
            Self::TokenBucket(rule) => rule,
            Self::WarmUp(rule) => rule,
            Self::FixedWindow(rule) => rule,
            Self::SlidingCounter(rule) => rule,
            Self::SlidingLog(rule) => rule,
        }
    }

    /// Takes other numbers of the same algorithm; another algorithm starts anew.
    fn reconfigure(&mut self, algorithm: Algorithm, origin: Instant, now: Instant) {
        match (&mut *self, algorithm) {
            (Self::Gcra(rule), Algorithm::Gcra(quota)) => rule.reconfigure(quota, now),
            (Self::TokenBucket(rule), Algorithm::TokenBucket(quota)) => {
                rule.reconfigure(quota, now);
            }
            (Self::WarmUp(rule), Algorithm::WarmUp(settings)) => rule.reconfigure(settings, now),
            (Self::FixedWindow(rule), Algorithm::FixedWindow(limit)) => {
                rule.reconfigure(limit, now);
            }
            (Self::SlidingCounter(rule), Algorithm::SlidingCounter(limit)) => {
                rule.reconfigure(limit, now);
            }
            (Self::SlidingLog(rule), Algorithm::SlidingLog(limit)) => rule.reconfigure(limit, now),
            (rule, algorithm) => *rule = Self::new(algorithm, origin),
        }
    }

    fn snapshot(&self, now: Instant) -> RateSnapshot {
        match self {
            Self::Gcra(rule) => rule.snapshot(now),
            Self::TokenBucket(rule) => rule.snapshot(now),
            Self::WarmUp(rule) => rule.snapshot(now),
            Self::FixedWindow(rule) => rule.snapshot(now),
            Self::SlidingCounter(rule) => rule.snapshot(now),
            Self::SlidingLog(rule) => rule.snapshot(now),
        }
    }

    fn invariants(&self) {
        match self {
            Self::Gcra(rule) => rule.invariants(),
            Self::TokenBucket(rule) => rule.invariants(),
            Self::WarmUp(rule) => rule.invariants(),
            Self::FixedWindow(rule) => rule.invariants(),
            Self::SlidingCounter(rule) => rule.invariants(),
            Self::SlidingLog(rule) => rule.invariants(),
        }
    }
}

/// A limit. Memory, time and clocks as its algorithm says; deciding allocates nothing.
///
/// Clones of a service must share one: a limit for each clone is no limit.
#[derive(Debug)]
pub struct Limiter {
    settings: LimiterSettings,
    origin: Instant,
    rule: Rule,
    adaptive: Option<Adaptive>,
}

impl Limiter {
    /// A limit that owes nothing. `origin` is the phase of the windows and should differ between
    /// instances of a fleet. Settings should be valid ([`LimiterSettings::validate`]).
    #[must_use]
    pub fn new(settings: LimiterSettings, origin: Instant) -> Self {
        let rule = Rule::new(settings.algorithm, origin);
        Self { settings, origin, rule, adaptive: settings.adaptive.map(Adaptive::new) }
    }

    /// Asks for one call of this cost and charges it if it passes. In shadow mode a call that would
    /// not pass is reported and passes, uncharged; switched off, everything passes.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is charged then.
    pub fn decide(&mut self, now: Instant, cost: u32, sink: &mut impl Sink<RateEvent>) -> Decision {
        if self.settings.mode == Mode::Off {
            return Ok(Admitted { remaining: u64::MAX });
        }
        self.poll(now, sink);
        match decide(self.rule.layer(), now, cost) {
            Ok(admitted) => Ok(admitted),
            Err(refused) => report(refused, self.settings.mode, cost, sink),
        }
    }

    /// [`Limiter::decide`] for who does not ask what remains, which for GCRA costs a division.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is charged then.
    #[inline]
    pub fn admit(
        &mut self,
        now: Instant,
        cost: u32,
        sink: &mut impl Sink<RateEvent>,
    ) -> Result<(), Refused> {
        if self.settings.mode == Mode::Off {
            return Ok(());
        }
        self.poll(now, sink);
        let refused = if let Rule::Gcra(rule) = &mut self.rule {
            rule.admit(now, cost)
        } else {
            decide(self.rule.layer(), now, cost).map(|_| ())
        };
        match refused {
            Ok(()) => Ok(()),
            Err(refused) => report(refused, self.settings.mode, cost, sink).map(|_| ()),
        }
    }

    /// The upstream has refused a call for load; an adaptive limit gives way, unless it is switched
    /// off.
    pub fn on_throttled(&mut self, now: Instant, sink: &mut impl Sink<RateEvent>) {
        if self.settings.mode == Mode::Off {
            return;
        }
        if let Some(adaptive) = &mut self.adaptive {
            let before = adaptive.share();
            let share = adaptive.on_throttled(now);
            self.adapt(before, share, now, sink);
        }
    }

    /// Lets an adaptive limit recover. [`Limiter::decide`] does so by itself. One that is switched
    /// off recovers at once when it is switched on, for all the quiet time.
    #[inline]
    pub fn poll(&mut self, now: Instant, sink: &mut impl Sink<RateEvent>) {
        if self.settings.mode == Mode::Off {
            return;
        }
        if let Some(adaptive) = &mut self.adaptive {
            let before = adaptive.share();
            let share = adaptive.poll(now);
            self.adapt(before, share, now, sink);
        }
    }

    /// When [`Limiter::poll`] next changes something, so that the share that is shown is right also
    /// while nobody calls.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let adaptive = self.adaptive.as_ref().filter(|_| self.settings.mode != Mode::Off);
        adaptive.and_then(Adaptive::next_deadline)
    }

    /// Takes other settings. Of the same algorithm, what is owed is kept; another starts anew. The
    /// share of an adaptive limit is kept.
    pub fn reconfigure(&mut self, settings: LimiterSettings, now: Instant) {
        self.adaptive = match (self.adaptive.take(), settings.adaptive) {
            (Some(mut adaptive), Some(settings)) => {
                adaptive.reconfigure(settings);
                Some(adaptive)
            }
            (_, adaptive) => adaptive.map(Adaptive::new),
        };
        self.settings = settings;
        let share = self.adaptive.as_ref().map_or(Ratio::ONE, Adaptive::share);
        self.rule.reconfigure(scaled(settings.algorithm, share), self.origin, now);
        self.invariants();
    }

    /// The limit at `now`. Changes nothing.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> LimiterSnapshot {
        let share = self.adaptive.as_ref().map_or(Ratio::ONE, Adaptive::share);
        LimiterSnapshot { mode: self.settings.mode, rate: self.rule.snapshot(now), share }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        self.rule.invariants();
        let adapts = self.settings.adaptive.is_some();
        debug_assert_eq!(self.adaptive.is_some(), adapts, "adaptive as the settings say");
    }

    fn adapt(
        &mut self,
        before: Ratio,
        share: Ratio,
        now: Instant,
        sink: &mut impl Sink<RateEvent>,
    ) {
        if before != share {
            let algorithm = scaled(self.settings.algorithm, share);
            self.rule.reconfigure(algorithm, self.origin, now);
            sink.emit(RateEvent::Adapted { share, mode: self.settings.mode });
        }
    }
}

/// As a layer, a limit acts whatever its mode: leave those out that are not enforced.
impl Layer for Limiter {
    fn check(&mut self, now: Instant, cost: u32) -> Decision {
        self.rule.layer().check(now, cost)
    }

    fn commit(&mut self, now: Instant, cost: u32) {
        self.rule.layer().commit(now, cost);
    }
}

/// A limit at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimiterSnapshot {
    /// Whether it acts.
    pub mode: Mode,
    /// What it has left.
    pub rate: RateSnapshot,
    /// What share of the configured rate is in force.
    pub share: Ratio,
}

/// The numbers of an algorithm at a share of its rate. The burst stays: the upstream complained of
/// the rate.
fn scaled(algorithm: Algorithm, share: Ratio) -> Algorithm {
    match algorithm {
        Algorithm::Gcra(quota) => {
            Algorithm::Gcra(Quota { rate: quota.rate.scaled(share), ..quota })
        }
        Algorithm::TokenBucket(_)
        | Algorithm::WarmUp(_)
        | Algorithm::FixedWindow(_)
        | Algorithm::SlidingCounter(_)
        | Algorithm::SlidingLog(_) => algorithm,
    }
}

fn decide(layer: &mut dyn Layer, now: Instant, cost: u32) -> Decision {
    let admitted = layer.check(now, cost)?;
    layer.commit(now, cost);
    Ok(admitted)
}

/// Reports a refusal, and makes an admission of it where it is not enforced.
pub(super) fn report(
    refused: Refused,
    mode: Mode,
    cost: u32,
    sink: &mut impl Sink<RateEvent>,
) -> Decision {
    sink.emit(RateEvent::of_refusal(refused, mode, cost));
    match (mode, refused) {
        (Mode::Enforce, _) => Err(refused),
        (Mode::Shadow | Mode::Off, Refused::Limited { remaining, .. }) => {
            Ok(Admitted { remaining })
        }
        (Mode::Shadow | Mode::Off, Refused::Impossible { .. }) => Ok(Admitted { remaining: 0 }),
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;
    use crate::rate::Rate;

    #[test]
    #[should_panic(expected = "adaptive as the settings say")]
    fn a_limit_that_should_adapt_and_cannot_is_noticed() {
        let settings = LimiterSettings::of(Quota::of(Rate::per_second(1)));
        let mut limiter = Limiter::new(settings, Instant::EPOCH);
        limiter.settings.adaptive = Some(AdaptiveSettings::default());
        limiter.invariants();
    }
}
