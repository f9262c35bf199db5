//! The decisions for a call that is over, as they are kept for whoever asks. Which calls are kept,
//! and for how long, is in `record`.

use seawall_core::call::{Step, Trail};

/// A trail that nothing is added to any more.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// With room for all that a call might have had decided.
    Roomy(Box<Trail>),
    /// As large as what was decided.
    Lean {
        /// The steps, oldest first.
        steps: Box<[Step]>,
        /// Steps that did not fit.
        dropped: u32,
    },
}

impl Told {
    /// The steps, oldest first.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        let (roomy, lean) = match self {
            Self::Roomy(trail) => (Some(trail.steps()), &[][..]),
            Self::Lean { steps, .. } => (None, &**steps),
        };
        roomy.into_iter().flatten().chain(lean)
    }

    /// Steps that did not fit.
    pub(crate) fn dropped(&self) -> u32 {
        match self {
            Self::Roomy(trail) => trail.dropped(),
            Self::Lean { dropped, .. } => *dropped,
        }
    }

    /// What `trail` tells, in as little memory as it needs. The room of a trail was taken when its
    /// call began: those that are kept of the many that ran at once in an outage would lie far
    /// apart, each with a page of its own that could not be given back.
    pub(super) fn lean(trail: &Trail) -> Self {
        Self::Lean { steps: trail.steps().copied().collect(), dropped: trail.dropped() }
    }
}

#[cfg(test)]
mod tests {
    use seawall_core::call::{StepKind, TRAIL_MAX};
    use seawall_core::event::Sink as _;
    use seawall_core::time::Instant;

    use super::*;

    fn trail(steps: usize) -> Trail {
        let mut trail = Trail::default();
        for _ in 0..steps {
            trail.emit(Step { at: Instant::from_millis(1), kind: StepKind::Queued });
        }
        trail
    }

    #[test]
    fn a_lean_trail_tells_the_same() {
        for steps in [0, 1, TRAIL_MAX, TRAIL_MAX + 3] {
            let trail = trail(steps);
            let (lean, roomy) = (Told::lean(&trail), Told::Roomy(Box::new(trail)));
            assert!(roomy.steps().eq(lean.steps()), "{steps}");
            assert_eq!(roomy.dropped(), lean.dropped());
        }
    }

    #[test]
    fn a_lean_trail_has_room_for_nothing_else() {
        let Told::Lean { steps, dropped } = Told::lean(&trail(5)) else {
            unreachable!("it is lean")
        };
        assert_eq!((steps.len(), dropped), (5, 0));
        assert!(size_of_val(&*steps) * 4 < size_of::<Trail>());
    }
}
