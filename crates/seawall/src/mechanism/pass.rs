//! The guard of an admission: it tells the breaker how the call ended, on every path.

use std::time::Duration;

use seawall_core::breaker::Ticket;
use seawall_core::outcome::Class;
use seawall_core::time::Instant;

use super::atomic::gate::Settling;
use super::breaker::Shared;
use super::hold::Hold;
use crate::clock::Reading;

/// A breaker let a call pass. Say how it ended; dropped without a word, it was abandoned, and
/// [`AbandonedPolicy`](crate::AbandonedPolicy) says what that means. The place of a probe comes
/// back either way.
///
/// An outcome that comes after the breaker has changed its state counts nowhere, and is reported.
#[derive(Debug)]
#[must_use = "a pass that is dropped at once counts as abandoned"]
pub struct Pass<'a> {
    shared: Hold<'a, Shared>,
    ticket: Option<Ticket>,
    since: Reading,
}

impl<'a> Pass<'a> {
    #[inline]
    pub(super) const fn new(shared: Hold<'a, Shared>, ticket: Ticket, since: Reading) -> Self {
        Self { shared, ticket: Some(ticket), since }
    }

    /// The dependency did its work.
    #[inline]
    pub fn succeed(self) {
        self.end_unmeasured(Class::Success);
    }

    /// The dependency or the way to it is at fault.
    #[inline]
    pub fn fail(self) {
        self.end_unmeasured(Class::Failure);
    }

    /// What happened says nothing about the dependency.
    pub fn ignore(self) {
        self.end_unmeasured(Class::Ignored);
    }

    /// Any of the above, by name. Returns how long the call took.
    #[inline]
    pub fn end(mut self, class: Class) -> Duration {
        let now = self.settle(class);
        now.since(self.shared.reports.clock.at(self.since))
    }

    /// Whether the call is a probe: later attempts of the same call must not be.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.ticket.as_ref().is_some_and(Ticket::is_probe)
    }

    /// Where nobody asks how long it took, nobody works it out.
    #[inline]
    fn end_unmeasured(mut self, class: Class) {
        self.settle(class);
    }

    /// Says how it ended, once, and when that was.
    #[inline]
    fn settle(&mut self, class: Class) -> Instant {
        let now = self.shared.reports.clock.now();
        if let Some(ticket) = self.ticket.take() {
            self.shared.settle(Settling { ticket, class, now }, self.since);
        }
        now
    }
}

impl Drop for Pass<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.settle(Class::Abandoned);
        }
    }
}
