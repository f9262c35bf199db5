//! The bulkhead: who gets a permit, who waits, who is refused.
//!
//! The line of waiters is in `queue.rs`, the estimate of their waits in `service.rs`.

use super::codel::{CoDel, Fate};
use super::need::{Need, Patience, TooHeavy};
use super::queue::{Queue, Standing, Terms, Waiter};
use super::service::ServiceTime;
use super::snapshot::{BulkheadSnapshot, Refusal, Rejections};
use super::{BulkheadRejected, BulkheadSettings, QueueOrder, RejectCause};
use crate::event::{Discard, Sink};
use crate::reason::Reason;
use crate::shed::Class;
use crate::time::{Duration, Instant};

/// The right to occupy one place, or as many as it weighs. Ends in [`Bulkhead::release`], exactly
/// once: it cannot be copied.
///
/// It belongs to one attempt, and is released when that attempt has ended, the body of its answer
/// included; a call that waits between attempts holds none. One that is lost keeps its place.
#[derive(Debug)]
#[must_use = "a permit that is never released keeps its place"]
pub struct Permit {
    pub(super) weight: u32,
}

impl Permit {
    /// How many places it occupies, at least one.
    #[must_use]
    pub const fn weight(&self) -> u32 {
        self.weight
    }
}

/// What an arrival gets.
#[derive(Debug)]
#[must_use]
pub enum Acquired {
    /// A permit at once.
    Permit(Permit),
    /// A place in the queue.
    Queued {
        /// To [`Bulkhead::claim`] or [`Bulkhead::leave`] with.
        waiter: Waiter,
        /// When waiting ends without a permit.
        until: Instant,
    },
    /// Nothing. Not to be counted against the dependency.
    Refused {
        /// [`Reason::BulkheadFull`], [`Reason::QueueFull`] or [`Reason::QueueWait`].
        reason: Reason,
        /// When those who are before it should be through, by the smoothed service time. While
        /// that is unknown: when those who wait now have been served or dropped.
        retry_at: Instant,
    },
}

/// What a waiter finds.
#[derive(Debug)]
#[must_use]
pub enum Claimed {
    /// Its permit.
    Permit(Permit),
    /// It was woken too early, and keeps its place.
    StillWaiting,
    /// Its place has been given up: it was dropped as expired, has left, or has claimed before.
    Gone,
}

/// A bulkhead. See the module for how it is used and what bounds it.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Bulkhead {
    settings: BulkheadSettings,
    pub(super) queue: Queue,
    pub(super) in_use: u32,
    /// The limit set at run time; above the permits it bounds nothing.
    set: u32,
    /// What may be in use: the least of the permits and what was set.
    pub(super) limit: u32,
    /// What `in_use` must not exceed: the limit, or what a lowered limit has yet to drain to.
    pub(super) ceiling: u32,
    /// Whether the count of permits is with a [`super::Front`].
    pub(super) lent: bool,
    service: ServiceTime,
    codel: CoDel,
    rejected: Rejections,
    expired: u64,
    shed: u64,
    too_heavy: u64,
    displaced: u64,
    pub(super) latest: Instant,
}

impl Bulkhead {
    /// An empty compartment. Allocates all that it will ever need under these settings.
    #[must_use]
    pub fn new(settings: BulkheadSettings) -> Self {
        let settings = settings.bounded();
        Self {
            settings,
            queue: Queue::new(settings.places(0)),
            in_use: 0,
            set: u32::MAX,
            limit: settings.permits,
            ceiling: settings.permits,
            lent: false,
            service: ServiceTime::default(),
            codel: CoDel::default(),
            rejected: Rejections::default(),
            expired: 0,
            shed: 0,
            too_heavy: 0,
            displaced: 0,
            latest: Instant::EPOCH,
        }
    }

    /// Takes new settings. Permits in use and waiters stay, also those beyond a lowered limit: the
    /// former drain, the latter keep their place and their time. Ask [`Bulkhead::next_grant`]
    /// afterwards: a raised limit may serve some of them.
    pub fn reconfigure(&mut self, settings: BulkheadSettings) {
        debug_assert!(!self.lent, "changed while the count is with the front");
        self.settings = settings.bounded();
        self.queue.grow(self.settings.places(self.queue.granted()));
        self.apply_limit();
        self.invariants();
    }

    /// Lets at most `limit` be in use from now on, within the permits of the settings, which
    /// reloads keep; none counts as one, and `u32::MAX` lifts it. What is in use beyond it drains.
    /// Ask [`Bulkhead::next_grant`] afterwards, as after [`Bulkhead::reconfigure`]. Cheap: for
    /// limits that change all the time, as adaptive ones do.
    pub fn set_limit(&mut self, limit: u32, now: Instant) {
        self.observe(now);
        self.set = limit.max(1);
        self.apply_limit();
        self.invariants();
    }

    fn apply_limit(&mut self) {
        self.limit = self.settings.permits.min(self.set);
        self.ceiling = self.in_use.max(self.limit);
    }

    /// Whether `waiter` owns a permit that it has not claimed.
    #[cfg(test)]
    pub(crate) fn has_granted(&self, waiter: Waiter) -> bool {
        matches!(self.queue.standing(waiter), Standing::Granted { .. })
    }

    /// Permits in use.
    #[must_use]
    #[inline]
    pub const fn in_use(&self) -> u32 {
        self.in_use
    }

    /// How many wait.
    #[must_use]
    #[inline]
    pub const fn queued(&self) -> u32 {
        self.queue.waiting()
    }

    /// Whether an arrival would get a permit at once, whatever its time.
    #[must_use]
    #[inline]
    pub const fn has_free_permit(&self) -> bool {
        self.has_free(1)
    }

    #[inline]
    const fn has_free(&self, weight: u32) -> bool {
        weight <= self.limit.saturating_sub(self.in_use) && self.queue.waiting() == 0
    }

    /// Asks for a permit. `useful_until` is the instant after which one would be of no use: the
    /// deadline, less the least time that an attempt needs. It bounds waiting only.
    pub fn acquire(&mut self, now: Instant, useful_until: Instant) -> Acquired {
        let (class, patience) = (Class::Normal, Patience::Usual);
        self.enter(Need { weight: 1, useful_until, class, patience }, now, &mut Discard)
    }

    /// A permit if one can be had at once: what [`Bulkhead::acquire_weighted`] answers then, in a
    /// few instructions and without a word where it cannot.
    #[inline]
    pub(crate) fn acquire_at_once(&mut self, weight: u32, now: Instant) -> Option<Permit> {
        let weight = weight.max(1);
        if !self.has_free(weight) {
            return None;
        }
        let now = self.observe(now);
        self.judge(Duration::ZERO, now);
        Some(self.take(weight))
    }

    /// Asks for several permits as one. Whoever waits for many keeps its claim: nobody behind it
    /// is served before it is (in LIFO order whoever comes later still is).
    ///
    /// # Errors
    ///
    /// [`TooHeavy`] if there are not as many; waiting would not help.
    pub fn acquire_weighted(
        &mut self,
        need: Need,
        now: Instant,
        sink: &mut impl Sink<BulkheadRejected>,
    ) -> Result<Acquired, TooHeavy> {
        let need = Need { weight: need.weight.max(1), ..need };
        if need.weight > self.limit {
            self.count(RejectCause::TooHeavy);
            self.report(RejectCause::TooHeavy, None, sink);
            return Err(TooHeavy { weight: need.weight, limit: self.limit });
        }
        Ok(self.enter(need, now, sink))
    }

    /// A permit at once is the common case, and kept short.
    fn enter(
        &mut self,
        need: Need,
        now: Instant,
        sink: &mut impl Sink<BulkheadRejected>,
    ) -> Acquired {
        let now = self.observe(now);
        if self.queue.waiting() > 0 {
            self.drop_expired(now, sink);
        }
        let acquired = if self.has_free(need.weight) {
            self.judge(Duration::ZERO, now);
            Acquired::Permit(self.take(need.weight))
        } else {
            self.enqueue(need, now, sink)
        };
        self.invariants();
        acquired
    }

    /// The next waiter that owns a permit from now on, and should be woken. Those whose time has
    /// passed are dropped on the way. Ask until there is none.
    #[must_use = "a waiter that is not woken keeps its permit unused"]
    pub fn next_grant(&mut self, now: Instant) -> Option<Waiter> {
        self.next_grant_reporting(now, &mut Discard)
    }

    /// As [`Bulkhead::next_grant`], and tells of those who are dropped on the way. They should be
    /// woken as well.
    #[must_use = "a waiter that is not woken keeps its permit unused"]
    #[inline]
    pub fn next_grant_reporting(
        &mut self,
        now: Instant,
        sink: &mut impl Sink<BulkheadRejected>,
    ) -> Option<Waiter> {
        let now = self.observe(now);
        if self.queue.waiting() == 0 { None } else { self.serve(now, sink) }
    }

    fn serve(&mut self, now: Instant, sink: &mut impl Sink<BulkheadRejected>) -> Option<Waiter> {
        while self.in_use < self.limit {
            let (waiter, terms) = self.next_in_line()?;
            if let Some(cause) = self.lost_cause(&terms, now) {
                self.drop_waiter((waiter, terms), cause, sink);
            } else if terms.weight > self.limit - self.in_use {
                return None;
            } else if self.judge(now.since(terms.since), now) == Fate::Shed {
                self.drop_waiter((waiter, terms), RejectCause::CoDel, sink);
            } else {
                self.queue.grant(waiter);
                self.in_use += terms.weight;
                self.invariants();
                return Some(waiter);
            }
        }
        None
    }

    /// Why waiting longer is of no use, if it is not.
    fn lost_cause(&self, terms: &Terms, now: Instant) -> Option<RejectCause> {
        if terms.until < now {
            return Some(RejectCause::Expired);
        }
        (terms.weight > self.limit).then_some(RejectCause::TooHeavy)
    }

    /// Takes the permit that `waiter` was granted. Also after its time, if it was granted before:
    /// whoever claims knows best whether it is still of use.
    pub fn claim(&mut self, waiter: Waiter, now: Instant) -> Claimed {
        self.observe(now);
        match self.queue.standing(waiter) {
            Standing::Waiting { .. } => Claimed::StillWaiting,
            Standing::Gone => Claimed::Gone,
            Standing::Granted { weight } => {
                self.queue.remove(waiter);
                self.invariants();
                Claimed::Permit(Permit { weight })
            }
        }
    }

    /// A waiter that was cancelled or whose time is over gives up its place. A permit that it has
    /// been granted and has not claimed comes free for [`Bulkhead::next_grant`].
    pub fn leave(&mut self, waiter: Waiter, now: Instant) {
        self.leave_reporting(waiter, now, &mut Discard);
    }

    /// As [`Bulkhead::leave`], and tells if the waiter expired.
    pub fn leave_reporting(
        &mut self,
        waiter: Waiter,
        now: Instant,
        sink: &mut impl Sink<BulkheadRejected>,
    ) {
        let now = self.observe(now);
        match self.queue.standing(waiter) {
            Standing::Waiting { terms } if terms.until <= now => {
                self.drop_waiter((waiter, terms), RejectCause::Expired, sink);
            }
            Standing::Granted { weight } => {
                self.queue.remove(waiter);
                self.free(weight);
            }
            Standing::Waiting { .. } | Standing::Gone => _ = self.queue.remove(waiter),
        }
        self.invariants();
    }

    /// Ends the use of a permit after `held`, which enters the smoothed service time; zero means
    /// that it was never used, and says nothing about that. The permit comes free for
    /// [`Bulkhead::next_grant`] before anyone who arrives later.
    #[inline]
    pub fn release(&mut self, permit: Permit, held: Duration, now: Instant) {
        self.observe(now);
        let Permit { weight } = permit;
        self.free(weight);
        if !held.is_zero() {
            self.service.record(held);
        }
        self.invariants();
    }

    /// All that is known.
    #[must_use]
    pub fn snapshot(&self) -> BulkheadSnapshot {
        BulkheadSnapshot {
            permits: self.settings.permits,
            limit: self.limit,
            in_use: self.in_use,
            unclaimed: self.queue.granted(),
            queued: self.queue.waiting(),
            queue: self.settings.queue,
            service_time: self.service.average(),
            rejected: self.rejected,
            expired: self.expired,
            shed: self.shed,
            too_heavy: self.too_heavy,
            displaced: self.displaced,
        }
    }

    /// Checks, in debug builds, what must always hold. Takes time with the length of the queue.
    pub fn invariants(&self) {
        debug_assert!(self.in_use <= self.ceiling, "more in use than permits");
        debug_assert!(self.limit <= self.ceiling, "a ceiling below the limit");
        debug_assert!(self.queue.granted() <= self.in_use, "a grant that is not in use");
        self.queue.invariants();
    }

    fn enqueue(
        &mut self,
        need: Need,
        now: Instant,
        sink: &mut impl Sink<BulkheadRejected>,
    ) -> Acquired {
        let limit = self.longest_wait(&need, now);
        // What permits were held for before says nothing while it is found out how many there are.
        let known = need.patience != Patience::Unsure;
        let estimate = self.estimate(&need).filter(|_| known);
        let until = now.after(limit);
        let Need { weight, class, useful_until, .. } = need;
        let terms = Terms { since: now, until, useful_until, weight, class };
        let placed = match self.refusal((limit, estimate), need.class) {
            Some(refusal) => Err(refusal),
            None => {
                self.displace(sink);
                self.queue.push(terms).ok_or(Refusal::QueueFull)
            }
        };
        match placed {
            Ok(waiter) => Acquired::Queued { waiter, until },
            Err(refusal) => {
                self.rejected.count(refusal);
                self.report(refusal.cause(), None, sink);
                let retry_at = now.after(estimate.unwrap_or(self.settings.max_wait));
                Acquired::Refused { reason: refusal.reason(), retry_at }
            }
        }
    }

    /// Why an arrival that may wait for `limit` may not even try to.
    fn refusal(
        &self,
        (limit, estimate): (Duration, Option<Duration>),
        class: Class,
    ) -> Option<Refusal> {
        if self.settings.queue == 0 {
            return Some(Refusal::Full);
        }
        if self.is_queue_full() && !self.displaces(class) {
            return Some(Refusal::QueueFull);
        }
        let too_long = limit.is_zero() || estimate.is_some_and(|estimate| estimate > limit);
        too_long.then_some(Refusal::QueueWait)
    }

    fn longest_wait(&self, need: &Need, now: Instant) -> Duration {
        let useful = need.useful_until.since(now);
        match need.patience {
            Patience::Usual => self.settings.max_wait.min(useful),
            Patience::Long | Patience::Unsure => useful,
        }
    }

    /// Whether an arrival of this class finds a place in the queue, if need be at the expense of
    /// somebody less important.
    pub(crate) fn has_place_for(&self, class: Class) -> bool {
        !self.is_queue_full() || self.displaces(class)
    }

    const fn is_queue_full(&self) -> bool {
        self.queue.waiting() >= self.settings.queue
    }

    /// Whether somebody less important waits, where that counts.
    fn displaces(&self, class: Class) -> bool {
        self.settings.order == QueueOrder::Priority
            && self.queue.hindmost().is_some_and(|(_, terms)| class < terms.class)
    }

    /// Makes room in a full queue, at the expense of the least important; of those the latest
    /// would wait longest.
    fn displace(&mut self, sink: &mut impl Sink<BulkheadRejected>) {
        if self.is_queue_full()
            && let Some(last) = self.queue.hindmost()
        {
            self.drop_waiter(last, RejectCause::Displaced, sink);
        }
    }

    /// How long the next arrival would wait. The newest is served first in LIFO order, so there
    /// that is the least it would wait: later arrivals overtake it. So do the more important ones
    /// in the order of priority.
    fn estimate(&self, need: &Need) -> Option<Duration> {
        let before = match self.settings.order {
            QueueOrder::Fifo | QueueOrder::CoDel => self.queue.weight_before(Class::Low),
            QueueOrder::Priority => self.queue.weight_before(need.class),
            QueueOrder::Lifo => 0,
        };
        self.service.wait(before.saturating_add(u64::from(need.weight)), self.limit)
    }

    fn next_in_line(&self) -> Option<(Waiter, Terms)> {
        match self.settings.order {
            QueueOrder::Fifo | QueueOrder::CoDel => self.queue.oldest(),
            QueueOrder::Priority => self.queue.foremost(),
            QueueOrder::Lifo => self.queue.newest(),
        }
    }

    /// Lets all who wait do so for as long as a permit is of use to them.
    pub(crate) fn prolong(&mut self) {
        self.queue.prolong();
        self.invariants();
    }

    /// Lets nobody wait longer from now on than an arrival may, or than those who are served now
    /// take: who has waited for long already would lose it all.
    pub(crate) fn shorten(&mut self, now: Instant) {
        let now = self.observe(now);
        let held = self.service.average().unwrap_or_default();
        self.queue.shorten(now.after(self.settings.max_wait.max(held)));
        self.invariants();
    }

    /// Until when `waiter` waits, if it still does.
    pub(crate) fn waits_until(&self, waiter: Waiter) -> Option<Instant> {
        match self.queue.standing(waiter) {
            Standing::Waiting { terms } => Some(terms.until),
            Standing::Granted { .. } | Standing::Gone => None,
        }
    }

    /// What is to become of one whose turn has come after `waited`.
    #[inline]
    pub(super) fn judge(&mut self, waited: Duration, now: Instant) -> Fate {
        match self.settings.order {
            QueueOrder::Fifo | QueueOrder::Lifo | QueueOrder::Priority => Fate::Served,
            QueueOrder::CoDel => self.codel.judge(waited, now),
        }
    }

    /// Drops the oldest waiters as far as their time has passed, so that the dead neither fill the
    /// queue nor lengthen the estimate.
    fn drop_expired(&mut self, now: Instant, sink: &mut impl Sink<BulkheadRejected>) {
        while let Some(expired) = self.queue.expired(now) {
            self.drop_waiter(expired, RejectCause::Expired, sink);
        }
    }

    fn drop_waiter(
        &mut self,
        (waiter, terms): (Waiter, Terms),
        cause: RejectCause,
        sink: &mut impl Sink<BulkheadRejected>,
    ) {
        self.queue.remove(waiter);
        self.count(cause);
        self.report(cause, Some((waiter, terms)), sink);
    }

    /// Counts those who are no refused arrivals: [`Rejections`] has those.
    const fn count(&mut self, cause: RejectCause) {
        let counter = match cause {
            RejectCause::Expired => &mut self.expired,
            RejectCause::CoDel => &mut self.shed,
            RejectCause::TooHeavy => &mut self.too_heavy,
            RejectCause::Displaced => &mut self.displaced,
            RejectCause::Full | RejectCause::QueueFull | RejectCause::WaitTooLong => return,
        };
        *counter = counter.saturating_add(1);
    }

    fn report(
        &self,
        cause: RejectCause,
        waited: Option<(Waiter, Terms)>,
        sink: &mut impl Sink<BulkheadRejected>,
    ) {
        sink.emit(BulkheadRejected {
            cause,
            waiter: waited.map(|(waiter, _)| waiter),
            waited: waited.map_or(Duration::ZERO, |(_, terms)| self.latest.since(terms.since)),
            in_use: self.in_use,
            limit: self.limit,
            queued: self.queue.waiting(),
        });
    }

    #[inline]
    fn take(&mut self, weight: u32) -> Permit {
        self.in_use += weight;
        debug_assert!(self.in_use <= self.limit, "no permit is free");
        Permit { weight }
    }

    #[inline]
    fn free(&mut self, weight: u32) {
        debug_assert!(self.in_use >= weight, "a permit of another bulkhead");
        self.in_use = self.in_use.saturating_sub(weight);
        self.ceiling = self.in_use.max(self.limit);
    }

    #[inline]
    fn observe(&mut self, now: Instant) -> Instant {
        debug_assert!(!self.lent, "asked while the count is with the front");
        self.latest = self.latest.max(now);
        self.latest
    }
}
