//! When the runner does what: phases begin, strikes are set, shown to hold, lifted and shown to be
//! gone. Pure; the doing is in `mod.rs`.

use std::time::Duration;

use super::strike::Strike;
use crate::record::Phase;
use crate::scenario::Phases;

/// One thing to do. Strikes are named by their place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A phase begins.
    Phase(Phase),
    /// A strike begins.
    Set(usize),
    /// It is shown to hold.
    Prove(usize),
    /// It ends.
    Lift(usize),
    /// It is shown to be gone.
    ProveGone(usize),
}

/// From setting a strike to the first look whether it holds: what is under way has arrived.
const SETTLE: Duration = Duration::from_millis(50);

/// From the last look to the end: longer than a look takes.
const LAST_LOOK: Duration = Duration::from_millis(1_500);

/// Strikes shorter than this are looked at once.
const LONG: Duration = Duration::from_secs(3);

/// From lifting to the look whether it is gone: a process has started by then.
const AFTERMATH: Duration = Duration::from_millis(500);

/// All acts of a run, in order of their time from the start of the load.
#[must_use]
pub fn plan(strikes: &[Strike], phases: Phases) -> Vec<(Duration, Act)> {
    let control = phases.warm_up;
    let fault = control + phases.control;
    let observation = fault + phases.fault;
    let mut acts = vec![
        (Duration::ZERO, Act::Phase(Phase::WarmUp)),
        (control, Act::Phase(Phase::Control)),
        (fault, Act::Phase(Phase::Fault)),
        (observation, Act::Phase(Phase::Observation)),
    ];
    for (index, strike) in strikes.iter().enumerate() {
        acts.push((strike.from, Act::Set(index)));
        acts.push((strike.from + SETTLE, Act::Prove(index)));
        let lasts = strike.until.saturating_sub(strike.from);
        if lasts >= LONG {
            acts.push((strike.until.saturating_sub(LAST_LOOK), Act::Prove(index)));
        }
        acts.push((strike.until, Act::Lift(index)));
        if !is_struck_again(strikes, strike) {
            acts.push((strike.until + AFTERMATH, Act::ProveGone(index)));
        }
    }
    // Stable: at one time a phase begins first, then strikes in the order of their acts.
    acts.sort_by_key(|(at, _)| *at);
    acts
}

/// Whether the next strike at the same targets comes before this one could be shown to be gone.
fn is_struck_again(strikes: &[Strike], strike: &Strike) -> bool {
    let clear = strike.until + AFTERMATH + AFTERMATH;
    strikes.iter().any(|other| {
        let shares = other.targets.iter().any(|target| strike.targets.contains(target));
        shares && other.until > strike.until && other.from < clear
    })
}
