//! The rules by number: what each is called and where it is explained.
//!
//! What each looks at is in `rules/`.

use std::fmt;
use std::str::FromStr;

/// A rule of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    number: u8,
    title: &'static str,
}

/// The titles of all rules, the first that of L1. Numbers never move: they stand in config files.
const TITLES: [&str; 30] = [
    "timeout inversion",
    "attempts that cannot fit",
    "worst-case amplification",
    "amplification with budgets",
    "retries on several layers",
    "no jitter",
    "retries end before the endpoint is ejected",
    "unsafe method retried",
    "breaker can never trip",
    "breaker trips on noise",
    "breaker wider than the failure domain",
    "bulkhead too small",
    "bulkhead without effect",
    "queue longer than patience",
    "ejection inert",
    "detection slower than the target",
    "probes as load",
    "recovery stampede",
    "hedge outside the budget",
    "fallback cycle or shared fate",
    "limit above capacity",
    "zone loss",
    "metastability margin",
    "keep-alive race",
    "drain too short",
    "expiry in step",
    "fault left on",
    "shadow mode left on",
    "unused policy",
    "refusals counted as failures",
];

/// Where the rules are explained, in the project's repository.
const PAGE: &str = "docs/lint.md";

impl Rule {
    /// Every rule, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..).zip(TITLES).map(|(number, title)| Self { number, title })
    }

    /// The rule of a number that is known to exist.
    pub(super) const fn numbered<const NUMBER: u8>() -> Self {
        const {
            assert!(NUMBER >= 1 && NUMBER as usize <= TITLES.len(), "there is no such rule");
            Self { number: NUMBER, title: TITLES[NUMBER as usize - 1] }
        }
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.number
    }

    /// What it is about, in a few words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.title
    }

    /// Where it is explained: a page of the repository with the anchor of its section.
    #[must_use]
    pub fn docs(self) -> String {
        let title = self.title.replace(' ', "-");
        format!("{PAGE}#l{}-{title}", self.number)
    }
}

impl fmt::Display for Rule {
    /// `L7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "L{}", self.number)
    }
}

/// There is no rule of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchRule;

impl fmt::Display for NoSuchRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no such rule; they are L1 to L{}", TITLES.len())
    }
}

impl std::error::Error for NoSuchRule {}

impl FromStr for Rule {
    type Err = NoSuchRule;

    fn from_str(text: &str) -> Result<Self, NoSuchRule> {
        Self::all().find(|rule| rule.to_string() == text).ok_or(NoSuchRule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for rule in Rule::all() {
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        assert_eq!("L0".parse::<Rule>(), Err(NoSuchRule));
        assert_eq!("l1".parse::<Rule>(), Err(NoSuchRule));
        assert_eq!(Rule::numbered::<7>().to_string(), "L7");
        assert_eq!(Rule::all().last().map(Rule::number), Some(30));
    }
}
