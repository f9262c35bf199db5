//! What befalls a world, and how it passes.

use seawall_core::fault::Fault;
use seawall_core::ratio::Ratio;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::Draining;

use super::event::Event;
use super::station::Held;
use super::{World, number};
use crate::observe::End;
use crate::plan::{Replicas, ServiceId, Side, Starts, Trigger, Victims, Watched};

/// How far a disturbance is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Course {
    begun: Option<Instant>,
    over: bool,
    strength: Ratio,
    /// What its trigger saw at its latest look.
    seen: Tally,
}

/// Calls of all loads that have ended so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    good: u64,
    ended: u64,
    latency: Duration,
}

impl Tally {
    pub(super) fn count(&mut self, end: End, latency: Duration) {
        self.good += u64::from(end.is_good());
        self.ended += 1;
        self.latency = self.latency.saturating_add(latency);
    }

    /// Whether what happened since `before` sets off a trigger. Nothing sets off nothing.
    fn sets_off(self, before: Self, trigger: &Trigger) -> bool {
        let ended = self.ended - before.ended;
        if ended == 0 {
            return false;
        }
        let value = match trigger.measure {
            Watched::Goodput => crate::verdict::share(self.good - before.good, ended),
            Watched::Latency => {
                let time = self.latency.saturating_sub(before.latency);
                let count = u32::try_from(ended).unwrap_or(u32::MAX);
                time.as_secs_f64() / f64::from(count)
            }
        };
        match trigger.side {
            Side::Below => value < trigger.bound,
            Side::Above => value > trigger.bound,
        }
    }
}

impl World {
    pub(super) fn begin_disturbances(&mut self) {
        self.courses = vec![Course::default(); self.plan.disturbances.len()];
        for (index, disturbance) in self.plan.disturbances.iter().enumerate() {
            let index = number(index);
            match &disturbance.starts {
                Starts::At(at) => self.agenda.enter(*at, Event::Befall { disturbance: index }),
                Starts::When(trigger) => {
                    let at = Instant::EPOCH.after(trigger.window);
                    self.agenda.enter(at, Event::Watch { disturbance: index });
                }
                Starts::After(..) => {}
            }
        }
    }

    /// A trigger looks at what happened since its latest look.
    pub(super) fn watch(&mut self, index: u32) {
        let place = index as usize;
        let Some(disturbance) = self.plan.disturbances.get(place) else { return };
        let Starts::When(trigger) = &disturbance.starts else { return };
        let Some(course) = self.courses.get_mut(place) else { return };
        let before = std::mem::replace(&mut course.seen, self.tally);
        if self.tally.sets_off(before, trigger) {
            return self.befall(index);
        }
        let window = trigger.window;
        self.after(window, Event::Watch { disturbance: index });
    }

    pub(super) fn befall(&mut self, index: u32) {
        let place = index as usize;
        let now = self.now;
        let (Some(course), Some(disturbance)) =
            (self.courses.get_mut(place), self.plan.disturbances.get(place))
        else {
            return;
        };
        course.begun = Some(now);
        self.observer.befell(index, now);
        course.strength = disturbance.shape.at(Duration::ZERO);
        let (fault, tick) = (disturbance.fault.at(course.strength), disturbance.shape.tick());
        let lasts = match disturbance.fault {
            Fault::Restart { down, .. } => Some(down),
            instant if instant.is_instant() => Some(Duration::ZERO),
            _ => disturbance.lasts,
        };
        self.inflict(index, fault);
        if let Some(lasts) = lasts {
            self.after(lasts, Event::Pass { disturbance: index });
        }
        if let Some(tick) = tick {
            self.after(tick, Event::Reshape { disturbance: index });
        }
    }

    /// A disturbance may have another strength by now.
    pub(super) fn reshape(&mut self, index: u32) {
        let place = index as usize;
        let (Some(course), Some(disturbance)) =
            (self.courses.get_mut(place), self.plan.disturbances.get(place))
        else {
            return;
        };
        let (Some(begun), false) = (course.begun, course.over) else { return };
        let strength = disturbance.shape.at(self.now.since(begun));
        let (fault, tick) = (disturbance.fault.at(strength), disturbance.shape.tick());
        if std::mem::replace(&mut course.strength, strength) != strength {
            self.inflict(index, fault);
        }
        if let Some(tick) = tick {
            self.after(tick, Event::Reshape { disturbance: index });
        }
    }

    pub(super) fn pass(&mut self, index: u32) {
        self.observer.passed(index, self.now);
        if let Some(course) = self.courses.get_mut(index as usize) {
            course.over = true;
        }
        self.inflict(index, None);
        self.warm_up(index);
        let followers = self.plan.disturbances.iter().enumerate().filter_map(|(place, other)| {
            match other.starts {
                Starts::After(before, wait) if before == index as usize => Some((place, wait)),
                Starts::After(..) | Starts::At(_) | Starts::When(_) => None,
            }
        });
        for (place, wait) in followers.collect::<Vec<_>>() {
            self.after(wait, Event::Befall { disturbance: number(place) });
        }
    }

    /// Replicas that come back from a restart are slow at first.
    fn warm_up(&mut self, index: u32) {
        let fault = self.plan.disturbances.get(index as usize).map(|d| d.fault);
        let Some(Fault::Restart { warm_up, cold, .. }) = fault else { return };
        for station in self.struck(index) {
            if let Some(station) = self.stations.get_mut(station as usize) {
                station.warm_up(self.now, warm_up, cold);
            }
        }
    }

    /// Brings a fault about, or takes it back.
    fn inflict(&mut self, index: u32, fault: Option<Fault>) {
        let Some(disturbance) = self.plan.disturbances.get(index as usize) else { return };
        match &disturbance.victims {
            Victims::Load(load) => {
                let load = *load;
                if let Some(source) = self.sources.get_mut(load) {
                    source.surge(index, fault);
                }
            }
            Victims::Gateway(..) => self.reload(index),
            Victims::Replicas(..) | Victims::Zone(_) => {
                for station in self.struck(index) {
                    self.strike(station, (index, fault));
                }
            }
        }
    }

    /// The replicas that a disturbance concerns, as places among all.
    fn struck(&self, index: u32) -> Vec<u32> {
        let disturbance = self.plan.disturbances.get(index as usize);
        match disturbance.map(|disturbance| &disturbance.victims) {
            Some(Victims::Replicas(service, which)) => self.replicas(*service, which),
            Some(Victims::Zone(zone)) => {
                let which = Replicas::Zone(zone.clone());
                let services = (0..self.plan.services.len()).map(ServiceId);
                services.flat_map(|service| self.replicas(service, &which)).collect()
            }
            Some(Victims::Load(_) | Victims::Gateway(..)) | None => Vec::new(),
        }
    }

    fn replicas(&self, service: ServiceId, which: &Replicas) -> Vec<u32> {
        let (Some(state), Some(service)) =
            (self.services.get(service.0), self.plan.services.get(service.0))
        else {
            return Vec::new();
        };
        let concerned = |replica: &u32| match which {
            Replicas::All => true,
            Replicas::One(one) => replica == one,
            Replicas::Zone(zone) => service.zone_of(*replica) == Some(zone),
        };
        let replicas = (0..service.replicas).filter(concerned);
        replicas.map(|replica| number(state.first) + replica).collect()
    }

    fn strike(&mut self, index: u32, (by, fault): (u32, Option<Fault>)) {
        let now = self.now;
        if fault == Some(Fault::Flush) {
            return self.forget(index);
        }
        let Some(station) = self.stations.get_mut(index as usize) else { return };
        let before = station.ills;
        station.suffer(by, fault, now);
        let after = station.ills;
        if after.crashed && !before.crashed {
            station.crash(now);
            self.lose_jobs(index);
            self.lose_memory(index);
        }
        if before.frozen && !after.frozen {
            self.thaw(index, before.frozen_since);
        }
        if before.draining != after.draining {
            let draining = if after.draining { Draining::Yes } else { Draining::No };
            self.drain_endpoint(index, draining);
        }
        if before.capacity < after.capacity {
            self.take_next(index);
        }
    }

    /// A replica that stood still goes on: first with what it had finished, then with what came.
    fn thaw(&mut self, index: u32, since: Instant) {
        let Some(station) = self.stations.get_mut(index as usize) else { return };
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
