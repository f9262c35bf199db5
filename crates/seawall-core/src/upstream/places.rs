//! Places at endpoints: how many attempts may be in flight at each, and at all of them.
//!
//! Each endpoint has an adaptive limit of its own, so that one which is slow fills its own places
//! and nobody else's: the choice passes it over. Together they bound the bulkhead, where calls wait
//! in the order of their importance once all are full. How a limit is found is in `concurrency`.
//!
//! Refused is only while an endpoint is known to have all it can work on *and* more calls come than
//! are done. A limit that merely was never needed higher gives way to those who would be refused;
//! while it is found out whether an endpoint has too much to do or is slow, calls wait; and callers
//! of whom each waits for its answer before it calls again wait as well, however many they are.

use crate::Mode;
use crate::bulkhead::{Need, Patience, Waiter};
use crate::concurrency::{Evidence, Finished, Limit, LimitEvent, LimitSettings, Urgency};
use crate::endpoint::{EndpointId, Slot};
use crate::event::{Discard, Sink};
use crate::number::small;
use crate::ratio::Ratio;
use crate::reason::Reason;
use crate::time::{Duration, Instant};

use super::endpoint::Endpoint;
use super::event::{Event, Scope, Scoped};
use super::settle::AttemptEnd;
use super::sole::Fleet;
use super::{Choice, Upstream};

/// So often limits may give way for one call, by half of them each time: from a few to all that a
/// machine can have.
const STEPS_MAX: u32 = 32;

/// Endpoints fall silent by nothing but time, so all places are counted anew so often. Silence is
/// five times as long at least, by default.
const COUNT_EVERY: Duration = Duration::from_millis(10);

/// Where callers wait and none is refused it is work done that counts, and an endpoint that has all
/// it can work on may have so much more at hand. Where some are refused it is latency.
const AT_HAND: Ratio = Ratio::from_percent(150);

/// A call that waits looks so many typical latencies later whether limits give way by now, and that
/// is at least and at most so long.
const LOOK_TYPICAL: u32 = 2;
const LOOK_MIN: Duration = Duration::from_millis(2);
const LOOK_MAX: Duration = Duration::from_millis(100);

/// Of those who wait so many at once look.
const LOOKERS: u32 = 8;

impl Endpoint {
    /// How many may be in flight; `u32::MAX` where nothing says so.
    fn limit(&self, (refusing, of_blank): (Refusing, u32)) -> u32 {
        let Some(limit) = self.limit.as_ref().and_then(Limit::in_force) else { return u32::MAX };
        match refusing {
            _ if self.is_blank() => limit.min(of_blank),
            Refusing::No if self.is_congested() => {
                let more = AT_HAND.of(u64::from(limit)).saturating_add(1);
                u32::try_from(more).unwrap_or(u32::MAX)
            }
            Refusing::No | Refusing::Yes => limit,
        }
    }

    /// Places that are taken: as many as their attempts weigh, as permits are.
    const fn taken(&self) -> u32 {
        self.active.saturating_add(self.heavier)
    }

    fn is_blank(&self) -> bool {
        self.limit.as_ref().is_some_and(Limit::is_blank)
    }

    /// Whether whoever finds it full can hope for no more.
    fn is_firm(&self) -> bool {
        self.limit.as_ref().is_some_and(Limit::is_firm)
    }

    pub(super) const fn is_congested(&self) -> bool {
        match &self.limit {
            Some(limit) => limit.is_congested(),
            None => false,
        }
    }

    pub(super) fn reconfigure_limit(
        &mut self,
        settings: Option<LimitSettings>,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        let scope = Scope::Endpoint(self.id);
        match (&mut self.limit, settings) {
            (Some(limit), Some(settings)) => {
                limit.reconfigure(settings, now, &mut Scoped { at: now, scope, sink });
            }
            (limit, settings) => *limit = settings.map(|settings| Limit::new(settings, now)),
        }
    }
}

/// Whether callers who find no place may be refused for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Refusing {
    #[default]
    No,
    Yes,
}

impl Upstream {
    pub(super) const fn limits_endpoints(&self) -> bool {
        match &self.settings.endpoint_limit {
            Some(limit) => matches!(limit.mode, Mode::Enforce),
            None => false,
        }
    }

    /// Whether limits of endpoints bound anything at present. While a line of held calls is let go
    /// it is the hold that finds out how much the service keeps up with; a second opinion, formed
    /// before the outage, would put those who still wait for an answer behind those who do not.
    const fn binds_places(&self) -> bool {
        self.limits_endpoints() && !self.hold.is_releasing()
    }

    /// Whether no more should be sent there.
    pub(super) fn is_full(&self, slot: Slot) -> bool {
        let full = |endpoint: &Endpoint| {
            endpoint.taken() >= endpoint.limit((self.refusing, self.of_blank))
        };
        self.binds_places() && self.present(slot).is_some_and(full)
    }

    /// Takes those that are full out of the candidates; tells whether any is left.
    pub(super) fn drop_full(&mut self) -> bool {
        if self.binds_places() {
            let mut candidates = core::mem::take(&mut self.candidates);
            candidates.retain(|slot| !self.is_full(*slot));
            self.candidates = candidates;
        }
        !self.candidates.is_empty()
    }

    /// Takes those out of the candidates that are known to have too much to do; tells whether any
    /// is left. A limit that merely was never needed higher keeps no hedge back: the endpoints that
    /// are left when others fall silent have such limits, and the share of hedges bounds them.
    pub(super) fn drop_overloaded(&mut self) -> bool {
        let mut candidates = core::mem::take(&mut self.candidates);
        candidates.retain(|slot| {
            let congested = self.present(*slot).is_some_and(Endpoint::is_firm);
            !(congested && self.is_full(*slot))
        });
        self.candidates = candidates;
        !self.candidates.is_empty()
    }

    /// Takes out the full ones unless all are. Then a retry goes to one beyond its limit rather
    /// than to where it failed; the budget bounds such attempts.
    pub(super) fn prefer_roomy(&mut self) {
        let any = self.candidates.iter().any(|slot| !self.is_full(*slot));
        if any {
            self.drop_full();
        }
    }

    /// What may be in flight by the limits of the endpoints; `u32::MAX` where nothing says so.
    ///
    /// Good ones add their limit, or what a lowered one has yet to drain, the others what they
    /// hold: a permit more than is in use then always finds a place. A silent one counts as one of
    /// the others while any is heard of: nobody is sent there, and what is free there would be
    /// spent on those who are full. Where none is good, limits have nothing to say.
    pub(super) fn all_places(&self) -> u32 {
        let bounded = self.binds_places() && self.fleet == Fleet::Endpoints;
        if bounded { small(self.places) } else { u32::MAX }
    }

    /// An attempt takes as many places as it has permits.
    #[inline]
    pub(crate) fn weigh(&mut self, choice: &mut Choice, weight: u32, now: Instant) {
        if weight > 1 {
            self.weigh_more(choice, weight - 1, now);
        }
    }

    #[cold]
    fn weigh_more(&mut self, choice: &mut Choice, heavier: u32, now: Instant) {
        let Some(endpoint) = self.endpoint_mut(choice.endpoint) else { return };
        endpoint.heavier = endpoint.heavier.saturating_add(heavier);
        choice.heavier = heavier;
        choice.beside = endpoint.taken();
        self.recount(choice.endpoint.slot, now);
    }

    /// One endpoint has another limit, or more or fewer in flight. Where all are good that
    /// concerns nobody else, but that some fall silent with time.
    pub(super) fn recount(&mut self, slot: Slot, now: Instant) {
        if !self.limits_endpoints() {
            return;
        }
        let stale = now.since(self.counted_at) >= COUNT_EVERY;
        if stale || !self.calm || self.present(slot).is_none() {
            return self.count_places(now);
        }
        let silent = self.is_silent(slot, now);
        let rules = (self.refusing, self.of_blank);
        let Some(Some(endpoint)) = self.endpoints.get_mut(slot.index()) else { return };
        // One that fell silent, or was heard of, since all were counted says what others add, too.
        if silent || endpoint.is_left_out {
            return self.count_places(now);
        }
        let counted = endpoint.limit(rules).max(endpoint.taken());
        let before = core::mem::replace(&mut endpoint.counted, counted);
        if before != counted {
            self.places = self.places - u64::from(before) + u64::from(counted);
            self.enforce_limit(now);
        }
    }

    /// Counts all places anew.
    pub(super) fn count_places(&mut self, now: Instant) {
        if !self.limits_endpoints() {
            return self.enforce_limit(now);
        }
        self.counted_at = now;
        self.note_used(now);
        let used = core::mem::take(&mut self.used);
        let heard = used.iter().any(|slot| !self.is_silent(*slot, now));
        let any = !used.is_empty();
        self.used = used;
        self.of_blank = self.most_known();
        let rules = (self.refusing, self.of_blank);
        let mut places = 0;
        for slot in self.slots() {
            let silent = heard && self.is_silent(slot, now);
            let Some(Some(endpoint)) = self.endpoints.get_mut(slot.index()) else { continue };
            let counts = endpoint.is_used && !silent;
            let limit = if counts { endpoint.limit(rules) } else { 0 };
            endpoint.is_left_out = endpoint.is_used && silent;
            endpoint.counted = limit.max(endpoint.taken());
            places += u64::from(endpoint.counted);
        }
        self.places = if any { places } else { u64::from(u32::MAX) };
        self.enforce_limit(now);
    }

    /// What an endpoint may have in flight of which nothing is known: as much as another of those
    /// that are used, or a crowd that comes at once would all go to a newcomer. No bound where
    /// nothing is known of any.
    fn most_known(&self) -> u32 {
        let known = self.endpoints.iter().flatten().filter(|known| known.is_used);
        let known = known.filter(|known| !known.is_blank());
        known.map(|known| known.limit((self.refusing, u32::MAX))).max().unwrap_or(u32::MAX)
    }

    /// Lets the limit of an endpoint learn from an attempt that has ended there. Told is only when
    /// overload begins and ends: the limit itself changes all the time.
    pub(super) fn teach_endpoint(
        &mut self,
        (id, beside): (EndpointId, u32),
        end: &AttemptEnd<'_>,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        let Some(endpoint) = self.endpoint_mut(id) else { return };
        let Some(limit) = &mut endpoint.limit else { return };
        let evidence = Evidence::of(end.outcome);
        let finished = Finished { latency: end.elapsed, in_flight: beside, evidence };
        let mut latest = Latest(None);
        let was = limit.is_congested();
        limit.on_finished(finished, now, &mut latest);
        let is = limit.is_congested();
        if let Some(event) = latest.0.filter(|_| is != was) {
            Scoped { at: now, scope: Scope::Endpoint(id), sink }.emit(event);
        }
        if self.bulkhead.queued() > 0 {
            self.press(Urgency::Patient, now);
        }
        self.note_refusing(now);
    }

    /// Whether what is in flight at an endpoint may be why it is slow.
    pub(super) fn is_slow_by_load(&self, id: EndpointId) -> bool {
        let known = self.endpoint(id).and_then(|endpoint| endpoint.limit.as_ref());
        self.limits_endpoints() && known.is_some_and(Limit::explains_latency)
    }

    /// Notes whether callers may be refused by now. When that begins nobody waits on without a
    /// bound, and when it ends everybody does again.
    pub(super) fn note_refusing(&mut self, now: Instant) {
        let is = match self.demand.is_flood() && self.limits_endpoints() {
            true if self.any_firm(now) => Refusing::Yes,
            true | false => Refusing::No,
        };
        let was = core::mem::replace(&mut self.refusing, is);
        if was == is {
            return;
        }
        self.count_places(now);
        match is {
            Refusing::Yes => self.bulkhead.shorten(now),
            Refusing::No if self.is_unsure() => self.bulkhead.prolong(),
            Refusing::No => {}
        }
    }

    /// Somebody has found no place.
    pub(super) fn note_come(&mut self, now: Instant) {
        if self.limits_endpoints() {
            self.demand.note_come(now);
            self.note_refusing(now);
        }
    }

    /// A permit has been used and is free again while others wait for it.
    pub(super) fn note_done(&mut self, now: Instant) {
        if self.limits_endpoints() && self.bulkhead.queued() > 0 {
            self.demand.note_done(now);
        }
    }

    /// Whether an endpoint that may be chosen is known to have all that it can work on.
    fn any_firm(&self, now: Instant) -> bool {
        let firm = |slot| self.present(slot).is_some_and(Endpoint::is_firm);
        self.slots().any(|slot| firm(slot) && self.is_good(slot, now))
    }

    /// Whether those who find no place should wait for as long as it is of use to them: it is the
    /// endpoints that have none, and of none is known that more comes than it can do.
    pub(super) fn is_unsure(&self) -> bool {
        self.refusing == Refusing::No && self.all_places() < self.settings.bulkhead.permits
    }

    /// Until when `waiter` waits, if it still does: it may be longer than it was told.
    #[cfg(test)]
    pub(crate) fn waits_until(&self, waiter: Waiter) -> Option<Instant> {
        self.bulkhead.waits_until(waiter)
    }

    /// One who waits looks whether limits give way by now: nobody may come, and nothing end, for
    /// long. Says until when it waits, if it still does.
    pub(crate) fn look_up(&mut self, waiter: Waiter, now: Instant) -> Option<Instant> {
        if self.limits_endpoints() {
            self.press(Urgency::Patient, now);
        }
        self.bulkhead.waits_until(waiter)
    }

    /// When one who waits until `until` at most should look again.
    pub(crate) fn next_look(&self, until: Instant, now: Instant) -> Instant {
        if !self.limits_endpoints() || !self.is_unsure() {
            return until;
        }
        let pace = self.typical.saturating_mul(LOOK_TYPICAL).clamp(LOOK_MIN, LOOK_MAX);
        let others = (self.bulkhead.queued() / LOOKERS).max(1);
        until.min(now.after(pace.saturating_mul(others)))
    }

    /// Somebody needs a permit and finds none: makes room where nothing speaks against it.
    pub(super) fn press_for(&mut self, need: &Need, now: Instant) {
        if !self.limits_endpoints() {
            return;
        }
        // Those who were held through an outage come all at once, which proves nothing; and where
        // nobody can wait, nobody can wait for proof.
        let waits = need.patience != Patience::Long && self.bulkhead.has_place_for(need.class);
        for _ in 0..STEPS_MAX {
            let settled = waits || self.bulkhead.has_free_permit();
            if settled || !self.press(Urgency::Late, now) {
                break;
            }
        }
    }

    /// Asks the limits of the good endpoints to give way; tells whether any did.
    pub(super) fn press(&mut self, urgency: Urgency, now: Instant) -> bool {
        let mut gave_way = false;
        for slot in self.slots() {
            if !self.is_full(slot) || !self.is_good(slot, now) {
                continue;
            }
            let Some(Some(endpoint)) = self.endpoints.get_mut(slot.index()) else { continue };
            let owed = endpoint.silence.age(now);
            let Some(limit) = endpoint.limit.as_mut().filter(|_| !endpoint.is_left_out) else {
                continue;
            };
            gave_way |= limit.press((urgency, owed), now, &mut Discard);
        }
        if gave_way {
            self.count_places(now);
        }
        gave_way
    }

    /// What ended the wait of one who got no permit: the limits of the endpoints, if it was they
    /// who made it wait.
    pub(crate) fn name_of_lost_wait(&self) -> Reason {
        let adapted = self.limited_to < self.settings.bulkhead.permits;
        if self.limits_endpoints() && adapted {
            Reason::ConcurrencyLimit
        } else {
            Reason::QueueWait
        }
    }

    pub(super) fn place_invariants(&self) {
        let limits = self.endpoints.iter().flatten().filter_map(|known| known.limit.as_ref());
        limits.for_each(Limit::invariants);
    }
}

/// Keeps the latest change of a limit.
struct Latest(Option<LimitEvent>);

impl Sink<LimitEvent> for Latest {
    fn emit(&mut self, event: LimitEvent) {
        self.0 = Some(event);
    }
}
