//! The throttle: what was wished for, what was accepted, who is refused.
//!
//! The numbers that it compares with are in `settings.rs`, the reasons for the rule in `mod.rs`.

use super::ThrottleSettings;
use crate::Mode;
use crate::event::Sink;
use crate::number::small;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::shed::Class;
use crate::time::Instant;
use crate::window::TimeRing;

/// One whole, in parts per million.
const WHOLE: u128 = 1_000_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    requests: u64,
    accepts: u64,
}

impl Counts {
    const fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            accepts: self.accepts.saturating_add(other.accepts),
        }
    }
}

/// An attempt may be sent. Ends in [`Throttle::settle`].
///
/// One that is dropped counts as refused by the upstream, which errs on the side of fewer
/// attempts.
#[derive(Debug)]
#[must_use = "an attempt whose end is not told counts as refused"]
pub struct Passed {
    at: Instant,
}

/// An attempt is not sent. Not to be counted against the upstream anywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// With which probability it was refused.
    pub p: Ratio,
    /// Requests in the window, this one not included.
    pub requests: u64,
    /// Accepted ones.
    pub accepts: u64,
}

/// What became of an attempt, as far as a throttle is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Not refused for overload: also errors, and attempts that nobody waited for.
    Accepted,
    /// Refused for overload: 429, 503 with a hint, resource exhausted.
    Overloaded,
    /// Never sent, because something else of ours refused it: not a request at all.
    Unsent,
}

/// Something that happened at a throttle, emitted after its state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleEvent {
    /// An attempt was refused, or in shadow mode would have been.
    Throttled {
        /// Whether it was.
        mode: Mode,
        /// Why.
        why: Throttled,
    },
}

/// A throttle at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleSnapshot {
    /// Requests in the window.
    pub requests: u64,
    /// Accepted ones.
    pub accepts: u64,
    /// With which probability a normal attempt would be refused.
    pub p: Ratio,
}

/// A client throttle. See the module for its rule and what bounds it.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Throttle {
    settings: ThrottleSettings,
    origin: Instant,
    ring: TimeRing<Counts>,
    latest: Instant,
}

impl Throttle {
    /// A throttle that has seen nothing. `origin` is the phase of its window and should differ
    /// between instances.
    #[must_use]
    pub fn new(settings: ThrottleSettings, origin: Instant) -> Self {
        let ring = TimeRing::new(settings.window, origin);
        Self { settings, origin, ring, latest: Instant::EPOCH }
    }

    /// Asks for one attempt, and counts it as wished for whatever the answer.
    ///
    /// # Errors
    ///
    /// [`Throttled`], with a probability that the draw decides.
    pub fn admit(
        &mut self,
        importance: Class,
        draw: Draw,
        now: Instant,
        sink: &mut impl Sink<ThrottleEvent>,
    ) -> Result<Passed, Throttled> {
        let now = self.observe(now);
        if self.settings.mode == Mode::Off {
            return Ok(Passed { at: now });
        }
        self.ring.advance(now);
        let Counts { requests, accepts } = self.ring.sum(Counts::plus);
        let p = self.p(importance, Counts { requests, accepts });
        let bucket = self.ring.at(now);
        *bucket = bucket.plus(Counts { requests: 1, accepts: 0 });
        self.invariants();
        if !draw.is_below(p) {
            return Ok(Passed { at: now });
        }
        let (mode, why) = (self.settings.mode, Throttled { p, requests, accepts });
        sink.emit(ThrottleEvent::Throttled { mode, why });
        if mode == Mode::Shadow { Ok(Passed { at: now }) } else { Err(why) }
    }

    /// What became of an attempt. It counts where it was admitted, as long as that is remembered:
    /// a request and its acceptance leave the window together.
    pub fn settle(&mut self, passed: Passed, answer: Answer, now: Instant) {
        let now = self.observe(now);
        if self.settings.mode == Mode::Off {
            return;
        }
        self.ring.advance(now);
        // A reload may have moved the request to a neighbouring bucket; then it stays as it is.
        let bucket = self.ring.past(passed.at).filter(|bucket| bucket.requests > bucket.accepts);
        if let Some(bucket) = bucket {
            match answer {
                Answer::Accepted => bucket.accepts += 1,
                Answer::Unsent => bucket.requests -= 1,
                Answer::Overloaded => {}
            }
        }
        self.invariants();
    }

    /// Takes other settings and keeps the counts, by age where the window changed.
    pub fn reconfigure(&mut self, settings: ThrottleSettings, now: Instant) {
        let now = self.observe(now);
        if settings.window != self.settings.window {
            self.ring.reshape(settings.window, self.origin, now, Counts::plus);
        }
        self.settings = settings;
        self.invariants();
    }

    /// The throttle at `now`. Changes nothing.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> ThrottleSnapshot {
        let mut ring = self.ring.clone();
        ring.advance(now.max(self.latest));
        let counts = ring.sum(Counts::plus);
        let p = self.p(Class::Normal, counts);
        ThrottleSnapshot { requests: counts.requests, accepts: counts.accepts, p }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        let all = self.ring.live().all(|bucket| bucket.accepts <= bucket.requests);
        debug_assert!(all, "more accepted than was wished for");
    }

    /// The probability of a refusal, rounded down to a millionth.
    fn p(&self, importance: Class, counts: Counts) -> Ratio {
        if counts.requests < self.settings.min_requests.into() {
            return Ratio::ZERO;
        }
        let taken = u128::from(self.settings.k(importance).ppm()) * u128::from(counts.accepts);
        let excess = (u128::from(counts.requests) * WHOLE).saturating_sub(taken);
        let ppm = excess / (u128::from(counts.requests) + 1);
        Ratio::from_ppm(small(ppm)).min(self.settings.cap)
    }

    fn observe(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}
