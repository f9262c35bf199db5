//! What the lint found, as text and as JSON.

use anstream::println;
use serde_json::{Value, json};

use seawall_config::Config;
use seawall_config::lint::{Finding, NotEvaluated, Report, Severity, Used, lint};

use crate::clock;

/// Checks a config with the facts that it gives; today is today unless it says otherwise.
pub(super) fn report(config: &Config) -> Report {
    let mut facts = config.assume.clone();
    facts.today = facts.today.or_else(clock::today);
    lint(config, &facts)
}

/// Whether anything has to be done.
pub(super) fn is_clean(report: &Report) -> bool {
    report.worst().is_none_or(|worst| worst < Severity::Warning)
}

/// The findings, each with a line after it.
pub(super) fn print(report: &Report, file: &str) {
    for finding in &report.findings {
        println!("{}\n", finding.render(file, &format!("seawall check {file}")));
    }
}

/// What the file allows, and what could not be judged.
pub(super) fn print_rest(report: &Report, file: &str) {
    if !report.allowed.is_empty() {
        println!("\nAllowed by [lint]:");
    }
    for (finding, why) in &report.allowed {
        println!("  {}; allowed: {why}", finding.line(file));
    }
    if !report.not_evaluated.is_empty() {
        println!("\nNot evaluated, for want of facts in [assume]:");
    }
    for NotEvaluated { rule, about, needs, .. } in &report.not_evaluated {
        println!("  {rule} {about} needs {needs}");
    }
    println!();
}

/// `2 errors, 1 warning; 1 allowed; 12 checks lack facts`, or `no findings`.
pub(super) fn summary(report: &Report) -> String {
    let kinds = [Severity::Error, Severity::Warning, Severity::Info].map(|severity| {
        let count = report.findings.iter().filter(|found| found.severity == severity).count();
        (count, severity.word())
    });
    let counted = kinds.iter().filter(|(count, _)| *count > 0);
    let counted: Vec<_> = counted.map(|(count, word)| plural(*count, word)).collect();
    let mut text = if counted.is_empty() { "no findings".to_owned() } else { counted.join(", ") };
    if !report.allowed.is_empty() {
        text += &format!("; {} allowed", report.allowed.len());
    }
    match report.not_evaluated.len() {
        0 => {}
        1 => text += "; 1 check lacks facts, see --explain",
        more => text += &format!("; {more} checks lack facts, see --explain"),
    }
    text
}

fn plural(count: usize, word: &str) -> String {
    // "info" has no plural.
    let ending = if count == 1 || word == "info" { "" } else { "s" };
    format!("{count} {word}{ending}")
}

/// The parts of the JSON report.
pub(super) fn json(report: &Report) -> (Value, Value, Value) {
    let findings = report.findings.iter().map(finding).collect();
    let allowed = report.allowed.iter().map(|(found, why)| {
        let mut value = finding(found);
        value["why"] = json!(why);
        value
    });
    let missing = report.not_evaluated.iter().map(|missing| {
        let NotEvaluated { rule, about, needs, .. } = missing;
        json!({ "rule": rule.to_string(), "about": about, "needs": needs })
    });
    (findings, allowed.collect(), missing.collect())
}

fn finding(found: &Finding) -> Value {
    let proof = found.proof.as_ref().map(|proof| {
        json!({ "route": proof.route, "upstream": proof.upstream, "numbers": proof.numbers })
    });
    json!({
        "rule": found.rule.to_string(),
        "title": found.rule.title(),
        "severity": found.severity.word(),
        "about": found.about,
        "places": found.places.iter().map(place).collect::<Vec<_>>(),
        "formula": found.formula,
        "consequence": found.consequence,
        "fix": found.fix,
        "docs": found.rule.docs(),
        "proof": proof,
    })
}

fn place(used: &Used) -> Value {
    json!({
        "path": used.path,
        "value": used.value,
        "line": used.place.map(|place| place.line),
        "column": used.place.map(|place| place.column),
        "origin": used.origin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTED: &str =
        "[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n[[routes]]\nupstream = \"a\"\n";

    fn checked(rest: &str) -> Report {
        report(&Config::parse(&format!("{ROUTED}{rest}"), "g").unwrap())
    }

    #[test]
    fn a_plain_config_is_clean_and_says_what_was_not_judged() {
        let report = checked("");
        assert!(is_clean(&report));
        let text = summary(&report);
        assert!(text.starts_with("no findings; ") && text.ends_with("see --explain"), "{text}");
    }

    #[test]
    fn warnings_are_findings_and_information_is_none() {
        let report = checked("timeouts = { total = \"4s\" }\n[policies.p]\nclass = \"batch\"\n");
        assert!(!is_clean(&report));
        assert!(summary(&report).starts_with("1 warning, 1 info; "), "{}", summary(&report));
        assert!(is_clean(&checked("[policies.p]\nclass = \"batch\"\n")));
    }

    #[test]
    fn what_is_allowed_is_counted_and_kept_with_its_reason() {
        let allow = "[lint]\nallow = [{ rule = \"L2\", why = \"as meant\" }]\n";
        let report = checked(&format!("timeouts = {{ total = \"4s\" }}\n{allow}"));
        assert!(is_clean(&report));
        assert!(summary(&report).starts_with("no findings; 1 allowed; "), "{}", summary(&report));
        let (findings, allowed, _) = json(&report);
        assert_eq!(
            (findings.as_array().unwrap().len(), &allowed[0]["why"]),
            (0, &json!("as meant"))
        );
    }

    #[test]
    fn a_finding_as_json_has_every_value_with_its_place() {
        let (findings, _, missing) = json(&checked("timeouts = { total = \"4s\" }\n"));
        let finding = &findings[0];
        assert_eq!(finding["rule"], "L2");
        assert_eq!(finding["severity"], "warning");
        assert_eq!(finding["docs"], "docs/lint.md#l2-attempts-that-cannot-fit");
        let total = &finding["places"][0];
        assert_eq!(
            (&total["path"], &total["line"]),
            (&json!("routes./.timeouts.total"), &json!(5))
        );
        assert_eq!(finding["proof"]["numbers"]["total_s"], 4.0);
        assert!(missing[0]["needs"].is_string());
    }

    #[test]
    fn the_day_of_the_check_is_that_of_the_clock_unless_the_file_says() {
        let fault = "[assume.faults.slow]\nexpires = 2020-01-01\nenabled = false\n";
        let report = checked(fault);
        assert!(
            report.findings[0].formula.starts_with("its last day was 2020-01-01, and today is")
        );
        assert!(checked(&format!("[assume]\ntoday = 2020-01-01\n{fault}")).findings.is_empty());
    }
}
