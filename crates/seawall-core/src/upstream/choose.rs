//! Choosing the endpoint of an attempt.
//!
//! The order of preference: an endpoint that waits for a probe, offered one suitable call on
//! purpose (filtered out before its breaker is asked, it would never come back); a good endpoint
//! that this call has not tried, one that is heard of before one that is silent (`silence`); a good
//! one that it has, least recently tried first; and when no endpoint is good, what
//! [`super::WhenAllDown`] says.

use crate::breaker::{self, Phase, Probing};
use crate::endpoint::{EndpointId, Slot};
use crate::event::Sink;
use crate::health::HealthState;
use crate::number::small;
use crate::outlier::{ProbeTicket, Standing};
use crate::rng::Rng;
use crate::time::{Duration, Instant};

use super::event::{Event, Scene, Scope, Scoped, What};
use super::narrow::Calm;
use super::narrow::Levels;
use super::sole::{Fleet, SOLE_CHOICE};
use super::{Upstream, WhenAllDown};

/// A call that must not be repeated may probe only an endpoint that has waited this long for a
/// safe one, or upstreams that serve only such calls would never heal.
pub(super) const UNSAFE_PROBE_AFTER: Duration = Duration::from_secs(5);

/// The same for one that was ejected: ejections are short at first, and the verdicts behind them
/// are of endpoints that took requests and did not answer well.
const UNSAFE_PROBE_OF_EJECTED: Duration = Duration::from_secs(25);

/// Whether an attempt may be used to learn if an endpoint has recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Yes: should it fail, the call can try elsewhere.
    Freely,
    /// Only where no better call has come for a while.
    Reluctantly,
    /// No: this call has already probed, or the attempt is a hedge.
    Never,
}

/// What an attempt asks of the choice.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The endpoints that its call has tried, oldest first.
    pub tried: &'a [Slot],
    /// Whether it may be a probe.
    pub probe: Probe,
    /// The hash of what keeps a caller at its endpoint, for algorithms that ask for it.
    pub key: Option<u64>,
}

/// Why an endpoint was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceReason {
    /// By the balancer.
    Balanced,
    /// By the balancer, for the key of the call.
    Keyed,
    /// By the balancer, past the first priority level.
    Spilled,
    /// To learn whether it has recovered.
    Probe,
    /// No good endpoint was left, or too few, so any may do.
    Panic,
    /// There is nothing to choose: the operation has no endpoints that we know of.
    Sole,
}

/// An endpoint for one attempt, with the receipts that settle it. Ends when
/// the call machine reports the end of its attempt.
#[derive(Debug)]
#[must_use = "an attempt that is never ended leaks its place"]
pub struct Choice {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Why it was chosen.
    pub reason: ChoiceReason,
    /// How many endpoints stood for choice.
    pub candidates: u32,
    /// How many are in flight at the endpoint, this one included.
    pub(super) beside: u32,
    pub(super) breaker: Option<breaker::Ticket>,
    pub(super) probe: Option<ProbeTicket>,
    /// What its attempt weighs beyond one.
    pub(super) heavier: u32,
    /// Whether nothing has been heard of its attempt so far.
    pub(super) awaits: bool,
    /// The number of the probe of an outage that it is.
    pub(super) outage: Option<u64>,
}

impl Upstream {
    /// Chooses an endpoint, or none if [`WhenAllDown::Refuse`] holds and no endpoint is good, or
    /// if there are no endpoints.
    #[inline(always)]
    pub fn choose(
        &mut self,
        wish: Wish<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        match self.fleet {
            Fleet::Sole => Some(SOLE_CHOICE),
            Fleet::Endpoints => self.choose_endpoint(wish, scene),
        }
    }

    fn choose_endpoint(
        &mut self,
        wish: Wish<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        let mut choice = match self.choose_calm(wish, scene) {
            Calm::Chosen(choice) => Some(choice),
            // All good ones have been asked, and a second draw would give those that ramp up more
            // than their share.
            Calm::Refused => self.choose_any(wish, scene),
            Calm::Over => self
                .choose_due(wish, scene)
                .or_else(|| self.choose_good(wish, scene))
                .or_else(|| self.choose_slow(wish, scene))
                .or_else(|| self.choose_any(wish, scene)),
        };
        self.note_panic(choice.as_ref(), scene.now, scene.sink);
        if let Some(choice) = &mut choice {
            self.begin(choice, scene.now);
        }
        choice
    }

    /// Whether an attempt could be placed now without probing.
    #[must_use]
    pub fn has_good_endpoint(&self, now: Instant) -> bool {
        self.slots().any(|slot| self.is_good(slot, now))
    }

    pub(super) fn count_good(&self, wanted: impl Fn(Slot) -> bool, now: Instant) -> usize {
        self.slots().filter(|slot| wanted(*slot) && self.is_good(*slot, now)).count()
    }

    fn choose_due(
        &mut self,
        wish: Wish<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        if wish.probe == Probe::Never {
            return None;
        }
        let slot = self.find_due(wish.tried, wish.probe, scene.now)?;
        self.begin_probe(slot, scene)
    }

    /// Lets an attempt learn whether an endpoint that is due has recovered.
    pub(super) fn begin_probe(
        &mut self,
        slot: Slot,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        let now = scene.now;
        let ejection = self.outliers.begin_probe(slot, now);
        let endpoint = self.endpoints.get_mut(slot.index())?.as_mut()?;
        endpoint.due_since = None;
        let id = endpoint.id;
        let mut scoped = Scoped { at: now, scope: Scope::Endpoint(id), sink: &mut *scene.sink };
        let draw = scene.rng.draw();
        let ticket = endpoint.breaker.admit(now, Probing::Allowed, draw, &mut scoped).ok();
        if ticket.is_none() && ejection.is_none() {
            return None;
        }
        let (reason, candidates) = (ChoiceReason::Probe, 1);
        let (breaker, probe, outage) = (ticket, ejection, None);
        let (beside, awaits) = (0, true);
        Some(Choice {
            endpoint: id,
            reason,
            candidates,
            beside,
            breaker,
            probe,
            outage,
            awaits,
            heavier: 0,
        })
    }

    /// The first endpoint that a call like this one may probe.
    pub(super) fn find_due(&mut self, tried: &[Slot], probe: Probe, now: Instant) -> Option<Slot> {
        let mut found = None;
        for index in 0..self.endpoints.len() {
            let slot = slot(index);
            let due = self.is_due(slot, now);
            let patience = self.unsafe_patience(slot, now);
            let Some(Some(endpoint)) = self.endpoints.get_mut(index) else { continue };
            if !due {
                endpoint.due_since = None;
                continue;
            }
            let since = *endpoint.due_since.get_or_insert(now);
            let due_for = now.since(since);
            let suits = probe == Probe::Freely || due_for >= patience;
            if suits && found.is_none() && !tried.contains(&slot) {
                found = Some(slot);
            }
        }
        found
    }

    /// How long an endpoint that is due must have waited for a safe call before an unsafe one is
    /// its probe. None where its latest attempt was refused: that happens before anything is sent,
    /// and either happens again or somebody is there.
    fn unsafe_patience(&self, slot: Slot, now: Instant) -> Duration {
        match self.outliers.standing(slot, now) {
            Standing::ProbeDue if self.outliers.refuses(slot) => Duration::ZERO,
            Standing::ProbeDue => UNSAFE_PROBE_OF_EJECTED,
            Standing::In | Standing::Ejected { .. } | Standing::Probing => UNSAFE_PROBE_AFTER,
        }
    }

    fn is_due(&self, slot: Slot, now: Instant) -> bool {
        let Some(endpoint) = self.present(slot) else { return false };
        if endpoint.health.state() == HealthState::Unhealthy {
            // Its checks learn sooner than callers would, and at nobody's expense.
            return false;
        }
        match self.outliers.standing(slot, now) {
            Standing::ProbeDue => true,
            Standing::Ejected { .. } | Standing::Probing => false,
            Standing::In => match endpoint.breaker.phase(now) {
                Phase::ProbeDue => true,
                Phase::HalfOpen { free_places } => free_places > 0,
                Phase::Closed | Phase::Open { .. } => false,
            },
        }
    }

    /// A good endpoint that the call has not tried, for an attempt beside a slow one.
    pub(crate) fn choose_other(
        &mut self,
        wish: Wish<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        if self.fleet == Fleet::Sole {
            return Some(SOLE_CHOICE);
        }
        let (now, tried) = (scene.now, wish.tried);
        self.gather(|upstream, slot| upstream.is_good(slot, now));
        let levels = self.note_levels(now, scene.sink);
        self.candidates.retain(|slot| !tried.contains(slot));
        self.leave_out_all_silent(now);
        self.leave_out_quiet(now);
        if !self.drop_overloaded() {
            return None;
        }
        self.prefer_roomy();
        let mut choice = self.choose_gathered(wish.key, levels, scene)?;
        self.begin(&mut choice, now);
        Some(choice)
    }

    fn choose_good(
        &mut self,
        wish: Wish<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        let (now, tried) = (scene.now, wish.tried);
        self.gather(|upstream, slot| upstream.is_good(slot, now));
        if self.are_too_few() {
            return self.choose_present(wish, scene);
        }
        self.note_calm(wish.probe);
        self.count_places(now);
        let levels = self.note_levels(now, scene.sink);
        self.candidates.retain(|slot| !tried.contains(slot));
        if self.candidates.is_empty() {
            let again = tried.iter().copied().find(|slot| self.is_good(*slot, now))?;
            self.candidates.push(again);
        }
        self.leave_out_silent(wish.probe, now);
        self.prefer_roomy();
        self.choose_gathered(wish.key, levels, scene)
    }

    /// The balancer's choice among the candidates gathered before, at the level and in the zone
    /// where the call belongs.
    fn choose_gathered(
        &mut self,
        key: Option<u64>,
        levels: Option<Levels>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        let reason = self.narrow(levels, key, scene.rng);
        let facts = (reason, small(self.candidates.len()));
        self.choose_among(key, facts, scene)
    }

    /// The balancer's choice among the candidates, but for those whose breakers refuse. Each is
    /// asked once.
    pub(super) fn choose_among(
        &mut self,
        key: Option<u64>,
        facts: (ChoiceReason, u32),
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        let now = scene.now;
        while let Some(slot) = self.balancer.pick(&self.candidates, key, now, scene.rng) {
            if let Some(choice) = self.admit_to(slot, facts, scene) {
                return Some(choice);
            }
            self.candidates.retain(|candidate| *candidate != slot);
        }
        None
    }

    /// Asks the breaker of a good endpoint, which while it ramps up after a failure takes only a
    /// share of the calls.
    pub(super) fn admit_to(
        &mut self,
        slot: Slot,
        (reason, candidates): (ChoiceReason, u32),
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        let now = scene.now;
        let endpoint = self.endpoints.get_mut(slot.index())?.as_mut()?;
        let id = endpoint.id;
        let scope = Scope::Endpoint(id);
        let mut scoped = Scoped { at: now, scope, sink: &mut *scene.sink };
        let draw = scene.rng.draw();
        let ticket = endpoint.breaker.admit(now, Probing::Forbidden, draw, &mut scoped).ok()?;
        let (breaker, probe, outage) = (Some(ticket), None, None);
        let (beside, awaits) = (0, true);
        Some(Choice {
            endpoint: id,
            reason,
            candidates,
            beside,
            breaker,
            probe,
            outage,
            awaits,
            heavier: 0,
        })
    }

    /// Health checks that merely time out never take the last endpoints away: slowness under load
    /// looks the same, and would be answered with no service at all.
    fn choose_slow(
        &mut self,
        wish: Wish<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        if self.has_good_endpoint(scene.now) {
            return None;
        }
        let slow = |upstream: &Self, slot| upstream.is_merely_slow(slot, scene.now);
        self.gather(|upstream, slot| slow(upstream, slot) && !wish.tried.contains(&slot));
        if self.candidates.is_empty() {
            self.gather(slow);
        }
        let facts = (ChoiceReason::Panic, small(self.candidates.len()));
        let slot = self.balancer.pick(&self.candidates, wish.key, scene.now, scene.rng)?;
        self.admit_to(slot, facts, scene)
    }

    /// As good as its checks, which only time out, let it be.
    fn is_merely_slow(&self, slot: Slot, now: Instant) -> bool {
        let slow = self.present(slot).is_some_and(|known| {
            known.health.is_merely_slow() && known.breaker.phase(now) == Phase::Closed
        });
        slow && self.outliers.standing(slot, now) == Standing::In
    }

    /// Without a good endpoint: any that is registered, untried ones first. The same where all
    /// good ones ramp up and have taken their share, but among those. No breaker is asked, so none
    /// gives a ticket; the outcome still counts for the outlier detector.
    fn choose_any(
        &mut self,
        wish: Wish<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        if self.settings.when_all_down == WhenAllDown::Refuse {
            return None;
        }
        if !self.has_good_endpoint(scene.now) {
            return self.choose_present(wish, scene);
        }
        let now = scene.now;
        let fits = |upstream: &Self, slot| upstream.is_good(slot, now);
        self.choose_unasked(wish, fits, ChoiceReason::Balanced, scene)
    }

    /// Any that is registered, whatever is known of it.
    fn choose_present(
        &mut self,
        wish: Wish<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        let fits = |upstream: &Self, slot| upstream.present(slot).is_some();
        self.choose_unasked(wish, fits, ChoiceReason::Panic, scene)
    }

    fn choose_unasked(
        &mut self,
        wish: Wish<'_>,
        fits: impl Fn(&Self, Slot) -> bool,
        reason: ChoiceReason,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        self.gather(|upstream, slot| fits(upstream, slot) && !wish.tried.contains(&slot));
        if self.candidates.is_empty() {
            self.gather(fits);
        }
        let candidates = small(self.candidates.len());
        let slot = self.balancer.pick(&self.candidates, wish.key, scene.now, scene.rng)?;
        let endpoint = self.present(slot)?.id;
        let (breaker, probe, outage) = (None, None, None);
        let (beside, awaits) = (0, true);
        Some(Choice {
            endpoint,
            reason,
            candidates,
            beside,
            breaker,
            probe,
            outage,
            awaits,
            heavier: 0,
        })
    }

    pub(super) fn begin(&mut self, choice: &mut Choice, now: Instant) {
        let id = choice.endpoint;
        self.balancer.started(id.slot);
        self.await_answer(id, now);
        if let Some(endpoint) = self.endpoint_mut(id) {
            endpoint.active += 1;
            choice.beside = endpoint.active;
        }
        self.recount(id.slot, now);
    }

    fn note_panic(&mut self, choice: Option<&Choice>, now: Instant, sink: &mut impl Sink<Event>) {
        let panic = match choice {
            Some(choice) if choice.reason == ChoiceReason::Probe => self.panic,
            Some(choice) => choice.reason == ChoiceReason::Panic,
            None => !self.has_good_endpoint(now),
        };
        if panic == self.panic {
            return;
        }
        self.panic = panic;
        let what = if panic { What::PanicEntered } else { What::PanicLeft };
        sink.emit(Event { at: now, scope: Scope::Upstream, what });
    }

    /// In, not leaving, healthy as far as known, and its breaker lets calls through.
    pub(super) fn is_good(&self, slot: Slot, now: Instant) -> bool {
        self.present(slot).is_some_and(|endpoint| {
            endpoint.health.state() != HealthState::Unhealthy
                && self.outliers.standing(slot, now) == Standing::In
                && endpoint.breaker.phase(now) == Phase::Closed
        })
    }

    /// Registered, not leaving, and of some weight.
    pub(super) fn present(&self, slot: Slot) -> Option<&super::Endpoint> {
        let endpoint = self.endpoints.get(slot.index())?.as_ref()?;
        (endpoint.leaving.is_none() && endpoint.info.weight > 0).then_some(endpoint)
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.endpoints.len()).map(slot)
    }

    fn gather(&mut self, wanted: impl Fn(&Self, Slot) -> bool) {
        let mut candidates = core::mem::take(&mut self.candidates);
        candidates.clear();
        candidates.extend(self.slots().filter(|slot| wanted(self, *slot)));
        self.candidates = candidates;
    }
}

fn slot(index: usize) -> Slot {
    Slot::new(small(index))
}
