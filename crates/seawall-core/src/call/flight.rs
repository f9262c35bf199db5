//! The attempts of a call that are in flight: one, and hedges beside it.
//!
//! What an attempt holds is in `attempt.rs`, when a hedge starts in `hedging.rs`.

use alloc::vec::Vec;

use crate::budget::Spent;
use crate::hedge::Hedge;
use crate::outcome::Outcome;
use crate::time::{Duration, Instant};
use crate::upstream::Choice;

use super::attempt::Running;

/// The attempts in flight. Allocates only once a hedge has started.
#[derive(Debug)]
pub(super) struct Flight {
    first: Option<Running>,
    beside: Vec<Running>,
}

impl Flight {
    pub(super) const fn new() -> Self {
        Self { first: None, beside: Vec::new() }
    }

    /// Adds an attempt. It is made where it stays: moving it there would cost more.
    #[inline]
    pub(super) fn push(&mut self, running: impl FnOnce() -> Running) {
        match &self.first {
            None => self.first = Some(running()),
            Some(_) => self.beside.push(running()),
        }
    }

    /// Takes attempt `number` out, if it is in flight.
    #[inline]
    pub(super) fn take(&mut self, number: u32) -> Option<Running> {
        if self.first.as_ref().is_some_and(|running| running.number == number) {
            return self.first.take();
        }
        self.take_beside(number)
    }

    #[cold]
    fn take_beside(&mut self, number: u32) -> Option<Running> {
        let place = self.beside.iter().position(|running| running.number == number)?;
        Some(self.beside.swap_remove(place))
    }

    #[inline]
    pub(super) fn find(&self, number: u32) -> Option<&Running> {
        self.iter().find(|running| running.number == number)
    }

    /// Whether attempt `number` is in flight, and no other is, nor has been started beside it.
    #[inline]
    pub(super) fn is_only(&self, number: u32) -> bool {
        let first = self.first.as_ref();
        first.is_some_and(|running| running.number == number && running.hedge.is_none())
            && self.beside.is_empty()
    }

    pub(super) fn any(&self) -> Option<u32> {
        self.iter().map(|running| running.number).next()
    }

    /// An attempt other than `number`, if one is in flight.
    #[inline]
    pub(super) fn other_than(&self, number: u32) -> Option<u32> {
        self.iter().map(|running| running.number).find(|other| *other != number)
    }

    /// The head of the answer to attempt `number` is there. Gives the choice that led to it.
    #[inline]
    pub(super) fn set_head(
        &mut self,
        number: u32,
        head: (Outcome, Duration),
    ) -> Option<&mut Choice> {
        let running = self.iter_mut().find(|running| running.number == number)?;
        running.head = Some(head);
        Some(&mut running.choice)
    }

    /// Attempt `number` lost to another one.
    pub(super) fn set_outrun(&mut self, number: u32) {
        if let Some(running) = self.iter_mut().find(|running| running.number == number) {
            running.outrun = true;
        }
    }

    /// Takes the account that attempt `number` owes, if it is a hedge.
    #[inline]
    pub(super) fn take_hedge(&mut self, number: u32) -> Option<Hedge> {
        self.iter_mut().find(|running| running.number == number)?.hedge.take()
    }

    /// Takes the receipt of attempt `number`, if it is a retry.
    #[inline]
    pub(super) fn take_spent(&mut self, number: u32) -> Option<Spent> {
        self.iter_mut().find(|running| running.number == number)?.spent.take()
    }

    /// Marks one attempt whose time is over, and names it; each is named once.
    pub(super) fn overdue(&mut self, now: Instant) -> Option<u32> {
        let late = |running: &&mut Running| now >= running.deadline && !running.abandoning;
        let running = self.iter_mut().find(late)?;
        running.abandoning = true;
        Some(running.number)
    }

    /// When the next attempt runs out of time, of those that have not been told so.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let untold = self.iter().filter(|running| !running.abandoning);
        untold.map(|running| running.deadline).min()
    }

    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Running> {
        self.first.iter().chain(&self.beside)
    }

    #[inline]
    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Running> {
        self.first.iter_mut().chain(&mut self.beside)
    }

    /// The caller was sending its body until `since`: the time of the service runs from there.
    pub(super) fn served_since(&mut self, since: Instant, end: Instant) {
        for running in self.iter_mut() {
            let patience = since.after(running.timeout);
            running.served = running.served.max(since);
            running.patience = running.patience.max(patience);
            running.deadline = running.deadline.max(patience.min(end));
        }
    }
}
