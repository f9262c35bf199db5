//! A scenario in the simulator's words: the same replicas, load, deadline and fault, before a
//! gateway with the shortest config. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use crate::scenario::{Arrivals, Disturbance, Fault, Mix, Phases, Scenario, Target};

/// How long the simulated world lasts. Calls that begin before the fault phase do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// To the end of the fault phase.
    Fault,
    /// To the end of the observation.
    Observation,
}

/// Each way between boxes of one host: about what a veth pair and two processes take.
const WAY: &str = "100us";

/// The text of the world; none where the simulator has no words for it.
pub(super) fn text(scenario: &Scenario, phases: Phases, until: Until) -> Option<String> {
    let loads = loads(scenario)?;
    let begin = phases.warm_up + phases.control;
    let end = match until {
        Until::Fault => begin + phases.fault,
        Until::Observation => begin + phases.fault + phases.observation,
    };
    let mut text = format!(
        "[scenario]\ntitle = \"{}\"\nhorizon = \"{}ms\"\nwarmup = \"{}ms\"\n\
         ending = \"finish\"\n\n",
        scenario.id,
        end.as_millis(),
        begin.as_millis()
    );
    let addresses = (1..=scenario.replicas.count).map(|one| format!("\"10.0.0.{one}:8080\""));
    let addresses: Vec<String> = addresses.collect();
    let endpoints = addresses.join(", ");
    put(&mut text, format_args!("[config.upstreams.replicas]\nendpoints = [{endpoints}]\n"));
    put(&mut text, format_args!("[network]\nall = \"{WAY}\"\n"));
    loads.iter().for_each(|load| put(&mut text, format_args!("{}", load.section(scenario))));
    put(&mut text, format_args!("{}", replicas(scenario)));
    for disturbance in &scenario.faults {
        for event in events(disturbance, (begin, phases), &loads)? {
            put(&mut text, format_args!("{event}"));
        }
    }
    Some(text)
}

/// Writing into a text cannot fail.
fn put(text: &mut String, section: std::fmt::Arguments<'_>) {
    let _infallible = writeln!(text, "{section}");
}

/// Calls that are alike.
#[derive(Clone, Debug, PartialEq)]
struct Alike {
    safety: &'static str,
    priority: &'static str,
    share: f64,
}

impl Alike {
    fn name(&self) -> String {
        format!("{}_{}", self.safety, self.priority)
    }

    fn section(&self, scenario: &Scenario) -> String {
        let load = &scenario.load;
        let spacing = if load.arrivals == Arrivals::Constant { "even" } else { "poisson" };
        format!(
            "[load.{}]\nroute = \"/\"\nrate = {}\nspacing = \"{spacing}\"\ndeadline = \"{}ms\"\n\
             safety = \"{}\"\npriority = \"{}\"\n",
            self.name(),
            load.rate * self.share,
            load.deadline.as_millis(),
            self.safety,
            self.priority
        )
    }
}

/// The loads of every safety and priority. Users of a closed loop, bursts and routes with replicas
/// of their own have no words.
fn loads(scenario: &Scenario) -> Option<Vec<Alike>> {
    let load = &scenario.load;
    if !matches!(load.arrivals, Arrivals::Poisson | Arrivals::Constant)
        || scenario.replicas.aside > 0
    {
        return None;
    }
    // GET and PUT alike may be sent again.
    let safeties: &[(&'static str, f64)] = match load.mix {
        Mix::Gets => &[("idempotent", 1.0)],
        Mix::Posts => &[("unsafe", 1.0)],
        Mix::Mixed => &[("idempotent", 0.8), ("unsafe", 0.15), ("keyed", 0.05)],
    };
    let normal = 1.0 - load.high - load.low;
    let priorities = [("high", load.high), ("low", load.low), ("normal", normal)];
    let all = safeties.iter().flat_map(|(safety, of)| {
        priorities.map(|(priority, part)| Alike { safety, priority, share: of * part })
    });
    Some(all.filter(|alike| alike.share > 1e-9).collect())
}

fn replicas(scenario: &Scenario) -> String {
    let (has, service) = (scenario.replicas, scenario.replicas.service);
    // As the streams draw it: uniform within 30 %.
    let (from, to) = (service * 7 / 10, service * 13 / 10);
    format!(
        "[upstreams.replicas]\nworkers = {}\nqueue = {}\nservice = {{ dist = \"uniform\", \
         from = \"{}us\", to = \"{}us\" }}\n",
        has.workers,
        has.queue,
        from.as_micros(),
        to.as_micros()
    )
}

/// The events of a fault; none where there are no words.
fn events(
    disturbance: &Disturbance,
    (begin, phases): (Duration, Phases),
    loads: &[Alike],
) -> Option<Vec<String>> {
    let what = match disturbance.fault {
        Fault::Crash => "do = \"crash\"".to_owned(),
        Fault::Freeze => "do = \"freeze\"".to_owned(),
        Fault::BlackHole => "do = \"black_hole\"".to_owned(),
        Fault::Slow { by } => format!("do = \"latency\"\nadded = \"{}ms\"", by.as_millis()),
        Fault::Slower { times } => format!("do = \"slower\"\nfactor = {times}"),
        Fault::Status { share, .. } => format!("do = \"errors\"\nshare = \"{}%\"", share * 100.0),
        Fault::Overload { times } => format!("do = \"surge\"\nfactor = {times}"),
        _ => return None,
    };
    let at = begin + disturbance.at;
    let whole = phases.fault.saturating_sub(disturbance.at);
    let lasts = disturbance.lasts.map_or(whole, |lasts| lasts.min(whole));
    let event = |target: String| {
        let (at, lasts) = (at.as_millis(), lasts.as_millis());
        format!("[[events]]\nat = \"{at}ms\"\nfor = \"{lasts}ms\"\ntarget = \"{target}\"\n{what}\n")
    };
    Some(match (&disturbance.fault, disturbance.target) {
        (Fault::Overload { .. }, _) => {
            loads.iter().map(|load| event(format!("load:{}", load.name()))).collect()
        }
        (_, Target::All) => vec![event("upstream:replicas".to_owned())],
        // Which ones they are makes no difference there.
        (_, Target::Some(count)) => {
            (1..=count).map(|one| event(format!("upstream:replicas#{one}"))).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builtin(id: &str) -> Scenario {
        let all = crate::scenario::builtin().unwrap();
        all.into_iter().find(|one| one.id == id).unwrap()
    }

    fn told(id: &str) -> Option<String> {
        let scenario = builtin(id);
        text(&scenario, scenario.quick, Until::Observation)
    }

    #[test]
    fn what_the_reference_wants_rehearsed_has_words() {
        for id in ["G0", "G1", "G3", "G4-200ms", "G10-3s", "G11-5s", "G18"] {
            assert!(told(id).is_some(), "{id}");
        }
        for id in ["G7", "G10-closed", "G22", "G9-aside", "G20"] {
            assert_eq!(told(id), None, "{id}");
        }
    }

    #[test]
    fn a_crash_is_told_with_its_times_and_its_one_target() {
        let scenario = builtin("G1");
        let whole = told("G1").unwrap();
        assert!(whole.contains("horizon = \"20000ms\"\nwarmup = \"6000ms\""), "{whole}");
        let event = "at = \"6000ms\"\nfor = \"7000ms\"\ntarget = \"upstream:replicas#1\"\n\
                     do = \"crash\"";
        assert!(whole.contains(event), "{whole}");
        assert_eq!(whole.matches("[[events]]").count(), 1);
        let struck = text(&scenario, scenario.quick, Until::Fault).unwrap();
        assert!(struck.contains("horizon = \"13000ms\""), "{struck}");
    }

    #[test]
    fn loads_of_all_safeties_and_priorities_add_up_to_the_load() {
        let sum = |id| loads(&builtin(id)).unwrap().iter().map(|one| one.share).sum::<f64>();
        assert!((sum("G1") - 1.0).abs() < 1e-9 && (sum("G18") - 1.0).abs() < 1e-9);
        let surges = told("G18").unwrap().matches("do = \"surge\"").count();
        assert_eq!(surges, loads(&builtin("G18")).unwrap().len());
    }
}
