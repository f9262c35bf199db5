//! Counter-examples: a finding of the check, shown in a world so small that it runs at once.
//!
//! [`prove`] builds a world from the config, from what the config assumes, and from the numbers of
//! the finding; it runs it with the present values and with the printed fix applied, under the
//! same chance, and says what differs. Each family of rules has a file; worlds are put together in
//! `scene`, measures are in `look`, and `fix` reads the edit that the finding prints, so that what
//! is tried is what is advised. What the world cannot express is said, never imitated.
//!
//! Where the rules are judged is `seawall_config::lint`.
//!
//! ```
//! let text = r#"
//!     [upstreams.payments]
//!     endpoints = ["127.0.0.1:9001", "127.0.0.1:9002"]
//!     bulkhead = { permits = 20, queue = 0 }
//!     [[routes]]
//!     path = "/pay"
//!     upstream = "payments"
//!     [assume.routes."/pay"]
//!     rate = 100
//!     [assume.upstreams.payments.latency]
//!     mean = "200ms"
//! "#;
//! let config = seawall_config::Config::parse(text, "gateway.toml").expect("no mistakes");
//! let report = seawall_config::lint::lint(&config, &config.assume);
//! let finding = report.findings.iter().find(|found| found.rule.number() == 12);
//! let proof = seawall_sim::prove::prove(&config, finding.expect("20 permits are too few"));
//! assert!(proof.expect("it can be shown").text().contains("refused calls"));
//! ```

mod breaker;
mod bulkhead;
mod capacity;
mod ejection;
mod fix;
mod hedge;
mod layers;
mod leaving;
mod look;
mod margin;
mod patience;
mod queue;
mod retries;
mod scene;
mod subject;
mod text;

#[cfg(test)]
mod tests;

use seawall_config::Config;
use seawall_config::lint::{Finding, Rule};

use crate::verdict::Unit;
use subject::Subject;

/// The seed of every proof: run i of each has the seed that this gives it.
pub const SEED: u64 = 1;

/// What a finding comes to in a world.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The rule.
    pub rule: Rule,
    /// What the finding is about.
    pub about: String,
    /// What was seen, or why nothing can be: a reason in words.
    pub result: Result<Contrast, String>,
}

/// The same world twice: with the present values and with the fix.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// What happens in it.
    pub scene: String,
    /// What the fix changes.
    pub fix: String,
    /// Runs of each; run i of both has the same seed.
    pub runs: u32,
    /// What was measured, the most telling first.
    pub measures: Vec<Compared>,
}

/// A measure of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// What it is.
    pub name: String,
    /// What kind of number it is. Times are in seconds.
    pub unit: Unit,
    /// The mean over the runs with the present values; `None` if it never came to it.
    pub now: Option<f64>,
    /// The same with the fix.
    pub fixed: Option<f64>,
}

/// What a proof comes to, or why it cannot be given.
type Shown = Result<Contrast, String>;

/// Shows a finding of `config`; `None` for one that has nothing to see. It takes some tenths of a
/// second at most, since larger worlds are refused.
#[must_use]
pub fn prove(config: &Config, finding: &Finding) -> Option<Proof> {
    finding.proof.as_ref()?;
    let about = finding.about.clone();
    let result = Subject::of(config, finding).ok_or_else(no_subject).and_then(|s| show(&s));
    Some(Proof { rule: finding.rule, about, result })
}

fn no_subject() -> String {
    "the finding names neither a route nor an upstream of the config".to_owned()
}

fn show(subject: &Subject<'_>) -> Shown {
    match subject.finding.rule.number() {
        1 => patience::inversion(subject),
        2 => patience::unfitting(subject),
        3 => layers::worst_case(subject),
        4 => layers::budgeted(subject),
        5 => layers::several(subject),
        6 => retries::in_step(subject),
        7 => retries::too_soon(subject),
        8 => retries::repeated(subject),
        9 => breaker::never(subject),
        10 => breaker::noise(subject),
        11 => breaker::wide(subject),
        12 => bulkhead::small(subject),
        13 => bulkhead::inert(subject),
        14 => queue::long(subject),
        15 => ejection::inert(subject),
        16 => ejection::slow(subject),
        17 => ejection::probes(subject),
        18 => leaving::stampede(subject),
        19 => hedge::unbudgeted(subject),
        20 => capacity::shared_fate(subject),
        21 => capacity::limit(subject),
        22 => capacity::zone(subject),
        23 => margin::metastable(subject),
        24 => Err("connections of a gateway have no age in the simulation".to_owned()),
        25 => leaving::drain(subject),
        26 => queue::expiry(subject),
        30 => breaker::refusals(subject),
        number => Err(format!("no world shows L{number}")),
    }
}
