//! What a layer can do wrong.

use std::fmt;

/// One way to break the contract. The table is in the [module](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Breach {
    /// A value was called that had not been polled ready since its last call.
    CalledUnready,
    /// The same, while another clone was ready: readiness is no property of a service, but of one
    /// value.
    BorrowedReadiness,
    /// A value was polled or called after it had failed to become ready.
    UsedAfterError,
    /// A value stayed ready although nobody was going to call it.
    LeakedReadiness,
    /// A response was still awaited after its caller had left.
    LeakedCall,
    /// The inner service woke the layer, and the layer did not wake its caller.
    LostWake,
    /// The layer woke its caller again and again, while nothing had happened.
    SpuriousWakes,
    /// A call did not end, though nothing was in its way.
    Stuck,
}

impl Breach {
    /// What was seen, and what is right.
    const fn words(self) -> &'static str {
        match self {
            Self::CalledUnready => {
                "called a value that was not ready: poll the very value that is called, before \
                 every call"
            }
            Self::BorrowedReadiness => {
                "called one clone because another one was ready: swap the ready value out and \
                 leave the clone behind"
            }
            Self::UsedAfterError => {
                "used a value that had failed to become ready: drop it and take another"
            }
            Self::LeakedReadiness => {
                "kept a value ready that nobody was going to call: it holds a place that others \
                 wait for"
            }
            Self::LeakedCall => {
                "went on with a call whose caller had left: drop it with the future"
            }
            Self::LostWake => {
                "did not wake its caller when the inner service could go on: hand the waker of the \
                 latest poll down"
            }
            Self::SpuriousWakes => "woke its caller while nothing had happened: it spins",
            Self::Stuck => "did not end a call although nothing was in its way",
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// All breaches that a check found, each once for a scenario.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Breaches {
    found: Vec<(&'static str, Breach)>,
}

impl Breaches {
    /// Which, in the order in which they were seen.
    pub fn iter(&self) -> impl Iterator<Item = Breach> + '_ {
        self.found.iter().map(|(_, breach)| *breach)
    }

    /// Whether it is among them.
    #[must_use]
    pub fn contains(&self, breach: Breach) -> bool {
        self.iter().any(|found| found == breach)
    }

    pub(super) fn note(&mut self, scenario: &'static str, breach: Breach) {
        if !self.found.contains(&(scenario, breach)) {
            self.found.push((scenario, breach));
        }
    }

    pub(super) fn into_result(self) -> Result<(), Self> {
        if self.found.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Breaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the layer breaks the contract of Tower:")?;
        for (scenario, breach) in &self.found {
            write!(f, "\n- {scenario}: {breach}")?;
        }
        Ok(())
    }
}

/// The same as for users, since `unwrap` and a `main` that fails print this one.
impl fmt::Debug for Breaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Breaches {}
