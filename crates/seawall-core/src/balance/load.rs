//! What the balancer knows of one endpoint.
//!
//! The estimate itself is in `peak_ewma`; who uses which part is in `balancer`.

use super::member::{EndpointInfo, Member};
use super::peak_ewma::Estimate;
use super::ramp;
use super::smooth::Credit;
use super::turns::Turn;
use crate::endpoint::Slot;
use crate::hash::mix;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, Instant};

/// With what weight an endpoint joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joins {
    /// By slow start.
    Cold,
    /// At full weight: the first endpoints of an upstream have nobody to be gentler than.
    Warm,
}

/// What an ended attempt says about the latency of its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadSample {
    /// It answered.
    Answered {
        /// To the head of the answer.
        latency: Duration,
    },
    /// It failed or asked to slow down: the larger of the two is recorded. Without a penalty the
    /// endpoint that fails fastest attracts all traffic.
    Penalty {
        /// To the failure.
        latency: Duration,
        /// The service's own hint, or the attempt timeout; 300 s at most are taken.
        penalty: Duration,
    },
    /// It failed and did not say for how long. As above, but the larger of the two fades the faster
    /// the fewer failures there were before it, so that calls come back soon and then carefully.
    Failed {
        /// To the failure.
        latency: Duration,
        /// The attempt timeout.
        penalty: Duration,
    },
    /// Nobody was there, and that was known at once. To ask again costs next to nothing, so calls
    /// are kept away for a short time only, however often it happens.
    Refused {
        /// The attempt timeout.
        penalty: Duration,
    },
    /// We stopped waiting; recorded only if it had already run longer than the estimate.
    GivenUp {
        /// Until then.
        elapsed: Duration,
    },
    /// Nothing.
    None,
}

/// The load of an endpoint as the balancer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadSnapshot {
    /// Attempts in flight.
    pub active: u32,
    /// The latency estimate.
    pub latency: Duration,
    /// The part of its weight that is in force; below 100 % during slow start.
    pub weight: Ratio,
    /// What is configured for it.
    pub info: EndpointInfo,
    /// Whether it belongs to the part of the upstream that this instance uses.
    pub in_subset: bool,
}

/// A slow start in force: its length and its bend.
pub(super) type Ramp = (Duration, Ratio);

/// A slow start under way, and the draw that decides who of those that came back takes part.
pub(super) type Start = Option<(Ramp, Draw)>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) estimate: Estimate,
    pub(super) active: u32,
    /// When its slow start began, if it had one.
    pub(super) ramp_from: Option<Instant>,
    /// Good answers since it came back, less what went wrong: a failure takes one back and not all,
    /// or where everybody fails now and then nobody would ever be warm. None counted where it is
    /// new.
    pub(super) proofs: Option<u32>,
    pub(super) turn: Turn,
    pub(super) credit: Credit,
    /// The hash of its name.
    pub(super) id: u64,
    pub(super) info: EndpointInfo,
    pub(super) in_subset: bool,
}

impl Load {
    pub(super) fn new(slot: Slot, estimate: Estimate) -> Self {
        Self {
            estimate,
            active: 0,
            ramp_from: None,
            proofs: None,
            turn: Turn::default(),
            credit: 0,
            id: mix(slot.index() as u64, 0),
            info: EndpointInfo::default(),
            in_subset: true,
        }
    }

    /// Notes what an ended attempt says about whether it is warm.
    pub(super) const fn prove(&mut self, sample: &LoadSample) {
        let Some(proofs) = self.proofs else { return };
        match sample {
            LoadSample::Answered { .. } => self.proofs = Some(proofs.saturating_add(1)),
            LoadSample::Penalty { .. }
            | LoadSample::Failed { .. }
            | LoadSample::Refused { .. }
            | LoadSample::GivenUp { .. } => self.proofs = Some(proofs.saturating_sub(1)),
            LoadSample::None => {}
        }
    }

    pub(super) const fn member(&self) -> Member {
        Member { id: self.id, weight: self.info.weight }
    }

    /// The part of its weight that is in force.
    pub(super) fn share(&self, ramp: Option<Ramp>, now: Instant) -> Ratio {
        match (ramp, self.ramp_from) {
            (Some((over, bend)), Some(from)) => {
                let by_proof = self.proofs.map_or(Ratio::ZERO, ramp::proven);
                ramp::weight(now.since(from), over, bend).max(by_proof)
            }
            (None, _) | (_, None) => Ratio::ONE,
        }
    }

    /// The weight with which it competes in millionths; none where it takes no part.
    ///
    /// Who is new competes at the weight of its slow start: it is chosen when all the others are
    /// busy enough. To who has come back that would give nothing while they are not, and it would
    /// stay away until its time is over. So it takes part in that share of the choices, as good as
    /// any, and shows soon what it is worth.
    #[inline]
    pub(super) fn competing(&self, start: Start, now: Instant) -> Option<u64> {
        let ramp = start.map(|(ramp, _)| ramp);
        match start {
            Some((ramp, lot)) if self.proofs.is_some() => {
                let whole = u64::from(self.info.weight) * u64::from(Ratio::ONE.ppm());
                lot.is_below(self.share(Some(ramp), now)).then_some(whole)
            }
            Some(_) | None => Some(self.weight(ramp, now)),
        }
    }

    /// The weight in force in millionths.
    pub(super) fn weight(&self, ramp: Option<Ramp>, now: Instant) -> u64 {
        u64::from(self.info.weight) * u64::from(self.share(ramp, now).ppm())
    }
}
