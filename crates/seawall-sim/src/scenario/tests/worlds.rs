//! What the sections of a scenario come to.

use seawall_core::fault::{Direction, Fault, Shape as Course};
use seawall_core::ratio::Ratio;
use seawall_core::shed::Class;
use seawall_core::time::{Duration, Instant};

use super::{CONFIG, DB, HEAD, LOAD, read, runs};
use crate::dist::Distribution;
use crate::plan::{
    Arrivals, Cancel, Discipline, Guard, Need, Pace, Plan, Replicas, RouteId, ServiceId, Side,
    Slowdown, Starts, Target, Victims, Watched, Weather,
};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn plan(text: &str) -> Plan {
    read(text).points[0].plan.clone()
}

fn at(secs: u32) -> Instant {
    Instant::EPOCH.after(secs * SECOND)
}

#[test]
fn a_scenario_brings_the_config_and_what_lies_behind_it_together() {
    let text = format!(
        "{HEAD}{CONFIG}
        [load.shop]
        route = \"/pay\"
        rate = 10
        priority = \"high\"
        tenant = \"acme\"
        [upstreams.payments]
        workers = 20
        service = {{ dist = \"lognormal\", p50 = \"40ms\", p99 = \"300ms\" }}
        network = \"1ms\"
        [gateways]
        instances = 2
        cancel = false"
    );
    let scenario = read(&text);
    assert!(scenario.config.is_some());
    let plan = &scenario.points[0].plan;
    let (service, gateway) = (&plan.services[0], &plan.gateways[0]);
    assert_eq!((service.replicas, service.server.workers), (3, Some(20)));
    assert_eq!(service.zones, ["a", "b", "a"]);
    assert_eq!((gateway.instances, gateway.routes[0].name.as_str()), (2, "pay"));
    let upstream = &gateway.upstreams[0];
    assert_eq!((upstream.service, upstream.cancel), (ServiceId(0), Cancel::Never));
    assert_eq!(upstream.endpoints.len(), 3);
    assert_eq!(upstream.endpoints[0].zone, upstream.endpoints[2].zone);
    assert_eq!(upstream.network.there, Distribution::Constant(MS));
    let load = &plan.loads[0];
    assert_eq!(load.caller.target, Target::Route(crate::plan::GatewayId(0), RouteId(0)));
    assert_eq!((load.priority.class(), load.tenant.as_deref()), (Class::High, Some("acme")));
}

#[test]
fn a_program_with_the_library_stands_for_itself() {
    let text = format!(
        "{HEAD}{DB}replicas = 3
        [load.shop]
        policy = \"app\"
        rate = 10
        [policies.app]
        service = \"db\"
        instances = 7
        [policies.app.config]
        retry = {{ max_attempts = 2 }}
        hedge = {{ after = \"30ms\" }}
        timeouts = {{ attempt = \"1s\" }}"
    );
    let plan = plan(&text);
    let gateway = &plan.gateways[0];
    assert_eq!((gateway.name.as_str(), gateway.instances), ("app", 7));
    assert_eq!(gateway.routes[0].settings.max_attempts, 2);
    assert_eq!(gateway.upstreams[0].settings.hedge.mode, seawall_core::Mode::Enforce);
}

#[test]
fn clients_have_the_habits_that_they_are_given() {
    let text = format!(
        "{HEAD}{DB}{LOAD}client = {{ instances = 3, attempts = 5, timeout = \"3s\", \
         backoff = \"constant\", base = \"1s\", jitter = \"none\", budget = \"10%\", \
         cancel = true, pool = {{ connections = 4, queue = 2 }} }}"
    );
    let caller = plan(&text).loads[0].caller.clone();
    assert_eq!((caller.instances, caller.attempts, caller.timeout), (3, 5, Some(3 * SECOND)));
    assert_eq!(caller.wait, seawall_core::backoff::BackoffSettings::constant(SECOND));
    assert_eq!(caller.guard, Guard::Bucket { full: 10_000, gain: 100, above: 0 });
    assert_eq!(caller.cancel, Cancel::OnTimeout);
    assert_eq!(caller.pool.map(|pool| (pool.connections, pool.queue)), Some((4, 2)));
}

#[test]
fn loads_come_by_rate_by_users_and_by_both() {
    let arrivals = |keys: &str| {
        let text = format!("{HEAD}{DB}[load.x]\nservice = \"db\"\n{keys}");
        plan(&text).loads[0].arrivals.clone()
    };
    let Arrivals::Open { rate, .. } = arrivals("rate = 5\nscale = 2") else { panic!("open") };
    assert!((rate.at(at(1)) - 10.0).abs() < 1e-9);
    let steps = "rate = { shape = \"steps\", points = [[\"0s\", 1], [\"5s\", 2.5]] }";
    let Arrivals::Open { rate, .. } = arrivals(steps) else { panic!("open") };
    assert!((rate.at(at(6)) - 2.5).abs() < 1e-9);
    let sine = "rate = { shape = \"sine\", low = 10, high = 30, period = \"10s\" }";
    let Arrivals::Open { rate, .. } = arrivals(sine) else { panic!("open") };
    let read = [0, 5, 10].map(|secs| rate.at(at(secs)).round());
    assert_eq!(read.map(|rate| rate.to_string()), ["10", "30", "10"]);
    let closed = arrivals("users = 4\nthink = \"1s\"\npace = \"after_start\"");
    let pace = Pace::AfterStart(Distribution::Constant(SECOND));
    assert_eq!(closed, Arrivals::Closed { users: 4, pace });
    let hybrid = arrivals("rate = 1\nthink = \"1s\"\ncalls = 6\npatience = 2");
    assert!(matches!(hybrid, Arrivals::Hybrid { calls: 6, patience: 2, .. }), "{hybrid:?}");
}

#[test]
fn distributions_are_read_by_name() {
    let time = |service: &str| {
        let text = format!("{HEAD}{LOAD}[services.db]\nservice = {service}");
        plan(&text).services[0].server.time.clone()
    };
    assert_eq!(time("\"7ms\""), Distribution::Constant(7 * MS));
    let exponential = time("{ dist = \"exponential\", mean = \"20ms\" }");
    assert_eq!(exponential, Distribution::Exponential(20 * MS));
    let uniform = time("{ dist = \"uniform\", from = \"1ms\", to = \"2ms\" }");
    assert_eq!(uniform, Distribution::Uniform(MS, 2 * MS));
    let weibull = time("{ dist = \"weibull\", scale = \"9ms\", shape = 0.8 }");
    assert_eq!(weibull, Distribution::Weibull { scale: 9 * MS, shape: 0.8 });
    let part = "{ weight = 3, dist = \"constant\", value = \"4ms\" }";
    let mixture = time(&format!("{{ dist = \"bimodal\", parts = [{part}] }}"));
    assert_eq!(mixture, Distribution::Mixture([(3.0, Distribution::Constant(4 * MS))].into()));
    let seen = time("{ dist = \"empirical\", values = [\"1ms\", \"3ms\"] }");
    assert_eq!(seen, Distribution::Empirical([MS, 3 * MS].into()));
}

#[test]
fn observations_come_from_a_file_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("seen.txt"), "# of one day\n5ms\n\n15ms\n").unwrap();
    let file = "{ dist = \"empirical\", file = \"seen.txt\" }";
    let text = format!("{HEAD}{LOAD}[services.db]\nservice = {file}");
    let path = folder.path().join("x.toml");
    std::fs::write(&path, text).unwrap();
    let plan = super::Scenario::load(&path).unwrap().points[0].plan.clone();
    assert_eq!(plan.services[0].server.time, Distribution::Empirical([5 * MS, 15 * MS].into()));
}

#[test]
fn services_call_each_other() {
    let text = format!(
        "{HEAD}{DB}order = \"adaptive_lifo\"\npatience = \"50ms\"
        [services.front]
        workers = \"unlimited\"
        service = \"1ms\"
        calls = [{{ service = \"db\", fan_out = 3, need = 2, client = {{ attempts = 2 }} }}]
        [load.x]
        service = \"front\"
        rate = 1"
    );
    let plan = plan(&text);
    assert_eq!(plan.services[0].server.discipline, Discipline::AdaptiveLifo(50 * MS));
    let call = &plan.services[1].calls[0];
    assert_eq!((call.fan_out, call.need, call.caller.attempts), (3, Need::First(2), 2));
    assert_eq!(call.caller.target, Target::Service(ServiceId(0)));
    assert_eq!(plan.services[1].server.workers, None);
}

#[test]
fn a_queue_may_shed_what_waits_too_long() {
    let plan = plan(&format!("{HEAD}{LOAD}{DB}order = \"codel\"\ntarget = \"20ms\""));
    let expected = Discipline::CoDel { target: 20 * MS, interval: 100 * MS };
    assert_eq!(plan.services[0].server.discipline, expected);
}

#[test]
fn events_concern_whom_they_name() {
    let text = format!(
        "{HEAD}{CONFIG}{DB}{LOAD}
        [upstreams.payments]
        service = \"5ms\"
        [[events]]
        at = \"2s\"
        do = \"freeze\"
        target = \"upstream:payments#2\"
        for = \"3s\"
        [[events]]
        name = \"loss\"
        at = \"4s\"
        do = \"partition\"
        direction = \"back\"
        target = \"zone:a\"
        for = \"1s\"
        [[events]]
        after = \"loss\"
        wait = \"2s\"
        do = \"surge\"
        factor = 2.5
        target = \"load:shop\"
        shape = {{ ramp = \"4s\" }}
        [[events]]
        when = \"goodput < 90%\"
        do = \"latency\"
        added = \"200ms\"
        jitter = \"50ms\"
        target = \"service:db\""
    );
    let plan = plan(&text);
    let [freeze, loss, surge, slow] = plan.disturbances.as_slice() else { panic!("four") };
    assert_eq!((freeze.fault, freeze.lasts), (Fault::Freeze, Some(3 * SECOND)));
    assert_eq!(freeze.starts, Starts::At(at(2)));
    let second = matches!(&freeze.victims, Victims::Replicas(_, Replicas::One(1)));
    assert!(second, "{:?}", freeze.victims);
    assert_eq!(loss.fault, Fault::BlackHole(Direction::Back));
    assert!(matches!(&loss.victims, Victims::Zone(zone) if zone == "a"));
    assert_eq!(surge.starts, Starts::After(1, 2 * SECOND));
    assert_eq!(surge.fault, Fault::Surge(Ratio::from_percent(250)));
    assert_eq!(surge.shape, Course::Ramp(4 * SECOND));
    let Starts::When(trigger) = &slow.starts else { panic!("a trigger") };
    assert_eq!((trigger.measure, trigger.side), (Watched::Goodput, Side::Below));
    assert_eq!(plan.quiet(), None);
}

#[test]
fn a_rolling_deploy_takes_one_replica_after_the_other() {
    let text = format!(
        "{HEAD}{DB}replicas = 2\n{LOAD}
        [[events]]
        at = \"1s\"
        do = \"rolling_deploy\"
        target = \"service:db\"
        drain = \"1s\"
        down = \"2s\"
        warm_up = \"1s\"
        cold = 3
        pause = \"1s\""
    );
    let plan = plan(&text);
    let starts: Vec<_> = plan.disturbances.iter().map(|d| (d.fault.name(), d.span())).collect();
    let expected = [
        ("drain", Some((at(1), at(4)))),
        ("restart", Some((at(2), at(5)))),
        ("drain", Some((at(5), at(8)))),
        ("restart", Some((at(6), at(9)))),
    ];
    assert_eq!(starts, expected);
    assert_eq!(plan.quiet(), Some(at(9)));
}

#[test]
fn a_sweep_varies_the_scenario_and_the_config() {
    let text = format!(
        "{HEAD}{CONFIG}
        [load.shop]
        route = \"/pay\"
        rate = 10
        [upstreams.payments]
        service = \"5ms\"
        [sweep]
        \"load.shop.scale\" = {{ from = 0.5, to = 1.5, steps = 3 }}
        \"config.routes.pay.retry.max_attempts\" = [1, 2]
        \"upstreams.payments.service\" = {{ from = \"1ms\", to = \"2ms\", steps = 2 }}"
    );
    let scenario = read(&text);
    let axes: Vec<_> = scenario.axes.iter().map(|axis| axis.values.join(" ")).collect();
    assert_eq!(axes, ["0.5 1 1.5", "1 2", "1ms 2ms"]);
    assert_eq!(scenario.points.len(), 12);
    let last = &scenario.points[11];
    assert_eq!(last.values, [2, 1, 1]);
    assert_eq!(last.plan.gateways[0].routes[0].settings.max_attempts, 2);
    assert_eq!(last.plan.services[0].server.time, Distribution::Constant(2 * MS));
    let Arrivals::Open { rate, .. } = &last.plan.loads[0].arrivals else { panic!("open") };
    assert!((rate.scale - 1.5).abs() < 1e-9);
}

#[test]
fn a_reload_brings_another_config_and_takes_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let config = |attempts: u32| {
        format!(
            "[upstreams.db]\nendpoints = [\"127.0.0.1:1\"]\n\
             [[routes]]\npath = \"/\"\nupstream = \"db\"\nretry = {{ max_attempts = {attempts} }}\n"
        )
    };
    std::fs::write(folder.path().join("old.toml"), config(1)).unwrap();
    std::fs::write(folder.path().join("new.toml"), config(4)).unwrap();
    let text = "[scenario]\nhorizon = \"30s\"\nconfig = \"old.toml\"
        [load.x]\nroute = \"/\"\nrate = 20
        [upstreams.db]\nworkers = 10\nservice = \"1ms\"\nerrors = \"20%\"
        [config_reload_is_an_event]";
    let text = text.replace(
        "[config_reload_is_an_event]",
        "[[events]]\nat = \"15s\"\ndo = \"reload\"\nconfig = \"new.toml\"",
    );
    let path = folder.path().join("x.toml");
    std::fs::write(&path, text).unwrap();
    let scenario = super::Scenario::load(&path).unwrap();
    let outcome = runs(&scenario, 1);
    let upstream = &outcome.points[0].runs[0].record.as_ref().unwrap().upstreams[0][0];
    // Nothing is tried again in the first half.
    assert!(upstream.retries > 20, "{upstream:?}");
    assert!(upstream.retries < upstream.firsts / 2, "{upstream:?}");
}

#[test]
fn expectations_are_judged_by_their_worst_run() {
    let text = format!(
        "{HEAD}{DB}{LOAD}
        [sweep]
        \"load.shop.rate\" = [50, 400]
        [expect]
        amplification = \"== 1\"
        goodput = \">= 99%\"
        at = [{{ where = {{ \"load.shop.rate\" = 50 }}, success_rate = \"== 100%\" }}]
        "
    );
    let outcome = runs(&read(&text), 1);
    let held: Vec<bool> = outcome.expectations.iter().map(|e| e.held).collect();
    // Twice the capacity leaves half of the calls waiting at the end.
    assert_eq!(held, [true, false, true], "{:?}", outcome.expectations);
    let [_, goodput, at_first] = outcome.expectations.as_slice() else { panic!("three") };
    assert_eq!(goodput.text, "goodput >= 99%");
    assert!(goodput.seen.starts_with("49.") || goodput.seen.starts_with("50."), "{goodput:?}");
    assert_eq!(at_first.text, "success_rate == 100% where load.shop.rate = 50");
}

#[test]
fn an_unstable_world_is_something_that_nobody_expects() {
    let crowd = "[scenario]\nhorizon = \"100s\"\ncrowd_max = 500\n";
    let text = format!("{crowd}{DB}{LOAD}scale = 10\n");
    let outcome = runs(&read(&text), 1);
    assert!(!outcome.held());
    assert_eq!(outcome.expectations[0].seen, "1 of 1 runs are unstable");
    let outcome = runs(&read(&format!("{text}[expect]\nunstable = true\n")), 1);
    assert!(outcome.held(), "{:?}", outcome.expectations);
}

#[test]
fn the_outcome_is_the_same_on_any_number_of_threads() {
    let text = format!("{HEAD}seeds = 5\n{DB}{LOAD}[sweep]\n\"load.shop.rate\" = [50, 100]\n");
    let scenario = read(&text);
    let print = |jobs| format!("{:?}", runs(&scenario, jobs));
    assert_eq!(print(1), print(4));
}

#[test]
fn work_slows_down_with_the_crowd_and_the_weather() {
    let slowdown = |words: &str| {
        plan(&format!("{HEAD}{DB}slowdown = {words}\n{LOAD}")).services[0].server.slowdown.clone()
    };
    assert_eq!(slowdown("\"2ms\""), Slowdown::PerJob(2 * MS));
    assert_eq!(slowdown("{ per_job = \"2ms\" }"), Slowdown::PerJob(2 * MS));
    assert_eq!(slowdown("{ per_waiting = \"2ms\" }"), Slowdown::PerWaiting(2 * MS));
    let collections = slowdown("{ per_job = \"2ms\", every = 50 }");
    assert_eq!(collections, Slowdown::Collections(50, 2 * MS));
    let crowd = slowdown("{ crowd = [{ jobs = 1, factor = 1 }, { jobs = 9, factor = 2.5 }] }");
    assert_eq!(crowd, Slowdown::Table([(1, 1.0), (9, 2.5)].into()));
    let spells = "{ good = \"10s\", bad = { dist = \"exponential\", mean = \"1s\" }, slower = 3 }";
    let good = Distribution::Constant(10 * SECOND);
    let weather = Weather { good, bad: Distribution::Exponential(SECOND), slower: 3.0 };
    let text = format!("{HEAD}{DB}weather = {spells}\n{LOAD}");
    assert_eq!(plan(&text).services[0].weather, Some(weather));
}
