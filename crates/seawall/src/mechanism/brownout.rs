//! Brownout by itself: the degradation level, and the optional work that it switches off.
//!
//! When the level changes is decided in the core (`brownout` there). Here it is published in an
//! atomic, so that asking whether a feature runs costs two loads.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use seawall_core::brownout::{
    self as core, BrownoutSettings, BrownoutSnapshot, Features, Level, Refused, Signal,
};
use seawall_core::ratio::Ratio;
use seawall_core::reason::Reason;
use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::atomic::batch::Batch;
use super::guarded::Guarded;
use super::{Rejected, Setup};
use crate::{BuildError, Events, Until};

/// Switches optional work off, by steps, while there is too much of it.
///
/// Tell it the pressure as you see it ([`note`](Self::note)); it judges once a second. Nothing runs
/// by itself: let [`run`](Self::run) judge in a task, or call [`tick`](Self::tick). Clones share
/// everything. Memory: five numbers, and at most 256 features.
///
/// ```
/// use seawall::Ratio;
/// use seawall::mechanism::{Brownout, BrownoutSettings, Level, Signal};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let brownout = Brownout::new(BrownoutSettings::default())?;
/// let recommendations = brownout.feature("recommendations", Level::Normal)?;
/// brownout.note(Signal::QueueWait, Some(Ratio::from_percent(40)));
/// if recommendations.is_on() {
///     // … optional work …
/// }
/// brownout.pin(Some(Level::Lean)); // By hand.
/// assert!(!recommendations.is_on());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Brownout {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    guarded: Guarded<core::Brownout>,
    /// The number of the level in force. Stored under the lock of the step that changed it.
    level: AtomicU8,
    features: ArcSwap<Features>,
    /// Held while a feature is registered.
    registering: Mutex<()>,
}

impl Brownout {
    /// Normal, with nothing known.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn new(settings: BrownoutSettings) -> Result<Self, BuildError> {
        Self::with(settings, Setup::new())
    }

    /// The same with a name and listeners, who hear of every change of the level.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn with(settings: BrownoutSettings, setup: Setup) -> Result<Self, BuildError> {
        check(&settings)?;
        let machine = core::Brownout::new(settings, Instant::EPOCH);
        let guarded = Guarded::new(machine, setup);
        let (level, features) = (AtomicU8::new(0), ArcSwap::default());
        let shared = Shared { guarded, level, features, registering: Mutex::new(()) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The pressure of one signal, divided by its limit; `None` when it is not known, which counts
    /// as none. Holds until it is noted again.
    pub fn note(&self, signal: Signal, pressure: Option<Ratio>) {
        self.shared.step(|machine, now, sink| {
            machine.note(signal, pressure);
            machine.tick(now, sink);
        });
    }

    /// Judges the pressure if a tick has passed, and returns the level in force.
    pub fn tick(&self) -> Level {
        self.shared.step(|machine, now, sink| machine.tick(now, sink));
        self.level()
    }

    /// Judges the pressure at every tick, for ever: to be spawned, or selected beside other work.
    ///
    /// # Panics
    ///
    /// As Tokio's timers do: outside a Tokio runtime with time enabled.
    pub async fn run(&self) {
        loop {
            let due = self.shared.guarded.look(|machine| machine.next_deadline());
            let clock = &self.shared.guarded.reports.clock;
            let _never = clock.within(due, std::future::pending::<()>()).await;
            self.tick();
        }
    }

    /// The level in force: normal in shadow mode and when off.
    #[must_use]
    pub fn level(&self) -> Level {
        self.shared.level()
    }

    /// Optional work that runs up to and at the level `highest`. A name that is known already takes
    /// the new level, for all who hold it.
    ///
    /// # Errors
    ///
    /// [`FeatureRefused`](Refused) for a name that is empty or longer than 64 bytes, and beyond 256
    /// features.
    pub fn feature(&self, name: &str, highest: Level) -> Result<Feature, Refused> {
        let _alone = self.shared.registering.lock().unwrap_or_else(PoisonError::into_inner);
        let mut features = Features::clone(&self.shared.features.load());
        let feature = features.register(name, highest)?;
        self.shared.features.store(Arc::new(features));
        Ok(Feature { shared: Arc::clone(&self.shared), feature })
    }

    /// Pins the level; `None` lets the rule go on from there.
    pub fn pin(&self, level: Option<Level>) {
        self.shared.step(|machine, now, sink| machine.pin(level, now, sink));
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.guarded.reports.name.as_deref()
    }

    /// Everything that is known at this moment.
    #[must_use]
    pub fn snapshot(&self) -> BrownoutSnapshot {
        self.shared.guarded.look(|machine| machine.snapshot())
    }

    /// Every feature, and whether it runs, in the order in which they were registered.
    #[must_use]
    pub fn features(&self) -> Vec<(String, bool)> {
        let (features, level) = (self.shared.features.load(), self.level());
        features.iter().map(|(name, highest)| (name.to_owned(), level <= highest)).collect()
    }

    /// Takes other settings. The level stays where it may.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if they cannot work; the old ones then stay in force.
    pub fn reconfigure(&self, settings: BrownoutSettings) -> Result<(), BuildError> {
        check(&settings)?;
        self.shared.step(|machine, now, sink| machine.reconfigure(settings, now, sink));
        Ok(())
    }

    /// The changes of the level from now on. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.guarded.reports.subscribe()
    }
}

fn check(settings: &BrownoutSettings) -> Result<(), BuildError> {
    settings.validate().map_err(|invalid| BuildError::of(invalid.within("brownout")))
}

impl Shared {
    fn step(
        &self,
        act: impl FnOnce(&mut core::Brownout, Instant, &mut Batch<core::BrownoutEvent>),
    ) {
        let now = self.guarded.now();
        self.guarded.step(now, What::Brownout, |machine, sink| {
            act(machine, now, sink);
            // Relaxed: the number guards no other memory.
            self.level.store(machine.level().number(), Ordering::Relaxed);
        });
    }

    fn level(&self) -> Level {
        Level::from_number(self.level.load(Ordering::Relaxed)).unwrap_or(Level::Normal)
    }
}

/// Optional work by name. From [`Brownout::feature`]. Clones are the same work.
#[derive(Clone, Debug)]
pub struct Feature {
    shared: Arc<Shared>,
    feature: core::Feature,
}

impl Feature {
    /// Whether it runs at the level in force. Takes no lock.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.shared.features.load().runs(self.feature, self.shared.level())
    }

    /// The same as an error for whoever asked for the work.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::Shed`], until the pressure is gone.
    pub fn try_run(&self) -> Result<(), Rejected> {
        let name = self.shared.guarded.reports.name.as_ref();
        let off = || Rejected::new(name, Reason::Shed, Until::Unknown);
        self.is_on().then_some(()).ok_or_else(off)
    }
}
