//! What the check found: one finding with everything that a reader needs to judge and to mend it.

use super::rule::Rule;
use crate::mistake::Place;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Info,
    /// It hurts under some load or some failure.
    Warning,
    /// It hurts in the failure that the setting is there for, or it does nothing at all.
    Error,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A value that a finding goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Used {
    /// Its keys, joined by dots.
    pub path: String,
    /// The value, as a file would write it.
    pub value: String,
    /// Where the file gives it; `None` for defaults and for facts from elsewhere.
    pub place: Option<Place>,
    /// Where it comes from: a place, a preset, or a default with its reason.
    pub origin: String,
}

/// What a simulation needs in order to show a finding.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Proof {
    /// The route whose calls suffer.
    pub route: Option<String>,
    /// The upstream that fails.
    pub upstream: Option<String>,
    /// The numbers of the finding, by name; durations in seconds, rates a second. All finite.
    pub numbers: BTreeMap<&'static str, f64>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule that fired.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: a route, an upstream, the gateway.
    pub about: String,
    /// Every value that went into it.
    pub places: Vec<Used>,
    /// The rule with the numbers in it.
    pub formula: String,
    /// What happens.
    pub consequence: String,
    /// What to change, as an edit of the file.
    pub fix: String,
    /// What to simulate in order to see it; `None` where there is nothing to see.
    pub proof: Option<Proof>,
}

impl Finding {
    pub(super) fn new(rule: Rule, severity: Severity) -> Self {
        Self {
            rule,
            severity,
            about: "gateway".to_owned(),
            places: Vec::new(),
            formula: String::new(),
            consequence: String::new(),
            fix: String::new(),
            proof: Some(Proof::default()),
        }
    }

    pub(super) fn on_route(mut self, route: &str, upstream: &str) -> Self {
        self.about = format!("route {route}, upstream {upstream}");
        let numbers = self.proof.take().unwrap_or_default().numbers;
        let (route, upstream) = (Some(route.to_owned()), Some(upstream.to_owned()));
        self.proof = Some(Proof { route, upstream, numbers });
        self
    }

    pub(super) fn on_upstream(mut self, upstream: &str) -> Self {
        self.about = format!("upstream {upstream}");
        let numbers = self.proof.take().unwrap_or_default().numbers;
        self.proof = Some(Proof { route: None, upstream: Some(upstream.to_owned()), numbers });
        self
    }

    pub(super) fn about(mut self, about: String) -> Self {
        self.about = about;
        self
    }

    pub(super) fn uses(mut self, used: impl IntoIterator<Item = Used>) -> Self {
        self.places.extend(used);
        self
    }

    pub(super) fn says(mut self, formula: String, consequence: impl Into<String>) -> Self {
        (self.formula, self.consequence) = (formula, consequence.into());
        self
    }

    pub(super) fn mend(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// What is infinite is left out: it means that there is no such number.
    pub(super) fn numbers(mut self, numbers: &[(&'static str, f64)]) -> Self {
        if let Some(proof) = &mut self.proof {
            let finite = numbers.iter().copied().filter(|(_, number)| number.is_finite());
            proof.numbers.extend(finite);
        }
        self
    }

    pub(super) fn unproved(mut self) -> Self {
        self.proof = None;
        self
    }

    /// Where the values stand: `gateway.toml:14 and :31`, or the file alone.
    #[must_use]
    pub fn lines(&self, file: &str) -> String {
        let mut lines: Vec<usize> =
            self.places.iter().filter_map(|used| used.place).map(|place| place.line).collect();
        lines.sort_unstable();
        lines.dedup();
        let mut text = file.to_owned();
        for (number, line) in lines.iter().enumerate() {
            let last = number > 0 && number + 1 == lines.len();
            let separator = if last {
                " and "
            } else if number > 0 {
                ", "
            } else {
                ""
            };
            let _never_fails = write!(text, "{separator}:{line}");
        }
        text
    }

    /// The finding as text of several lines. `how` is the command that shows it, without the rule.
    #[must_use]
    pub fn render(&self, file: &str, how: &str) -> String {
        let (rule, severity, lines) = (self.rule, self.severity.word(), self.lines(file));
        let mut text = format!("{rule} {severity}  {lines}   {}: {}", self.about, rule.title());
        let _never_fails = write!(text, "\n  {}: {}", self.formula, self.consequence);
        let _never_fails = write!(text, "\n  fix: {}", self.fix);
        if self.proof.is_some() {
            let _never_fails = write!(text, "\n  shown by: {how} --prove {rule}");
        }
        let _never_fails = write!(text, "\n  more: {}", rule.docs());
        text
    }

    /// The finding on one line.
    #[must_use]
    pub fn line(&self, file: &str) -> String {
        let Self { rule, about, formula, fix, .. } = self;
        format!("{rule} {}: {about}: {formula}; fix: {fix}", self.lines(file))
    }
}

/// A rule that had too little to go by.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotEvaluated {
    /// The rule.
    pub rule: Rule,
    /// What it would have been about.
    pub about: String,
    /// What is missing, and the key that would say it.
    pub needs: String,
}
