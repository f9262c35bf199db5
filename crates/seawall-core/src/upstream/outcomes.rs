//! What attempts came to, counted once each, when they end.

use crate::outcome::Class;

/// Attempts that ended, by class. Only ever grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// The dependency did its work.
    pub success: u64,
    /// The dependency or the way to it was at fault.
    pub failure: u64,
    /// Nothing was learned about the dependency.
    pub ignored: u64,
    /// We stopped waiting.
    pub abandoned: u64,
}

impl Outcomes {
    pub(super) fn count(&mut self, class: Class) {
        let counter = match class {
            Class::Success => &mut self.success,
            Class::Failure => &mut self.failure,
            Class::Ignored => &mut self.ignored,
            Class::Abandoned => &mut self.abandoned,
        };
        *counter = counter.saturating_add(1);
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.success + self.failure + self.ignored + self.abandoned
    }
}
