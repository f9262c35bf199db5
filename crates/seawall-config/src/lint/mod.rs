//! The check of a config that can work and will still hurt: arithmetic over hops, rules L1 to L30.
//!
//! [`lint`] is pure: a config and [`Facts`] go in, a [`Report`] comes out. What the config cannot
//! know (rates, capacity, latency, who calls whom) is in the facts; a rule that lacks one of them
//! says which. The rules are in `rules/`, one file for each family; what they have in common is in
//! `view.rs`, `hop.rs` and `paths.rs`. Reading `[assume]` is in `assume/`, the explanation of each
//! rule in `docs/lint.md`.
//!
//! ```
//! let config = seawall_config::Config::parse(
//!     r#"
//!     [upstreams.payments]
//!     endpoints = ["127.0.0.1:9001", "127.0.0.1:9002"]
//!     [[routes]]
//!     path = "/pay"
//!     upstream = "payments"
//!     timeouts = { total = "1s", attempt = "400ms" }
//!     "#,
//!     "gateway.toml",
//! )
//! .expect("a file without mistakes");
//! let report = seawall_config::lint::lint(&config, &config.assume);
//! assert_eq!(report.findings[0].rule.to_string(), "L2");
//! assert!(report.findings[0].formula.contains("2 × 400ms + 50ms = 850ms ≤ 1s"));
//! ```

mod date;
mod facts;
mod finding;
mod hop;
mod paths;
mod rates;
mod rule;
mod rules;
mod text;
mod view;

pub use date::Date;
pub use facts::{
    CacheFacts, Facts, Failing, FaultFacts, HedgeFacts, Latency, NotFailing, RouteFacts, Slowdown,
    UpstreamFacts,
};
pub use finding::{Finding, NotEvaluated, Proof, Severity, Used};
pub use rule::{NoSuchRule, Rule};

use crate::config::Config;
use view::{Notes, View};

/// A rule that a file switches off, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowed {
    /// The rule.
    pub rule: Rule,
    /// The route or upstream that it is switched off for; `None` means all.
    pub at: Option<String>,
    /// Why. Never empty.
    pub why: String,
}

/// What the check came to.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// What it found, the worst first, then by rule.
    pub findings: Vec<Finding>,
    /// What it found and the file allows, each with the reason.
    pub allowed: Vec<(Finding, String)>,
    /// What it could not judge, by rule.
    pub not_evaluated: Vec<NotEvaluated>,
}

impl Report {
    /// The worst severity among the findings.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}

/// Checks a config against all rules. A thousand upstreams with a route each take some tenths of a
/// second, nearly all of it for the origins of their values.
#[must_use]
pub fn lint(config: &Config, facts: &Facts) -> Report {
    let view = View::new(config, facts);
    let mut notes = Notes::default();
    for judge in rules::JUDGES {
        judge(&view, &mut notes);
    }
    let mut report = Report { not_evaluated: notes.not_evaluated, ..Report::default() };
    for finding in notes.findings {
        match config.allowed.iter().find(|allowed| allowed.covers(&finding)) {
            Some(allowed) => report.allowed.push((finding, allowed.why.clone())),
            None => report.findings.push(finding),
        }
    }
    report.findings.sort_by_key(|found| (std::cmp::Reverse(found.severity), found.rule));
    report
}

impl Allowed {
    fn covers(&self, finding: &Finding) -> bool {
        let named = |name: &String| {
            let proof = finding.proof.as_ref();
            let route = proof.and_then(|proof| proof.route.as_ref());
            let upstream = proof.and_then(|proof| proof.upstream.as_ref());
            route == Some(name) || upstream == Some(name) || finding.about == *name
        };
        self.rule == finding.rule && self.at.as_ref().is_none_or(named)
    }
}

#[cfg(test)]
mod tests;
