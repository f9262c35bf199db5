//! Endpoints that owe answers: attempts wait there for far longer than usual, and nothing comes.
//!
//! An endpoint that stops without closing anything (frozen, cut off, out of threads) gives no
//! outcome to judge before attempts run out of time, or none at all where hedges win first. Its
//! silence shows much sooner. A silent endpoint is not chosen while any other is heard of, but for
//! a trial now and then; the first answer ends it. No verdict: verdicts are the outlier detector's,
//! whose rule for latency says here, too, what is far longer than usual.
//!
//! An endpoint that owes answers which were due is *quiet*, long before it is silent. That is no
//! more than a hint, and costs nobody anything: attempts that cannot be repeated, and hedges, go to
//! others where they can.

use crate::Mode;
use crate::endpoint::{EndpointId, Slot};
use crate::outcome::{Class, Outcome};
use crate::outlier::LatencyRule;
use crate::reason::Reason;
use crate::time::{Duration, Instant, nanos};

use super::choose::UNSAFE_PROBE_AFTER;
use super::{Choice, Probe, Upstream};

/// Trials of a silent endpoint come at growing distances, of the age of the silence, but no
/// further apart than this: so long is one that has recovered left out.
const TRIAL_EVERY_MAX: Duration = Duration::from_secs(1);

/// How long an endpoint has been silent. A few words, constant time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence {
    /// Attempts without a head.
    waiting: u32,
    /// Since when some attempt has waited and nothing has come.
    since: Option<Instant>,
    /// When the next trial may begin, once one has noticed.
    trial_at: Option<Instant>,
    /// When the latest head has come.
    answered: Option<Instant>,
}

impl Silence {
    /// An attempt begins.
    fn begin(&mut self, now: Instant) {
        self.waiting = self.waiting.saturating_add(1);
        self.since.get_or_insert(now);
    }

    /// An attempt waits no more: the endpoint has shown that it is there.
    fn hear(&mut self, now: Instant) {
        self.waiting = self.waiting.saturating_sub(1);
        self.since = (self.waiting > 0).then_some(now);
        self.trial_at = None;
    }

    /// An attempt waits no more, and nothing came. Silence that was long enough to be noticed
    /// stays; shorter it says nothing, when nobody is left to wait.
    fn give_up(&mut self, limit: Option<Duration>, now: Instant) {
        self.waiting = self.waiting.saturating_sub(1);
        if self.waiting == 0 && !limit.is_some_and(|limit| self.lasts(limit, now)) {
            (self.since, self.trial_at) = (None, None);
        }
    }

    /// Whether it owes answers of which one was due, where they usually take so long: half of those
    /// that wait should have come by now. At most the usual time, which is when the last of them
    /// was asked at the latest.
    fn is_quiet(&self, usual: Duration, now: Instant) -> bool {
        let due = (usual.saturating_mul(2) / self.waiting.max(1)).min(usual);
        self.lasts(due, now)
    }

    /// How long some attempt has waited and nothing has come.
    pub(super) fn age(&self, now: Instant) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now.since(since))
    }

    fn lasts(&self, limit: Duration, now: Instant) -> bool {
        self.since.is_some_and(|since| now.since(since) >= limit)
    }

    /// An attempt goes there all the same: the next trial is later.
    fn try_out(&mut self, now: Instant) {
        self.trial_at = Some(now.after(self.age(now).min(TRIAL_EVERY_MAX)));
    }

    /// Whether an attempt of this kind may find out if it is over.
    fn is_due(&self, probe: Probe, now: Instant) -> bool {
        let due = |at: Instant| match probe {
            Probe::Freely => now >= at,
            Probe::Reluctantly => now >= at.after(UNSAFE_PROBE_AFTER),
            Probe::Never => false,
        };
        self.trial_at.is_some_and(due)
    }
}

impl Upstream {
    /// Whether endpoint `slot` is silent for longer than usual.
    #[inline]
    pub(super) fn is_silent(&mut self, slot: Slot, now: Instant) -> bool {
        let Some(rule) = self.silence_rule() else { return false };
        let known = self.endpoints.get(slot.index()).and_then(Option::as_ref);
        // Nearly always the answer, and cheap.
        if !known.is_some_and(|known| known.silence.lasts(rule.least, now)) {
            return false;
        }
        let limit = self.silence_limit(now);
        limit.is_some_and(|limit| self.lasts(slot, limit, now))
    }

    /// Takes the silent endpoints out of the candidates, but for those that are due for a trial.
    /// Not where all of them are silent: then none is better than another. However many are, who is
    /// heard of answers, and who is not would not, so nothing is gained by sending work there.
    pub(super) fn leave_out_silent(&mut self, probe: Probe, now: Instant) {
        let Some(limit) = self.silence_limit(now) else { return };
        let mut candidates = core::mem::take(&mut self.candidates);
        let silent = candidates.iter().filter(|slot| self.lasts(**slot, limit, now)).count();
        if silent > 0 && silent < candidates.len() {
            candidates.retain(|slot| !self.shuns(*slot, limit, (probe, now)));
        }
        self.candidates = candidates;
        if probe == Probe::Reluctantly {
            self.leave_out_quiet(now);
        }
    }

    /// Takes the quiet endpoints out of the candidates, unless all of them are.
    pub(super) fn leave_out_quiet(&mut self, now: Instant) {
        let mut candidates = core::mem::take(&mut self.candidates);
        if candidates.iter().any(|slot| !self.is_quiet(*slot, now)) {
            candidates.retain(|slot| !self.is_quiet(*slot, now));
        }
        self.candidates = candidates;
    }

    /// Whether an attempt of this kind had better go elsewhere than to endpoint `slot`.
    #[inline]
    pub(super) fn is_doubtful(&mut self, slot: Slot, probe: Probe, now: Instant) -> bool {
        self.is_silent(slot, now) || (probe == Probe::Reluctantly && self.is_quiet_now(slot, now))
    }

    /// Takes all of them out, for an attempt that has no use but to be quick.
    pub(super) fn leave_out_all_silent(&mut self, now: Instant) {
        let Some(limit) = self.silence_limit(now) else { return };
        let mut candidates = core::mem::take(&mut self.candidates);
        candidates.retain(|slot| !self.lasts(*slot, limit, now));
        self.candidates = candidates;
    }

    /// An attempt begins at an endpoint.
    pub(super) fn await_answer(&mut self, id: EndpointId, now: Instant) {
        let is_silent = self.is_silent(id.slot, now);
        let Some(endpoint) = self.endpoint_mut(id) else { return };
        endpoint.silence.begin(now);
        if is_silent {
            endpoint.silence.try_out(now);
        }
    }

    /// The head of the answer to an attempt has come.
    #[inline]
    pub(crate) fn heard(&mut self, choice: &mut Choice, now: Instant) {
        if core::mem::take(&mut choice.awaits)
            && let Some(endpoint) = self.endpoint_mut(choice.endpoint)
        {
            endpoint.silence.hear(now);
            endpoint.silence.answered = Some(now);
        }
    }

    /// Whether an endpoint has answered anybody after `at`.
    pub(crate) fn has_answered_since(&self, id: EndpointId, at: Instant) -> bool {
        let answered = self.endpoint(id).and_then(|known| known.silence.answered);
        answered.is_some_and(|answered| answered > at)
    }

    /// An attempt has ended without a head.
    pub(super) fn unanswered(&mut self, choice: &mut Choice, outcome: &Outcome, now: Instant) {
        let limit = self.silence_limit(now);
        if core::mem::take(&mut choice.awaits)
            && let Some(endpoint) = self.endpoint_mut(choice.endpoint)
        {
            match says_something(outcome) {
                true => endpoint.silence.hear(now),
                false => endpoint.silence.give_up(limit, now),
            }
        }
    }

    /// Since when an endpoint has been silent, if it counts as silent at `now`.
    pub(super) fn silent_since(&self, id: EndpointId, now: Instant) -> Option<Instant> {
        let limit = self.limit_by(self.typical)?;
        let silence = self.endpoint(id)?.silence;
        silence.since.filter(|_| silence.lasts(limit, now))
    }

    fn is_quiet_now(&mut self, slot: Slot, now: Instant) -> bool {
        let _at_most_a_second_old = self.min_useful(now);
        self.is_quiet(slot, now)
    }

    /// Whether endpoint `slot` owes answers that were due. Nobody does while nobody knows what is
    /// usual; a key is worth more than a hint; and who is silent has rules of its own.
    fn is_quiet(&self, slot: Slot, now: Instant) -> bool {
        let Some(limit) = self.limit_by(self.typical) else { return false };
        let known = self.endpoints.get(slot.index()).and_then(Option::as_ref);
        let quiet = known.is_some_and(|known| {
            known.silence.is_quiet(self.typical, now) && !known.silence.lasts(limit, now)
        });
        quiet && !self.settings.balance.algorithm.is_keyed()
    }

    /// Leaves one that is silent out, and notes when somebody may look again.
    fn shuns(&mut self, slot: Slot, limit: Duration, (probe, now): (Probe, Instant)) -> bool {
        let Some(Some(endpoint)) = self.endpoints.get_mut(slot.index()) else { return false };
        let silence = &mut endpoint.silence;
        if !silence.lasts(limit, now) || silence.is_due(probe, now) {
            return false;
        }
        if silence.trial_at.is_none() {
            silence.try_out(now);
        }
        true
    }

    fn lasts(&self, slot: Slot, limit: Duration, now: Instant) -> bool {
        let known = self.endpoints.get(slot.index()).and_then(Option::as_ref);
        known.is_some_and(|known| known.silence.lasts(limit, now))
    }

    /// What is much longer than usual; none while nobody knows what is usual, or cares.
    fn silence_limit(&mut self, now: Instant) -> Option<Duration> {
        self.silence_rule()?;
        let _at_most_a_second_old = self.min_useful(now);
        self.limit_by(self.typical)
    }

    fn limit_by(&self, typical: Duration) -> Option<Duration> {
        let rule = self.silence_rule()?;
        let long = rule.factor.of(nanos(typical));
        let long = Duration::from_nanos(long).max(typical.saturating_add(rule.least));
        (!typical.is_zero()).then_some(long)
    }

    fn silence_rule(&self) -> Option<LatencyRule> {
        let settings = &self.settings.outlier;
        settings.latency.filter(|_| settings.mode == Mode::Enforce)
    }
}

/// Whether the end of an attempt without a head shows that its endpoint is there: it refused, or
/// closed, or sent what nobody can read.
fn says_something(outcome: &Outcome) -> bool {
    let in_vain = [Some(Reason::AttemptTimeout), Some(Reason::ConnectTimeout)];
    outcome.class != Class::Abandoned && !in_vain.contains(&outcome.reason)
}
