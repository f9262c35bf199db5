//! `seawall check`: what is wrong with a config, what will hurt, and what it comes to.
//!
//! How findings are printed is in `findings.rs`, how they are shown in `proofs.rs`; what they are
//! about in `seawall_config::lint`.

mod findings;
mod proofs;

use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{eprintln, println};
use clap::Args;
use serde_json::json;

use seawall_config::lint::{Report, Rule, Severity};
use seawall_config::{Config, ConfigError, Setting, SettingValue};
use seawall_core::call::Layer;

use crate::UNUSABLE;

/// Exit status for a config with mistakes, or with findings that are more than information.
const FINDINGS: u8 = 1;

/// Check a config file without running it: mistakes, and what will hurt all the same
///
/// What the config cannot know (rates, capacity, latency) it may say in `[assume]`; docs/lint.md
/// explains each rule.
///
/// Exit status: 0 clean or information only, 1 mistakes or findings, 2 the file cannot be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// The config file
    file: PathBuf,

    /// Print every effective value with its origin, the order of the mechanisms, and the checks
    /// that lack facts
    #[arg(long)]
    explain: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Show what the findings say in small simulated worlds, with the present values and with the
    /// fix; all findings, or those of these rules
    #[arg(long, value_name = "RULE", num_args = 0..)]
    prove: Option<Vec<Rule>>,
}

const EXAMPLES: &str = "Examples:
  seawall check seawall.toml
  seawall check --explain seawall.toml | less
  seawall check --json seawall.toml
  seawall check seawall.toml --prove               show every finding in a simulated world
  seawall check seawall.toml --prove L12 L23       show those of two rules";

/// Checks a file.
pub(crate) fn check(args: &CheckArgs) -> ExitCode {
    let config = match Config::load(&args.file) {
        Ok(config) => config,
        Err(error) => return refuse(&error, args.json),
    };
    let report = findings::report(&config);
    match (&args.prove, args.json) {
        (_, true) => print_json(&config, &report, args),
        (Some(rules), false) => proofs::print(&config, &report, rules),
        (None, false) => print_text(&config, &report, args.explain),
    }
    if findings::is_clean(&report) { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) }
}

/// Says in the log what is sure to hurt, one line for each finding.
pub(crate) fn warn(config: &Config) {
    let report = findings::report(config);
    for finding in report.findings.iter().filter(|found| found.severity == Severity::Error) {
        tracing::warn!(target: "seawall::check", "{}", finding.line(&config.file));
    }
}

fn print_text(config: &Config, report: &Report, explain: bool) {
    if explain {
        print_settings(config);
    }
    findings::print(report, &config.file);
    if explain {
        findings::print_rest(report, &config.file);
    }
    let (upstreams, routes) = (config.upstreams.len(), config.routes.len());
    let summary = findings::summary(report);
    println!("{}: no mistakes; {upstreams} upstreams, {routes} routes; {summary}", config.file);
}

fn print_settings(config: &Config) {
    let settings = config.explain();
    let width = settings.iter().map(|setting| setting.path().len()).max().unwrap_or_default();
    for setting in &settings {
        let origin = config.describe_origin(&setting.origin);
        println!("{:width$} = {:<12} # {origin}", setting.path(), written(&setting.value));
    }
    println!("\nThe order in which a call passes the mechanisms:");
    for (number, layer) in (1..).zip(Layer::ALL) {
        println!("{number:>3}. {layer}");
    }
    println!();
}

fn print_json(config: &Config, report: &Report, args: &CheckArgs) {
    let one = |setting: &Setting| {
        let origin = config.describe_origin(&setting.origin);
        json!({ "path": setting.path(), "value": written(&setting.value), "origin": origin })
    };
    let settings = args.explain.then(|| config.explain().iter().map(one).collect::<Vec<_>>());
    let (findings, allowed, not_evaluated) = findings::json(report);
    let proofs = args.prove.as_ref().map(|rules| proofs::json(config, report, rules));
    let report = json!({
        "file": config.file,
        "mistakes": [],
        "findings": findings,
        "allowed": allowed,
        "not_evaluated": not_evaluated,
        "proofs": proofs,
        "config": config,
        "settings": settings,
        "layers": args.explain.then_some(Layer::ALL.map(Layer::describe)),
    });
    println!("{report:#}");
}

fn refuse(error: &ConfigError, json: bool) -> ExitCode {
    let (code, mistakes) = match error {
        ConfigError::Mistakes(mistakes) => (FINDINGS, mistakes.list()),
        _ => (UNUSABLE, &[][..]),
    };
    if !json {
        eprintln!("{error}");
        return ExitCode::from(code);
    }
    let list = mistakes.iter().map(|mistake| {
        let (line, column) =
            mistake.place.map_or((None, None), |place| (Some(place.line), Some(place.column)));
        json!({ "line": line, "column": column, "what": mistake.what, "remedy": mistake.remedy })
    });
    let unreadable = mistakes.is_empty().then(|| error.to_string());
    let report = json!({ "mistakes": list.collect::<Vec<_>>(), "unreadable": unreadable });
    println!("{report:#}");
    ExitCode::from(code)
}

fn written(value: &SettingValue) -> String {
    match value {
        SettingValue::Text(text) => format!("\"{text}\""),
        SettingValue::Count(count) => count.to_string(),
        SettingValue::Flag(flag) => flag.to_string(),
        SettingValue::List(list) => {
            let quoted: Vec<_> = list.iter().map(|text| format!("\"{text}\"")).collect();
            format!("[{}]", quoted.join(", "))
        }
    }
}
