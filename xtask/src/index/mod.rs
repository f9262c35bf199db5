//! `cargo xtask index`: the page that leads from each known defect and each worked example to the
//! tests that bear its number.
//!
//! What is known is listed in `titles.txt`; which tests there are is read from their names. Tidy
//! makes the page anew and compares, so that it cannot go stale.

mod names;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use crate::Clean;
use crate::error::Error;
use crate::process::Workspace;
use crate::tidy::{Repository, RustFile};
use names::{Id, ids_of};

/// Where the page lives.
pub(crate) const PAGE: &str = "docs/traps.md";
const TITLES: &str = include_str!("titles.txt");

/// Worked examples: the prefix of their ids, how many there are, and what they are about.
const EXAMPLES: [(&str, u32, &str); 19] = [
    ("cl", 3, "classification of outcomes"),
    ("to", 4, "timeouts and deadlines"),
    ("bo", 4, "backoff"),
    ("re", 5, "retry"),
    ("bu", 5, "attempt budget"),
    ("he", 5, "hedging"),
    ("br", 10, "circuit breaker"),
    ("bh", 3, "bulkhead"),
    ("ac", 6, "adaptive concurrency"),
    ("rl", 5, "rate limiting"),
    ("ct", 2, "client throttling"),
    ("ls", 1, "load shedding"),
    ("dg", 2, "degradation levels"),
    ("fb", 2, "fallback"),
    ("lb", 8, "load balancing"),
    ("od", 5, "outlier detection"),
    ("fd", 4, "failure detection"),
    ("id", 5, "idempotency keys"),
    ("t", 187, "known defects"),
];

/// Examples without a test, and what each waits for.
const WAITING: [(&str, u32, &str); 1] =
    [("he", 5, "the simulator: it is a figure of a fleet of a hundred servers")];

/// Writes the page.
pub(crate) fn run(out: &mut dyn Write) -> Result<Clean, Error> {
    let workspace = Workspace::find()?;
    let repository = Repository::read(&workspace.root)?;
    let path = workspace.root.join(PAGE);
    let text = page(&repository);
    fs::write(&path, text).map_err(|source| Error::Write { path, source })?;
    writeln!(out, "wrote {PAGE}")?;
    Ok(true)
}

/// The page as it should be.
pub(crate) fn page(repository: &Repository) -> String {
    let tests = tests(&repository.rust);
    let mut page = String::from(HEAD);
    for (line, number) in titles().zip(1..) {
        let found = tests.get(&Id::new("t", number));
        page += &row(&format!("T{number}"), line, found);
    }
    page += "\n## Worked examples\n\n| example | about | tests |\n| --- | --- | --- |\n";
    for (prefix, count, about) in EXAMPLES.iter().filter(|(prefix, ..)| prefix.len() > 1) {
        for number in 1..=*count {
            let found = tests.get(&Id::new(prefix, number));
            let name = format!("{}-{number}", prefix.to_uppercase());
            page += &row(&name, (*about, waits_for(prefix, number)), found);
        }
    }
    page
}

/// Ids that have neither a test nor a reason to wait.
pub(crate) fn missing(repository: &Repository) -> Vec<String> {
    let tests = tests(&repository.rust);
    let waits: Vec<bool> = titles().map(|(_, waits)| waits.is_some()).collect();
    let mut missing = Vec::new();
    for (prefix, count, _) in EXAMPLES {
        for number in 1..=count {
            let id = Id::new(prefix, number);
            let defect = prefix == "t" && waits.get(number as usize - 1) == Some(&true);
            let waiting = defect || waits_for(prefix, number).is_some();
            if !waiting && !tests.contains_key(&id) {
                missing.push(id.to_string());
            }
        }
    }
    missing
}

const HEAD: &str = "# Known defects and worked examples, and their tests

Made by `cargo xtask index` from the names of the tests; `cargo xtask tidy` fails when it is stale.
The first table lists defects that resilience software has shipped, in our words for what must
hold instead. The second lists the worked examples that the policies are computed by.

## Known defects

| defect | what holds | tests |
| --- | --- | --- |
";

fn row(name: &str, (words, waits): (&str, Option<&str>), found: Option<&Vec<String>>) -> String {
    let tests = match (found, waits) {
        (Some(tests), _) => tests.join("<br>"),
        (None, Some(waits)) => format!("waits for {waits}"),
        (None, None) => "missing".to_owned(),
    };
    format!("| {name} | {words} | {tests} |\n")
}

fn waits_for(prefix: &str, number: u32) -> Option<&'static str> {
    let found = WAITING.iter().find(|(waiting, n, _)| (*waiting, *n) == (prefix, number));
    found.map(|(.., reason)| *reason)
}

/// What each defect is about, and what it waits for, in the order of their numbers.
fn titles() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    TITLES.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut parts = line.split(" | ").skip(1);
        (parts.next().unwrap_or_default(), parts.next())
    })
}

/// The tests that bear an id, each as a path to its file.
fn tests(files: &[RustFile]) -> BTreeMap<Id, Vec<String>> {
    let prefixes = EXAMPLES.map(|(prefix, ..)| prefix);
    let mut tests: BTreeMap<Id, Vec<String>> = BTreeMap::new();
    for file in files {
        for name in file.tests() {
            for id in ids_of(&name, &prefixes) {
                let link = format!("[`{name}`](../{})", file.path);
                tests.entry(id).or_default().push(link);
            }
        }
    }
    tests
}
