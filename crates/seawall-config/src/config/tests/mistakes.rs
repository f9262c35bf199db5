//! Wrong files, and exactly what is said about them.

use crate::{Config, ConfigError, MISTAKES_MAX};
use proptest::prelude::*;

/// The messages about a wrong file.
fn wrong(source: &str) -> String {
    match Config::parse(source, "shop.toml") {
        Ok(_) => panic!("no mistake found in:\n{source}"),
        Err(error) => error.to_string(),
    }
}

/// The messages about an upstream with these lines, which begin on line 3 of the file.
fn wrong_upstream(lines: &str) -> String {
    wrong(&format!("[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n{lines}\n"))
}

/// The messages about sections beside a good upstream, which begin on line 1 of the file.
fn wrong_beside(lines: &str) -> String {
    wrong(&format!("{lines}\n[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n"))
}

/// Unknown keys of sections beside an upstream, and what is said.
const UNKNOWN_BESIDE: &[(&str, &str)] = &[
    ("[gatewy]", "1:2: unknown key \"gatewy\" in the file; did you mean \"gateway\"?"),
    ("[gateway]\ndrian = 1", "2:1: unknown key \"drian\" in gateway; did you mean \"drain\"?"),
    ("[admin]\nadress = 1", "2:1: unknown key \"adress\" in admin; did you mean \"address\"?"),
    (
        "[listeners.w]\nheader_timout = 1",
        "2:1: unknown key \"header_timout\" in listeners.w; did you mean \"header_timeout\"?",
    ),
    ("[defaults]\nclas = 1", "2:1: unknown key \"clas\" in defaults; did you mean \"class\"?"),
    (
        "[defaults.timeouts]\ntoal = 1",
        "2:1: unknown key \"toal\" in defaults.timeouts; did you mean \"total\"?",
    ),
    (
        "[policies.p.retry]\nmax_atempts = 1",
        "2:1: unknown key \"max_atempts\" in policies.p.retry; did you mean \"max_attempts\"?",
    ),
    (
        "[[policies.p.fallback]]\nstats = 1",
        "2:1: unknown key \"stats\" in policies.p.fallback[0]; did you mean \"status\"?",
    ),
    (
        "[[routes]]\nupstream = \"a\"\nmethod = 1",
        "3:1: unknown key \"method\" in routes[0]; did you mean \"methods\"?",
    ),
];

/// Unknown keys inside an upstream, and what is said.
const UNKNOWN_IN_UPSTREAM: &[(&str, &str)] = &[
    ("breakr = 1", "3:1: unknown key \"breakr\" in upstreams.a; did you mean \"breaker\"?"),
    (
        "breaker = { opn = 1 }",
        "3:13: unknown key \"opn\" in upstreams.a.breaker; did you mean \"open\"?",
    ),
    (
        "endpoint_breaker.opn = 1",
        "3:18: unknown key \"opn\" in upstreams.a.endpoint_breaker; did you mean \"open\"?",
    ),
    (
        "ejection = { bse = 1 }",
        "3:14: unknown key \"bse\" in upstreams.a.ejection; did you mean \"base\"?",
    ),
    (
        "bulkhead = { permit = 1 }",
        "3:14: unknown key \"permit\" in upstreams.a.bulkhead; did you mean \"permits\"?",
    ),
    (
        "budget = { ration = 1 }",
        "3:12: unknown key \"ration\" in upstreams.a.budget; did you mean \"ratio\"?",
    ),
    (
        "health_check = { tcp = true, evry = 1 }",
        "3:30: unknown key \"evry\" in upstreams.a.health_check; did you mean \"every\"?",
    ),
    (
        "pool = { idel = 1 }",
        "3:10: unknown key \"idel\" in upstreams.a.pool; did you mean \"idle\"?",
    ),
];

/// Values of a wrong type, unit or range.
const WRONG_VALUES: &[(&str, &str)] = &[
    (
        "[listeners]\naddress = \"127.0.0.1:80\"",
        "2:1: listeners.address must be a table, not text; \
             write [listeners.address] for one of that name, or put it below [listeners.NAME]",
    ),
    (
        "[gateway]\ndrain = 30",
        "2:9: gateway.drain must be a duration, not a bare number; write drain = \"30s\"",
    ),
    ("[gateway]\ndrain = \"30\"", "2:9: gateway.drain: \"30\" has no unit; write drain = \"30s\""),
    ("[gateway]\nworkers = 0", "2:11: gateway.workers: 0 is not from 1 to 1024; write workers = 4"),
    (
        "[gateway]\nname = \"a b\"",
        "2:8: gateway.name: \"a b\" cannot stand in a header; \
             use 1 to 64 letters, digits, \"-\", \".\" and \"_\"",
    ),
    (
        "[admin]\naddress = \"0.0.0.0:9900\"",
        "2:11: admin.address: 0.0.0.0:9900 is not a loopback address; admin listens on \
             loopback only in this version; write address = \"127.0.0.1:9900\", or \"off\"",
    ),
    (
        "gateway = 3",
        "1:11: gateway must be a table, not a bare number; \
            write gateway = { … } or [gateway]",
    ),
    (
        "[listeners.w]\ntrust = [\"10.0.0.1/8\"]",
        "2:10: listeners.w.trust: \"10.0.0.1/8\" has bits set beyond its prefix; \
             write [\"10.0.0.0/8\"]",
    ),
    (
        "[listeners.w]\nexpose = \"al\"",
        "2:10: unknown expose \"al\" in listeners.w; known words: reason, none, full",
    ),
    (
        "[listeners.w]\nbody_max = 5",
        "2:12: listeners.w.body_max must be a size or \"off\", not a bare number; \
             write body_max = \"10MiB\", or \"off\" for none",
    ),
    (
        "[listeners.w]\nuri_bytes = \"1MiB\"",
        "2:13: listeners.w.uri_bytes is above 65534 bytes; write uri_bytes = \"8KiB\"",
    ),
    (
        "[listeners.v]\n[listeners.w]\naddress = \"127.0.0.1:8080\"",
        "3:1: listeners.v and listeners.w both listen at 127.0.0.1:8080; \
             give each listener an address of its own",
    ),
    (
        "[defaults]\nclass = \"bach\"",
        "2:9: unknown class \"bach\" in defaults; did you mean \"batch\"?",
    ),
];

/// Settings that are well formed and could never work.
const NEVER_WORKS: &[(&str, &str)] = &[
    (
        "pool = { streams = 10 }",
        "3:20: upstreams.a.pool.streams does nothing with HTTP/1.1; \
             remove it, or write protocol = \"h2c\" if the endpoints speak HTTP/2",
    ),
    (
        "protocol = \"h2c\"\npool = { idle_max = 10 }",
        "4:21: upstreams.a.pool.idle_max does nothing with HTTP/2; \
             remove it; connections bounds them all",
    ),
    (
        "breaker = { min_calls = 20, window_calls = 10 }",
        "3:25: upstreams.a.breaker.min_calls is 20, but the window holds only 10 calls; \
             write min_calls = 10 or less",
    ),
    (
        "breaker = { window = \"0s\" }",
        "3:22: upstreams.a.breaker.window: zero leaves no time at all; write window = \"10s\"",
    ),
    (
        "breaker = { window = \"1s\", window_calls = 50 }",
        "3:43: upstreams.a.breaker has a window by time and one by calls; \
             keep either window or window_calls",
    ),
    (
        "breaker = { open = \"10s\", max_open = \"5s\" }",
        "3:38: max_open (5s) is below open (10s); \
             make the first at least as long as the second",
    ),
    (
        "breaker = { slow_rate = \"80%\" }",
        "3:25: upstreams.a.breaker.slow_rate does nothing without slow_call; \
             write slow_call = \"400ms\", or remove slow_rate",
    ),
    (
        "breaker = { failure_rate = \"off\" }",
        "3:1: upstreams.a.breaker has no condition left that could trip it; \
             set failure_rate, or switch the whole breaker \"off\"",
    ),
    (
        "breaker = { failure_rate = \"120%\" }",
        "3:28: upstreams.a.breaker.failure_rate: 120% is not above 0% and up to 100%; \
             write failure_rate = \"50%\", or \"off\" for none",
    ),
    (
        "breaker = { growth = 0.5 }",
        "3:22: upstreams.a.breaker.growth: 0.5 would shrink what should grow; write growth = 2",
    ),
    (
        "bulkhead = { permits = 0 }",
        "3:24: upstreams.a.bulkhead.permits: 0 is not from 1 to 1000000; write permits = 100",
    ),
    (
        "budget = \"off\"",
        "3:1: upstreams.a.budget cannot be off; \
             set a larger ratio: budget = { ratio = \"100%\" }",
    ),
    (
        "health_check = { every = \"5s\" }",
        "3:1: upstreams.a.health_check has neither path nor tcp; \
             write path = \"/healthz\", or tcp = true",
    ),
    (
        "health_check = { tcp = true, every = \"1s\", timeout = \"2s\" }",
        "3:54: upstreams.a.health_check.timeout is longer than every; \
             shorten timeout, or checks of one endpoint overlap",
    ),
    (
        "health_check = { tcp = true, expect = \"204\" }",
        "3:30: upstreams.a.health_check.expect does nothing without path; \
             write path = \"/healthz\", or remove expect",
    ),
    (
        "[defaults]\nfallback = [{ status = 204, body = \"a\" }]",
        "4:13: an answer with status 204 has no body; remove the body, or write status = 200",
    ),
    (
        "[defaults]\ntimeouts = { attempt = \"0s\" }",
        "4:24: defaults.timeouts.attempt: zero leaves no time at all; write attempt = \"3s\"",
    ),
    (
        "[defaults]\nretry = { max_attempts = 0 }",
        "4:26: defaults.retry.max_attempts: 0 is not from 1 to 10; write max_attempts = 3",
    ),
    (
        "[defaults]\nretry = { base = \"2s\", max = \"1s\" }",
        "4:30: retry.max (1s) is below retry.base (2s); \
             make the first at least as long as the second",
    ),
    (
        "[policies.unused]\ntimeouts = { total = \"1s\", attempt = \"2s\" }",
        "4:38: timeouts.attempt (2s) is above timeouts.total (1s); \
             shorten attempt or lengthen total",
    ),
    (
        "[defaults]\nfallback = [{ body = \"a\" }, { body = \"b\" }]",
        "4:29: a second rung is never reached, since a static answer cannot fail; \
             keep one rung",
    ),
];

/// What the driver of the gateway cannot do, and what needs something beside it.
const NOT_HERE: &[(&str, &str)] = &[
    (
        "ejection = { odd = {} }",
        "3:14: upstreams.a.ejection.odd compares or validates answers, and the gateway does \
             neither; remove odd",
    ),
    (
        "overrides = [{ grpc = 5, class = \"failure\" }]",
        "3:23: upstreams.a.overrides[0].grpc: the gateway does not read the status of gRPC \
             answers; write status = 503 for HTTP, or remove it",
    ),
    (
        "[defaults]\nretry = { on_data_loss = true }",
        "4:11: defaults.retry.on_data_loss is said by gRPC, whose status the gateway does not \
             read; remove on_data_loss",
    ),
    (
        "balance = \"maglev\"",
        "3:1: upstreams.a.balance goes by the key of a request, and no route to it gives one; \
             write affinity = \"header:Customer-Id\" in a route",
    ),
    (
        "[[routes]]\nupstream = \"a\"\naffinity = \"header:Id\"",
        "5:1: routes[0].affinity: the balancing of upstream \"a\" goes by no key; \
             write balance = \"maglev\" in [upstreams.a], or remove it",
    ),
    (
        "balance = \"ring\"\n[[routes]]\nupstream = \"a\"\naffinity = \"cookie\"",
        "6:12: routes[0].affinity: \"cookie\" names no field; \
             write affinity = \"header:Customer-Id\"",
    ),
    (
        "adaptive_timeout = { floor = \"4s\" }",
        "3:22: upstreams.a.adaptive_timeout.floor (4s) is above the longest attempt timeout (3s); \
             lower floor, or lengthen timeouts.attempt",
    ),
];

/// Lists of endpoints.
const WRONG_ENDPOINTS: &[(&str, &str)] = &[
    ("", "1:12: upstreams.a has no endpoints; write endpoints = [\"127.0.0.1:9001\"]"),
    ("endpoints = []", "2:1: upstreams.a has no endpoints; write endpoints = [\"127.0.0.1:9001\"]"),
    (
        "endpoints = [\"127.0.0.1:1\", \"localhost:1\"]",
        "2:29: endpoint \"localhost:1\" is listed twice; remove one of the two",
    ),
    (
        "endpoints = [\"127.0.0.1\"]",
        "2:14: endpoint \"127.0.0.1\" has no port; \
             write host and port, such as \"127.0.0.1:9001\"",
    ),
    (
        "endpoints = [\"http://127.0.0.1:1\"]",
        "2:14: endpoint \"http://127.0.0.1:1\" has a scheme; \
             write host and port alone, such as \"127.0.0.1:9001\"",
    ),
    (
        "endpoints = [\"db.shop:1\"]",
        "2:14: endpoint \"db.shop:1\" is a name, and names are not looked up in this \
             version; write an IP address and a port",
    ),
    ("endpoints = [7]", "2:14: an endpoint is neither text nor a table; write \"127.0.0.1:9001\""),
    (
        "endpoints = [{ zone = \"a\" }]",
        "2:14: an endpoint has no address; write address = \"127.0.0.1:9001\"",
    ),
];

/// Routes beside one upstream named `a`.
const WRONG_ROUTES: &[(&str, &str)] = &[
    ("upstream = \"b\"", "2:12: unknown upstream \"b\"; did you mean \"a\"?"),
    ("path = \"/pay\"", "1:1: a route names no upstream; write upstream = \"a\""),
    (
        "upstream = \"a\"\npolicy = \"money\"",
        "3:10: unknown policy \"money\"; there are no known policies here",
    ),
    (
        "upstream = \"a\"\npath = \"/pay/\"",
        "3:8: path \"/pay/\" ends in a slash; \
             write path = \"/pay\", which also matches what lies below it",
    ),
    ("upstream = \"a\"\nmethods = [\"get\"]", "3:12: \"get\" is not a method; write \"GET\""),
    (
        "upstream = \"a\"\nhost = \"http://x\"",
        "3:8: routes[0].host: \"http://x\" is not a host; \
             write the name alone, without scheme, port or path",
    ),
    (
        "upstream = \"a\"\nmethods = [\"GET\", \"PUT\"]\n[[routes]]\nupstream = \"a\"\n\
             methods = [\"POST\", \"PUT\"]",
        "4:1: route \"POST,PUT /\" matches the same requests as the route at line 1, \
             such as PUT /; change host, path or methods of one of them",
    ),
    (
        "upstream = \"a\"\nname = \"n\"\n[[routes]]\nupstream = \"a\"\nname = \"n\"\n\
             path = \"/n\"",
        "4:1: two routes are named \"n\"; give each a name of its own",
    ),
];

#[test]
fn unknown_keys_name_the_nearest_known_one_in_every_table() {
    for (lines, message) in UNKNOWN_BESIDE {
        assert_eq!(wrong_beside(lines), format!("shop.toml:{message}"));
    }
    for (lines, message) in UNKNOWN_IN_UPSTREAM {
        assert_eq!(wrong_upstream(lines), format!("shop.toml:{message}"));
    }
    let zone = wrong("[upstreams.a]\nendpoints = [{ address = \"127.0.0.1:1\", zon = \"b\" }]\n");
    assert!(zone.contains("2:41: unknown key \"zon\" in upstreams.a.endpoints[0]"), "{zone}");
    let far = wrong_upstream("retries = 3");
    assert!(
        far.contains("known keys: endpoints, balance, slow_start, slow_start_bend, breaker"),
        "{far}"
    );
}

#[test]
fn wrong_values_say_what_is_expected_and_show_a_valid_line() {
    for (lines, message) in WRONG_VALUES {
        assert_eq!(wrong_beside(lines), format!("shop.toml:{message}"));
    }
}

#[test]
fn what_can_never_work_is_refused() {
    for (lines, message) in NEVER_WORKS {
        assert_eq!(wrong_upstream(lines), format!("shop.toml:{message}"));
    }
}

#[test]
fn what_the_gateway_cannot_do_is_refused_with_the_reason() {
    for (lines, message) in NOT_HERE {
        let first = wrong_upstream(lines);
        assert_eq!(first.lines().next(), Some(&*format!("shop.toml:{message}")), "{lines}");
    }
}

#[test]
fn endpoints_are_checked_one_by_one() {
    for (lines, message) in WRONG_ENDPOINTS {
        assert_eq!(wrong(&format!("[upstreams.a]\n{lines}\n")), format!("shop.toml:{message}"));
    }
}

#[test]
fn routes_lead_to_what_exists_and_never_tie() {
    for (lines, message) in WRONG_ROUTES {
        assert_eq!(wrong_beside(&format!("[[routes]]\n{lines}")), format!("shop.toml:{message}"));
    }
    let two = "[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n\
               [upstreams.b]\nendpoints = [\"127.0.0.1:2\"]\n";
    let message = "shop.toml: there are several upstreams and no routes to tell which; \
                   write [[routes]] with path and upstream = \"a\"";
    assert_eq!(wrong(two), message);
}

#[test]
fn an_empty_file_says_what_to_write() {
    let message = "shop.toml: there is no upstream to send requests to; \
                   write [upstreams.NAME] with endpoints = [\"127.0.0.1:9001\"]";
    assert_eq!(wrong(""), message);
}

#[test]
fn syntax_errors_have_the_same_form() {
    let message = wrong("[upstreams.a]\nendpoints = [\"127.0.0.1:1\"\n");
    assert!(message.starts_with("shop.toml:"), "{message}");
    assert!(message.contains(": not TOML: "), "{message}");
    assert!(message.ends_with("; mend the TOML here, then check again"), "{message}");
    let twice = wrong("[gateway]\ndrain = \"1s\"\ndrain = \"2s\"\n");
    assert!(twice.starts_with("shop.toml:3:1: not TOML: duplicate key"), "{twice}");
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_the_file() {
    let messages = wrong(
        "[upstreams.a]\nendpoints = []\nbreakr = 1\n[[routes]]\nupstream = \"b\"\n\
         timeouts = { total = 5 }\n[gateway]\ndrain = \"1x\"\n",
    );
    let places: Vec<&str> = messages.lines().map(|line| &line[..14]).collect();
    let expected = ["shop.toml:2:1:", "shop.toml:3:1:", "shop.toml:5:12", "shop.toml:6:22"];
    assert_eq!(places[..4], expected);
    assert_eq!(places.len(), 5);
}

#[test]
fn mistakes_are_bounded_and_the_rest_is_counted() {
    let lines: String = (0..MISTAKES_MAX + 7).map(|n| format!("unknown_{n} = 1\n")).collect();
    let Err(ConfigError::Mistakes(mistakes)) = Config::parse(&lines, "shop.toml") else {
        panic!("the keys are unknown");
    };
    assert_eq!(mistakes.list().len(), MISTAKES_MAX);
    assert_eq!(mistakes.left_out(), 8);
    assert!(mistakes.to_string().ends_with("\nshop.toml: and 8 more"));
}

#[test]
fn lists_and_tables_are_bounded() {
    let ports = (1..=4097).map(|port| format!("\"127.0.0.1:{port}\"")).collect::<Vec<_>>();
    let message = wrong(&format!("[upstreams.a]\nendpoints = [{}]\n", ports.join(", ")));
    assert_eq!(message, "shop.toml:2:1: upstreams.a.endpoints has 4097 entries; keep at most 4096");
    let policies: String = (0..4097).map(|n| format!("[policies.p{n}]\n")).collect();
    let message = wrong_beside(&policies);
    assert_eq!(message, "shop.toml:1:2: policies has 4097 entries; keep at most 4096");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(
        text in "([a-z\\[\\]{}=\"., \n0-9]|upstreams|routes|off){0,40}",
    ) {
        drop(Config::parse(&text, "shop.toml"));
    }
}
