//! Users who wait for their answers, and what they do not see.

use super::build::{direct, exponential, poisson, queue, steady};
use super::case::{Case, Run, Runs};
use super::judge::Rule;
use super::queues::{BIMODAL_RATE, bimodal, quantiles};
use super::stats::real;
use crate::dist::{Distribution, seconds};
use crate::observe::Record;
use crate::plan::{Arrivals, Load, Pace, Plan, Server, Service, ServiceId};
use crate::world::World;

pub(super) fn cases() -> Vec<Case> {
    e15().chain(open_and_closed()).chain(without_end()).collect()
}

/// Users of one server that would be busy four fifths of the time, were they not to wait.
fn users(count: u32, time: &Distribution, horizon: f64) -> Plan {
    let mean = time.mean();
    let think = 0.2 * mean + f64::from(count - 1) * mean / 0.8;
    let mut plan = steady(horizon);
    let service = plan.service(Service::new("queue", Server::new(1, time.clone())));
    let pace = Pace::AfterEnd(exponential(think));
    plan.loads.push(Load::new("users", Arrivals::Closed { users: count, pace }, direct(service)));
    plan
}

fn e15() -> impl Iterator<Item = Case> {
    let one: &[_] = &[("mean", "0.1000"), ("p99", "0.4605"), ("throughput", "8.333")];
    let ten: &[_] = &[
        ("mean", "0.24196"),
        ("p50", "0.1851"),
        ("p90", "0.5322"),
        ("p99", "0.9449"),
        ("p99.9", "1.3120"),
        ("throughput", "7.2100"),
    ];
    let shares: [&[f64]; 2] = [&[0.99], &[0.5, 0.9, 0.99, 0.999]];
    [(1, one, shares[0]), (10, ten, shares[1])].into_iter().map(|(count, claims, shares)| {
        let model = move |run: Run| {
            let plan = users(count, &exponential(0.1), 1e5 * run.share);
            let lasted = plan.horizon.saturating_sub(plan.warmup).as_secs_f64();
            let record = World::run(plan, run.seed);
            let mut values = quantiles(&record.loads[0].latency, shares);
            values.push(real(record.loads[0].ended()) / lasted);
            values
        };
        Case::new("E15", format!("N {count}"), Runs { full: 10, quick: 5, share: 0.1 }, model)
            .from("machine-repair model, arrival theorem")
            .claims_all(claims, Rule::Within(0.01))
    })
}

const BROOKER: &str = "Brooker 2023";

/// Mean, p99 and p99.9.
fn three(record: &Record) -> Vec<f64> {
    quantiles(&record.loads[0].latency, &[0.99, 0.999])
}

fn compared(
    name: &'static str,
    (runs, rule): (Runs, Rule),
    stated: [&str; 3],
    plan: impl Fn(f64) -> Plan + Send + Sync + 'static,
) -> Case {
    let model = move |run: Run| three(&World::run(plan(run.share), run.seed));
    let [mean, p99, p999] = stated;
    let claims = [("mean", mean), ("p99", p99), ("p99.9", p999)];
    Case::new("O", name, runs, model).from(BROOKER).claims_all(&claims, rule)
}

fn open_and_closed() -> impl Iterator<Item = Case> {
    let server = |time| Server::new(1, time);
    let long = Runs { full: 10, quick: 6, share: 0.04 };
    let usual = Runs { full: 10, quick: 5, share: 0.1 };
    let exact = Rule::Within(0.01);
    let rare = Rule::Within(0.03);
    [
        compared("exp open", (long, exact), ["0.500", "2.303", "3.454"], move |share| {
            queue(4e5 * share, server(exponential(0.1)), poisson(8.0))
        }),
        compared("exp closed 1", (usual, exact), ["0.1000", "0.4605", "0.6908"], |share| {
            users(1, &exponential(0.1), 1e5 * share)
        }),
        compared("exp closed 10", (usual, exact), ["0.2420", "0.9449", "1.312"], |share| {
            users(10, &exponential(0.1), 1e5 * share)
        }),
        compared(
            "bim open",
            (Runs { full: 20, ..long }, rare),
            ["4.113", "45.80", "77.4"],
            move |share| queue(5e5 * share, server(bimodal()), poisson(BIMODAL_RATE)),
        ),
        compared("bim closed 1", (usual, rare), ["0.1099", "0.4704", "0.9325"], |share| {
            users(1, &bimodal(), 2e5 * share)
        }),
        bimodal_users(),
    ]
    .into_iter()
}

fn bimodal_users() -> Case {
    let model = |run: Run| {
        let mut plan = users(10, &bimodal(), 50_000.0);
        plan.warmup = seconds(0.0);
        three(&World::run(plan, run.seed))
    };
    let sampled = |sigma| Rule::Sampled { sigma: Some(sigma), seeds: 0 };
    Case::new("O", "bim closed 10", Runs { full: 60, quick: 8, share: 1.0 }, model)
        .from(BROOKER)
        .claims("mean", "0.3165", sampled(0.0076))
        .claims("p99", "1.167", sampled(0.040))
        .claims("p99.9", "22.6", sampled(1.7))
}

/// What is in the queue at the end, and the most that ever was.
fn crowd(plan: Plan, run: Run) -> (f64, f64) {
    let mut world = World::new(plan, run.seed);
    let (mut last, mut most) = (0, 0);
    while world.step() {
        last = world.present(ServiceId(0));
        most = most.max(last);
    }
    (f64::from(last), f64::from(most))
}

/// The open bimodal queue, with calls that follow slow ones.
fn impatient(horizon: f64) -> Plan {
    let mut plan = queue(horizon, Server::new(1, bimodal()), poisson(BIMODAL_RATE));
    plan.loads[0].repeat_above = Some(seconds(15.0));
    plan
}

fn without_end() -> impl Iterator<Item = Case> {
    let runs = Runs { full: 12, quick: 4, share: 1.0 };
    let truth = |holds: bool| f64::from(u8::from(holds));
    let short = move |run: Run| {
        let (last, _) = crowd(impatient(5_000.0), run);
        vec![last, truth(last >= 28_000.0)]
    };
    let long = |run: Run| vec![crowd(impatient(20_000.0), run).0];
    let plain = move |run: Run| {
        let mut plan = impatient(5_000.0);
        plan.loads[0].repeat_above = None;
        vec![truth(crowd(plan, run).1 <= 610.0)]
    };
    // One more run lies beyond the extreme of twelve with one chance in thirteen.
    let extreme = Rule::Count { seen: 12, of: 13 };
    let few = Runs { full: 12, quick: 2, share: 1.0 };
    [
        Case::new("O", "bim open, slow calls repeated, 5 000", runs, short)
            .from(BROOKER)
            .claims("queue", "33700", Rule::Sampled { sigma: Some(2_000.0), seeds: 12 })
            .claims("runs above 28 000", "12", extreme),
        Case::new("O", "bim open, slow calls repeated, 20 000", few, long).from(BROOKER).claims(
            "queue",
            "1.43e5",
            Rule::Sampled { sigma: None, seeds: 12 },
        ),
        Case::new("O", "bim open, nothing repeated, 5 000", runs, plain).from(BROOKER).claims(
            "runs that never pass 610",
            "12",
            extreme,
        ),
    ]
    .into_iter()
}
