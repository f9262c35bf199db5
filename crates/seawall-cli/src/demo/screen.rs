//! What the demo says in words: what happens as it happens, the numbers of both sides beside each
//! other, and the summary. Colour only where the stream is a terminal and NO_COLOR is not set.
//! The JSON summary is in `report`.

use std::fmt::Write as _;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::report::{Numbers, Summary};
use super::schedule::{Step, Turn};
use super::tally::Sums;
use super::trouble::Trouble;

const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default();
const TITLE: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Where the words go.
pub(super) struct Screen {
    out: Box<dyn Write>,
}

impl Screen {
    /// Standard output.
    pub(super) fn stdout() -> Self {
        Self { out: Box::new(anstream::stdout()) }
    }

    /// Standard error, when standard output is for a program that reads.
    pub(super) fn stderr() -> Self {
        Self { out: Box::new(anstream::stderr()) }
    }

    /// One line.
    pub(super) fn say(&mut self, text: &str) -> Result<(), Trouble> {
        writeln!(self.out, "{text}").and_then(|()| self.out.flush()).map_err(Trouble::Unread)
    }

    /// What stands where, before the load starts.
    pub(super) fn opening(&mut self, at: &Opening) -> Result<(), Trouble> {
        let Opening { audience, seconds, rate, seed, admin, web } = at;
        self.say(&format!(
            "A shop of 12 processes for {seconds} s; {rate} requests a second on each side, seed \
             {seed}. Both sides use the same replicas at the same time:"
        ))?;
        self.say("  direct   plain round robin over the replicas, 2 s timeouts, no retries")?;
        self.say(&format!("  seawall  the same programs through the gateway at http://{web}"))?;
        self.say(&format!("{TITLE}dashboard: http://{admin}{TITLE:#}"))?;
        if let Audience::Person = audience {
            self.say(&format!("try it: curl -i http://{web}/page/1   (Ctrl-C ends the demo)"))?;
        }
        self.say("")?;
        self.say(&format!("{TITLE}{:>8}  {:^24}  {:^33}{TITLE:#}", "", "direct", "seawall"))?;
        let columns = ["second", "served", "failed", "p99", "served", "degraded", "failed", "p99"];
        let [second, a, b, c, d, e, f, g] = columns;
        self.say(&format!(
            "{FAINT}{second:>8}  {a:>7}{b:>8}{c:>9}  {d:>7}{e:>9}{f:>8}{g:>9}{FAINT:#}"
        ))
    }

    /// A step of the schedule, as it is carried out.
    pub(super) fn step(&mut self, step: &Step) -> Result<(), Trouble> {
        let (style, mark) = match step.turn {
            Turn::Inject => (WARNING, "!"),
            Turn::Lift => (GOOD, "+"),
        };
        let at = step.at.as_secs_f64();
        self.say(&format!("{style}{at:>7.1}s {mark} {step}{style:#}"))
    }

    /// What the last second brought on both sides.
    pub(super) fn second(
        &mut self,
        second: u32,
        direct: &Sums,
        seawall: &Sums,
    ) -> Result<(), Trouble> {
        let mut line = format!("{second:>8}  {:>7}", direct.served());
        cell(&mut line, direct.failed, 8, BAD);
        latency(&mut line, direct);
        // Writing into a String cannot fail.
        write!(line, "  {:>7}", seawall.served()).ok();
        cell(&mut line, seawall.degraded, 9, WARNING);
        cell(&mut line, seawall.failed, 8, BAD);
        latency(&mut line, seawall);
        self.say(&line)
    }

    /// The summary with its verdict.
    pub(super) fn summary(&mut self, summary: &Summary) -> Result<(), Trouble> {
        let Summary { direct, seawall, payments, .. } = summary;
        let numbers = &seawall.numbers;
        self.say(&format!("\n{TITLE}{:<28}{:>14}{:>14}{TITLE:#}", "summary", "direct", "seawall"))?;
        self.row("requests", direct.requests, numbers.requests)?;
        self.row("failed", direct.failed, numbers.failed)?;
        self.row("served degraded", direct.degraded, numbers.degraded)?;
        for (name, of) in LATENCIES {
            let [a, b] = [of(direct), of(numbers)].map(|ms| format!("{ms:.1} ms"));
            self.say(&format!("  {name:<26}{a:>14}{b:>14}"))?;
        }
        self.reasons("direct", direct)?;
        self.reasons("seawall", numbers)?;
        self.effort(summary)?;
        self.say(&format!(
            "payments: {} keys, {} executed, {} executed twice; {} keys reached a replica more \
             than once",
            payments.keys,
            payments.executed,
            payments.executed_twice,
            payments.received_more_than_once
        ))?;
        self.verdict(summary)
    }

    fn row(&mut self, name: &str, direct: u64, seawall: u64) -> Result<(), Trouble> {
        self.say(&format!("  {name:<26}{direct:>14}{seawall:>14}"))
    }

    fn reasons(&mut self, side: &str, numbers: &Numbers) -> Result<(), Trouble> {
        if numbers.failures.is_empty() {
            return Ok(());
        }
        let all: Vec<String> =
            numbers.failures.iter().map(|(why, count)| format!("{count} × {why}")).collect();
        self.say(&format!("{side} failures: {}", all.join(", ")))
    }

    fn effort(&mut self, summary: &Summary) -> Result<(), Trouble> {
        let Some(effort) = &summary.seawall.effort else { return Ok(()) };
        let amplification =
            effort.amplification.map_or_else(|| "unknown".to_owned(), |ratio| ratio.to_string());
        self.say(&format!(
            "seawall: amplification {amplification} (attempts for each first attempt), {} retries, \
             {} ejections, {} breaker trips, {} fallbacks",
            effort.retries, effort.ejections, effort.breaker_opens, effort.fallbacks
        ))
    }

    fn verdict(&mut self, summary: &Summary) -> Result<(), Trouble> {
        let objections = summary.objections();
        if !summary.complete {
            self.say(&format!("{WARNING}ended before the schedule did{WARNING:#}"))?;
        }
        for objection in &objections {
            self.say(&format!("{BAD}not as promised: {objection}{BAD:#}"))?;
        }
        if !objections.is_empty() {
            return Ok(());
        }
        let lost = summary.direct.failed;
        self.say(&format!(
            "{GOOD}behind Seawall no request failed and no payment was made twice; \
             without it {lost} failed{GOOD:#}"
        ))
    }
}

/// Who watches the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Somebody who may want to try things.
    Person,
    /// A script that waits for the report.
    Program,
}

/// What the opening tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// Who watches.
    pub(super) audience: Audience,
    /// How long the load runs.
    pub(super) seconds: u32,
    /// Requests a second on each side.
    pub(super) rate: u32,
    /// The seed of arrivals and failures.
    pub(super) seed: u64,
    /// The admin address of the gateway.
    pub(super) admin: SocketAddr,
    /// The traffic address of the gateway.
    pub(super) web: SocketAddr,
}

type Latency = fn(&Numbers) -> f64;

const LATENCIES: [(&str, Latency); 3] = [
    ("half within", |numbers| numbers.p50_ms),
    ("99 of 100 within", |numbers| numbers.p99_ms),
    ("slowest", |numbers| numbers.max_ms),
];

/// A count, in `style` if there is anything to count.
fn cell(line: &mut String, count: u64, width: usize, style: Style) {
    let style = if count > 0 { style } else { Style::new() };
    // Writing into a String cannot fail.
    write!(line, "{style}{count:>width$}{style:#}").ok();
}

fn latency(line: &mut String, sums: &Sums) {
    let text = match sums.requests {
        0 => "-".to_owned(),
        _ => words(sums.quantile(0.99)),
    };
    // Writing into a String cannot fail.
    write!(line, "{text:>9}").ok();
}

fn words(latency: Duration) -> String {
    format!("{} ms", latency.as_millis())
}
