//! What settings that cannot work are answered with.

use std::fmt;

use seawall_core::invalid::Invalid;

/// A policy cannot work as it was described: all that contradicts itself or its range, at once.
///
/// Each mistake names the setting, what it was and what is permitted. Trying again cannot help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    mistakes: Vec<Invalid>,
}

impl BuildError {
    /// `Ok` where there is no mistake.
    pub(crate) fn check(mistakes: Vec<Invalid>) -> Result<(), Self> {
        if mistakes.is_empty() { Ok(()) } else { Err(Self { mistakes }) }
    }

    /// One mistake.
    pub(crate) fn of(mistake: Invalid) -> Self {
        Self { mistakes: vec![mistake] }
    }

    /// The mistakes, at least one.
    #[must_use]
    pub fn mistakes(&self) -> &[Invalid] {
        &self.mistakes
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the policy cannot work: ")?;
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            write!(f, "{comma}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}
