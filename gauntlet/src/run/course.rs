//! How a run goes: everything is built and started, faults strike at their times while samples are
//! taken, the generator ends, and the records are gathered.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use super::gather::{self, Written};
use super::meter::Meter;
use super::relief::{self, Second};
use super::scene::{Guarded, begin};
use super::{Failure, Order, Run, Scene};
use crate::arena::Arena;
use crate::fault::{self, Faults};
use crate::peer::Cost;
use crate::record::{What, read_answered};
use crate::scenario::{Arrivals, Fault, Phases};
use crate::stamp::Stamp;
use crate::stream::{self, Planned};

/// From starting the generator to its first request: it has read its stream by then.
pub(super) const LEAD: Duration = Duration::from_millis(700);

/// How long the generator may take to end after the last user has lost patience.
const GRACE: Duration = Duration::from_secs(15);

/// How long a product may take to give back what it took, once its users have gone: nginx keeps
/// idle connections to replicas for a minute.
const GIVE_BACK: Duration = Duration::from_secs(65);

/// A supervisor starts a replica anew so long after it fell.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Carries out one run.
///
/// # Errors
/// Why there are no records. Whatever was started has ended by then.
pub fn carry_out(order: &Order<'_>) -> Result<Run, Failure> {
    let stream = stream::draw(order.scenario, order.seed, order.phases);
    let stream_file = order.folder.join("stream.jsonl");
    stream::write(&stream_file, &stream).map_err(records)?;
    let strikes = fault::strikes(order.scenario, order.phases, order.seed);
    let targets = gather::targets(&strikes);
    let arena = Arena::build(order.scenario.replicas.all(), order.ground);
    let arena = Arc::new(arena.map_err(|why| Failure::Arena(why.to_string()))?);
    let mut scene = Scene::build(order, &arena)?;
    let start = Stamp::now().after(nanos(LEAD));
    let mut generator = generate(order, &scene, start, &stream_file)?;
    let plan = fault::plan(&strikes, order.phases);
    let mut course = Course {
        start,
        faults: Faults::new(strikes),
        meter: Meter::new(&arena, order.scenario.replicas.all(), start),
        fallen: Vec::new(),
    };
    let second = course.follow(order, &mut scene, (&plan, &stream))?;
    let patience = order.scenario.load.patience + GRACE;
    course.await_generator(order, &mut scene, (&mut generator, patience))?;
    // Its connections are its own to keep: what a product holds for nobody is seen without them.
    drop(generator);
    let second = match second {
        None => None,
        Some(mut second) => {
            let patience = patience + Second::lasts();
            course.await_generator(order, &mut scene, (&mut second.child, patience))?;
            Some(second.gather()?)
        }
    };
    course.await_return(order, &scene)?;
    let version = scene.product.version().to_owned();
    let Course { faults, meter, .. } = course;
    let deeds = faults.into_deeds();
    // Everybody ends before the records are read, so that they are whole.
    drop(scene);
    let written = Written { start, stream, targets, deeds, version, relief: second };
    gather::run(order, written, meter)
}

fn records(error: impl std::fmt::Display) -> Failure {
    Failure::Records(error.to_string())
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The length of all phases.
const fn whole(phases: Phases) -> Duration {
    let early = phases.warm_up.saturating_add(phases.control);
    early.saturating_add(phases.fault).saturating_add(phases.observation)
}

fn generate(
    order: &Order<'_>,
    scene: &Scene<'_>,
    start: Stamp,
    stream: &std::path::Path,
) -> Result<Guarded, Failure> {
    let load = &order.scenario.load;
    let mut words = vec![
        ("--stream", stream.display().to_string()),
        ("--out", order.folder.join(gather::ANSWERED).display().to_string()),
        ("--summary", order.folder.join(gather::SUMMARY).display().to_string()),
        ("--start", start.0.to_string()),
        ("--patience", load.patience.as_millis().to_string()),
    ];
    words.extend(scene.asked(order).iter().map(|to| ("--to", to.to_string())));
    words.extend(scene.asked_aside(order).iter().map(|to| ("--aside", to.to_string())));
    if let Arrivals::Closed { users, .. } = load.arrivals {
        words.push(("--users", users.to_string()));
        words.push(("--lasts", whole(order.phases).as_millis().to_string()));
    }
    let begun = begin(scene, "load", &words);
    begun.map_err(|error| Failure::Generator(error.to_string()))
}

/// A run under way.
struct Course {
    start: Stamp,
    faults: Faults,
    meter: Meter,
    /// Replicas that fell by themselves, and when they are to be started anew.
    fallen: Vec<(u8, Stamp)>,
}

impl Course {
    /// Does everything at its time. Gives the second load where one is needed.
    fn follow(
        &mut self,
        order: &Order<'_>,
        scene: &mut Scene<'_>,
        (plan, stream): (&[(Duration, fault::Act)], &[Planned]),
    ) -> Result<Option<Second>, Failure> {
        for (at, act) in plan {
            let at = self.start.after(nanos(*at));
            self.pass_until(order, scene, at)?;
            self.faults.act(at, *act, scene);
        }
        self.pass_until(order, scene, relief::decide_at(order, self.start))?;
        let end = self.start.after(nanos(whole(order.phases)));
        let answered = read_answered(&order.folder.join(gather::ANSWERED)).map_err(records)?;
        let seen = (answered.as_slice(), Stamp::now());
        let needed = relief::is_needed(order, (self.start, stream), seen);
        let second =
            needed.then(|| Second::begin(order, scene, (end, stream.len()))).transpose()?;
        self.pass_until(order, scene, end)?;
        Ok(second)
    }

    /// Samples and supervises until a time.
    fn pass_until(
        &mut self,
        order: &Order<'_>,
        scene: &mut Scene<'_>,
        until: Stamp,
    ) -> Result<(), Failure> {
        while Stamp::now() < until {
            order.stop.wait_until(until.min(self.meter.due()))?;
            self.meter.sample(&scene.product);
            if order.scenario.faults.iter().any(|one| matches!(one.fault, Fault::Poison { .. })) {
                self.supervise(scene);
            }
        }
        Ok(())
    }

    /// Starts replicas anew that fell by themselves, as a supervisor would.
    fn supervise(&mut self, scene: &mut Scene<'_>) {
        let now = Stamp::now();
        for index in scene.fallen() {
            if !self.fallen.iter().any(|(known, _)| *known == index) {
                self.fallen.push((index, now.after(nanos(RESTART_AFTER))));
                self.faults.note(What::InForce, format!("replica {index} fell by itself"));
            }
        }
        let (due, wait): (Vec<_>, Vec<_>) = self.fallen.iter().partition(|(_, at)| *at <= now);
        self.fallen = wait;
        for (index, _) in due {
            let started = scene.replica(index).and_then(super::Service::start_anew);
            if let Err(error) = started {
                let note = format!("replica {index} cannot be started anew: {error}");
                self.faults.note(What::Unproven, note);
            }
        }
    }

    /// Samples until the product holds no more than in control, but not for ever.
    fn await_return(&mut self, order: &Order<'_>, scene: &Scene<'_>) -> Result<(), Failure> {
        let control = self.start.after(nanos(order.phases.warm_up));
        let control = (control, control.after(nanos(order.phases.control)));
        let end = Stamp::now().after(nanos(GIVE_BACK));
        loop {
            let last = self.meter.cost.len();
            while self.meter.cost.len() == last {
                order.stop.wait_until(self.meter.due())?;
                self.meter.sample(&scene.product);
            }
            if is_given_back(&self.meter.cost, control) || Stamp::now() >= end {
                return Ok(());
            }
        }
    }

    fn await_generator(
        &mut self,
        order: &Order<'_>,
        scene: &mut Scene<'_>,
        (generator, patience): (&mut Guarded, Duration),
    ) -> Result<(), Failure> {
        let end = Stamp::now().after(nanos(patience));
        loop {
            let status = generator.0.try_wait();
            let status = status.map_err(|error| Failure::Generator(error.to_string()))?;
            if let Some(status) = status {
                return ended(status, order);
            }
            if Stamp::now() >= end {
                return Err(Failure::Generator(format!("it has not ended after {patience:?}")));
            }
            self.pass_until(order, scene, Stamp::now().after(nanos(RESTART_AFTER) / 20))?;
        }
    }
}

/// Whether the last reading shows no more than the most of control.
fn is_given_back(cost: &[(Stamp, Cost)], control: (Stamp, Stamp)) -> bool {
    let within = cost.iter().filter(|(at, _)| control.0 <= *at && *at < control.1);
    let most = within.fold(Cost::default(), |most, (_, one)| Cost {
        descriptors: most.descriptors.max(one.descriptors),
        threads: most.threads.max(one.threads),
        ..most
    });
    cost.last().is_none_or(|(_, last)| {
        last.descriptors <= most.descriptors && last.threads <= most.threads
    })
}

fn ended(status: ExitStatus, order: &Order<'_>) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let said = std::fs::read_to_string(order.folder.join("load.err")).unwrap_or_default();
    let last = said.lines().last().unwrap_or_default();
    Err(Failure::Generator(format!("{status}: {last}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_control_did_not_hold_is_waited_for() {
        let cost = |descriptors, threads| Cost { descriptors, threads, ..Cost::default() };
        let control = (Stamp(10), Stamp(20));
        let mut all = vec![(Stamp(9), cost(900, 9)), (Stamp(10), cost(60, 3))];
        all.extend([(Stamp(19), cost(62, 3)), (Stamp(20), cost(900, 3))]);
        assert!(!is_given_back(&all, control));
        all.push((Stamp(30), cost(62, 4)));
        assert!(!is_given_back(&all, control));
        all.push((Stamp(31), cost(62, 3)));
        assert!(is_given_back(&all, control));
        assert!(is_given_back(&[], control), "without a product there is nothing to wait for");
    }
}
