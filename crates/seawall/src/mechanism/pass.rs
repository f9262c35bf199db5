//! The guard of an admission: it tells the breaker how the call ended, on every path.

use std::time::Duration;

use seawall_core::breaker::Ticket;
use seawall_core::outcome::Class;
use seawall_core::time::Instant;

use super::breaker::Shared;
use super::hold::Hold;
use crate::clock::{Clock, Reading};

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
    pub fn succeed(mut self) {
        self.settle(Class::Success, Clock::now);
    }

    /// The dependency or the way to it is at fault.
    #[inline]
    pub fn fail(mut self) {
        self.settle(Class::Failure, Clock::now);
    }

    /// What happened says nothing about the dependency.
    pub fn ignore(mut self) {
        self.settle(Class::Ignored, Clock::now);
    }

    /// Any of the above, by name. Returns how long the call took.
    #[inline]
    pub fn end(mut self, class: Class) -> Duration {
        let now = self.shared.reports.clock.now();
        self.settle(class, |_| now);
        now.since(self.shared.reports.clock.at(self.since))
    }

    /// Whether the call is a probe: later attempts of the same call must not be.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.ticket.as_ref().is_some_and(Ticket::is_probe)
    }

    /// Says how it ended, once. Where nobody asks when that was, nobody looks at the clock.
    #[inline]
    fn settle(&mut self, class: Class, now: impl Fn(&Clock) -> Instant) {
        if let Some(ticket) = self.ticket.take() {
            let shared = &*self.shared;
            shared.settle(ticket, class, self.since, || now(&shared.reports.clock));
        }
    }
}

impl Drop for Pass<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.settle(Class::Abandoned, Clock::now);
        }
    }
}
