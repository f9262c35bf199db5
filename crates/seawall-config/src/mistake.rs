//! What a user got wrong in a config file: place, what is wrong, and how to mend it.
//!
//! Finding the mistakes is the work of the reader (`reader.rs`) and of the sections.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// Mistakes kept for one file; a file with more has one cause, and a wall of text hides it.
pub const MISTAKES_MAX: usize = 50;

/// A line and a column of the config file, both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

/// One mistake of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands; `None` when the setting came from the command line.
    pub place: Option<Place>,
    /// What is wrong, naming the key.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for Mistake {
    /// `25:1: what; remedy`, without the file, which [`ConfigError`] knows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column}: ")?;
        }
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

/// Why there is no config.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read. Trying again helps only once the file is there and readable.
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file was read and is wrong. The user must mend it; all mistakes are listed.
    Mistakes(Mistakes),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                write!(f, "cannot read {}: {source}; check the path and its rights", path.display())
            }
            Self::Mistakes(mistakes) => mistakes.fmt(f),
        }
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Mistakes(_) => None,
        }
    }
}

/// The mistakes of one file in the order of their places, at most [`MISTAKES_MAX`] of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    file: String,
    list: Vec<Mistake>,
    left_out: usize,
}

impl Mistakes {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), list: Vec::new(), left_out: 0 }
    }

    /// Adds a mistake, once: a policy is merged for each route that names it.
    pub(crate) fn push(&mut self, mistake: Mistake) {
        if self.list.contains(&mistake) {
            return;
        }
        if self.list.len() < MISTAKES_MAX {
            self.list.push(mistake);
        } else {
            self.left_out += 1;
        }
    }

    /// All that were noted, kept or left out.
    pub(crate) const fn noted(&self) -> usize {
        self.list.len() + self.left_out
    }

    /// Turns `value` into the result of reading: `value` when nothing was wrong.
    pub(crate) fn or_else<T>(mut self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => {
                self.list.sort_by_key(|mistake| mistake.place);
                Err(ConfigError::Mistakes(self))
            }
        }
    }

    /// The name of the file, as it was given.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The mistakes kept, in the order of their places.
    #[must_use]
    pub fn list(&self) -> &[Mistake] {
        &self.list
    }

    /// How many more there were beyond [`MISTAKES_MAX`].
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }
}

impl fmt::Display for Mistakes {
    /// One line for each mistake, `file:line:column: what; remedy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.list.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let colon = if mistake.place.is_some() { ":" } else { ": " };
            write!(f, "{separator}{}{colon}{mistake}", self.file)?;
        }
        if self.left_out > 0 {
            write!(f, "\n{}: and {} more", self.file, self.left_out)?;
        }
        Ok(())
    }
}
