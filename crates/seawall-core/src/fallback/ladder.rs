//! The ladder, and the descent of one call.
//!
//! What lets a call descend is in `above.rs`, what may be served stale in `freshness.rs`.

use alloc::vec::Vec;

use super::{Above, Freshness, Serve, Sharing, Terms};
use crate::Mode;
use crate::deadline;
use crate::event::Sink;
use crate::invalid::Invalid;
use crate::number::small;
use crate::ratio::Ratio;
use crate::reason::Reason;
use crate::time::{Duration, Instant};

/// The most rungs of one ladder. Whoever falls seven times has no service but a set of excuses.
pub const RUNGS_MAX: usize = 8;

/// What the rungs of a ladder get at least, unless set: the time of a lookup and of writing it out.
pub const RESERVE_MIN: Duration = Duration::from_millis(50);
/// The share of the total that they get, unless set.
pub const RESERVE_SHARE: Ratio = Ratio::from_percent(5);

/// A substitute for the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// A stored answer past its freshness.
    Stale,
    /// Another upstream, by the number that the driver gave it. It may be a guarded call itself.
    Upstream(u32),
    /// A fixed value.
    Default,
}

/// Settings of a ladder. Default: no rung at all, because a fallback that nobody asked for hides
/// outages; five minutes of staleness; 50 ms and 5 % in reserve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderSettings {
    /// Acts, reports only, or is absent.
    pub mode: Mode,
    /// The rungs below the primary, in order; at most [`RUNGS_MAX`], each once, none below
    /// [`Rung::Default`], which always has an answer.
    pub rungs: Vec<Rung>,
    /// No answer is served longer after the end of its freshness, whatever it allows itself.
    pub max_staleness: Duration,
    /// The least time that is kept back for the rungs.
    pub reserve_min: Duration,
    /// The share of the total that is kept back; at most 50 %.
    pub reserve_share: Ratio,
}

impl Default for LadderSettings {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            rungs: Vec::new(),
            max_staleness: Duration::from_secs(300),
            reserve_min: RESERVE_MIN,
            reserve_share: RESERVE_SHARE,
        }
    }
}

impl LadderSettings {
    /// Checks what the fields say of themselves.
    ///
    /// # Errors
    ///
    /// Too many rungs, one twice, one below the default value, or a reserve above 50 %.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.rungs.len() > RUNGS_MAX {
            return Err(Invalid::new("rungs", self.rungs.len(), "at most 8 rungs"));
        }
        if self.reserve_share > Ratio::from_percent(50) {
            let given = self.reserve_share.ppm();
            return Err(Invalid::new("reserve_share", given, "at most 500000 ppm (50 %)"));
        }
        for (place, rung) in self.rungs.iter().enumerate() {
            if self.rungs.iter().take(place).any(|other| other == rung) {
                return Err(Invalid::new("rungs", place, "rungs that are listed once"));
            }
            if *rung == Rung::Default && place + 1 < self.rungs.len() {
                return Err(Invalid::new("rungs", place, "a default value in the last place only"));
            }
        }
        Ok(())
    }
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The service that was meant.
    Primary,
    /// A rung.
    Rung(Rung),
}

/// Where an answer comes from, how old it is, and why it is not the primary's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Where from.
    pub source: Source,
    /// The age of a stored answer.
    pub age: Option<Duration>,
    /// Why the primary has not answered; absent where it has.
    pub reason: Option<Reason>,
}

/// What a rung has to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an offer that is not taken up ends nothing"]
pub enum Offer {
    /// Serve the stored answer, the default value.
    Serve(Provenance),
    /// Call the upstream, and serve its answer, if it is good before `until`.
    Call {
        /// By its number.
        upstream: u32,
        /// When to give up, so that the rungs below still have their time.
        until: Instant,
        /// Of its answer.
        provenance: Provenance,
    },
    /// The ladder ends here: the error is the answer.
    Exhausted(Reason),
}

/// What a rung is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The present.
    pub now: Instant,
    /// The deadline of the call.
    pub deadline: Instant,
    /// The stored answer, if there is one.
    pub stored: Option<&'a Freshness>,
    /// Who may get what is stored under the key of this call.
    pub sharing: Sharing,
}

/// What a ladder reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FallbackEvent {
    /// A rung answers, or is asked. In shadow mode: it would have been.
    Fallback {
        /// Where from, how old and why.
        provenance: Provenance,
        /// Whether it acted.
        mode: Mode,
    },
    /// No rung had an answer.
    Exhausted {
        /// How the last one ended.
        reason: Reason,
    },
}

/// A ladder that has been checked.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    settings: LadderSettings,
}

impl Ladder {
    /// A ladder.
    ///
    /// # Errors
    ///
    /// As [`LadderSettings::validate`].
    pub fn new(settings: LadderSettings) -> Result<Self, Invalid> {
        settings.validate()?;
        Ok(Self { settings })
    }

    /// Its settings.
    #[must_use]
    pub const fn settings(&self) -> &LadderSettings {
        &self.settings
    }

    /// The rungs that act, for the call machine to count.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        if self.settings.mode == Mode::Enforce { &self.settings.rungs } else { &[] }
    }

    /// When the primary must have ended, so that a rung can still answer: the deadline less
    /// `max(reserve_min, reserve_share · total)`, rounded up, but never more than half of the
    /// total: the primary comes first. Without rungs the whole time is the primary's.
    #[must_use]
    pub fn primary_until(&self, start: Instant, deadline: Instant) -> Instant {
        if self.rungs().is_empty() {
            return deadline;
        }
        let LadderSettings { reserve_min, reserve_share, .. } = self.settings;
        deadline::before_rungs(start, deadline, reserve_min, reserve_share)
    }

    /// What rung number `rung` has to offer, `None` if nothing: after the deadline, without a
    /// stored answer that may be served, or past the last rung. For drivers of the call machine,
    /// which walks the rungs by itself. The mode is not looked at.
    #[must_use]
    pub fn offer(&self, rung: u8, above: Above, scene: &Scene<'_>) -> Option<Offer> {
        let place = usize::from(rung);
        let kind = *self.settings.rungs.get(place)?;
        if !above.lets_descend() || scene.now >= scene.deadline {
            return None;
        }
        let (source, reason) = (Source::Rung(kind), Some(above.reason()));
        let provenance = Provenance { source, age: None, reason };
        match kind {
            Rung::Default => Some(Offer::Serve(provenance)),
            Rung::Upstream(upstream) => {
                let until = self.share_of_time(place, scene);
                Some(Offer::Call { upstream, until, provenance })
            }
            Rung::Stale if !above.lets_stale() => None,
            Rung::Stale => {
                let age = Some(self.age(scene)?);
                Some(Offer::Serve(Provenance { age, ..provenance }))
            }
        }
    }

    /// The age of what is stored, if that may stand in for an error.
    fn age(&self, scene: &Scene<'_>) -> Option<Duration> {
        let terms = Terms { max_staleness: self.settings.max_staleness, sharing: scene.sharing };
        match scene.stored?.serve(scene.now, terms) {
            Serve::Fresh { age } | Serve::Stale { age, .. } => Some(age),
            Serve::Not(_) => None,
        }
    }

    /// The rungs that are left share the time that is left evenly.
    fn share_of_time(&self, place: usize, scene: &Scene<'_>) -> Instant {
        let left = small(self.settings.rungs.len() - place);
        if left <= 1 || scene.deadline.is_never() {
            return scene.deadline;
        }
        scene.now.after(scene.deadline.since(scene.now) / left)
    }
}

/// Where the descent of one call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The primary is at it.
    Primary,
    /// A rung has made its offer.
    Offered { rung: u8, provenance: Provenance },
    /// The ladder has ended.
    Exhausted,
}

/// The descent of one call: the primary first, then rung after rung.
#[derive(Debug)]
pub struct Descent {
    standing: Standing,
}

impl Default for Descent {
    fn default() -> Self {
        Self { standing: Standing::Primary }
    }
}

impl Descent {
    /// The primary, or the rung that was offered last, came to nothing: the next one that has
    /// anything to offer. Rungs that have nothing are passed over; none is asked twice, so this
    /// ends after at most [`RUNGS_MAX`] times.
    pub fn failed(
        &mut self,
        ladder: &Ladder,
        above: Above,
        scene: &Scene<'_>,
        sink: &mut impl Sink<FallbackEvent>,
    ) -> Offer {
        let next = match self.standing {
            Standing::Primary => Some(0),
            Standing::Offered { rung, .. } => Some(rung.saturating_add(1)),
            Standing::Exhausted => None,
        };
        let found = next.and_then(|from| first_offer(ladder, from, above, scene));
        let mode = ladder.settings.mode;
        if let Some((rung, offer, provenance)) = found.filter(|_| mode != Mode::Off) {
            self.standing = Standing::Offered { rung, provenance };
            sink.emit(FallbackEvent::Fallback { provenance, mode });
            if mode == Mode::Enforce {
                return offer;
            }
        }
        self.standing = Standing::Exhausted;
        if mode == Mode::Enforce && !ladder.settings.rungs.is_empty() {
            sink.emit(FallbackEvent::Exhausted { reason: above.reason() });
        }
        Offer::Exhausted(above.reason())
    }

    /// Where an answer that is handed on now comes from; `None` once the ladder has ended.
    #[must_use]
    pub const fn provenance(&self) -> Option<Provenance> {
        match self.standing {
            Standing::Primary => {
                Some(Provenance { source: Source::Primary, age: None, reason: None })
            }
            Standing::Offered { provenance, .. } => Some(provenance),
            Standing::Exhausted => None,
        }
    }
}

fn first_offer(
    ladder: &Ladder,
    from: u8,
    above: Above,
    scene: &Scene<'_>,
) -> Option<(u8, Offer, Provenance)> {
    let end = u8::try_from(ladder.settings.rungs.len()).unwrap_or(u8::MAX);
    (from..end).find_map(|rung| match ladder.offer(rung, above, scene)? {
        offer @ (Offer::Serve(provenance) | Offer::Call { provenance, .. }) => {
            Some((rung, offer, provenance))
        }
        Offer::Exhausted(_) => None,
    })
}
