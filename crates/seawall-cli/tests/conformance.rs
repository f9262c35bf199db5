//! The simulator against the real thing: the same config under the same load and the same faults,
//! once in virtual time and once as a process on loopback, must make the same moves.
//!
//! What the simulator can do beyond that is tested in its own crate.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

#[expect(dead_code, reason = "shared by all end-to-end tests; this file needs a part of it")]
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seawall_config::Config;
use seawall_core::breaker::BreakerEvent;
use seawall_core::outlier::OutlierEvent;
use seawall_core::upstream::{Scope, What};
use seawall_sim::chance::Seed;
use seawall_sim::deployed;
use seawall_sim::dist::Distribution;
use seawall_sim::observe::{Mark, Record};
use seawall_sim::plan::{
    Arrivals, Caller, Disturbance, Fault, Load, Network, Plan as World, Rate, Replicas, RouteId,
    Server, Service, Spacing, Target, Victims,
};
use seawall_sim::verdict::Verdict;

use support::backend::{Backend, Turn};
use support::gateway::Gateway;
use support::load::{Came, Plan, fire};
use support::shop::Shop;

/// Requests a second, evenly spaced.
const RATE: u32 = 300;
/// What a replica takes for a good answer; a bad one comes at once.
const WORK: Duration = Duration::from_millis(10);
/// The schedule, in seconds: when the first replica begins to fail, when it stops, the end.
const SCHEDULE: [u32; 3] = [2, 3, 9];

/// What was seen of a run: the changes of state in their order, and the share of good answers.
#[derive(Debug)]
struct Seen {
    moves: Vec<String>,
    success: f64,
}

fn real(shop: &Shop, replicas: usize) -> Seen {
    let ill = Arc::new(AtomicBool::new(false));
    let backends: Vec<Backend> = (0..replicas)
        .map(|replica| {
            let ill = Arc::clone(&ill);
            Backend::start(move |_| match replica == 0 && ill.load(Ordering::Relaxed) {
                true => Turn::status(503),
                false => Turn::slow(WORK),
            })
        })
        .collect();
    let addresses: Vec<SocketAddr> = backends.iter().map(Backend::address).collect();
    let gateway = Gateway::with_config(&shop.config(&addresses));
    let [begins, ends, over] = SCHEDULE;
    let requests = over * RATE;
    let plan = Plan { per_second: RATE, ..Plan::gets(gateway.address(), requests) };
    let results = fire(&plan, |results| {
        results.wait_for((begins * RATE) as usize);
        ill.store(true, Ordering::Relaxed);
        results.wait_for((ends * RATE) as usize);
        ill.store(false, Ordering::Relaxed);
    });
    let good = results.count(|came| *came == Came::Answer(200));
    assert_eq!(results.len(), requests as usize, "the load did not run to its end");
    let said = gateway.stderr();
    let moves = said.lines().filter_map(|line| told(line, &addresses)).collect();
    Seen { moves, success: seawall_sim::verdict::share(good as u64, u64::from(requests)) }
}

/// A change of state as the gateway logs it.
fn told(line: &str, addresses: &[SocketAddr]) -> Option<String> {
    let field = |name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let kind = field("kind")?;
    let wanted = ["opened", "half_opened", "closed", "ejected", "returned"];
    if !wanted.contains(&kind.as_str()) {
        return None;
    }
    let of = field("endpoint").map_or_else(String::new, |endpoint| {
        let index = addresses.iter().position(|address| address.to_string() == endpoint);
        index.map_or(endpoint, |index| format!(" #{index}"))
    });
    Some(format!("{kind}{of}"))
}

fn simulated(shop: &Shop, replicas: u32) -> Seen {
    let addresses: Vec<SocketAddr> =
        (1..=u16::try_from(replicas).unwrap()).map(|port| ([127, 0, 0, 1], port).into()).collect();
    let config = Config::parse(&shop.config(&addresses), "shop.toml").unwrap();
    let plan = world(&config, replicas);
    let record = seawall_sim::world::World::run(plan.clone(), Seed::new(1));
    let moves = record.marks.iter().filter_map(shown).collect();
    Seen { moves, success: success(&plan, &record) }
}

fn success(plan: &World, record: &Record) -> f64 {
    Verdict::of(plan, record).success_rate
}

/// The same in the words of the gateway's log.
fn shown(mark: &Mark) -> Option<String> {
    let kind = match mark.event.what {
        What::Breaker(BreakerEvent::Opened { .. }) => "opened",
        What::Breaker(BreakerEvent::HalfOpened) => "half_opened",
        What::Breaker(BreakerEvent::Closed { .. }) => "closed",
        What::Outlier(OutlierEvent::Ejected { .. }) => "ejected",
        What::Outlier(OutlierEvent::Returned { .. }) => "returned",
        _ => return None,
    };
    Some(match mark.event.scope {
        Scope::Upstream => kind.to_owned(),
        Scope::Endpoint(id) => format!("{kind} #{}", id.slot.index()),
    })
}

fn world(config: &Config, replicas: u32) -> World {
    let second = Duration::from_secs(1);
    let [begins, ends, over] = SCHEDULE;
    let mut plan = World::lasting(over * second);
    let server = Server::unlimited(Distribution::Constant(WORK));
    let service = plan.service(Service { replicas, ..Service::new("shop", server) });
    let gateway = deployed::gateway(config, 1, |_| Some((service, Network::NONE)));
    let gateway = plan.gateway(gateway);
    let rate = Rate::constant(f64::from(RATE));
    let arrivals = Arrivals::Open { rate, spacing: Spacing::Even };
    plan.loads.push(Load::new("all", arrivals, Caller::of(Target::Route(gateway, RouteId(0)))));
    let at = seawall_core::time::Instant::EPOCH.after(begins * second);
    let first = Victims::Replicas(service, Replicas::One(0));
    let errors = Fault::Errors(seawall_core::ratio::Ratio::ONE);
    plan.disturbances.push(Disturbance::new(at, first, errors).lasting((ends - begins) * second));
    plan
}

/// The same moves, and success rates within two points.
#[track_caller]
fn assert_alike(shop: &Shop, replicas: u32) {
    let simulated = simulated(shop, replicas);
    let real = real(shop, replicas as usize);
    eprintln!("simulated {simulated:?}\nreal      {real:?}");
    assert_eq!(simulated.moves, real.moves, "simulated on the left, real on the right");
    let apart = (simulated.success - real.success).abs();
    assert!(apart <= 0.02, "success {} simulated, {} real", simulated.success, real.success);
    assert!(!real.moves.is_empty(), "nothing happened");
}

/// Cool-downs of 500 ms and then 1 s, each with 10 % of jitter: the first ends within the fault,
/// the second after it.
#[test]
fn a_breaker_opens_probes_and_closes_as_simulated() {
    let shop = Shop {
        upstream: "ejection = \"off\"\nendpoint_breaker = \"off\"\n[upstreams.shop.breaker]\n\
                   consecutive = 20\nfailure_rate = \"off\"\nopen = \"500ms\"\nramp = \"off\"",
        route: "retry = \"off\"",
        ..Shop::default()
    };
    assert_alike(&shop, 1);
}

#[test]
fn a_failing_replica_is_ejected_and_returns_as_simulated() {
    let shop = Shop {
        upstream: "endpoint_breaker = \"off\"\nbalance = { algorithm = \"round-robin\" }\n\
                   ejection = { consecutive = 5, base = \"3s\" }",
        ..Shop::default()
    };
    assert_alike(&shop, 3);
}
