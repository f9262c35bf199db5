//! Seawall beside the crates that do the same work: what a call costs, and how each behaves where
//! such crates are known to go wrong. Here the command line; the rows of the speed table are in
//! `speed`, those of the behaviour table in `behaviour`, our own entries in `ours`.

mod behaviour;
mod clock;
mod host;
mod measure;
mod ours;
mod report;
mod rivals;
mod speed;

use std::io::{self, Write, stderr, stdout};

use clap::Parser;

use crate::behaviour::Care;
use crate::host::Host;
use crate::measure::{Callers, Effort, Measured, Row, measure};
use crate::report::Report;

#[derive(Parser)]
#[command(about = "Speed and behaviour of Seawall beside other crates, in one run")]
struct Arguments {
    /// Print one JSON object instead of tables
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print a page of documentation instead
    #[arg(long)]
    markdown: bool,
    /// Shorter turns and fewer repetitions: shows factors, not percents
    #[arg(long)]
    quick: bool,
    /// Shuffle the entries as an earlier run did
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// List the names of all rows and end
    #[arg(long)]
    list: bool,
    /// Only rows whose name contains one of these; `M2` or `behaviour` for the other table
    #[arg(value_name = "ROW")]
    rows: Vec<String>,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let out = &mut stdout().lock();
    if arguments.list {
        return list(out);
    }
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    fastrand::seed(seed);
    let mut run = Run { arguments, out };
    run.all(Host::describe(seed))
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    for row in speed::rows() {
        writeln!(out, "{:<18} {}", row.name, row.about)?;
    }
    for measurement in behaviour::MEASUREMENTS {
        writeln!(out, "{:<18} {}", measurement.id, measurement.about)?;
    }
    Ok(())
}

struct Run<'a> {
    arguments: Arguments,
    out: &'a mut dyn Write,
}

impl Run<'_> {
    fn all(&mut self, host: Host) -> io::Result<()> {
        let effort = if self.arguments.quick { Effort::QUICK } else { Effort::FULL };
        self.say(|out| report::write_host(&host, out))?;
        let rows = speed::rows();
        let clock_ns = clock_read(&rows, effort);
        let mut measured = Vec::new();
        for row in &rows {
            if !self.wants(row.name) {
                continue;
            }
            for callers in Callers::ALL {
                let timings = measure(row, callers, effort);
                self.say(|out| report::write_row(&timings, clock_ns, out))?;
                measured.push(timings);
            }
        }
        let behaviour = self.behaviour()?;
        let load_after = host::load();
        self.write_whole(&Report { host, load_after, clock_ns, rows: measured, behaviour })
    }

    /// What can only be written once everything is known.
    fn write_whole(&mut self, report: &Report) -> io::Result<()> {
        if self.arguments.json {
            report::write_json(report, self.out)
        } else if self.arguments.markdown {
            report::write_markdown(report, self.out)
        } else {
            Ok(())
        }
    }

    fn behaviour(&mut self) -> io::Result<Vec<behaviour::Finding>> {
        let mut findings = Vec::new();
        for measurement in behaviour::MEASUREMENTS {
            let wanted = self.arguments.rows.iter().any(|name| name == measurement.id);
            if self.arguments.rows.is_empty() || wanted || self.wants("behaviour") {
                for finding in (measurement.find)(self.care()) {
                    self.say(|out| report::write_behaviour(&finding, out))?;
                    findings.push(finding);
                }
            }
        }
        Ok(findings)
    }

    fn care(&self) -> Care {
        if self.arguments.quick { Care::Quick } else { Care::Full }
    }

    fn wants(&self, name: &str) -> bool {
        let rows = &self.arguments.rows;
        rows.is_empty() || rows.iter().any(|part| name.contains(part.as_str()))
    }

    /// Tables go out as they are found; where the output is one whole they tell on standard error
    /// that it lives.
    fn say(&mut self, write: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let whole = self.arguments.json || self.arguments.markdown;
        if whole { write(&mut stderr()) } else { write(self.out) }
    }
}

/// What one read of the clock costs, whichever rows were asked for.
fn clock_read(rows: &[Row], effort: Effort) -> f64 {
    let row = rows
        .iter()
        .find(|row| row.name == speed::CLOCK)
        .map(|row| measure(row, Callers::One, effort));
    let std = |row: &Measured| row.timing(speed::CLOCK_STD).map(|timing| timing.ns.median);
    row.as_ref().and_then(std).unwrap_or_default()
}
