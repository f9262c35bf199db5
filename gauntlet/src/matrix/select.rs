//! Which scenarios are meant by the words of the command line.

use crate::scenario::{Phases, Scenario};
use std::time::Duration;

/// How long runs take, and what is taken where no scenario is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The phases of the scenarios, every scenario.
    Full,
    /// The short phases of the scenarios, nine families.
    Quick,
    /// Phases of a second each, three families: shows that all works, measures nothing.
    Smoke,
}

/// The families of the quick set: one of each kind of failure.
const QUICK: [&str; 9] = ["G0", "G1", "G3", "G4", "G8", "G10", "G12", "G18", "G22"];

/// The families of the smoke set, which need no rights.
const SMOKE: [&str; 3] = ["G0", "G1", "G3"];

/// Half a second is enough for connections to be opened.
const SMOKE_PHASES: Phases = Phases {
    warm_up: Duration::from_millis(500),
    control: Duration::from_secs(1),
    fault: Duration::from_secs(1),
    observation: Duration::from_secs(1),
};

impl Profile {
    /// The phases of a scenario.
    #[must_use]
    pub const fn phases(self, scenario: &Scenario) -> Phases {
        match self {
            Self::Full => scenario.phases,
            Self::Quick => scenario.quick,
            Self::Smoke => SMOKE_PHASES,
        }
    }

    /// Seeds where none are asked for.
    #[must_use]
    pub const fn seeds(self) -> u64 {
        match self {
            Self::Full => 5,
            Self::Quick => 2,
            Self::Smoke => 1,
        }
    }

    /// Whether a scenario is meant where none is named.
    fn takes(self, id: &str) -> bool {
        match self {
            Self::Full => true,
            Self::Quick => QUICK.iter().any(|word| names(word, id)),
            // Without their variants.
            Self::Smoke => SMOKE.contains(&id),
        }
    }
}

/// The scenarios that are meant, in their order.
///
/// # Errors
/// Which word means none, and which there are.
pub fn scenarios(
    all: Vec<Scenario>,
    words: &[String],
    profile: Profile,
) -> Result<Vec<Scenario>, String> {
    for word in words {
        if !all.iter().any(|one| names(word, &one.id)) {
            let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
            return Err(format!("there is no scenario {word}; there are {}", ids.join(", ")));
        }
    }
    let is_meant = |one: &Scenario| {
        let named = words.iter().any(|word| names(word, &one.id));
        named || (words.is_empty() && profile.takes(&one.id))
    };
    Ok(all.into_iter().filter(is_meant).collect())
}

/// Whether a word names a scenario: its id, or the family that it belongs to.
fn names(word: &str, id: &str) -> bool {
    let (word, id) = (word.to_lowercase(), id.to_lowercase());
    word == id || id.split_once('-').is_some_and(|(family, _)| family == word)
}
