//! What befalls replicas, and how it passes.

use super::event::Event;
use super::station::Held;
use super::{World, number};
use crate::plan::{Disturbance, Fault, Replicas};

/// Whether a disturbance begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Begins,
    Ends,
}

impl World {
    pub(super) fn begin_disturbances(&mut self) {
        for (index, disturbance) in self.plan.disturbances.iter().enumerate() {
            let event = Event::Befall { disturbance: number(index) };
            self.agenda.enter(disturbance.at, event);
        }
    }

    pub(super) fn befall(&mut self, index: u32) {
        self.turn(index, Turn::Begins);
        let lasts = self.plan.disturbances.get(index as usize).and_then(|d| d.lasts);
        if let Some(lasts) = lasts {
            self.after(lasts, Event::Pass { disturbance: index });
        }
    }

    pub(super) fn pass(&mut self, index: u32) {
        self.turn(index, Turn::Ends);
    }

    fn turn(&mut self, index: u32, turn: Turn) {
        let Some(disturbance) = self.plan.disturbances.get(index as usize).cloned() else { return };
        for station in self.struck(&disturbance) {
            self.strike(station, disturbance.fault, turn);
        }
    }

    /// The replicas that a disturbance concerns, as places among all.
    fn struck(&self, disturbance: &Disturbance) -> Vec<u32> {
        let index = disturbance.service.0;
        let (Some(state), Some(service)) =
            (self.services.get(index), self.plan.services.get(index))
        else {
            return Vec::new();
        };
        let zone_of = |replica: u32| {
            let zones = service.zones.len().max(1);
            service.zones.get(replica as usize % zones)
        };
        let concerned = |replica: &u32| match &disturbance.replicas {
            Replicas::All => true,
            Replicas::One(one) => replica == one,
            Replicas::Zone(zone) => zone_of(*replica) == Some(zone),
        };
        let replicas = (0..service.replicas).filter(concerned);
        replicas.map(|replica| number(state.first) + replica).collect()
    }

    fn strike(&mut self, index: u32, fault: Fault, turn: Turn) {
        let now = self.now;
        let Some(station) = self.stations.get_mut(index as usize) else { return };
        let ills = &mut station.ills;
        let begins = turn == Turn::Begins;
        let count = |of: u32| if begins { of + 1 } else { of.saturating_sub(1) };
        match fault {
            Fault::Crash => {
                ills.crashed = count(ills.crashed);
                if begins && ills.crashed == 1 {
                    station.crash(now);
                    self.lose_jobs(index);
                }
            }
            Fault::Freeze => {
                ills.frozen = count(ills.frozen);
                match (turn, ills.frozen) {
                    (Turn::Begins, 1) => ills.frozen_since = now,
                    (Turn::Ends, 0) => self.thaw(index),
                    _ => {}
                }
            }
            Fault::BlackHole => ills.unreachable = count(ills.unreachable),
            Fault::Errors(share) => ills.errors = if begins { share } else { Default::default() },
            Fault::Slower(factor) => ills.slower = begins.then_some(factor),
            Fault::Latency(added) => ills.latency = if begins { added } else { Default::default() },
            Fault::Capacity(share) => {
                ills.capacity = if begins { share } else { 1.0 };
                self.take_next(index);
            }
        }
    }

    /// A replica that stood still goes on: first with what it had finished, then with what came.
    fn thaw(&mut self, index: u32) {
        let Some(station) = self.stations.get_mut(index as usize) else { return };
        let since = station.ills.frozen_since;
        let stood = self.now.since(since);
        station.stood = station.stood.saturating_add(stood);
        for held in std::mem::take(&mut station.held) {
            match held {
                Held::Done(job, due) => self.go_on((job, due.since(since)), index),
                Held::Arrival(job) => self.reach(job),
            }
        }
        self.take_next(index);
    }
}
