//! A second load right after the first, where service has not come back: three tenths less for 20
//! s, then as before. What comes back by that is metastable: it kept itself down (Bronson et al.,
//! HotOS 2021, whose remedy is to shed load). Whether it came back is said by `measure`.

use std::path::PathBuf;
use std::time::Duration;

use super::course::{LEAD, nanos};
use super::scene::{Guarded, begin};
use super::{Failure, Order, Relief, Scene};
use crate::measure::{Class, number};
use crate::record::{self, Answered};
use crate::scenario::{Arrivals, Disturbance, Fault, Phases, Scenario, Target};
use crate::stamp::Stamp;
use crate::stream::{self, Planned};

/// How much of the load is left.
const LOWER: f64 = 0.7;
/// For how long.
const LOW: Duration = Duration::from_secs(20);
/// How long it is whole again before it is looked at, and for how long it then is.
const SETTLE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(10);

/// The most that is looked back at, as for the residual at the end of a run.
const BACK: Duration = Duration::from_secs(15);

/// Goodput below this share of control's is no service, as for the residual.
const SHORT: f64 = 0.9;

/// The second load, under way.
#[derive(Debug)]
pub(super) struct Second {
    pub(super) child: Guarded,
    answered: PathBuf,
    from: Stamp,
    offered: u64,
}

impl Second {
    /// How long it takes.
    pub(super) fn lasts() -> Duration {
        LOW + SETTLE + LOOK
    }

    /// Begins it at `start`, with requests that the first load did not have.
    pub(super) fn begin(
        order: &Order<'_>,
        scene: &Scene<'_>,
        (start, taken): (Stamp, usize),
    ) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Generator(error.to_string());
        let stream = drawn(order, taken);
        let file = |name: &str| order.folder.join(format!("relief.{name}"));
        stream::write(&file("stream"), &stream).map_err(|error| failed(&error))?;
        let patience = order.scenario.load.patience.as_millis();
        let mut words = vec![
            ("--stream", file("stream").display().to_string()),
            ("--out", file("answered").display().to_string()),
            ("--summary", file("summary").display().to_string()),
            ("--start", start.0.to_string()),
            ("--patience", patience.to_string()),
        ];
        words.extend(scene.asked(order).iter().map(|to| ("--to", to.to_string())));
        words.extend(scene.asked_aside(order).iter().map(|to| ("--aside", to.to_string())));
        let child = begin(scene, "load", &words).map_err(|error| failed(&error))?;
        let from = LOW + SETTLE;
        let offered = stream.iter().filter(|one| one.at >= nanos(from)).count();
        let offered = u64::try_from(offered).unwrap_or(u64::MAX);
        Ok(Self { child, answered: file("answered"), from: start.after(nanos(from)), offered })
    }

    /// What came of it, once it has ended.
    pub(super) fn gather(self) -> Result<Relief, Failure> {
        let answered = record::read_answered(&self.answered);
        let answered = answered.map_err(|error| Failure::Records(error.to_string()))?;
        Ok(Relief { from: self.from, offered: self.offered, answered })
    }
}

/// The requests of the second load.
fn drawn(order: &Order<'_>, taken: usize) -> Vec<Planned> {
    let none = Duration::ZERO;
    let lower = Fault::Overload { times: LOWER };
    let lower = Disturbance { at: none, lasts: None, target: Target::All, fault: lower };
    let id = format!("{}/relief", order.scenario.id);
    let relief = Scenario { id, faults: vec![lower], ..order.scenario.clone() };
    let phases = Phases { warm_up: none, control: none, fault: LOW, observation: SETTLE + LOOK };
    let taken = u64::try_from(taken).unwrap_or(u64::MAX);
    let mut all = stream::draw(&relief, order.seed, phases);
    all.iter_mut().for_each(|one| one.id = one.id.saturating_add(taken));
    all
}

/// When it must be known whether it is needed: the second load follows the first without a gap,
/// since a gap would be a relief of its own.
pub(super) fn decide_at(order: &Order<'_>, start: Stamp) -> Stamp {
    let phases = order.phases;
    let end = phases.warm_up + phases.control + phases.fault + phases.observation;
    start.after(nanos(end.saturating_sub(LEAD)))
}

/// Whether service has not come back, by what users have seen up to `now`.
///
/// Only requests whose deadline has passed are looked at: those that nobody has answered yet are
/// not in the records.
pub(super) fn is_needed(
    order: &Order<'_>,
    (start, stream): (Stamp, &[Planned]),
    (answered, now): (&[Answered], Stamp),
) -> bool {
    let phases = order.phases;
    if matches!(order.scenario.load.arrivals, Arrivals::Closed { .. }) {
        // Its users come when they are answered: there is no load to lower.
        return false;
    }
    let deadline = nanos(order.scenario.load.deadline);
    let since_start = now.since(start).saturating_sub(deadline);
    let back = nanos(BACK.min(phases.observation / 4));
    let control = nanos(phases.warm_up);
    let control = control..control + nanos(phases.control);
    let share = |span: std::ops::Range<u64>| {
        let offered = stream.iter().filter(|one| span.contains(&one.at)).count();
        let ok = answered.iter().filter(|one| {
            span.contains(&one.intended.since(start)) && Class::of(one, deadline).is_ok()
        });
        (offered > 0).then(|| number(ok.count() as u64) / number(offered as u64))
    };
    let last = share(since_start.saturating_sub(back)..since_start);
    last.zip(share(control)).is_some_and(|(last, control)| last < SHORT * control)
}
