//! From the runs of a matrix to the results that reports are made of: who took part, on which host,
//! and what was not run.

use std::fs;
use std::process::Command;

use super::Matrix;
use super::carry::{Ended, Fate};
use crate::arena::Ground;
use crate::peer::Product;
use crate::report::{Entrant, Host, Measured, NotRun, Results, Told};

/// Puts the results together.
pub(super) fn results(matrix: &Matrix, ended: Vec<Ended>) -> Results {
    let (mut runs, mut not_run) = (Vec::new(), Vec::new());
    for one in ended {
        let (product, settings) = (one.key.product, one.key.settings);
        match one.fate {
            Fate::Measured(figures, deeds) => {
                runs.push(Measured { key: one.key, figures: *figures, deeds });
            }
            Fate::NotRun(reason) | Fate::Failed(reason) => {
                let scenario = Some(one.key.scenario);
                let left_out = NotRun { product, settings, scenario, reason };
                // The same for every seed.
                if !not_run.contains(&left_out) {
                    not_run.push(left_out);
                }
            }
        }
    }
    let mut results = Results {
        date: first_line("date", &["-u", "+%F"]),
        command: command(),
        seed: matrix.options.master,
        host: host(matrix),
        entrants: entrants(matrix),
        scenarios: matrix.scenarios.iter().map(Told::of).collect(),
        runs,
        not_run,
        rehearsed: Vec::new(),
    };
    results.mark_odd_controls();
    results
}

fn entrants(matrix: &Matrix) -> Vec<Entrant> {
    let mut all = Vec::new();
    for (product, found) in &matrix.products {
        for settings in matrix.options.settings.list() {
            let is_meant =
                matrix.runs.iter().any(|run| (run.product, run.settings) == (*product, *settings));
            if !is_meant {
                continue;
            }
            let version = match found {
                Ok(installed) => installed.version.clone(),
                Err(_) => "not there".to_owned(),
            };
            let lacks = lacks(*product).iter().map(|what| (*what).to_owned()).collect();
            all.push(Entrant { product: *product, settings: *settings, version, lacks });
        }
    }
    all
}

/// What a product cannot do that others can, whatever its config: named, never imitated.
const fn lacks(product: Product) -> &'static [&'static str] {
    match product {
        Product::Direct => &["retries", "health checks", "ejection", "a total deadline"],
        Product::Seawall => &["discovery of endpoints", "a hand-over of its listeners"],
        Product::Nginx => &["a total deadline", "active health checks", "a retry budget"],
        Product::Haproxy => &["a total deadline", "a retry budget"],
        Product::Envoy => &[],
        Product::Pingora => &["a retry budget", "passive ejection"],
    }
}

fn host(matrix: &Matrix) -> Host {
    let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (ground, reduced) = match matrix.host.ground {
        Ground::Namespaces => ("a network namespace for each seat", matrix.host.packets.clone()),
        Ground::Loopback => ("all seats on loopback", matrix.host.packets.clone()),
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = field(&file("/proc/meminfo"), "MemTotal");
    let memory: u64 =
        memory.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0);
    Host {
        processor: field(&file("/proc/cpuinfo"), "model name"),
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        memory: memory * 1_024,
        kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
        ground: ground.to_owned(),
        reduced,
    }
}

/// The first value of a name in a table of the kernel's.
fn field(table: &str, name: &str) -> String {
    let mut rows = table.lines().filter_map(|line| line.split_once(':'));
    let found = rows.find(|(key, _)| key.trim() == name);
    found.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

/// The first line that a program says; "unknown" where it says nothing.
fn first_line(program: &str, words: &[&str]) -> String {
    let said = Command::new(program).args(words).output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.ok().filter(|line| !line.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

/// The command that makes them anew.
fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo run --release -p gauntlet -- {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_kernel_s_tables_are_found_by_name() {
        let table = "processor\t: 0\nmodel name\t: A  CPU\nprocessor\t: 1\nmodel name\t: B\n";
        assert_eq!(field(table, "model name"), "A  CPU");
        assert_eq!(field("MemTotal:       24 kB\n", "MemTotal"), "24 kB");
        assert_eq!(field("", "MemTotal"), "unknown");
    }
}
