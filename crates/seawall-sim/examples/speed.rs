//! One tier under an open load with the breakers, retries and budget that a gateway has by
//! default, for so many seconds of its own time. Prints how many calls that were and the most
//! memory that this process has held, in KiB. `cargo xtask sim-speed` times it.

use std::io::{self, Write};

use seawall_core::call::CallSettings;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;
use seawall_sim::chance::Seed;
use seawall_sim::dist::Distribution;
use seawall_sim::plan::{
    Arrivals, Caller, Gateway, Load, Plan, Protected, Rate, RouteId, Server, Service, Spacing,
    Target,
};
use seawall_sim::world::World;

/// Calls in a second of the world's time.
const RATE: f64 = 1_000.0;

/// One answer in a hundred is an error, so that retries and the budget have something to do.
const ERRORS: u32 = 1;

fn main() -> io::Result<()> {
    let seconds = std::env::args().nth(1).and_then(|given| given.parse().ok()).unwrap_or(1_000);
    let record = World::run(world(seconds), Seed::new(1));
    let calls: u64 = record.loads.iter().map(|load| load.started).sum();
    writeln!(io::stdout(), "{calls} {}", peak_kib()?)
}

/// The high-water mark of resident memory, which Linux tells.
fn peak_kib() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.split_whitespace().next());
    Ok(peak.and_then(|number| number.parse().ok()).unwrap_or_default())
}

fn world(seconds: u32) -> Plan {
    let mut plan = Plan::lasting(seconds * Duration::from_secs(1));
    let server = Server::new(20, Distribution::Exponential(Duration::from_millis(20)));
    let errors = Ratio::from_percent(ERRORS);
    let service = plan.service(Service { replicas: 3, errors, ..Service::new("shop", server) });
    let protected = Protected::new("shop", service);
    let gateway = plan.gateway(Gateway::before(protected, CallSettings::default()));
    let arrivals = Arrivals::Open { rate: Rate::constant(RATE), spacing: Spacing::Poisson };
    let caller = Caller::of(Target::Route(gateway, RouteId(0)));
    plan.loads.push(Load::new("all", arrivals, caller));
    plan
}
