//! What fails when: the demo's schedule of faults, scaled to its length. How a fault is injected
//! is in `faults`.

use std::fmt;
use std::time::Duration;

use super::shop::Kind;

/// The shortest demo: below it, faults would be over before anybody notices them.
pub(super) const SECONDS_MIN: u32 = 10;
/// The longest: an hour keeps the counts of the ledger within its bounds at every rate.
pub(super) const SECONDS_MAX: u32 = 3_600;

/// One way to break a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// kill -9; lifted by a restart on the same port.
    Crash,
    /// SIGSTOP; lifted by SIGCONT.
    Freeze,
    /// Every answer takes this many times longer.
    Slow(u32),
    /// This percentage of answers is 503.
    Refuse(u32),
}

/// Whether a fault begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It begins.
    Inject,
    /// It ends.
    Lift,
}

/// Which replicas of a kind are hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victims {
    /// The one at this place.
    One(usize),
    /// All of them.
    All,
}

/// One entry of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// When, counted from the start of the load.
    pub(super) at: Duration,
    /// Begin or end.
    pub(super) turn: Turn,
    /// Of what.
    pub(super) fault: Fault,
    /// In which service.
    pub(super) kind: Kind,
    /// In which of its replicas.
    pub(super) victims: Victims,
}

/// A fault with its begin and end, in thousandths of the whole.
struct Episode {
    fault: Fault,
    kind: Kind,
    victims: Victims,
    from: u32,
    until: u32,
}

/// One after the other, so that at most one upstream is troubled at a time and only
/// recommendations, which a page can do without, is ever wholly down. Steady before and after.
const EPISODES: [Episode; 5] = [
    Episode {
        fault: Fault::Crash,
        kind: Kind::Payments,
        victims: Victims::One(1),
        from: 100,
        until: 220,
    },
    Episode {
        fault: Fault::Freeze,
        kind: Kind::Inventory,
        victims: Victims::One(0),
        from: 260,
        until: 400,
    },
    Episode {
        fault: Fault::Slow(10),
        kind: Kind::Search,
        victims: Victims::One(1),
        from: 440,
        until: 550,
    },
    Episode {
        fault: Fault::Refuse(50),
        kind: Kind::Payments,
        victims: Victims::One(2),
        from: 590,
        until: 690,
    },
    Episode {
        fault: Fault::Crash,
        kind: Kind::Recommendations,
        victims: Victims::All,
        from: 730,
        until: 850,
    },
];

/// The steps of a demo of `seconds`, in order of time.
pub(super) fn steps(seconds: u32) -> Vec<Step> {
    let mut steps: Vec<Step> = EPISODES.iter().flat_map(|episode| episode.steps(seconds)).collect();
    steps.sort_by_key(|step| step.at);
    steps
}

impl Episode {
    fn steps(&self, seconds: u32) -> [Step; 2] {
        let Self { fault, kind, victims, .. } = *self;
        // A thousandth of a second count is that many milliseconds.
        let at = |mille: u32| Duration::from_millis(u64::from(mille) * u64::from(seconds));
        [(self.from, Turn::Inject), (self.until, Turn::Lift)].map(|(mille, turn)| Step {
            at: at(mille),
            turn,
            fault,
            kind,
            victims,
        })
    }
}

impl fmt::Display for Step {
    /// What happens, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind;
        match self.victims {
            Victims::One(place) => write!(f, "{kind}-{}", place + 1)?,
            Victims::All => write!(f, "every replica of {kind}")?,
        }
        match (self.fault, self.turn) {
            (Fault::Crash, Turn::Inject) => f.write_str(" is killed (kill -9)"),
            (Fault::Crash, Turn::Lift) => f.write_str(" is started again"),
            (Fault::Freeze, Turn::Inject) => {
                f.write_str(" freezes (SIGSTOP): it accepts connections and answers nothing")
            }
            (Fault::Freeze, Turn::Lift) => f.write_str(" thaws (SIGCONT)"),
            (Fault::Slow(factor), Turn::Inject) => write!(f, " becomes {factor} times slower"),
            (Fault::Slow(_), Turn::Lift) => f.write_str(" is as fast as before"),
            (Fault::Refuse(percent), Turn::Inject) => {
                write!(f, " answers {percent} % of its requests with 503")
            }
            (Fault::Refuse(_), Turn::Lift) => f.write_str(" answers properly again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_schedule_scales_with_the_length() {
        for seconds in [SECONDS_MIN, 30, 60, SECONDS_MAX] {
            let (short, long) = (steps(SECONDS_MIN), steps(seconds));
            assert_eq!(short.len(), long.len());
            let factor = seconds / SECONDS_MIN;
            assert!(short.iter().zip(&long).all(|(a, b)| a.at * factor == b.at));
        }
    }

    #[test]
    fn it_starts_and_ends_steady() {
        let all = steps(30);
        assert_eq!(all.first().unwrap().at, Duration::from_secs(3));
        assert!(all.last().unwrap().at <= Duration::from_secs(27));
    }

    #[test]
    fn every_fault_that_begins_ends_later_and_in_order() {
        let all = steps(30);
        assert!(all.windows(2).all(|pair| pair[0].at < pair[1].at));
        for begun in all.iter().filter(|step| step.turn == Turn::Inject) {
            let lift = Step { turn: Turn::Lift, at: Duration::ZERO, ..*begun };
            let ends = |step: &&Step| Step { at: Duration::ZERO, ..**step } == lift;
            assert!(all.iter().find(ends).is_some_and(|end| end.at > begun.at), "{begun}");
        }
    }

    #[test]
    fn only_recommendations_ever_loses_every_replica() {
        let mut broken: BTreeMap<Kind, usize> = BTreeMap::new();
        for step in steps(30) {
            let hit = match step.victims {
                Victims::One(place) => {
                    assert!(place < step.kind.replicas(), "{step}");
                    1
                }
                Victims::All => step.kind.replicas(),
            };
            let now = broken.entry(step.kind).or_default();
            *now = if step.turn == Turn::Inject { *now + hit } else { *now - hit };
            let healthy = step.kind.replicas() - *now;
            assert!(healthy > 0 || step.kind == Kind::Recommendations, "{step}");
        }
    }

    #[test]
    fn each_of_the_five_failures_of_the_shop_is_shown() {
        let shown: Vec<String> = steps(30)
            .iter()
            .filter(|step| step.turn == Turn::Inject)
            .map(|step| step.to_string())
            .collect();
        for word in ["kill -9", "SIGSTOP", "10 times slower", "50 % of", "every replica of rec"] {
            assert!(shown.iter().any(|text| text.contains(word)), "{word} is in none of {shown:?}");
        }
    }
}
