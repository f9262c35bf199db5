//! What can keep the demo from starting or from going on. Failures of the shop's services are
//! no trouble: they are what the demo shows, and they are counted in `tally`.

use std::error::Error;
use std::{fmt, io};

/// Why the demo could not start or had to stop.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The system refused something the demo needs.
    System {
        /// What was tried.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A child process did not become ready, or ended when nobody asked it to.
    Child {
        /// The name of the child.
        name: String,
        /// What happened, and what the child printed if it printed anything.
        why: String,
    },
    /// What the demo writes is no longer read: standard output was closed.
    Unread(io::Error),
}

impl Trouble {
    /// A converter for `map_err` that says what was tried.
    pub(super) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { what, source } => write!(f, "cannot {what}: {source}"),
            Self::Child { name, why } => write!(f, "{name} {why}"),
            Self::Unread(source) => write!(f, "cannot write the report: {source}"),
        }
    }
}

impl Error for Trouble {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System { source, .. } | Self::Unread(source) => Some(source),
            Self::Child { .. } => None,
        }
    }
}
