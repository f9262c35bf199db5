//! The results for a terminal.

use super::number::{factor, grouped, kibibytes, mebibytes, micros, permille};
use super::results::{Cell, Outcome, Results, RowResults, Sample};
use super::row::{Row, Who};
use super::target::targets;
use crate::peer::Product;

/// All rows, then the promises.
pub(super) fn text(results: &Results) -> String {
    let mut text = heading(results);
    for row in &results.rows {
        text += &format!("\n{}: {}{}\n", row.row.name(), row.about, size(row));
        for line in lines(row) {
            text += &format!("  {}\n", padded(&line));
        }
        text += &row.row.note().map(|note| format!("  {note}\n")).unwrap_or_default();
    }
    text += "\nPromises\n";
    for target in targets(results) {
        let (figure, kept) = match &target.found {
            Some(found) => (found.figure.as_str(), if found.kept { "kept" } else { "NOT KEPT" }),
            None => ("-", "not measured"),
        };
        text += &format!("  {:<66}{figure:>12}{:>12}  {kept}\n", target.what, target.bound);
    }
    text
}

/// Where, when, what.
pub(super) fn heading(results: &Results) -> String {
    let host = &results.host;
    let cores = match host.product_core {
        Some(core) => format!("product on core {core}, the rest on {:?}", host.other_cores),
        None => "nothing pinned".to_owned(),
    };
    format!(
        "{} · {} · Linux {} · {cores}\n{} · {:?} configs · {} × {} s\n",
        host.date,
        host.processor,
        host.kernel,
        host.versions.join(", "),
        results.settings,
        results.rounds,
        results.seconds,
    )
}

/// The rate or the number of connections, where the row has one.
pub(super) fn size(row: &RowResults) -> String {
    match (row.row, row.size) {
        (Row::Half, Some(rate)) => format!(", {} requests a second", grouped(rate.into())),
        (Row::Idle, Some(count)) => format!(", {} connections", grouped(count.into())),
        _ => String::new(),
    }
}

/// The head of a row's columns, and one line for each product. Empty for a row not measured.
pub(super) fn lines(row: &RowResults) -> Vec<Vec<String>> {
    if row.cells.is_empty() {
        return Vec::new();
    }
    let head = match row.row {
        Row::Idle => vec!["", "KiB each", "failed"],
        Row::Half => vec!["", "p50 µs", "p99 µs", "over direct", "CPU µs", "failed"],
        _ => vec![
            "",
            "requests/s",
            "CPU µs",
            "user",
            "kernel",
            "÷ seawall",
            "p50 µs",
            "p99 µs",
            "MiB",
            "failed",
        ],
    };
    let head = head.into_iter().map(str::to_owned).collect();
    std::iter::once(head).chain(row.cells.iter().map(|cell| line(row, cell))).collect()
}

fn line(row: &RowResults, cell: &Cell) -> Vec<String> {
    let mut line = vec![cell.who.to_string()];
    match &cell.outcome {
        Outcome::NotRun(why) => line.push(format!("not run: {why}")),
        Outcome::Measured { median, samples } => match row.row {
            Row::Idle => line.extend([kibibytes(median.resident), grouped(median.failed)]),
            Row::Half => line.extend(latency(row, median)),
            _ => line.extend(speed(row, (cell.who, median, samples))),
        },
    }
    line
}

fn latency(row: &RowResults, median: &Sample) -> [String; 5] {
    let direct = row.median(Who::Plain(Product::Direct)).map_or(0, |direct| direct.p50);
    let added = micros(median.p50.saturating_sub(direct));
    let (p50, p99) = (micros(median.p50), micros(median.p99));
    [p50, p99, added, micros(median.cpu()), grouped(median.failed)]
}

fn speed(row: &RowResults, (who, median, samples): (Who, &Sample, &[Sample])) -> Vec<String> {
    let dash = || "-".to_owned();
    let latency = [micros(median.p50), micros(median.p99)];
    if who == Who::Plain(Product::Direct) {
        // How far the direct measurements lie apart is how much the machine changed meanwhile.
        let rates = || samples.iter().map(|sample| sample.rate);
        let (least, most) = (rates().min().unwrap_or(0), rates().max().unwrap_or(0));
        let spread = format!("{} ({}–{})", grouped(median.rate), grouped(least), grouped(most));
        let cpu = [dash(), dash(), dash(), dash()];
        let rest = [dash(), grouped(median.failed)];
        return [vec![spread], cpu.into(), latency.into(), rest.into()].concat();
    }
    let ours = row.median(Who::Plain(Product::Seawall)).map(Sample::cpu);
    let beside = ours.and_then(|ours| permille(median.cpu(), ours)).map_or_else(dash, factor);
    let cpu = [micros(median.cpu()), micros(median.user), micros(median.kernel), beside];
    let rest = [mebibytes(median.resident), grouped(median.failed)];
    [vec![grouped(median.rate)], cpu.into(), latency.into(), rest.into()].concat()
}

fn padded(line: &[String]) -> String {
    let mut fields = line.iter();
    let first = fields.next().map_or("", String::as_str);
    let rest = fields.map(|field| format!("{field:>12}")).collect::<String>();
    format!("{first:<18}{rest}").trim_end().to_owned()
}
