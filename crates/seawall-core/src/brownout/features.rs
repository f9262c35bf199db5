//! Optional work by name, with the highest level at which it still runs.
//!
//! Which level is in force is decided in `machine.rs`.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use super::Level;

/// The most features. They are named by the product, not by its callers; more are a mistake.
pub const FEATURES_MAX: usize = 256;

/// The longest name, in bytes. Names become labels of metrics.
pub const NAME_MAX: usize = 64;

/// A registered feature. A name only: of use with the list that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Feature(u16);

/// Why a feature was not registered. Whoever wrote the product must mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are [`FEATURES_MAX`] already.
    Full,
    /// The name is empty or longer than [`NAME_MAX`] bytes.
    Name,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "there are {FEATURES_MAX} features already"),
            Self::Name => write!(f, "the name of a feature must have 1 to {NAME_MAX} bytes"),
        }
    }
}

impl Error for Refused {}

/// The registered features. Registering allocates and searches the list; asking does neither.
#[derive(Clone, Debug, Default)]
pub struct Features {
    list: Vec<(Box<str>, Level)>,
}

impl Features {
    /// No features.
    #[must_use]
    pub const fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// Registers `name`, which runs up to and at the level `highest`. A name that is registered
    /// already keeps its place and takes the new level.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the list or the name is too long, or the name is empty.
    pub fn register(&mut self, name: &str, highest: Level) -> Result<Feature, Refused> {
        if name.is_empty() || name.len() > NAME_MAX {
            return Err(Refused::Name);
        }
        if let Some(known) = self.list.iter().position(|(other, _)| **other == *name) {
            self.list.iter_mut().skip(known).take(1).for_each(|(_, level)| *level = highest);
            return feature(known);
        }
        if self.list.len() >= FEATURES_MAX {
            return Err(Refused::Full);
        }
        self.list.push((name.into(), highest));
        feature(self.list.len() - 1)
    }

    /// Whether `feature` runs at `level`. One of another list does not run.
    #[must_use]
    pub fn runs(&self, feature: Feature, level: Level) -> bool {
        self.list.get(usize::from(feature.0)).is_some_and(|(_, highest)| level <= *highest)
    }

    /// The feature of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Feature> {
        let known = self.list.iter().position(|(other, _)| **other == *name)?;
        feature(known).ok()
    }

    /// Every feature and the highest level at which it runs, in the order of registration.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Level)> {
        self.list.iter().map(|(name, highest)| (&**name, *highest))
    }
}

fn feature(index: usize) -> Result<Feature, Refused> {
    u16::try_from(index).map(Feature).map_err(|_| Refused::Full)
}
