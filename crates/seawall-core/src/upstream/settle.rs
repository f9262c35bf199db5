//! Settling: what an attempt came to, credited to the endpoint that served it.

use crate::balance::LoadSample;
use crate::breaker::{Ended, Phase};
use crate::endpoint::EndpointId;
use crate::event::Sink;
use crate::outcome::{Class, Origin, Outcome, Reach};
use crate::outlier::{Evidence, Standing};
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::timeout::Sample;

use super::event::{BySlot, Event, Scene, Scope, Scoped};
use super::{Choice, ChoiceReason, Upstream};

/// A service's hint how long to stay away weighs no more than this in balancing.
const PENALTY_MAX: Duration = Duration::from_secs(300);

/// How an attempt ended, as its upstream needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttemptEnd<'a> {
    pub(crate) outcome: &'a Outcome,
    /// From the start of the attempt to the head of its answer, or to its end without one.
    pub(crate) elapsed: Duration,
    /// Whether a head arrived.
    pub(crate) answered: bool,
    /// The time the attempt had: what a failure is charged in balancing.
    pub(crate) timeout: Duration,
    /// What it teaches about latency.
    pub(crate) sample: Option<Sample>,
}

impl Upstream {
    /// Ends the attempt that `choice` began.
    #[inline(always)]
    pub(crate) fn attempt_ended(
        &mut self,
        choice: Choice,
        end: &AttemptEnd<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) {
        self.outcomes.count(end.outcome.class);
        if let Some(sample) = end.sample {
            sample.record(scene.now, &mut self.latency);
        }
        if choice.reason != ChoiceReason::Sole {
            self.endpoint_served(choice, end, scene);
        }
    }

    /// Ends the attempt that `choice` began at an endpoint.
    fn endpoint_served(
        &mut self,
        mut choice: Choice,
        end: &AttemptEnd<'_>,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) {
        let (id, beside, now) = (choice.endpoint, choice.beside, scene.now);
        self.balancer.finished(id.slot, sample(end), now);
        // While it is calm nobody is out.
        let was_out = !self.calm && self.is_out(id, now);
        let class = judged(&choice, end);
        let was_ejected = choice.probe.is_some();
        self.judge(&mut choice, (class, end), scene);
        match end.answered {
            true => self.heard(&mut choice, now),
            false => self.unanswered(&mut choice, end.outcome, now),
        }
        let is_back = was_ejected && class == Class::Success && !self.is_ejected(id, now);
        let usual = self.usual(id, now);
        let Some(endpoint) = self.endpoint_mut(id) else { return };
        endpoint.breaker.expect(usual);
        endpoint.active = endpoint.active.saturating_sub(1);
        endpoint.heavier = endpoint.heavier.saturating_sub(choice.heavier);
        endpoint.outcomes.count(end.outcome.class);
        if let Some(ticket) = choice.breaker {
            let ended = Ended { class, elapsed: end.elapsed };
            let scope = Scope::Endpoint(id);
            let mut scoped = Scoped { at: now, scope, sink: &mut *scene.sink };
            endpoint.breaker.settle(ticket, ended, (now, scene.rng.draw()), &mut scoped);
        }
        if is_back {
            // Its breaker has seen the same failures, and what ended the ejection ends this too.
            let scope = Scope::Endpoint(id);
            endpoint.breaker.absolve(now, &mut Scoped { at: now, scope, sink: &mut *scene.sink });
        }
        self.teach_endpoint((id, beside), end, now, scene.sink);
        let Some(endpoint) = self.endpoint(id) else { return };
        let gone = endpoint.leaving.is_some() && endpoint.active == 0;
        // Where it is still calm, the detector has reported nothing.
        let is_kept_away = endpoint.breaker.phase(now) != Phase::Closed;
        let is_out = is_kept_away || (!self.calm && self.is_ejected(id, now));
        self.calm &= !is_out;
        if was_out && !is_out {
            self.balancer.welcome_back(id.slot, now);
            self.note_slow_start(id, now, scene.sink);
        }
        if gone {
            self.collect_drained(now);
        }
        self.recount(id.slot, now);
    }

    /// What the breaker of an endpoint must take for chance. The others are asked only where it
    /// could be about to trip.
    fn usual(&self, id: EndpointId, now: Instant) -> Ratio {
        let suspicious = || self.endpoint(id).is_some_and(|known| known.breaker.is_suspicious(now));
        match self.outliers.is_suspect(id.slot) || suspicious() {
            true => self.outliers.usual(id.slot, now),
            false => Ratio::ZERO,
        }
    }

    /// Whether the endpoint is ejected or its breaker keeps calls away.
    fn is_out(&self, id: EndpointId, now: Instant) -> bool {
        self.is_ejected(id, now)
            || self.endpoint(id).is_some_and(|known| known.breaker.phase(now) != Phase::Closed)
    }

    fn is_ejected(&self, id: EndpointId, now: Instant) -> bool {
        self.outliers.standing(id.slot, now) != Standing::In
    }

    /// Tells the outlier detector, unless the outcome was our own doing.
    fn judge(
        &mut self,
        choice: &mut Choice,
        (class, end): (Class, &AttemptEnd<'_>),
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) {
        let (id, now) = (choice.endpoint, scene.now);
        if self.endpoint(id).is_none() {
            return;
        }
        let class = match end.outcome.origin {
            Origin::Own if class == end.outcome.class => Class::Ignored,
            Origin::Own | Origin::Upstream | Origin::Network | Origin::Caller => class,
        };
        let learned = Evidence::of(end.outcome, end.elapsed, scene.rng.draw());
        let refused = was_refused(end.outcome, end.elapsed);
        let mut evidence = Evidence { class, refused, ..learned };
        // Endpoints have limits of their own, and who has more in flight is slower for that alone.
        if class == Class::Success && self.is_slow_by_load(id) {
            evidence.latency = None;
        }
        let generations = &self.generations;
        let mut sink = BySlot { at: now, generations, sink: &mut *scene.sink, reported: false };
        match choice.probe.take() {
            Some(probe) => self.outliers.end_probe(probe, evidence, now, &mut sink),
            None => self.outliers.note(id.slot, evidence, now, &mut sink),
        }
        self.calm &= !sink.reported;
    }
}

/// What the breaker and the detector of an endpoint are told. A probe that lost to a hedge has
/// found the endpoint as slow as it was: were it undecided, the next call would probe again at
/// once, and the next, each of them hedged.
fn judged(choice: &Choice, end: &AttemptEnd<'_>) -> Class {
    match end.sample {
        Some(Sample::Outrun(_)) if choice.is_probe() => Class::Failure,
        _ => end.outcome.class,
    }
}

/// A refusal that takes longer cost a caller its time.
const REFUSED_WITHIN: Duration = Duration::from_millis(100);

/// Whether nobody was there and that was known at once: such an attempt cost nothing.
fn was_refused(outcome: &Outcome, elapsed: Duration) -> bool {
    outcome.reach == Reach::Nobody && elapsed <= REFUSED_WITHIN
}

/// What an attempt teaches the balancer. A failure costs at least the whole attempt timeout:
/// otherwise the endpoint that fails fastest would attract all traffic.
fn sample(end: &AttemptEnd<'_>) -> LoadSample {
    let latency = end.elapsed;
    let hint = end.outcome.retry_after;
    let penalty = hint.unwrap_or(end.timeout).min(PENALTY_MAX);
    match end.outcome.class {
        Class::Failure if hint.is_some() => LoadSample::Penalty { latency, penalty },
        Class::Failure if was_refused(end.outcome, latency) => LoadSample::Refused { penalty },
        Class::Failure => LoadSample::Failed { latency, penalty },
        Class::Success | Class::Ignored if end.outcome.throttled => {
            LoadSample::Penalty { latency, penalty }
        }
        Class::Success | Class::Ignored if end.answered => LoadSample::Answered { latency },
        Class::Success | Class::Ignored => LoadSample::None,
        Class::Abandoned => LoadSample::GivenUp { elapsed: latency },
    }
}
