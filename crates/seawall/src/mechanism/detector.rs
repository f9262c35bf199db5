//! A failure detector of one peer by itself: has it gone quiet for too long?
//!
//! How long that is, and what beats say, is decided in the core (`detect` there).

use std::sync::Arc;
use std::time::Duration;

use seawall_core::detect::{
    self as core, Beat, DetectEvent, Phi, PhiSettings, PhiSnapshot, Status, TimeoutSettings,
};
use seawall_core::time::Instant;
use seawall_core::upstream::What;
use tokio::sync::Notify;

use super::Setup;
use super::atomic::batch::Batch;
use super::guarded::Guarded;
use crate::{BuildError, Events};

/// Suspects a peer that has been silent for too long: by the rhythm of its own beats (φ accrual),
/// or after a fixed time.
///
/// Tell it of each beat. Whether the peer is suspected follows from time alone
/// ([`status`](Self::status)); [`suspected`](Self::suspected) waits for it. Clones share
/// everything. Memory: eight bytes for each interval that is remembered, 1 000 by default; none
/// with a fixed time.
///
/// ```
/// use seawall::mechanism::{FailureDetector, PhiSettings, Status};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let replica = FailureDetector::phi(PhiSettings::default())?;
/// replica.beat(); // For each sign of life.
/// assert_eq!(replica.status(), Status::Trusted);
/// replica.suspected().await; // Returns once it has been silent for too long.
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FailureDetector {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    guarded: Guarded<Machine>,
    /// A beat or other settings move the moment of suspicion.
    moved: Notify,
}

/// The machine, and the latest beat that was made up here for peers that do not number theirs.
#[derive(Debug)]
struct Machine {
    kind: Kind,
    beats: u64,
}

#[derive(Debug)]
enum Kind {
    Phi(Box<core::PhiDetector>),
    Timeout(core::TimeoutDetector),
}

impl FailureDetector {
    /// Learns how regular the beats of the peer are, and suspects it once its silence has become
    /// improbable. Watches from now on.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn phi(settings: PhiSettings) -> Result<Self, BuildError> {
        Self::phi_with(settings, Setup::new())
    }

    /// The same with a name and listeners.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn phi_with(settings: PhiSettings, setup: Setup) -> Result<Self, BuildError> {
        settings.validate().map_err(|invalid| BuildError::of(invalid.within("detector")))?;
        let detector = core::PhiDetector::new(settings, Instant::EPOCH);
        Ok(Self::around(Kind::Phi(Box::new(detector)), setup))
    }

    /// Suspects the peer after a fixed silence. Watches from now on.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn timeout(settings: TimeoutSettings) -> Result<Self, BuildError> {
        Self::timeout_with(settings, Setup::new())
    }

    /// The same with a name and listeners.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn timeout_with(settings: TimeoutSettings, setup: Setup) -> Result<Self, BuildError> {
        settings.validate().map_err(|invalid| BuildError::of(invalid.within("detector")))?;
        let detector = core::TimeoutDetector::new(settings, Instant::EPOCH);
        Ok(Self::around(Kind::Timeout(detector), setup))
    }

    fn around(kind: Kind, setup: Setup) -> Self {
        let guarded = Guarded::new(Machine { kind, beats: 0 }, setup);
        Self { shared: Arc::new(Shared { guarded, moved: Notify::new() }) }
    }

    /// The peer has given a sign of life. For peers whose beats have numbers, and which may start
    /// anew, see [`on_beat`](Self::on_beat).
    pub fn beat(&self) {
        self.shared.step(|machine, now, sink| {
            machine.beats += 1;
            let beat = Beat { incarnation: 0, sequence: machine.beats };
            machine.kind.on_beat(beat, now, sink);
        });
    }

    /// A beat with its number. One of an earlier incarnation, or out of order, changes nothing but
    /// is reported.
    pub fn on_beat(&self, beat: Beat) {
        self.shared.step(|machine, now, sink| machine.kind.on_beat(beat, now, sink));
    }

    /// We ourselves stood still for so long up to now: that part of the silence says nothing, and a
    /// suspicion that came of it is taken back.
    pub fn on_own_pause(&self, pause: Duration) {
        self.shared.step(|machine, now, sink| match &mut machine.kind {
            Kind::Phi(detector) => detector.on_own_pause(pause, now, sink),
            Kind::Timeout(detector) => detector.on_own_pause(pause, now, sink),
        });
    }

    /// What the peer is at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        let now = self.shared.guarded.now();
        self.shared.guarded.look(|machine| match &machine.kind {
            Kind::Phi(detector) => detector.status(now),
            Kind::Timeout(detector) => detector.status(now),
        })
    }

    /// Whether the peer has been silent for too long.
    #[must_use]
    pub fn is_suspected(&self) -> bool {
        matches!(self.status(), Status::Suspected { .. })
    }

    /// How improbable the silence is; `None` with a fixed time.
    #[must_use]
    pub fn level(&self) -> Option<Phi> {
        self.snapshot().map(|snapshot| snapshot.phi)
    }

    /// Everything that is known of a rhythm at this moment; `None` with a fixed time.
    #[must_use]
    pub fn snapshot(&self) -> Option<PhiSnapshot> {
        let now = self.shared.guarded.now();
        self.shared.guarded.look(|machine| match &machine.kind {
            Kind::Phi(detector) => Some(detector.snapshot(now)),
            Kind::Timeout(_) => None,
        })
    }

    /// Waits until the peer is suspected, and reports it then; at once if it is. Listeners hear of
    /// a suspicion from here, or with the next beat.
    ///
    /// # Panics
    ///
    /// As Tokio's timers do: outside a Tokio runtime with time enabled.
    pub async fn suspected(&self) {
        let Shared { guarded, moved } = &*self.shared;
        loop {
            let mut changed = std::pin::pin!(moved.notified());
            // From here on no beat is missed, also one between the look and the wait.
            changed.as_mut().enable();
            let due = self.shared.on_timer();
            if self.is_suspected() {
                return;
            }
            let _woken = guarded.reports.clock.within(due, changed).await;
        }
    }

    /// Takes other settings for a detector by φ; what was learned stays.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if they cannot work, or if the detector is one with a fixed time; the old
    /// ones then stay in force.
    pub fn reconfigure_phi(&self, settings: PhiSettings) -> Result<(), BuildError> {
        settings.validate().map_err(|invalid| BuildError::of(invalid.within("detector")))?;
        self.shared.step(|machine, now, sink| match &mut machine.kind {
            Kind::Phi(detector) => {
                detector.reconfigure(settings, now, sink);
                Ok(())
            }
            Kind::Timeout(_) => Err(of_other_kind("a fixed time")),
        })
    }

    /// Takes other settings for a detector with a fixed time; the silence goes on.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if they cannot work, or if the detector is one by φ; the old ones then stay
    /// in force.
    pub fn reconfigure_timeout(&self, settings: TimeoutSettings) -> Result<(), BuildError> {
        settings.validate().map_err(|invalid| BuildError::of(invalid.within("detector")))?;
        self.shared.step(|machine, now, sink| match &mut machine.kind {
            Kind::Timeout(detector) => {
                detector.reconfigure(settings, now, sink);
                Ok(())
            }
            Kind::Phi(_) => Err(of_other_kind("φ")),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.guarded.reports.name.as_deref()
    }

    /// Suspicions and recoveries from now on. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.guarded.reports.subscribe()
    }
}

fn of_other_kind(kind: &str) -> BuildError {
    let permitted = "settings of its own kind";
    BuildError::of(crate::Invalid::new("detector", kind, permitted))
}

impl Kind {
    fn on_beat(&mut self, beat: Beat, now: Instant, sink: &mut Batch<DetectEvent>) {
        match self {
            Self::Phi(detector) => detector.on_beat(beat, now, sink),
            Self::Timeout(detector) => detector.on_beat(beat, now, sink),
        }
    }
}

impl Shared {
    fn step<T>(&self, act: impl FnOnce(&mut Machine, Instant, &mut Batch<DetectEvent>) -> T) -> T {
        let now = self.guarded.now();
        let result =
            self.guarded.step(now, What::Detector, |machine, sink| act(machine, now, sink));
        self.moved.notify_waiters();
        result
    }

    /// Reports what is due, and says when something will be next. Wakes nobody: who waits has a
    /// timer for it.
    fn on_timer(&self) -> Instant {
        let now = self.guarded.now();
        self.guarded.step(now, What::Detector, |machine, sink| {
            let due = match &mut machine.kind {
                Kind::Phi(detector) => {
                    detector.on_timer(now, sink);
                    detector.next_deadline()
                }
                Kind::Timeout(detector) => {
                    detector.on_timer(now, sink);
                    detector.next_deadline()
                }
            };
            due.unwrap_or(Instant::NEVER)
        })
    }
}
