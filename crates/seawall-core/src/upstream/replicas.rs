//! Attempts at endpoints that a call names itself: majority reads ask several at once and compare.
//!
//! How the answers are counted is in `crate::quorum`; how other attempts find their endpoint is in
//! `choose.rs`.

use alloc::vec::Vec;

use crate::endpoint::EndpointId;
use crate::event::Sink;
use crate::outlier::Agreement;
use crate::rng::{Draw, Rng};
use crate::time::Instant;

use super::event::{BySlot, Event, Scene};
use super::{Choice, ChoiceReason, Probe, Upstream};

impl Upstream {
    /// So many different endpoints to ask the same of, drawn from the good ones whatever their
    /// load, since each must get its turn of being compared; fewer where there are not as many. One
    /// that waits for a probe is among them: reads that never asked it would never see it recover.
    /// Allocates the list.
    pub fn replicas(&mut self, number: usize, now: Instant, rng: &mut impl Rng) -> Vec<EndpointId> {
        let mut good: Vec<_> = self.slots().filter(|slot| self.is_good(*slot, now)).collect();
        // The first steps of a shuffle (Fisher and Yates) draw without repetition.
        for place in 0..number.min(good.len()) {
            let left = u64::try_from(good.len() - place).unwrap_or(u64::MAX);
            let drawn = usize::try_from(rng.below(left)).unwrap_or_default();
            good.swap(place, place + drawn);
        }
        good.truncate(number);
        if let Some(due) = self.find_due(&[], Probe::Freely, now) {
            good.truncate(number.saturating_sub(1));
            good.push(due);
        }
        good.truncate(number);
        good.into_iter().filter_map(|slot| self.present(slot).map(|known| known.id)).collect()
    }

    /// The endpoint that a call names, if it may be tried now.
    pub(crate) fn choose_only(
        &mut self,
        id: EndpointId,
        scene: &mut Scene<'_, impl Rng, impl Sink<Event>>,
    ) -> Option<Choice> {
        let known = self.present(id.slot).is_some_and(|known| known.id == id);
        if !known {
            return None;
        }
        let mut choice = match self.is_good(id.slot, scene.now) {
            // Nothing was weighed, but it is a good one like any that the balancer picks.
            true => self.admit_to(id.slot, (ChoiceReason::Balanced, 1), scene),
            false => {
                let due = self.find_due(&[], Probe::Freely, scene.now);
                due.filter(|due| *due == id.slot).and_then(|due| self.begin_probe(due, scene))
            }
        };
        if let Some(choice) = &mut choice {
            self.begin(choice, scene.now);
        }
        choice
    }

    /// Takes the result of comparing an endpoint's answer with those of others: what a majority
    /// read found. Without effect on an endpoint that is not there.
    pub fn compared(
        &mut self,
        id: EndpointId,
        agreement: Agreement,
        (now, draw): (Instant, Draw),
        sink: &mut impl Sink<Event>,
    ) {
        if self.endpoint(id).is_none() {
            return;
        }
        let generations = &self.generations;
        let mut sink = BySlot { at: now, generations, sink, reported: false };
        self.outliers.compared(id.slot, agreement, (now, draw), &mut sink);
        self.calm &= !sink.reported;
    }
}
