//! Scenario files: what they mean, and what is refused.

mod mistakes;
mod worlds;

use super::Scenario;
use crate::outcome::Outcome;
use crate::run::{Settings, run};

/// A config with one upstream of three endpoints in two zones, and one route.
const CONFIG: &str = r#"
[config.upstreams.payments]
endpoints = [
  { address = "127.0.0.1:1", zone = "a" },
  { address = "127.0.0.1:2", zone = "b" },
  { address = "127.0.0.1:3", zone = "a" },
]
[[config.routes]]
path = "/pay"
name = "pay"
upstream = "payments"
"#;

const HEAD: &str = "[scenario]\nhorizon = \"10s\"\n";

const LOAD: &str = "[load.shop]\nservice = \"db\"\nrate = 50\n";

const DB: &str = "[services.db]\nworkers = 4\nservice = \"20ms\"\n";

fn parse(text: &str) -> Result<Scenario, String> {
    Scenario::parse(text, "x.toml", None).map_err(|error| error.to_string())
}

fn read(text: &str) -> Scenario {
    match parse(text) {
        Ok(scenario) => scenario,
        Err(why) => panic!("{why}\n{text}"),
    }
}

fn runs(scenario: &Scenario, jobs: usize) -> Outcome {
    let settings = Settings { seed: 1, seeds: None, jobs, command: String::new() };
    run(scenario, &settings, &|_, _| {})
}
