//! Requests at replicas: waiting, work, calls of their own, and the answer.

use seawall_core::time::{Duration, Instant};

use super::call::{Burden, Owner};
use super::event::{Answer, Asker, Event};
use super::slab::Key;
use super::station::{Door, Held, Station};
use super::traced::Fate;
use super::{World, number};
use crate::observe::{End, Work};
use crate::plan::{Abandoned, Dependency, Expired, Holding, Need, Service, ServiceId};

/// A request on its way to a replica, or at it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) asker: Asker,
    pub(super) service: u32,
    pub(super) station: u32,
    pub(super) burden: Burden,
    arrived: Instant,
    pub(super) state: State,
    /// Nobody waits for it any longer.
    pub(super) gone: bool,
    /// Its answer goes into the cache of its service.
    pub(super) fetching: bool,
    /// How long its work takes, and what its replica had stood still when it began.
    work: Duration,
    stood: Duration,
    /// What it meets, by its number on the tape, where that was recorded.
    pub(super) told: Option<u32>,
    /// What it waits for.
    calls: Option<Box<Calls>>,
}

/// The calls that a job waits for: kept beside it, since most jobs wait for none and have a place
/// to move to.
#[derive(Debug)]
struct Calls {
    branches: Vec<Branch>,
    /// Of each dependency, how many of its calls ended well, and how many have not ended.
    tallies: Vec<Tally>,
}

/// What the calls of one dependency have come to.
#[derive(Clone, Copy, Debug)]
struct Tally {
    good: u32,
    open: u32,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Travelling,
    Waiting,
    Working,
    /// It waits for what it calls.
    Calling,
}

/// One of the calls that a job waits for.
#[derive(Clone, Copy, Debug)]
struct Branch {
    dependency: u32,
    call: Option<Key>,
}

impl Job {
    pub(super) fn new(asker: Asker, (service, station): (ServiceId, u32), burden: Burden) -> Self {
        Self {
            asker,
            service: number(service.0),
            station,
            burden,
            arrived: Instant::NEVER,
            state: State::Travelling,
            gone: false,
            fetching: false,
            work: Duration::ZERO,
            stood: Duration::ZERO,
            told: None,
            calls: None,
        }
    }
}

impl World {
    /// A request arrives at its replica.
    pub(super) fn reach(&mut self, key: Key) {
        let Some(job) = self.jobs.find_mut(key) else { return };
        let Some(station) = self.stations.get_mut(job.station as usize) else { return };
        job.arrived = self.now;
        if station.ills.deaf {
            self.jobs.remove(key);
            return;
        }
        self.observer.arrived(job.service, self.now);
        if station.ills.down() {
            return self.answer(key, Answer::Unreachable);
        }
        if station.ills.frozen {
            return station.held.push(Held::Arrival(key));
        }
        let asks_cache = job.burden.key.is_some();
        if !asks_cache || self.misses(key) {
            self.enter_station(key);
        }
    }

    /// A request needs a worker.
    pub(super) fn enter_station(&mut self, key: Key) {
        let Some(job) = self.jobs.find_mut(key) else { return };
        let Some(station) = self.stations.get_mut(job.station as usize) else { return };
        match station.arrive(self.now) {
            Door::Begin => self.begin_work(key),
            Door::Wait => {
                job.state = State::Waiting;
                let load = self.plan.loads.get(job.burden.load as usize);
                let rank = load.map_or(0, |load| load.priority.level());
                station.wait(key, rank, (self.observer.arrivals(), self.now));
            }
            Door::Refuse => {
                self.observer.refused(job.service, self.now);
                self.answer(key, Answer::Refused);
            }
        }
    }

    fn begin_work(&mut self, key: Key) {
        let Some(service) = self.jobs.find(key).map(|job| job.service) else { return };
        let plain = self.plan.services.get(service as usize).is_some_and(Service::is_plain);
        let (fate, slower) = match plain {
            true => (Fate::Unwritten, 1.0),
            false => (self.fate(key), self.weather(service as usize)),
        };
        let Some(job) = self.jobs.find_mut(key) else { return };
        let Some(station) = self.stations.get_mut(job.station as usize) else { return };
        job.state = State::Working;
        job.work = station.begin(slower, self.now);
        job.work = job.takes(fate, job.work);
        job.stood = station.stood;
        self.observer.executes(job.burden.serial, self.now);
        self.observer.began(job.service, (job.arrived, self.now));
        self.agenda.enter(self.now.after(job.work), Event::Done { job: key });
    }

    /// How much slower work is that begins at a service now.
    fn weather(&mut self, service: usize) -> f64 {
        let weather = self.plan.services.get(service).and_then(|service| service.weather.as_ref());
        let Some(weather) = weather else { return 1.0 };
        self.services.get_mut(service).map_or(1.0, |state| state.weather.at(weather, self.now))
    }

    /// The work of a job should be done by now.
    pub(super) fn done(&mut self, key: Key) {
        let Some(job) = self.jobs.find_mut(key) else { return };
        let Some(station) = self.stations.get_mut(job.station as usize) else { return };
        if station.ills.frozen {
            return station.held.push(Held::Done(key, self.now));
        }
        if station.stood > job.stood {
            // Its replica stood still meanwhile, and works that much longer.
            let longer = station.stood - job.stood;
            job.stood = station.stood;
            return self.agenda.enter(self.now.after(longer), Event::Done { job: key });
        }
        let work = if job.gone { Work::Wasted } else { Work::Wanted };
        self.observer.worked(job.service, (work, job.work), self.now);
        let (errs, index) = (station.errs(), job.station as usize);
        let (service, told) = (job.service, job.told);
        if let Some(answer) = told.and_then(|sample| self.meet(key, sample)) {
            return self.complete(key, answer);
        }
        let calls = self.services.get(service as usize).is_some_and(|s| !s.callers.is_empty());
        if calls && !errs {
            return self.call_on(key);
        }
        let cut = self.stations.get_mut(index).is_some_and(Station::cuts);
        let fate = if cut { Answer::Lost } else { Answer::Good };
        self.complete(key, if errs { Answer::Error } else { fate });
    }

    /// A job would have been done while its replica stood still: what was left of its work when
    /// that began is still to be done.
    pub(super) fn go_on(&mut self, (key, left): (Key, Duration), index: u32) {
        let stood = self.stations.get(index as usize).map(|station| station.stood);
        if let (Some(job), Some(stood)) = (self.jobs.find_mut(key), stood) {
            job.stood = stood;
            self.after(left, Event::Done { job: key });
        }
    }

    /// A job ends at its replica, whose worker takes the next.
    fn complete(&mut self, key: Key, answer: Answer) {
        let Some(job) = self.jobs.find(key) else { return };
        let (index, state, arrived) = (job.station, job.state, job.arrived);
        let service = job.service;
        let Some(station) = self.stations.get_mut(index as usize) else { return };
        station.depart(self.now);
        if state == State::Working || station.server.holding == Holding::Worker {
            station.release();
        }
        self.observer.stayed(service, (arrived, self.now));
        self.answer(key, answer);
        self.take_next(index);
    }

    /// Free workers take what waits.
    pub(super) fn take_next(&mut self, index: u32) {
        loop {
            let Some(station) = self.stations.get_mut(index as usize) else { return };
            let Some(next) = station.next(self.now) else { return };
            let expired = station.server.expired;
            let Some(job) = self.jobs.find(next) else { continue };
            station.leave_queue();
            let late = expired == Expired::Dropped && self.now >= job.burden.deadline;
            if late || station.drops(self.now.since(job.arrived), self.now) {
                station.depart(self.now);
                self.observer.dropped(job.service, self.now);
                self.answer(next, Answer::Refused);
                continue;
            }
            self.begin_work(next);
        }
    }

    /// Sends the answer of a job on its way; the job is no more.
    pub(super) fn answer(&mut self, key: Key, answer: Answer) {
        self.answer_later(key, answer, Duration::ZERO);
    }

    /// The same after a while.
    pub(super) fn answer_later(&mut self, key: Key, answer: Answer, wait: Duration) {
        let Some(job) = self.jobs.find(key) else { return };
        let Job { asker, service, station: index, burden, gone, fetching, .. } = *job;
        self.jobs.drop_at(key);
        if fetching {
            self.fetched((service, index), burden.key, Some(answer));
        }
        let Some(station) = self.stations.get_mut(index as usize) else { return };
        if gone || station.ills.mute {
            return;
        }
        let delay = station.delay();
        let leg = self.leg_back(asker).saturating_add(delay).saturating_add(wait);
        self.after(leg, Event::Reply { asker, answer });
    }

    fn leg_back(&mut self, asker: Asker) -> Duration {
        let network = match asker {
            Asker::Caller { call, .. } => {
                let caller = self.calls.find(call).map(|calling| calling.caller as usize);
                caller.and_then(|caller| self.callers.get(caller)).map(|c| &c.settings.network)
            }
            Asker::Gateway { guarded, .. } => {
                let place = self.guarded.find(guarded).map(|guarded| guarded.protected as usize);
                place.and_then(|place| self.protected.get(place)).map(|p| &p.network)
            }
            Asker::Check { protected, .. } => {
                self.protected.get(protected as usize).map(|p| &p.network)
            }
        };
        network.map_or(Duration::ZERO, |network| network.back.draw(&mut self.network))
    }

    /// An answer arrives at who asked.
    pub(super) fn reply(&mut self, asker: Asker, answer: Answer) {
        match asker {
            Asker::Caller { call, attempt } => self.answered(call, attempt, answer),
            Asker::Gateway { guarded, number } => self.heard(guarded, number, answer),
            Asker::Check { protected, endpoint } => self.checked(protected, endpoint, answer),
        }
    }

    /// Nobody waits for a job any longer; the replica learns of it at `told`, if ever.
    pub(super) fn forsake_job(&mut self, key: Key, told: Instant) {
        let Some(job) = self.jobs.find_mut(key) else { return };
        job.gone = true;
        self.agenda.enter(told, Event::Cancel { job: key });
    }

    /// A replica learns that nobody waits for a job any longer.
    pub(super) fn cancel_job(&mut self, key: Key) {
        let Some(job) = self.jobs.find(key) else { return };
        let Some(station) = self.stations.get_mut(job.station as usize) else { return };
        if station.server.abandoned == Abandoned::Continues {
            return;
        }
        let (state, index) = (job.state, job.station);
        match state {
            State::Travelling => {}
            State::Waiting => {
                station.depart(self.now);
                station.leave_queue();
            }
            State::Working | State::Calling => {
                station.depart(self.now);
                if state == State::Working || station.server.holding == Holding::Worker {
                    station.release();
                }
            }
        }
        self.forsake_branches(key);
        if let Some(job) = self.jobs.remove(key).filter(|job| job.fetching) {
            self.fetched((job.service, job.station), job.burden.key, None);
        }
        self.sweep(index);
        self.take_next(index);
    }

    /// Clears a queue of names of what is gone, once they are the most of it.
    fn sweep(&mut self, index: u32) {
        let (jobs, station) = (&self.jobs, self.stations.get_mut(index as usize));
        if let Some(station) = station.filter(|station| station.is_stale()) {
            station.sweep(|key| jobs.find(key).is_some());
        }
    }

    /// After its own work a job makes the calls that its service depends on.
    fn call_on(&mut self, key: Key) {
        let Some(job) = self.jobs.find_mut(key) else { return };
        let (service, burden, replica) = (job.service as usize, job.burden, job.station);
        // What a job asks of others is a call of its own, and was not recorded with it.
        let burden = Burden { serial: None, told: None, ..burden };
        job.state = State::Calling;
        let index = job.station;
        if let Some(station) = self.stations.get_mut(index as usize)
            && station.server.holding == Holding::Nothing
        {
            station.release();
        }
        let Some(settings) = self.plan.services.get(service) else { return };
        let branches = settings.calls.iter().zip(0_u32..).flat_map(|(call, dependency)| {
            let branch = Branch { dependency, call: None };
            std::iter::repeat_n(branch, call.fan_out as usize)
        });
        let branches: Vec<_> = branches.collect();
        let tally = |call: &Dependency| Tally { good: 0, open: call.fan_out };
        let tallies = settings.calls.iter().map(tally).collect();
        let count = branches.len();
        job.calls = Some(Box::new(Calls { branches, tallies }));
        for branch in 0..count {
            let calls = self.jobs.find(key).and_then(|job| job.calls.as_ref());
            let Some(dependency) = calls.and_then(|c| c.branches.get(branch)).map(|b| b.dependency)
            else {
                return;
            };
            let callers = self.services.get(service).map(|state| &state.callers);
            let Some(caller) = callers.and_then(|all| all.get(dependency as usize)) else { return };
            let owner = Owner::Job { job: key, branch: number(branch) };
            let call = self.call((owner, *caller, replica), burden);
            let calls = self.jobs.find_mut(key).and_then(|job| job.calls.as_mut());
            if let Some(branch) = calls.and_then(|calls| calls.branches.get_mut(branch)) {
                branch.call = call;
            }
        }
        if let Some(answer) = self.outcome_of_branches(key) {
            // It needs no answer at all, or more of them than there can be.
            self.forsake_branches(key);
            return self.complete(key, answer);
        }
        self.take_next(index);
    }

    /// One of the calls of a job has ended.
    pub(super) fn branch_ended(&mut self, key: Key, branch: u32, end: End) {
        let calls = self.jobs.find_mut(key).and_then(|job| job.calls.as_mut());
        let Some(calls) = calls else { return };
        if let Some(branch) = calls.branches.get_mut(branch as usize) {
            branch.call = None;
            if let Some(tally) = calls.tallies.get_mut(branch.dependency as usize) {
                tally.open = tally.open.saturating_sub(1);
                tally.good += u32::from(end.is_good());
            }
        }
        if let Some(answer) = self.outcome_of_branches(key) {
            self.forsake_branches(key);
            self.complete(key, answer);
        }
    }

    /// What a job comes to, once the calls that have ended decide it.
    fn outcome_of_branches(&self, key: Key) -> Option<Answer> {
        let job = self.jobs.find(key)?;
        let calls = &self.plan.services.get(job.service as usize)?.calls;
        let tallies = &job.calls.as_ref()?.tallies;
        let mut all_enough = true;
        for (call, Tally { good, open }) in calls.iter().zip(tallies.iter().copied()) {
            let need = match call.need {
                Need::All => call.fan_out,
                Need::First(least) => least,
                Need::None => 0,
            };
            if good + open < need {
                return Some(Answer::Error);
            }
            let waits = match call.need {
                Need::None => open > 0,
                Need::All | Need::First(_) => good < need,
            };
            all_enough &= !waits;
        }
        all_enough.then_some(Answer::Good)
    }

    fn forsake_branches(&mut self, key: Key) {
        let calls = self.jobs.find_mut(key).and_then(|job| job.calls.take());
        for branch in calls.map(|calls| calls.branches).unwrap_or_default() {
            if let Some(call) = branch.call {
                self.forsake_call(call);
            }
        }
    }

    /// Everything at a replica is lost.
    pub(super) fn lose_jobs(&mut self, index: u32) {
        let there = |job: &Job| job.station == index && job.state != State::Travelling;
        let held = self.stations.get_mut(index as usize).map(|s| std::mem::take(&mut s.held));
        let at_the_door = held.into_iter().flatten().filter_map(|held| match held {
            Held::Arrival(job) => Some(job),
            Held::Done(..) => None,
        });
        for key in self.jobs.keys(there).into_iter().chain(at_the_door) {
            self.forsake_branches(key);
            self.answer(key, Answer::Lost);
        }
    }
}
