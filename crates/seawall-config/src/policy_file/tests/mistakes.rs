//! Wrong policy files, and exactly what is said about them.

use crate::PolicyFile;
use proptest::prelude::*;

fn wrong(source: &str) -> String {
    match PolicyFile::parse(source, "p.toml") {
        Ok(_) => panic!("no mistake found in:\n{source}"),
        Err(error) => error.to_string(),
    }
}

/// Sources of one mistake each, and what is said.
const MISTAKES: &[(&str, &str)] = &[
    ("clas = 1", "1:1: unknown key \"clas\" in the file; did you mean \"class\"?"),
    ("kind = \"qery\"", "1:8: unknown kind \"qery\"; did you mean \"query\"?"),
    ("safety = \"keyd\"", "1:10: unknown safety \"keyd\"; did you mean \"keyed\"?"),
    ("hedge = { aftr = 1 }", "1:11: unknown key \"aftr\" in hedge; did you mean \"after\"?"),
    ("hedge = { after = \"95\" }", "1:19: hedge.after: \"95\" has no unit; write after = \"p95\""),
    (
        "hedge = { after = \"p0\" }",
        "1:19: hedge.after: \"p0\" is no quantile from p0.0001 to p100; write after = \"p95\"",
    ),
    (
        "hedge = { after = \"p100\" }",
        "1:11: hedge.after is 100%; it must be above 0% and below 100%",
    ),
    ("hedge = { after = \"5s\" }", "1:11: hedge.after is 5s; it must be below the attempt timeout"),
    (
        "hedge = { floor = \"2s\" }",
        "1:11: hedge.floor is 2s; it must be at most half the attempt timeout",
    ),
    (
        "hedge = { after = \"5ms\", floor = \"2ms\" }",
        "1:34: hedge.floor does nothing without a delay by quantile; \
         write after = \"p95\", or remove floor",
    ),
    (
        "hedge = { after = \"5ms\", refresh = \"1s\" }",
        "1:36: hedge.refresh does nothing without a delay by quantile; \
         write after = \"p95\", or remove refresh",
    ),
    (
        "hedge = { max_extra = 4 }",
        "1:23: hedge.max_extra: 4 is not from 1 to 3; write max_extra = 1",
    ),
    (
        "adaptive_timeout = { factor = 1 }",
        "1:22: adaptive_timeout.factor is 100%; it must be above 100%",
    ),
    (
        "adaptive_timeout = { tighten = \"100%\" }",
        "1:22: adaptive_timeout.tighten is 100%; it must be above 0% and below 100%",
    ),
    (
        "adaptive_timeout = { floor = \"4s\" }",
        "1:22: adaptive_timeout.floor (4s) is above the longest attempt timeout (3s); \
         lower floor, or lengthen timeouts.attempt",
    ),
    (
        "adaptive_timeout = { floor = \"2s\", ceiling = \"1s\" }",
        "1:36: adaptive_timeout.ceiling is 1s; it must be at least floor",
    ),
    (
        "retry = { backoff = \"none\", base = \"1s\" }",
        "1:36: retry.base does nothing without waits; write backoff = \"constant\", or remove base",
    ),
    (
        "retry = { backoff = \"constant\", max = \"1s\" }",
        "1:39: retry.max does nothing without growing waits; \
         write backoff = \"exponential\", or remove max",
    ),
    (
        "retry.throttled = { base = \"2s\", max = \"1s\" }",
        "1:40: retry.throttled.max (1s) is below retry.throttled.base (2s); \
         make the first at least as long as the second",
    ),
    ("balance = \"rign\"", "1:11: unknown balance \"rign\"; did you mean \"ring\"?"),
    (
        "balance = { points = 9 }",
        "1:22: balance.points does nothing without the ring; \
         write algorithm = \"ring\", or remove points",
    ),
    (
        "balance = { algorithm = \"ring\", points = 70000 }",
        "1:33: balance.points is 70000; it must be 1 to 65536",
    ),
    (
        "balance = { algorithm = \"maglev\", size = 1000 }",
        "1:35: balance.size is 1000; it must be a prime from 101 to 8388593",
    ),
    (
        "balance = { algorithm = \"maglev\", size = 101 }\nendpoints = [\"a\", \"b\"]",
        "1:35: balance.size is 101; it must be at least 100 times the endpoints",
    ),
    (
        "balance = { algorithm = \"least-request\", compare = 1 }",
        "1:52: balance.compare: 1 is not from 2 to 16; write compare = 2",
    ),
    (
        "balance = { bounded_loads = \"125%\" }",
        "1:13: balance.bounded_loads is 125%; it must be off without a keyed algorithm",
    ),
    (
        "balance = { overprovisioning = \"90%\" }",
        "1:13: balance.overprovisioning is 90%; it must be 100% to 1000%",
    ),
    (
        "balance = { panic_threshold = \"101%\" }",
        "1:13: balance.panic_threshold is 101%; it must be 0% to 100%",
    ),
    (
        "balance = { zone = { own = \"a\", callers = { a = \"50%\" } } }",
        "1:33: balance.zone.callers is 500000; it must be shares that sum to 1000000 ppm",
    ),
    (
        "balance = { zone = { own = \"a\", callers = { a = 1 } } }",
        "1:49: balance.zone.callers.a is not a share; write a = \"50%\"",
    ),
    (
        "balance = { zone = {} }",
        "1:13: balance.zone does not say where callers stand; write own = \"a\"",
    ),
    (
        "balance = { zone = { own = \"a\" } }\nendpoints = [\"e\"]",
        "1:13: balance.zone does nothing: no endpoint has a zone; \
         write { address = …, zone = \"a\" } for each endpoint",
    ),
    (
        "balance = { subset = { size = 5, instance = \"i\" } }",
        "1:24: balance.subset.size is 5; it must be at least 20",
    ),
    (
        "balance = { subset = {} }",
        "1:13: balance.subset does not say which instance this is; \
         write instance = \"gateway-1\", another name on each instance",
    ),
    ("slow_start_bend = 11", "1:1: slow_start_bend is 1100%; it must be 10% to 1000%"),
    ("breaker = { window = \"5ms\" }", "1:13: breaker.window is 5 ms; it must be 10 ms to 24 h"),
    (
        "budget = { ceiling = \"10%\" }",
        "1:12: budget.ceiling: 10% is below the ratio of 20%; a ceiling no lower than the ratio",
    ),
    ("budget = { ratio = \"120%\" }", "1:12: budget.ratio is 120%; it must be at most 100%"),
    (
        "ejection = { odd = { reads = 2 } }",
        "1:14: ejection.odd.disagreements is 3; it must be at least 1, at most odd.reads",
    ),
    (
        "ejection = { mean = { factor = 0 } }",
        "1:23: ejection.mean.factor is 0%; it must be above 0%",
    ),
    (
        "ejection = { enforcement = { gateway = \"101%\" } }",
        "1:30: ejection.enforcement.gateway is 101%; it must be at most 100%",
    ),
    (
        "rate_limit = {}",
        "1:1: rate_limit does not say how many calls may pass; write rate = \"100/s\"",
    ),
    (
        "rate_limit = { rate = \"5/day\" }",
        "1:23: rate_limit.rate: \"/day\" is neither /s, /min, /h nor a duration such as /500ms; \
         write rate = \"100/s\"",
    ),
    (
        "rate_limit = { rate = \"100/1ns\" }",
        "1:16: rate_limit.rate is 100; it must be at most 10 for each nanosecond",
    ),
    (
        "rate_limit = { rate = \"5/s\", burst = 0 }",
        "1:30: rate_limit.burst is 0; it must be at least 1",
    ),
    (
        "rate_limit = { rate = \"5/s\", algorithm = \"fixed-window\", burst = 2 }",
        "1:66: rate_limit.burst does nothing without an algorithm that knows bursts; \
         write algorithm = \"gcra\", or remove burst",
    ),
    (
        "rate_limit = { rate = \"5/s\", warm_up = \"1s\" }",
        "1:40: rate_limit.warm_up does nothing without warming up; \
         write algorithm = \"warm-up\", or remove warm_up",
    ),
    (
        "rate_limit = { rate = \"5/s\", algorithm = \"warm-up\", cold_factor = 1 }",
        "1:53: rate_limit.cold_factor is 1; it must be 2 to 100",
    ),
    (
        "rate_limit = { rate = \"5/s\", adaptive = { cut = \"100%\" } }",
        "1:43: rate_limit.adaptive.cut is 100%; it must be below 100%",
    ),
    (
        "rate_limit = { rate = \"5/s\", algorithm = \"sliding-log\", adaptive = {} }",
        "1:57: rate_limit.adaptive is set; it must be left out but for GCRA",
    ),
    (
        "rate_limit = { rate = \"2000000/s\", algorithm = \"sliding-log\" }",
        "1:16: rate_limit.rate is 2000000; it must be at most 1000000 for a log",
    ),
    (
        "shed = { shrink = \"100%\" }",
        "1:10: shed.shrink is 100%; it must be above 0% and below 100%",
    ),
    ("throttle = { low = 0.9 }", "1:14: throttle.low is 90%; it must be at least 100%"),
    (
        "throttle = { high = 1.5 }",
        "1:14: throttle.high is 150%; it must be at least that of the next lower class",
    ),
    ("throttle = { cap = \"100%\" }", "1:14: throttle.cap is 100%; it must be below 100%"),
    (
        "adaptive_limit = { min = 5, max = 4 }",
        "1:29: adaptive_limit.max is 4; it must be at least min and at most 1000000",
    ),
    (
        "adaptive_limit = { initial = 3 }",
        "1:20: adaptive_limit.initial is 3; it must be from min to max",
    ),
    (
        "adaptive_limit = { tolerance = \"90%\" }",
        "1:20: adaptive_limit.tolerance is 90%; it must be from 100% to 1000%",
    ),
    (
        "adaptive_limit = { backoff = \"90%\" }",
        "1:30: adaptive_limit.backoff does nothing without aimd; \
         write algorithm = \"aimd\", or remove backoff",
    ),
    (
        "hold = { longest = \"5s\", outage = \"4s\" }",
        "1:26: hold.outage is below longest; it must be at least longest",
    ),
    ("priority = \"hgh\"", "1:12: unknown priority \"hgh\"; did you mean \"high\"?"),
    (
        "slow_start = \"off\"\nslow_start_bend = 2",
        "2:19: slow_start_bend does nothing without slow_start; \
         write slow_start = \"30s\", or remove slow_start_bend",
    ),
    ("endpoints = []", "1:1: endpoints is empty; remove it, and the program says which there are"),
    ("endpoints = [\"a\", \"a\"]", "1:19: endpoint \"a\" is listed twice; remove one of the two"),
    (
        "endpoints = [{ address = \"a\", weight = 0 }]",
        "1:1: endpoints all have weight 0; give one of them a weight",
    ),
    (
        "endpoints = [{ address = \"a\", weight = 70000 }]",
        "1:40: endpoints[0].weight: 70000 is not from 0 to 65535; write weight = 1",
    ),
    (
        "endpoints = [{ address = \"a\", level = 8 }]",
        "1:39: endpoints[0].level: 8 is not from 0 to 7; write level = 0",
    ),
    (
        "overrides = [{ class = \"failure\" }]",
        "1:14: an override needs either status or grpc; write status = 404, or grpc = 5",
    ),
    (
        "overrides = [{ status = 404 }]",
        "1:14: an override changes nothing; write class = \"failure\", or retry = \"never\"",
    ),
    (
        "overrides = [{ status = 99, class = \"failure\" }]",
        "1:25: overrides[0].status: 99 is not from 100 to 999; write status = 404",
    ),
    (
        "overrides = [{ status = 404, class = \"abandoned\" }]",
        "1:38: unknown class \"abandoned\" in overrides[0]; known words: success, failure, ignored",
    ),
    (
        "overrides = [{ grpc = 5, retry = \"never\" }, { grpc = 5, retry = \"if_safe\" }]",
        "1:1: overrides: overrides.row is gRPC 5; it must be listed once",
    ),
    (
        "overrides = [404]",
        "1:14: an override is no table; \
      write overrides = [{ status = 404, class = \"failure\" }]",
    ),
    (
        "bulkhead = {}",
        "1:1: bulkhead does not say how many attempts run at once; write permits = 100",
    ),
    (
        "replay = \"1KiB\"",
        "1:1: replay is for bodies, which programs send again by themselves; remove replay",
    ),
    (
        "timeouts = { connect = \"1s\" }",
        "1:14: timeouts.connect is for connections, which the program opens; remove connect",
    ),
    (
        "[pool]\nidle = \"1s\"",
        "1:2: pool is for a gateway; a program opens its own connections; remove pool",
    ),
    (
        "[[routes]]\npath = \"/\"",
        "1:3: routes is for a gateway; a policy file is about one route, with its keys at the top; \
         remove routes",
    ),
];

#[test]
fn each_mistake_has_its_place_and_its_mend() {
    let said = |(source, _): &(&'static str, &str)| (*source, wrong(source));
    let meant = |(source, message): &(&'static str, &str)| (*source, format!("p.toml:{message}"));
    let rows = MISTAKES.iter().map(|row| (said(row), meant(row)));
    let other: Vec<_> = rows.filter(|(said, meant)| said != meant).collect();
    assert!(other.is_empty(), "{other:#?}");
}

#[test]
fn all_mistakes_come_at_once_and_syntax_too() {
    let all =
        wrong("kind = 1\nhedge = { after = \"5s\" }\nretry = { base = \"2s\", max = \"1s\" }\n");
    assert_eq!(all.lines().count(), 3, "{all}");
    assert!(wrong("kind = \n").contains("not TOML"));
}

#[test]
fn more_zones_than_can_be_told_apart_are_refused() {
    let zones = |n: u32| {
        let one = |n: u32| format!("{{ address = \"e{n}\", zone = \"z{n}\" }}");
        let all: Vec<String> = (0..n).map(one).collect();
        format!("endpoints = [{}]", all.join(", "))
    };
    assert!(PolicyFile::parse(&zones(8), "p.toml").is_ok());
    let message = wrong(&zones(9));
    assert!(message.contains("9 zones; name at most 8"), "{message}");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(
        text in "([a-z\\[\\]{}=\"., \n0-9%/]|balance|hedge|retry|rate_limit|zone|off|p9){0,40}",
    ) {
        drop(PolicyFile::parse(&text, "p.toml"));
    }
}
