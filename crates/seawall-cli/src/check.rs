//! `seawall check`: what is wrong with a config, and what it comes to.

use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{eprintln, println};
use clap::Args;
use serde_json::json;

use seawall_config::{Config, ConfigError, Setting, SettingValue};
use seawall_core::call::Layer;

use crate::UNUSABLE;

/// Exit status for a config with mistakes.
const FINDINGS: u8 = 1;

/// Check a config file without running it
///
/// Exit status: 0 clean, 1 mistakes found, 2 the file cannot be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// The config file
    file: PathBuf,

    /// Print every effective value with its origin, and the order of the mechanisms
    #[arg(long)]
    explain: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  seawall check seawall.toml
  seawall check --explain seawall.toml | less
  seawall check --json seawall.toml";

/// Checks a file.
pub(crate) fn check(args: &CheckArgs) -> ExitCode {
    match (Config::load(&args.file), args.json) {
        (Ok(config), true) => print_json(&config, args.explain),
        (Ok(config), false) => print_text(&config, args.explain),
        (Err(error), json) => return refuse(&error, json),
    }
    ExitCode::SUCCESS
}

fn print_text(config: &Config, explain: bool) {
    if !explain {
        let (upstreams, routes) = (config.upstreams.len(), config.routes.len());
        println!("{}: no mistakes; {upstreams} upstreams, {routes} routes", config.file);
        return;
    }
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
}

fn print_json(config: &Config, explain: bool) {
    let one = |setting: &Setting| {
        let origin = config.describe_origin(&setting.origin);
        json!({ "path": setting.path(), "value": written(&setting.value), "origin": origin })
    };
    let settings = explain.then(|| config.explain().iter().map(one).collect::<Vec<_>>());
    let report = json!({
        "file": config.file,
        "mistakes": [],
        "config": config,
        "settings": settings,
        "layers": explain.then_some(Layer::ALL.map(Layer::describe)),
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
