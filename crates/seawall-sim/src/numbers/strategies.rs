//! Retry strategies against a service that fails by chance, each local to one client.

use seawall_core::backoff::BackoffSettings;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

use super::build::{MS, direct, exponential, poisson};
use super::case::{Case, Run, Runs};
use super::judge::Rule;
use super::stats::real;
use crate::dist::{Distribution, seconds};
use crate::observe::Record;
use crate::plan::{Arrivals, Caller, Ending, Guard, Load, Network, Pace, Plan, Server, Service};
use crate::verdict::share;
use crate::world::World;

pub(super) fn cases() -> Vec<Case> {
    r1().chain(r2()).chain(r3()).collect()
}

const SOURCE: &str = "Brooker 2022, mbrooker/simulator_example";

/// Runs behind each published mean.
const SEEDS: u32 = 30;

/// A policy of the experiment.
#[derive(Clone, Copy, Debug)]
enum Policy {
    None,
    Three,
    Bucket,
    Breaker,
}

/// The part of a caller that the policy decides.
fn following(policy: Policy, caller: Caller) -> Caller {
    let (attempts, guard) = match policy {
        Policy::None => (1, Guard::None),
        Policy::Three => (4, Guard::None),
        // Only the bucket limits a call.
        Policy::Bucket => (u32::MAX, Guard::Bucket { full: 5_000, gain: 100, above: 1_000 }),
        Policy::Breaker => (4, Guard::FailureShare(100)),
    };
    Caller { attempts, guard, ..caller }
}

/// So many clients at a service that fails with this probability, over legs of 10 ms.
fn clients(count: u32, errors: Ratio, horizon: f64) -> (Plan, Caller) {
    let mut plan = Plan::lasting(seconds(horizon));
    plan.ending = Ending::Finish;
    let server = Server::unlimited(Distribution::NONE);
    let service = plan.service(Service { errors, ..Service::new("service", server) });
    let network = Network::symmetric(exponential(0.01));
    let caller = Caller { network, instances: count, ..direct(service) };
    (plan, caller)
}

/// Each client by itself calls this often, the first time soon.
fn calling(plan: &mut Plan, caller: Caller, rate: f64) {
    let (sources, first) = (caller.instances, Some(exponential(0.01)));
    let load = Load::new("all", poisson(rate), caller);
    plan.loads.push(Load { sources, first, ..load });
}

fn success_and_load(record: &Record) -> Vec<f64> {
    let load = &record.loads[0];
    vec![share(load.good(), load.started), real(load.attempts) / real(load.started)]
}

fn runs() -> Runs {
    Runs { full: 60, quick: 6, share: 1.0 }
}

/// A published mean and deviation of one run; our own deviation where none is printed.
type Printed = (&'static str, f64);

fn sampled((_, sigma): Printed) -> Rule {
    let sigma = (sigma > 0.0).then_some(sigma);
    Rule::Sampled { sigma, seeds: SEEDS }
}

/// One policy at one probability of failure: success, and load where it is printed.
type Cell = (Policy, Printed, Option<Printed>);

/// A line of the first table.
const fn line(
    none: Printed,
    three: (Printed, Printed),
    bucket: (Printed, Printed),
    breaker: (Printed, Printed),
) -> [Cell; 4] {
    [
        (Policy::None, none, None),
        (Policy::Three, three.0, Some(three.1)),
        (Policy::Bucket, bucket.0, Some(bucket.1)),
        (Policy::Breaker, breaker.0, Some(breaker.1)),
    ]
}

const R1: [(u32, [Cell; 4]); 7] = [
    (
        5,
        line(
            ("0.9492", 0.0021),
            (("1.0000", 0.0), ("1.0529", 0.0017)),
            (("0.9998", 0.0002), ("1.0529", 0.0017)),
            (("0.9861", 0.0023), ("1.0385", 0.0020)),
        ),
    ),
    (
        10,
        line(
            ("0.8992", 0.0031),
            (("0.9999", 0.0), ("1.1104", 0.0042)),
            (("0.9919", 0.0012), ("1.1021", 0.0023)),
            (("0.9300", 0.0041), ("1.0322", 0.0022)),
        ),
    ),
    (
        20,
        line(
            ("0.7995", 0.0034),
            (("0.9984", 0.0004), ("1.2489", 0.0043)),
            (("0.9056", 0.0039), ("1.1347", 0.0009)),
            (("0.8022", 0.0031), ("1.0033", 0.0009)),
        ),
    ),
    (
        30,
        line(
            ("0.6990", 0.0032),
            (("0.9919", 0.0006), ("1.4187", 0.0075)),
            (("0.7960", 0.0051), ("1.1388", 0.0005)),
            (("0.6994", 0.0047), ("1.0005", 0.0003)),
        ),
    ),
    (
        40,
        line(
            ("0.5987", 0.0045),
            (("0.9740", 0.0018), ("1.6235", 0.0083)),
            (("0.6828", 0.0053), ("1.1408", 0.0006)),
            (("0.5980", 0.0044), ("1.0001", 0.0001)),
        ),
    ),
    (
        50,
        line(
            ("0.4990", 0.0048),
            (("0.9372", 0.0026), ("1.8763", 0.0093)),
            (("0.5707", 0.0056), ("1.1416", 0.0007)),
            (("0.4985", 0.0048), ("1.0000", 0.0)),
        ),
    ),
    (
        75,
        line(
            ("0.2491", 0.0044),
            (("0.6833", 0.0048), ("2.7369", 0.0105)),
            (("0.2846", 0.0039), ("1.1426", 0.0006)),
            (("0.2491", 0.0044), ("1.0000", 0.0)),
        ),
    ),
];

fn r1() -> impl Iterator<Item = Case> {
    R1.into_iter().flat_map(|(percent, cells)| {
        cells.into_iter().map(move |(policy, success, load)| {
            let model = move |run: Run| {
                let (mut plan, caller) = clients(100, Ratio::from_percent(percent), 10.0);
                calling(&mut plan, following(policy, caller), 10.0);
                success_and_load(&World::run(plan, run.seed))
            };
            let name = format!("p {percent} % {policy:?}").to_lowercase();
            let case = Case::new("R1", name, runs(), model).from(SOURCE);
            let case = case.claims("success", success.0, sampled(success));
            match load {
                Some(load) => case.claims("load", load.0, sampled(load)),
                None => case,
            }
        })
    })
}

/// Many clients or few at the same rate of all calls.
fn crowd((count, policy, percent): (u32, Policy, u32), seen: fn(&Record) -> Vec<f64>) -> Case {
    let model = move |run: Run| {
        let (mut plan, caller) = clients(count, Ratio::from_percent(percent), 100.0);
        calling(&mut plan, following(policy, caller), 100.0 / f64::from(count));
        seen(&World::run(plan, run.seed))
    };
    let name = format!("{count} clients, p {percent} % {policy:?}").to_lowercase();
    Case::new("R2", name, runs(), model).from(SOURCE)
}

fn r2() -> impl Iterator<Item = Case> {
    let noisy = [(10, ("0.9985", 0.0009)), (100, ("0.9861", 0.0018)), (1_000, ("0.9553", 0.0018))];
    let noisy = noisy.into_iter().map(|(count, success)| {
        crowd((count, Policy::Breaker, 5), success_and_load).claims(
            "success",
            success.0,
            sampled(success),
        )
    });
    let bad = [10, 100, 1_000].into_iter().map(|count| {
        let load = |record: &Record| success_and_load(record).split_off(1);
        let case = crowd((count, Policy::Breaker, 50), load);
        case.claims("load", "1.000", sampled(("", 0.0)))
    });
    let buckets =
        [(10, ("0.5521", 0.0), ("1.1042", 0.0002)), (100, ("0.5692", 0.0), ("1.1417", 0.0006))];
    let buckets = buckets.into_iter().map(|(count, success, load)| {
        crowd((count, Policy::Bucket, 50), success_and_load)
            .claims("success", success.0, sampled(success))
            .claims("load", load.0, sampled(load))
    });
    noisy.chain(bad).chain(buckets)
}

/// Whether a client waits for its call before the next.
#[derive(Clone, Copy, Debug)]
enum Habit {
    Unbounded,
    Serial,
}

fn habitual(plan: &mut Plan, caller: Caller, habit: Habit) {
    match habit {
        Habit::Unbounded => calling(plan, caller, 10.0),
        Habit::Serial => {
            let users = caller.instances;
            let pace = Pace::AfterStart(exponential(0.1));
            // Its last start is the beginning of the world, so that the first call comes after an
            // ordinary gap.
            plan.loads.push(Load::new("all", Arrivals::Closed { users, pace }, caller));
        }
    }
}

fn r3() -> impl Iterator<Item = Case> {
    let table = [
        (10, [(("10126", 107.0), ("11251", 129.0)), (("9056", 71.0), ("10067", 70.0))]),
        (50, [(("10114", 90.0), ("18998", 175.0)), (("4332", 75.0), ("8123", 74.0))]),
        (75, [(("10120", 76.0), ("27708", 210.0)), (("2338", 31.0), ("6410", 46.0))]),
    ];
    table.into_iter().flat_map(|(percent, columns)| {
        let habits = [Habit::Unbounded, Habit::Serial];
        habits.into_iter().zip(columns).map(move |(habit, (firsts, attempts))| {
            let model = move |run: Run| {
                let (mut plan, caller) = clients(100, Ratio::from_percent(percent), 10.0);
                let wait = BackoffSettings::exponential(100 * MS, Duration::from_millis(400));
                habitual(&mut plan, Caller { attempts: 4, wait, ..caller }, habit);
                let record = World::run(plan, run.seed);
                vec![real(record.loads[0].started), real(record.loads[0].attempts)]
            };
            let name = format!("p {percent} % {habit:?}").to_lowercase();
            Case::new("R3", name, runs(), model)
                .from(SOURCE)
                .claims("first tries", firsts.0, sampled(firsts))
                .claims("attempts", attempts.0, sampled(attempts))
        })
    })
}
