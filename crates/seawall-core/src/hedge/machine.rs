//! Hedging: when an extra attempt is due, and whether it may be sent.
//!
//! Why the rule is what it is stands in `mod.rs`; the facts that it is given are in
//! `suppressed.rs`.

use super::{Conditions, HedgeDelay, HedgeEvent, HedgeSettings, Suppressed};
use crate::Mode;
use crate::endpoint::EndpointId;
use crate::event::Sink;
use crate::histogram::RotatingHistogram;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};
use crate::window::TimeRing;

/// Counts of one bucket, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    first: u64,
    hedges: u64,
}

impl Counts {
    const fn plus(self, other: Self) -> Self {
        Self {
            first: self.first.saturating_add(other.first),
            hedges: self.hedges.saturating_add(other.hedges),
        }
    }
}

/// The right to send one hedge, already counted in its share. It cannot be copied.
///
/// Ends in [`Hedging::withdraw`] before it is sent, or in [`Hedging::settle`] after. Dropped, it
/// stays counted, and neither won nor lost: right where the caller of the call has left.
#[derive(Debug)]
#[must_use = "a hedge that is not sent should be withdrawn"]
pub struct Hedge {
    at: Instant,
}

/// How a hedge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Race {
    /// It brought the answer that was handed on.
    Won,
    /// Another attempt did, or none.
    Lost,
}

/// Hedging at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgeSnapshot {
    /// Whether it acts.
    pub mode: Mode,
    /// The quantile in use, or twice the median where that is more; `None` under a fixed delay, or
    /// with too few samples.
    pub quantile: Option<Duration>,
    /// First attempts in the window.
    pub first: u64,
    /// Hedges in the window; in shadow mode those that would have been sent.
    pub hedges: u64,
    /// Hedges ever sent.
    pub fired: u64,
    /// Those that brought the answer.
    pub won: u64,
    /// Those that did not.
    pub lost: u64,
    /// Hedges not sent, by reason in the order of [`Suppressed::ALL`].
    pub suppressed: [u64; Suppressed::ALL.len()],
}

/// A hedge is not due before so many medians have passed. It takes about one itself: sent sooner it
/// can only beat an attempt that was to take longer than that, and where latencies hardly differ,
/// and any quantile is close to the median, it would spend the share on nothing, and have none left
/// for the moment when an endpoint stops.
const MEDIANS_MIN: u32 = 2;

/// How often is looked whether enough latencies are there for a first quantile. A gateway that has
/// just started then hedges as soon as it can tell what is slow, and not seconds later; so few
/// looks cost nothing.
const UNKNOWN_REFRESH: Duration = Duration::from_millis(100);

/// From when on an attempt is slow: the quantile, or the least number of medians.
fn slow(now: Instant, share: Ratio, latencies: &mut RotatingHistogram) -> Option<Duration> {
    let quantile = latencies.quantile(now, share)?;
    let median = latencies.quantile(now, Ratio::from_percent(50))?;
    Some(quantile.max(median * MEDIANS_MIN))
}

/// Decides about the hedges of one upstream. See the module for its rule and what bounds it.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Hedging {
    settings: HedgeSettings,
    origin: Instant,
    ring: TimeRing<Counts>,
    quantile: Option<Duration>,
    /// When the quantile was computed; `None` before the first time.
    computed: Option<Instant>,
    latest: Instant,
    fired: u64,
    won: u64,
    lost: u64,
    suppressed: [u64; Suppressed::ALL.len()],
}

impl Hedging {
    /// Hedging that has seen no call. `origin` is the phase of its window and should differ
    /// between instances; it need not be the present.
    #[must_use]
    pub fn new(settings: HedgeSettings, origin: Instant) -> Self {
        Self {
            settings,
            origin,
            ring: TimeRing::new(settings.window, origin),
            quantile: None,
            computed: None,
            latest: Instant::EPOCH,
            fired: 0,
            won: 0,
            lost: 0,
            suppressed: [0; Suppressed::ALL.len()],
        }
    }

    /// Takes new settings and keeps the counts, at their age where the window has changed. The
    /// quantile is computed anew when it is next asked for.
    pub fn reconfigure(&mut self, settings: HedgeSettings, now: Instant) {
        let now = self.observe(now);
        if settings.window != self.settings.window {
            self.ring.reshape(settings.window, self.origin, now, Counts::plus);
        }
        if settings.mode == Mode::Off {
            self.ring.clear();
        }
        self.settings = settings;
        (self.quantile, self.computed) = (None, None);
        self.invariants();
    }

    /// The first attempt of a call starts. Once for each call, by one owner only; the same moment
    /// as [`Budget::deposit`](crate::budget::Budget::deposit).
    #[inline]
    pub fn deposit(&mut self, now: Instant) {
        if self.settings.mode == Mode::Off {
            return;
        }
        let now = self.observe(now);
        let bucket = self.ring.at(now);
        bucket.first = bucket.first.saturating_add(1);
    }

    /// How long after its start an attempt is to be hedged; `None` for not at all. Where a call may
    /// have several hedges, each counts from the start of the latest attempt.
    ///
    /// `latencies` holds what the attempts of the last minute took, each a
    /// [`Sample`](crate::timeout::Sample). It is asked once per refresh, else this is a comparison.
    #[inline]
    pub fn delay(
        &mut self,
        now: Instant,
        latencies: &mut RotatingHistogram,
        attempt_timeout: Duration,
    ) -> Option<Duration> {
        if self.settings.mode == Mode::Off {
            return None;
        }
        let now = self.observe(now);
        match (self.settings.mode, self.settings.delay) {
            (Mode::Off, _) => None,
            (Mode::Enforce | Mode::Shadow, HedgeDelay::Fixed(delay)) => {
                (!delay.is_zero() && delay < attempt_timeout).then_some(delay)
            }
            (Mode::Enforce | Mode::Shadow, HedgeDelay::Quantile { share, floor }) => {
                if self.is_due(now) {
                    let enough = latencies.count(now) >= self.settings.samples_min;
                    self.quantile = enough.then(|| slow(now, share, latencies)).flatten();
                    self.computed = Some(now);
                }
                let longest = attempt_timeout / 2;
                let delay = self.quantile?.max(floor).min(longest);
                // An attempt that may not take twice the floor has no room for a hedge.
                (longest >= floor).then_some(delay)
            }
        }
    }

    /// Asks for a hedge, once the delay has passed without a head, and counts it.
    ///
    /// What the common attempt budget and the bulkhead say is asked by the caller afterwards, who
    /// gives the hedge back if either refuses.
    ///
    /// # Errors
    ///
    /// [`Suppressed`], which has been counted and reported. What runs goes on.
    pub fn may_fire(
        &mut self,
        now: Instant,
        conditions: &Conditions,
        sink: &mut impl Sink<HedgeEvent>,
    ) -> Result<Hedge, Suppressed> {
        let now = self.observe(now);
        match self.decide(now, conditions) {
            Ok(()) => Ok(Hedge { at: now }),
            Err(reason) => {
                self.suppress(reason, sink);
                Err(reason)
            }
        }
    }

    /// The hedge starts: its attempt goes to `endpoint`, `delay` after the one beside it.
    pub fn fired(
        &mut self,
        _: &Hedge,
        delay: Duration,
        endpoint: EndpointId,
        sink: &mut impl Sink<HedgeEvent>,
    ) {
        self.fired = self.fired.saturating_add(1);
        sink.emit(HedgeEvent::Fired { delay, endpoint });
    }

    /// Takes back a hedge that was never sent, and frees its place in the bucket it came from, if
    /// that is still live.
    pub fn withdraw(
        &mut self,
        hedge: Hedge,
        reason: Suppressed,
        now: Instant,
        sink: &mut impl Sink<HedgeEvent>,
    ) {
        let now = self.observe(now);
        self.ring.advance(now);
        if let Some(bucket) = self.ring.past(hedge.at) {
            bucket.hedges = bucket.hedges.saturating_sub(1);
        }
        self.suppress(reason, sink);
    }

    /// A hedge that was sent has ended.
    pub fn settle(&mut self, _: Hedge, race: Race, sink: &mut impl Sink<HedgeEvent>) {
        let (count, event) = match race {
            Race::Won => (&mut self.won, HedgeEvent::Won),
            Race::Lost => (&mut self.lost, HedgeEvent::Lost),
        };
        *count = count.saturating_add(1);
        self.invariants();
        sink.emit(event);
    }

    /// What was counted, as of `now`. Changes nothing.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> HedgeSnapshot {
        let mut ring = self.ring.clone();
        ring.advance(now);
        let Counts { first, hedges } = ring.sum(Counts::plus);
        HedgeSnapshot {
            mode: self.settings.mode,
            quantile: self.quantile,
            first,
            hedges,
            fired: self.fired,
            won: self.won,
            lost: self.lost,
            suppressed: self.suppressed,
        }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        let ended = self.won.saturating_add(self.lost);
        debug_assert!(ended <= self.fired, "more hedges ended than were sent");
    }

    /// Asks everything, and counts the hedge unless something forbids it.
    fn decide(&mut self, now: Instant, conditions: &Conditions) -> Result<(), Suppressed> {
        if self.settings.mode == Mode::Off {
            return Err(Suppressed::Off);
        }
        conditions.check(self.settings.max_extra.min(super::EXTRA_MAX))?;
        self.ring.advance(now);
        let Counts { first, hedges } = self.ring.sum(Counts::plus);
        if hedges >= self.settings.share.of(first) {
            return Err(Suppressed::ShareReached);
        }
        let bucket = self.ring.at(now);
        bucket.hedges = bucket.hedges.saturating_add(1);
        match self.settings.mode {
            Mode::Shadow => Err(Suppressed::Shadow),
            Mode::Enforce | Mode::Off => Ok(()),
        }
    }

    fn suppress(&mut self, reason: Suppressed, sink: &mut impl Sink<HedgeEvent>) {
        if let Some(count) = self.suppressed.get_mut(reason.index()) {
            *count = count.saturating_add(1);
        }
        sink.emit(HedgeEvent::Suppressed { reason });
    }

    /// Whether the quantile is to be computed again: while there is none, more often.
    fn is_due(&self, now: Instant) -> bool {
        let every = match self.quantile {
            Some(_) => self.settings.refresh,
            None => self.settings.refresh.min(UNKNOWN_REFRESH),
        };
        self.computed.is_none_or(|then| now.since(then) >= every)
    }

    fn observe(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}
