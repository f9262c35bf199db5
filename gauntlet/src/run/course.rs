//! How a run goes: everything is built and started, faults strike at their times while samples are
//! taken, the generator ends, and the records are gathered.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use super::gather::{self, Written};
use super::meter::Meter;
use super::scene::{Guarded, begin};
use super::{Failure, Order, Run, Scene};
use crate::arena::Arena;
use crate::fault::{self, Faults};
use crate::record::What;
use crate::scenario::{Arrivals, Fault, Phases};
use crate::stamp::Stamp;
use crate::stream;

/// From starting the generator to its first request: it has read its stream by then.
const LEAD: Duration = Duration::from_millis(700);

/// How long the generator may take to end after the last user has lost patience.
const GRACE: Duration = Duration::from_secs(15);

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
    let arena = Arena::build(order.scenario.replicas.count, order.ground);
    let arena = Arc::new(arena.map_err(|why| Failure::Arena(why.to_string()))?);
    let mut scene = Scene::build(order, &arena)?;
    let start = Stamp::now().after(nanos(LEAD));
    let mut generator = generate(order, &scene, start, &stream_file)?;
    let plan = fault::plan(&strikes, order.phases);
    let mut course = Course {
        start,
        faults: Faults::new(strikes),
        meter: Meter::new(&arena, order.scenario.replicas.count, start),
        fallen: Vec::new(),
    };
    course.follow(order, &mut scene, &plan)?;
    course.await_generator(order, &mut scene, &mut generator)?;
    let version = scene.product.version().to_owned();
    let Course { faults, meter, .. } = course;
    let deeds = faults.into_deeds();
    // Everybody ends before the records are read, so that they are whole.
    drop(scene);
    let written = Written { start, stream, targets, deeds, version };
    gather::run(order, written, meter)
}

fn records(error: impl std::fmt::Display) -> Failure {
    Failure::Records(error.to_string())
}

fn nanos(time: Duration) -> u64 {
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
    /// Does everything at its time.
    fn follow(
        &mut self,
        order: &Order<'_>,
        scene: &mut Scene<'_>,
        plan: &[(Duration, fault::Act)],
    ) -> Result<(), Failure> {
        for (at, act) in plan {
            let at = self.start.after(nanos(*at));
            self.pass_until(order, scene, at)?;
            self.faults.act(at, *act, scene);
        }
        let end = self.start.after(nanos(whole(order.phases)));
        self.pass_until(order, scene, end)
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

    fn await_generator(
        &mut self,
        order: &Order<'_>,
        scene: &mut Scene<'_>,
        generator: &mut Guarded,
    ) -> Result<(), Failure> {
        let patience = order.scenario.load.patience + GRACE;
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

fn ended(status: ExitStatus, order: &Order<'_>) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let said = std::fs::read_to_string(order.folder.join("load.err")).unwrap_or_default();
    let last = said.lines().last().unwrap_or_default();
    Err(Failure::Generator(format!("{status}: {last}")))
}
