//! What a soak is to read on a terminal.

use super::verdict::Change;
use super::{Minute, Soaked};

/// All soaks, and why others were none; ends with a line break.
pub(super) fn text(soaked: &[Soaked], failed: &[String]) -> String {
    let mut text: String = soaked.iter().map(one).collect();
    failed.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    text
}

fn one(soaked: &Soaked) -> String {
    let settings = format!("{:?}", soaked.settings).to_lowercase();
    let mut text = format!(
        "Soak of {} ({settings}), {} minutes at {:.0} requests a second, seed {}\n",
        soaked.product,
        soaked.minutes.len(),
        soaked.rate,
        soaked.master,
    );
    text.push_str(&format!("{}\n\n", soaked.version));
    text.push_str(&format!(
        "  {:>3}  {:<18} {:<8} {:>8} {:>7} {:>9} {:>8} {:>6} {:>7}  {}\n",
        "min", "fault", "at", "requests", "failed", "p99 ms", "MiB", "files", "threads", "failures"
    ));
    for (number, minute) in (1_u32..).zip(&soaked.minutes) {
        text.push_str(&row(number, minute));
    }
    text.push('\n');
    text.push_str(&verdict(soaked));
    text
}

fn row(number: u32, minute: &Minute) -> String {
    let targets: Vec<String> = minute.targets.iter().map(u8::to_string).collect();
    let classes = minute.felt.failed.iter().map(|(class, count)| format!("{class} {count}"));
    let told = |figure: Option<u64>| figure.map_or_else(|| "–".to_owned(), |one| one.to_string());
    let line = format!(
        "  {number:>3}  {:<18} {:<8} {:>8} {:>7} {:>9} {:>8} {:>6} {:>7}  {}",
        minute.fault,
        targets.join("+"),
        minute.felt.requests,
        minute.felt.failures(),
        minute.felt.p99.map_or_else(|| "–".to_owned(), |p99| tenths(p99, 1_000_000)),
        minute.resident.map_or_else(|| "–".to_owned(), |bytes| tenths(bytes, 1 << 20)),
        told(minute.descriptors),
        told(minute.threads),
        classes.collect::<Vec<_>>().join(", "),
    );
    line.trim_end().to_owned() + "\n"
}

/// A number in a larger unit, with one digit behind the point, rounded.
fn tenths(number: u64, unit: u64) -> String {
    let tenths = (u128::from(number) * 10 + u128::from(unit) / 2) / u128::from(unit.max(1));
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn verdict(soaked: &Soaked) -> String {
    let verdict = &soaked.verdict;
    let mut text = String::new();
    let mut line = |what: &str, told: String| text.push_str(&format!("  {what}: {told}\n"));
    let unknown = || "not measured".to_owned();
    let memory = verdict.resident.map(|Change { before, after }| {
        let (first, last) = (tenths(before, 1 << 20), tenths(after, 1 << 20));
        format!("{first} MiB → {last} MiB{}", percent(before, after))
    });
    line("memory, first third → last third", memory.unwrap_or_else(unknown));
    for (what, change) in [("descriptors", verdict.descriptors), ("threads", verdict.threads)] {
        let told = change.map(|Change { before, after }| format!("{before} → {after}"));
        line(&format!("{what} in quiet"), told.unwrap_or_else(unknown));
    }
    for (name, Change { before, after }) in &verdict.holds {
        line(&format!("{name} in quiet"), format!("{before} → {after}"));
    }
    let failed: u64 = soaked.minutes.iter().map(|minute| minute.felt.failures()).sum();
    let requests: u64 = soaked.minutes.iter().map(|minute| minute.felt.requests).sum();
    line("failed requests", format!("{failed} of {requests}"));
    soaked.flaws.iter().for_each(|flaw| line("does not count", flaw.clone()));
    verdict.leaks.iter().for_each(|leak| line("LEAK", leak.clone()));
    if verdict.leaks.is_empty() {
        line("verdict", "nothing leaked".to_owned());
    }
    text + "\n"
}

/// How much a figure changed: ` (+1.2 %)`.
fn percent(before: u64, after: u64) -> String {
    if before == 0 {
        return String::new();
    }
    let sign = if after < before { '-' } else { '+' };
    format!(" ({sign}{} %)", tenths(after.abs_diff(before) * 100, before))
}
