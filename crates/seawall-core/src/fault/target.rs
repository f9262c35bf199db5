//! Whom a fault concerns, as files write it: `upstream:payments#2`, `zone:a`, `load:shop`.
//!
//! Whether there is such a thing is known to whoever has the list of things.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// Whom a fault concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Endpoints of an upstream of the gateway.
    Upstream(String, Which),
    /// Replicas of a service behind it.
    Service(String, Which),
    /// Everything in a zone.
    Zone(String),
    /// Calls of one kind.
    Load(String),
    /// The gateway itself.
    Gateway,
}

/// Which of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// All of them. The default.
    #[default]
    All,
    /// This one, counted from 1.
    Number(u32),
}

/// The forms that a target takes, for whoever wrote another.
const FORMS: &str = "write \"upstream:NAME\", \"upstream:NAME#2\", \"service:NAME\", \
                     \"zone:NAME\", \"load:NAME\" or \"gateway\"";

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "gateway" {
            return Ok(Self::Gateway);
        }
        let wrong = || format!("\"{text}\" is no target; {FORMS}");
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        let (name, which) = match name.split_once('#') {
            None => (name, Which::All),
            Some((name, number)) => {
                let number = number.parse().ok().filter(|number| *number > 0);
                (name, Which::Number(number.ok_or_else(|| format!("{}: from #1 on", wrong()))?))
            }
        };
        if name.is_empty() {
            return Err(wrong());
        }
        let name = name.to_owned();
        match (kind, which) {
            ("upstream", which) => Ok(Self::Upstream(name, which)),
            ("service", which) => Ok(Self::Service(name, which)),
            ("zone", Which::All) => Ok(Self::Zone(name)),
            ("load", Which::All) => Ok(Self::Load(name)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream(name, which) => write!(f, "upstream:{name}{which}"),
            Self::Service(name, which) => write!(f, "service:{name}{which}"),
            Self::Zone(name) => write!(f, "zone:{name}"),
            Self::Load(name) => write!(f, "load:{name}"),
            Self::Gateway => f.write_str("gateway"),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Number(number) => write!(f, "#{number}"),
        }
    }
}
