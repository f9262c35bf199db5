//! `seawall demo`: a small shop of real processes, the gateway in front of it, load, and a schedule
//! of failures; the same load goes to the same replicas directly and through the gateway, and the
//! numbers of both stand side by side.
//!
//! Here are the command line and the exit status. The course of events is in `stage`, the services
//! in `service`, the faults in `schedule`, the load in `load`, and the shop's config in
//! `examples/shop.toml`. The gateway itself is `seawall run`, a child process like the others.

mod arrivals;
mod client;
mod clock;
mod config;
mod gateway;
mod ledger;
mod ledger_http;
mod load;
mod metrics;
mod processes;
mod replicas;
mod report;
mod schedule;
mod screen;
mod server;
mod service;
mod shop;
mod stage;
mod tally;
mod trouble;

use std::io::Write;
use std::process::ExitCode;

use http::HeaderName;

pub(crate) use self::service::{ServiceArgs, serve};

use self::report::Summary;
use self::screen::Screen;
use self::stage::Ending;
use self::trouble::Trouble;

/// The caller's promise that requests bearing the same key are one request.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The gateway's mark on an answer that it made itself.
const SEAWALL_WHY: HeaderName = HeaderName::from_static("seawall-why");
/// The storefront's mark on a page with a substitute part.
const SHOP_DEGRADED: HeaderName = HeaderName::from_static("x-shop-degraded");

/// The exit status when the demo could not be held, apart from 1, a demo that did not convince.
const NOT_HELD: u8 = 2;

/// Watch a gateway keep a shop alive while its services crash, freeze, slow down and fail
///
/// Starts a small shop of real HTTP services on loopback, the gateway in front of it, and a
/// schedule of failures. The same load goes to the same replicas twice: directly, by plain round
/// robin, and through the gateway. Nothing is left behind, whatever ends it.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall demo                                   watch it for a minute
  seawall demo --headless --seconds 30 --json    a report for a program to read

Exit status:
  0  no request failed behind Seawall and no payment was made twice
  1  one did, or was
  2  the demo could not be held")]
pub(crate) struct DemoArgs {
    /// How long the load runs, 10 to 3600 [default: 60, or 30 with --headless]
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<u32>,
    /// Requests a second on each side, 10 to 500: 8 of 11 read a page, 3 of 11 pay
    #[arg(long, value_name = "N", default_value_t = 55,
          value_parser = clap::value_parser!(u32).range(10..=500))]
    rate: u32,
    /// Fixes the arrivals of requests and the choice of those that get a 503
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Run for a report, not for a person who watches
    #[arg(long)]
    headless: bool,
    /// End with a JSON summary on standard output; the words go to standard error
    #[arg(long)]
    json: bool,
}

impl DemoArgs {
    fn seconds(&self) -> u32 {
        self.seconds.unwrap_or(if self.headless { 30 } else { 60 })
    }
}

fn seconds(text: &str) -> Result<u32, String> {
    let (min, max) = (schedule::SECONDS_MIN, schedule::SECONDS_MAX);
    let number: u32 = text.parse().map_err(|_| format!("write a whole number, {min} to {max}"))?;
    if number < min {
        return Err(format!("the schedule of failures needs at least {min} seconds"));
    }
    if number > max {
        return Err(format!("at most {max} seconds; the books of longer ones grow too large"));
    }
    Ok(number)
}

/// Holds the demo.
pub(crate) fn run(args: &DemoArgs) -> ExitCode {
    let mut screen = if args.json { Screen::stderr() } else { Screen::stdout() };
    match hold(args, &mut screen) {
        Ok(code) => code,
        Err(trouble) => {
            anstream::eprintln!("seawall demo: {trouble}");
            ExitCode::from(NOT_HELD)
        }
    }
}

/// One thread for all: children must be started from the main thread, see `processes`.
fn hold(args: &DemoArgs, screen: &mut Screen) -> Result<ExitCode, Trouble> {
    let building = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = building.map_err(Trouble::system("start the runtime"))?;
    let (summary, interrupt) = match runtime.block_on(stage::perform(args, screen))? {
        Ending::NotBegun(interrupt) => return Ok(interrupt.exit_code()),
        Ending::Played(summary, interrupt) => (summary, interrupt),
    };
    screen.summary(&summary)?;
    if args.json {
        print(&summary)?;
    }
    let code = if summary.objections().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    Ok(interrupt.map_or(code, stage::Interrupt::exit_code))
}

fn print(summary: &Summary) -> Result<(), Trouble> {
    let mut stdout = std::io::stdout().lock();
    let written = serde_json::to_writer_pretty(&mut stdout, summary).map_err(Into::into);
    written.and_then(|()| writeln!(stdout)).map_err(Trouble::Unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_short_and_too_long_demos_are_refused_with_the_reason() {
        assert_eq!(seconds("10"), Ok(10));
        assert!(seconds("9").unwrap_err().contains("at least 10"));
        assert!(seconds("3601").unwrap_err().contains("at most 3600"));
        assert!(seconds("soon").unwrap_err().contains("whole number"));
    }
}
