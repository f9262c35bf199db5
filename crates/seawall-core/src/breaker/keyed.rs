//! Breakers by key: one for each tenant, shard or other part of a dependency that fails apart from
//! the rest, in bounded memory.
//!
//! The breaker itself is in `machine.rs`, settings are in `keyed_settings.rs` and events in
//! `keyed_event.rs`. Hashing a key is the driver's, with a hash that clients
//! cannot steer.

use alloc::vec::Vec;

use super::keyed_event::Classed;
use super::keyed_settings::KEYS_MAX;
use super::{Breaker, BreakerEvent, BreakerSnapshot, Ended, KeyClass, KeyedEvent, KeyedSettings};
use super::{Phase, Probing, Refused, Ticket};
use crate::event::Sink;
use crate::number::small;
use crate::rng::Draw;
use crate::time::Instant;

/// The phases of the windows of neighbouring breakers differ by this: the golden ratio of a minute,
/// so that the windows of a set do not turn together.
const PHASE_STEP: u64 = 37_082_039_325;

/// Receipt of an admission by a set.
#[derive(Debug)]
#[must_use = "a ticket that is never settled keeps its place among the probes"]
pub struct KeyedTicket {
    place: Option<usize>,
    tenancy: u64,
    ticket: Ticket,
}

impl KeyedTicket {
    /// Whether its holder is a probe.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.ticket.is_probe()
    }

    /// Which kind of breaker gave it.
    #[must_use]
    pub const fn class(&self) -> KeyClass {
        if self.place.is_some() { KeyClass::Own } else { KeyClass::Overflow }
    }
}

/// A set of breakers at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyedSnapshot {
    /// How many keys have a breaker of their own.
    pub keys: u32,
    /// How many of those are not closed.
    pub not_closed: u32,
    /// How many keys have lost theirs to others.
    pub evicted: u64,
    /// How many calls met the shared one.
    pub overflowed: u64,
    /// The shared one.
    pub overflow: BreakerSnapshot,
}

#[derive(Debug)]
struct Tenant {
    key: u64,
    /// Tells this holder of the place from earlier and later ones.
    tenancy: u64,
    used: Instant,
    breaker: Breaker,
}

/// Breakers by the hash of a key, at most [`KeyedSettings::keys_max`] of them, and one more that
/// all other keys share.
///
/// A breaker lives here from call to call; one built where the call is would never learn. Keys that
/// collide share a breaker. When all places are taken, a new key gets that of one that has been
/// idle: first of those that are closed and know nothing, then of those that are closed, and
/// only when there is no such one and after long, of one that is open. If there is none either, the
/// key uses the shared breaker, whose verdict is then that on all such keys: an attacker who
/// invents keys meets that one and cannot make the set forget.
///
/// A lookup is a binary search, 10 comparisons for 1 024 keys. Making room walks all places, at
/// most ten times in an idle time; between those walks new keys share. Allocates for new keys only.
#[derive(Debug)]
pub struct KeyedBreakers {
    settings: KeyedSettings,
    origin: Instant,
    /// By place; a place that is free stands in `free`.
    tenants: Vec<Option<Tenant>>,
    free: Vec<usize>,
    /// Sorted by key.
    index: Vec<(u64, usize)>,
    overflow: Breaker,
    tenancies: u64,
    next_sweep: Instant,
    evicted: u64,
    overflowed: u64,
    latest: Instant,
}

impl KeyedBreakers {
    /// An empty set. `origin` is the phase of its windows and should differ between instances.
    #[must_use]
    pub fn new(settings: KeyedSettings, origin: Instant) -> Self {
        Self {
            settings,
            origin,
            tenants: Vec::new(),
            free: Vec::new(),
            index: Vec::new(),
            overflow: Breaker::new(settings.breaker, origin),
            tenancies: 0,
            next_sweep: Instant::EPOCH,
            evicted: 0,
            overflowed: 0,
            latest: Instant::EPOCH,
        }
    }

    /// Takes new settings; every breaker keeps what it learned. With fewer places those that were
    /// used least recently go.
    pub fn reconfigure(&mut self, settings: KeyedSettings, now: Instant) {
        let now = self.clock(now);
        self.settings = settings;
        self.overflow.reconfigure(settings.breaker, now);
        for tenant in self.tenants.iter_mut().flatten() {
            tenant.breaker.reconfigure(settings.breaker, now);
        }
        while self.index.len() > self.bound() {
            let used = |place: &usize| self.tenant(*place).map(|tenant| tenant.used);
            let Some(place) = self.index.iter().map(|(_, place)| *place).min_by_key(used) else {
                break;
            };
            self.evict(place);
        }
        self.invariants();
    }

    /// Asks the breaker of a key; see [`Breaker::admit`].
    ///
    /// # Errors
    ///
    /// [`Refused`] when the call must not be sent now.
    pub fn admit(
        &mut self,
        key: u64,
        (now, draw): (Instant, Draw),
        probing: Probing,
        sink: &mut impl Sink<KeyedEvent>,
    ) -> Result<KeyedTicket, Refused> {
        let now = self.clock(now);
        let place = self.place_of(key, now, sink);
        self.overflowed += u64::from(place.is_none());
        let (tenancy, breaker, class) = match place.and_then(|place| self.tenant_mut(place)) {
            Some(tenant) => {
                tenant.used = now;
                (tenant.tenancy, &mut tenant.breaker, KeyClass::Own)
            }
            None => (0, &mut self.overflow, KeyClass::Overflow),
        };
        let ticket = breaker.admit(now, probing, draw, &mut Classed { class, sink })?;
        Ok(KeyedTicket { place, tenancy, ticket })
    }

    /// Ends what a ticket admitted; see [`Breaker::settle`]. If the key has lost its breaker since,
    /// the outcome is that of a former state: reported, and nothing else.
    pub fn settle(
        &mut self,
        ticket: KeyedTicket,
        ended: Ended,
        (now, draw): (Instant, Draw),
        sink: &mut impl Sink<KeyedEvent>,
    ) {
        let now = self.clock(now);
        let class = ticket.class();
        let KeyedTicket { place, tenancy, ticket } = ticket;
        let mut sink = Classed { class, sink };
        let Some(place) = place else {
            return self.overflow.settle(ticket, ended, (now, draw), &mut sink);
        };
        match self.tenant_mut(place).filter(|tenant| tenant.tenancy == tenancy) {
            Some(tenant) => {
                tenant.used = now;
                tenant.breaker.settle(ticket, ended, (now, draw), &mut sink);
            }
            None => {
                let current = ticket.generation().saturating_add(1);
                sink.emit(BreakerEvent::StaleOutcome { ticket: ticket.generation(), current });
            }
        }
    }

    /// Carries out what is due at `now` in any breaker. Admission and settling do the same for
    /// their own; this only makes events come in time. Walks all places.
    pub fn on_timer(&mut self, now: Instant, sink: &mut impl Sink<KeyedEvent>) {
        let now = self.clock(now);
        for tenant in self.tenants.iter_mut().flatten() {
            tenant.breaker.on_timer(now, &mut Classed { class: KeyClass::Own, sink });
        }
        self.overflow.on_timer(now, &mut Classed { class: KeyClass::Overflow, sink });
    }

    /// What a call with this key would meet at `now`, and whose verdict that is.
    #[must_use]
    pub fn phase(&self, key: u64, now: Instant) -> (KeyClass, Phase) {
        match self.find(key).and_then(|place| self.tenant(place)) {
            Some(tenant) => (KeyClass::Own, tenant.breaker.phase(now)),
            None if self.index.len() < self.bound() => (KeyClass::Own, Phase::Closed),
            None => (KeyClass::Overflow, self.overflow.phase(now)),
        }
    }

    /// Everything that is known of the breaker of a key; none if it has none of its own.
    #[must_use]
    pub fn of_key(&self, key: u64, now: Instant) -> Option<BreakerSnapshot> {
        let place = self.find(key)?;
        self.tenant(place).map(|tenant| tenant.breaker.snapshot(now))
    }

    /// The set at a glance. Walks all places.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> KeyedSnapshot {
        let tenants = self.tenants.iter().flatten();
        let open = tenants.filter(|tenant| tenant.breaker.phase(now) != Phase::Closed).count();
        KeyedSnapshot {
            keys: small(self.index.len()),
            not_closed: small(open),
            evicted: self.evicted,
            overflowed: self.overflowed,
            overflow: self.overflow.snapshot(now),
        }
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        debug_assert!(self.index.len() <= self.bound(), "more keys than places");
        debug_assert!(self.index.is_sorted(), "keys out of order");
        let held = self.tenants.iter().flatten().count();
        debug_assert_eq!(held, self.index.len(), "a breaker that nobody finds");
        debug_assert_eq!(held + self.free.len(), self.tenants.len(), "a place is lost");
        for (key, place) in &self.index {
            let found = self.tenant(*place).is_some_and(|tenant| tenant.key == *key);
            debug_assert!(found, "the index names another's place");
        }
    }

    /// The place of a key, new if there is room.
    fn place_of(
        &mut self,
        key: u64,
        now: Instant,
        sink: &mut impl Sink<KeyedEvent>,
    ) -> Option<usize> {
        if let Some(place) = self.find(key) {
            return Some(place);
        }
        if self.index.len() >= self.bound() && !self.make_room(now, sink) {
            return None;
        }
        Some(self.settle_in(key, now))
    }

    fn settle_in(&mut self, key: u64, now: Instant) -> usize {
        let place = self.free.pop().unwrap_or(self.tenants.len());
        if place == self.tenants.len() {
            self.tenants.push(None);
        }
        self.tenancies += 1;
        let phase = PHASE_STEP.wrapping_mul(self.tenancies);
        let origin = Instant::from_nanos(self.origin.as_nanos().wrapping_add(phase));
        let breaker = Breaker::new(self.settings.breaker, origin);
        let tenancy = self.tenancies;
        if let Some(free) = self.tenants.get_mut(place) {
            *free = Some(Tenant { key, tenancy, used: now, breaker });
        }
        let at = self.index.partition_point(|(known, _)| *known < key);
        self.index.insert(at, (key, place));
        self.invariants();
        place
    }

    /// Frees places of the idle, unless that was tried a moment ago.
    fn make_room(&mut self, now: Instant, sink: &mut impl Sink<KeyedEvent>) -> bool {
        if now < self.next_sweep {
            return false;
        }
        self.next_sweep = now.after(self.settings.idle / 10);
        let mut best: Option<(Worth, Instant, usize)> = None;
        for place in 0..self.tenants.len() {
            let Some((worth, used)) = self.worth(place, now) else { continue };
            // All that know nothing go at once: the next new keys then need no walk.
            if worth == Worth::Nothing {
                self.evict(place);
            }
            best = best.into_iter().chain([(worth, used, place)]).min();
        }
        match best {
            Some((Worth::Nothing, ..)) => true,
            Some((Worth::History | Worth::Verdict, _, place)) => {
                self.evict(place);
                true
            }
            None => {
                sink.emit(KeyedEvent::Full { keys: small(self.index.len()) });
                false
            }
        }
    }

    /// What would be lost with the breaker of a place; none if it must stay.
    fn worth(&self, place: usize, now: Instant) -> Option<(Worth, Instant)> {
        let tenant = self.tenant(place)?;
        let unused = now.since(tenant.used);
        if unused < self.settings.idle {
            return None;
        }
        let known = tenant.breaker.snapshot(now);
        let worth = match known.phase {
            Phase::Closed if known.calls == 0 && known.consecutive == 0 && known.openings == 0 => {
                Worth::Nothing
            }
            Phase::Closed => Worth::History,
            Phase::Open { .. } | Phase::ProbeDue | Phase::HalfOpen { .. } => Worth::Verdict,
        };
        let must_stay = worth == Worth::Verdict && unused < self.settings.forget_open;
        (!must_stay).then_some((worth, tenant.used))
    }

    fn evict(&mut self, place: usize) {
        let Some(tenant) = self.tenants.get_mut(place).and_then(Option::take) else { return };
        if let Ok(at) = self.index.binary_search_by_key(&tenant.key, |(key, _)| *key) {
            self.index.remove(at);
        }
        self.free.push(place);
        self.evicted += 1;
    }

    fn find(&self, key: u64) -> Option<usize> {
        let at = self.index.binary_search_by_key(&key, |(known, _)| *known).ok()?;
        self.index.get(at).map(|(_, place)| *place)
    }

    fn tenant(&self, place: usize) -> Option<&Tenant> {
        self.tenants.get(place)?.as_ref()
    }

    fn tenant_mut(&mut self, place: usize) -> Option<&mut Tenant> {
        self.tenants.get_mut(place)?.as_mut()
    }

    fn bound(&self) -> usize {
        self.settings.keys_max.clamp(1, KEYS_MAX) as usize
    }

    fn clock(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

/// What a breaker knows that its key would lose, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Nothing,
    History,
    Verdict,
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;
    use crate::breaker::BreakerSettings;

    #[test]
    #[should_panic(expected = "more keys than places")]
    fn more_keys_than_places_are_noticed() {
        let settings = KeyedSettings::new(BreakerSettings::for_endpoint());
        let mut set = KeyedBreakers::new(settings, Instant::EPOCH);
        for key in 0..2 {
            let at = (Instant::EPOCH, Draw::ZERO);
            assert!(set.admit(key, at, Probing::Allowed, &mut Vec::new()).is_ok());
        }
        set.settings.keys_max = 1;
        set.invariants();
    }
}
