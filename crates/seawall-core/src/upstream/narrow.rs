//! Between the good endpoints and the algorithm: subset, priority level, zone and panic
//! threshold; and the short cut where none of them matters.
//!
//! The short cut: once a walk has found every endpoint good and nothing to narrow, all stay good
//! until something happens to one of them. Time alone takes no endpoint out. Whatever could
//! (a judged attempt, a health check, a change of endpoints or settings) ends the calm, and the
//! next choice walks again. The order of choice is in `choose`.

use crate::balance::{LevelCounts, Loads};
use crate::endpoint::{EndpointId, Slot};
use crate::event::Sink;
use crate::number::small;
use crate::rng::Rng;
use crate::time::Instant;

use super::event::{Event, Scene, Scope, What};
use super::{Choice, ChoiceReason, Probe, Upstream, Wish};

/// The shares of the levels and the first level that has any endpoint.
pub(super) type Levels = (Loads, usize);

/// What a choice without a look at the endpoints came to.
pub(super) enum Calm {
    /// An endpoint.
    Chosen(Choice),
    /// All endpoints are good, and none takes this call: they ramp up after a failure.
    Refused,
    /// Somebody has to look.
    Over,
}

impl Upstream {
    /// A choice without a walk over the endpoints.
    pub(super) fn choose_calm(
        &mut self,
        wish: Wish<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Calm {
        if !self.calm || !wish.tried.is_empty() {
            return Calm::Over;
        }
        let now = scene.now;
        debug_assert!(self.members.iter().all(|slot| self.is_good(*slot, now)), "no calm");
        let Some(slot) = self.balancer.pick(&self.members, wish.key, now, scene.rng) else {
            return Calm::Over;
        };
        if self.is_full(slot) {
            return Calm::Over;
        }
        let facts = (self.reason(wish.key), small(self.members.len()));
        if self.is_doubtful(slot, wish.probe, now) {
            return self.choose_heard(slot, (wish, facts), scene);
        }
        match self.admit_to(slot, facts, scene) {
            Some(choice) => Calm::Chosen(choice),
            None => self.choose_beside(slot, (wish.key, facts), scene),
        }
    }

    /// One that ramps up has taken its share: another one.
    #[cold]
    fn choose_beside(
        &mut self,
        refused: Slot,
        (key, facts): (Option<u64>, (ChoiceReason, u32)),
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Calm {
        self.candidates.clone_from(&self.members);
        self.candidates.retain(|slot| *slot != refused);
        self.prefer_roomy();
        self.choose_among(key, facts, scene).map_or(Calm::Refused, Calm::Chosen)
    }

    /// The picked one is silent, or quiet: another one, unless all are, or it is due for a trial.
    #[cold]
    fn choose_heard(
        &mut self,
        picked: Slot,
        (wish, facts): (Wish<'_>, (ChoiceReason, u32)),
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Calm {
        self.candidates.clone_from(&self.members);
        self.leave_out_silent(wish.probe, scene.now);
        let stays = self.candidates.contains(&picked);
        if stays && let Some(choice) = self.admit_to(picked, facts, scene) {
            return Calm::Chosen(choice);
        }
        self.candidates.retain(|slot| *slot != picked);
        self.prefer_roomy();
        self.choose_among(wish.key, facts, scene).map_or(Calm::Refused, Calm::Chosen)
    }

    /// Notes whether all present endpoints are among the candidates, which are the good ones, so
    /// that the next choice need not look. Only after a choice that looked for due probes.
    pub(super) fn note_calm(&mut self, probe: Probe) {
        self.calm = probe != Probe::Never
            && self.balancer.is_flat()
            && self.newcomers.is_empty()
            && self.candidates.len() == self.count_present();
        if self.calm {
            self.members.clone_from(&self.candidates);
        }
    }

    /// Whether the candidates, which are the good ones, are a smaller share of all than the panic
    /// threshold. Not where there are none: then `when_all_down` decides.
    pub(super) fn are_too_few(&self) -> bool {
        let threshold = self.settings.balance.panic_threshold;
        let good = self.candidates.len() as u64;
        threshold.ppm() > 0
            && good > 0
            && !threshold.is_reached_by(good, self.count_present() as u64)
    }

    /// The shares of the levels by the candidates, which are the good ones; none where there is
    /// but one level. Tells what changed since the last choice that looked.
    pub(super) fn note_levels(
        &mut self,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Option<Levels> {
        self.tell_newcomers(now, sink);
        if self.balancer.is_flat() {
            self.loads = None;
            return None;
        }
        let counts = self.level_counts(&self.candidates);
        let loads = self.balancer.loads(&counts);
        let first = counts.iter().position(|level| level.total > 0).unwrap_or_default();
        let spilled = self.loads.is_some_and(|loads| loads.spills(&counts));
        let changed = self.loads.replace(loads) != Some(loads);
        if changed && (spilled || loads.spills(&counts)) {
            sink.emit(Event { at: now, scope: Scope::Upstream, what: What::Spillover(loads) });
        }
        Some((loads, first))
    }

    /// Narrows the candidates, never to nothing, and says why the choice will be among them.
    pub(super) fn narrow(
        &mut self,
        levels: Option<Levels>,
        key: Option<u64>,
        rng: &mut impl Rng,
    ) -> ChoiceReason {
        let Some((loads, first)) = levels else { return self.reason(key) };
        self.balancer.keep_subset(&mut self.candidates);
        let level = self.balancer.narrow(&mut self.candidates, &loads, key, rng);
        if usize::from(level) > first { ChoiceReason::Spilled } else { self.reason(key) }
    }

    /// Tells that an endpoint starts slowly, if slow start is on.
    pub(super) fn note_slow_start(
        &self,
        id: EndpointId,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        if self.settings.balance.slow_start.is_some() {
            sink.emit(Event { at: now, scope: Scope::Endpoint(id), what: What::SlowStart });
        }
    }

    fn tell_newcomers(&mut self, now: Instant, sink: &mut impl Sink<Event>) {
        while let Some(id) = self.newcomers.pop() {
            if self.endpoint(id).is_some() {
                self.note_slow_start(id, now, sink);
            }
        }
    }

    fn reason(&self, key: Option<u64>) -> ChoiceReason {
        match key.filter(|_| self.settings.balance.algorithm.is_keyed()) {
            Some(_) => ChoiceReason::Keyed,
            None => ChoiceReason::Balanced,
        }
    }

    /// Notes which of the good endpoints calls are sent to at all: those of the subset, and of the
    /// levels that take a share.
    pub(super) fn note_used(&mut self, now: Instant) {
        let mut used = core::mem::take(&mut self.used);
        used.clear();
        used.extend(self.slots().filter(|slot| self.is_good(*slot, now)));
        if !self.balancer.is_flat() {
            let loads = self.balancer.loads(&self.level_counts(&used));
            self.balancer.keep_subset(&mut used);
            let takes = |slot: &Slot| loads.of_level(self.balancer.info(*slot).level) > 0;
            if used.iter().any(takes) {
                used.retain(takes);
            }
        }
        for endpoint in self.endpoints.iter_mut().flatten() {
            endpoint.is_used = false;
        }
        for slot in &used {
            if let Some(Some(endpoint)) = self.endpoints.get_mut(slot.index()) {
                endpoint.is_used = true;
            }
        }
        self.used = used;
    }

    fn level_counts(&self, good: &[Slot]) -> LevelCounts {
        let mut counts = LevelCounts::default();
        for endpoint in self.slots().filter_map(|slot| self.present(slot)) {
            let level = usize::from(endpoint.info.level);
            if let Some(count) = counts.get_mut(level) {
                count.total += 1;
            }
        }
        for endpoint in good.iter().filter_map(|slot| self.present(*slot)) {
            let level = usize::from(endpoint.info.level);
            if let Some(count) = counts.get_mut(level) {
                count.healthy += 1;
            }
        }
        counts
    }

    fn count_present(&self) -> usize {
        self.slots().filter(|slot| self.present(*slot).is_some()).count()
    }
}
