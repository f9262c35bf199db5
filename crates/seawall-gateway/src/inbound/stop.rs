//! How the control side tells workers to stop. What they do then is in `accept` and `connection`.

use std::sync::Arc;

use tokio::sync::watch;

/// How far stopping has gone; it never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Accepting and serving.
    #[default]
    Running,
    /// No new connections; what runs is finished.
    Draining,
    /// What still runs is cut.
    Forced,
}

/// One stopping order for all who hold a copy, on any thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    phase: Arc<watch::Sender<Phase>>,
}

impl Stop {
    /// An order not yet given.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Stop accepting and finish what runs.
    pub(crate) fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// Cut what still runs.
    pub(crate) fn force(&self) {
        self.advance(Phase::Forced);
    }

    /// Whether what still ran has been cut.
    #[must_use]
    pub(crate) fn is_forced(&self) -> bool {
        *self.phase.borrow() == Phase::Forced
    }

    /// Waits until it has gone at least this far.
    pub(crate) async fn reached(&self, phase: Phase) {
        let mut seen = self.phase.subscribe();
        // The sender is held by `self`, so the wait ends by the phase alone.
        seen.wait_for(|now| *now >= phase).await.ok();
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let forward = to > *phase;
            *phase = to.max(*phase);
            forward
        });
    }
}
